//! Whether someone takes the jobs, and whether one is stuck.

use serde_json::Value;

use crate::outcome::Finding;
use crate::suite::{Matcher, Spanned, did_you_mean, spoken};

use super::seen::{Failure, Seen, Worker};
use super::{Queue, System};

pub(super) fn judge(queue: &Queue, seen: &Seen) -> Vec<Finding> {
    if !seen.exists {
        return vec![missing(queue, seen)];
    }
    let mut findings = Vec::new();
    if let Some(other) = &seen.foreign {
        findings.push(
            Finding::failed("library", queue.system.name(), format!("{other} keeps this queue"))
                .at(queue.system.span())
                .hint("both sides must use the same library: workers of the one do not see the jobs of the other"),
        );
    }
    findings.extend(paused(queue, seen));
    findings.extend(workers(queue, seen));
    let count = |what: &str, matcher: &Option<Spanned<Matcher>>, number: i64| {
        matcher
            .as_ref()
            .map(|matcher| matcher.judge(what, Some(&Value::from(number))))
    };
    findings.extend(count("jobs that wait", &queue.depth, seen.waiting));
    findings.extend(count("jobs that wait for their time", &queue.delayed, seen.delayed));
    findings.extend(oldest(queue, seen));
    findings.extend(failed(queue, seen));
    findings.push(stalled(queue, seen));
    findings
}

/// A queue that nobody knows is not an empty queue.
fn missing(queue: &Queue, seen: &Seen) -> Finding {
    let name = queue.name.as_str();
    let what = format!("the queue {name}");
    let seen_here = format!("Redis at {} knows neither a job nor a worker of it", seen.address);
    let hint = match did_you_mean(name, seen.others.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if seen.others.is_empty() => {
            let prefix = queue.prefix();
            let system = queue.system.name();
            format!(
                "there is no queue of {system} with the prefix {prefix}: is this the application's Redis and database?"
            )
        }
        None => format!("the queues there are {}", seen.others.join(", ")),
    };
    let finding = match (queue.wants_workers(), &seen.hidden) {
        // There may be workers that do not show, and have had nothing to do yet.
        (0, _) | (_, Some(_)) => Finding::unclear(what, "there", seen_here),
        _ => Finding::failed(what, "there", seen_here),
    };
    finding.at(queue.name.span()).hint(hint)
}

fn paused(queue: &Queue, seen: &Seen) -> Option<Finding> {
    let wanted = queue.paused.as_ref().is_some_and(|paused| **paused);
    if queue.paused.is_none() && !seen.paused {
        return None;
    }
    let say = |paused| if paused { "paused" } else { "running" };
    let finding = Finding::expect(seen.paused == wanted, "the queue", say(wanted), say(seen.paused)).hint(
        match (wanted, *queue.system) {
            (true, _) => "it takes jobs again",
            (false, System::Rq) => "`rq suspend` stopped all workers; `rq resume` lets them go on",
            (false, _) => "someone called `queue.pause()`; `queue.resume()` lets it go on",
        },
    );
    let span = queue.paused.as_ref().map_or_else(|| queue.name.span(), Spanned::span);
    Some(finding.at(span))
}

fn workers(queue: &Queue, seen: &Seen) -> Option<Finding> {
    let wanted = queue.wants_workers();
    if wanted == 0 {
        return None;
    }
    let what = "live workers";
    let expected = format!("at least {wanted}");
    let span = queue.workers.as_ref().map_or_else(|| queue.name.span(), Spanned::span);
    if let Some(words) = &seen.hidden {
        let finding = Finding::unclear(
            what,
            expected,
            format!("the server does not tell who is connected: {words}"),
        )
        .hint(
            "workers are known by CLIENT LIST: allow it (`+client|list`), or look with kind `job` whether one is done",
        );
        return Some(finding.at(span));
    }
    let limit = queue.heartbeat();
    let (alive, dead): (Vec<&Worker>, Vec<&Worker>) = seen.workers.iter().partition(|worker| worker.is_alive(limit));
    let enough = alive.len() >= usize::try_from(wanted).unwrap_or(usize::MAX);
    let number = if alive.is_empty() {
        "none".to_owned()
    } else {
        alive.len().to_string()
    };
    let told = if enough { &[][..] } else { &dead[..] };
    let parts: Vec<String> = std::iter::once(number)
        .chain(told.iter().map(|worker| epitaph(worker, limit)))
        .collect();
    let hint = if !enough
        && dead
            .iter()
            .any(|worker| worker.connected == Some(true) && !worker.ended)
    {
        "is the process stopped, or its event loop blocked? restart it".to_owned()
    } else {
        let (name, place) = (queue.name.as_str(), &seen.address);
        format!("is the worker's process running, and does it listen to {name} on {place}?")
    };
    Some(
        Finding::expect(enough, what, expected, parts.join("; "))
            .hint(hint)
            .at(span),
    )
}

/// Why a worker does not count.
fn epitaph(worker: &Worker, limit: f64) -> String {
    let name = &worker.name;
    if worker.ended {
        return format!("worker {name}: has signed off");
    }
    let Some(silent) = worker.silent else {
        return format!("worker {name}: its entry has expired");
    };
    let last = format!("worker {name}: last sign of life {} ago", span(silent));
    if worker.connected == Some(false) {
        format!("{last}, and its connection is gone")
    } else {
        format!("{last}, more than {}", span(limit))
    }
}

fn oldest(queue: &Queue, seen: &Seen) -> Option<Finding> {
    let limit = queue.oldest.as_ref()?;
    let (what, expected) = ("the oldest job that waits", format!("for at most {}", **limit));
    let finding = match &seen.oldest {
        Some(job) => Finding::expect(
            job.for_ <= limit.0.as_secs_f64(),
            what,
            expected,
            format!("{}, job {}", span(job.for_), job.id),
        )
        .hint("do the workers live, and are there enough of them?"),
        None if seen.waiting == 0 => Finding::passed(what, expected, "none waits"),
        None => Finding::unclear(
            what,
            expected,
            format!("{} wait, and none says since when", seen.waiting),
        )
        .hint("the entries of the jobs are gone: were they evicted, or is it another library's queue?"),
    };
    Some(finding.at(limit.span()))
}

fn failed(queue: &Queue, seen: &Seen) -> Option<Finding> {
    let matcher = queue.failed.as_ref()?;
    let what = match &queue.since {
        Some(since) => format!("jobs that failed in the last {}", **since),
        None => "failed jobs".to_owned(),
    };
    let mut finding = matcher.judge(what, Some(&Value::from(seen.failed)));
    if seen.failed_more {
        finding.seen = format!("at least {}", finding.seen);
    }
    Some(match &seen.last_failure {
        Some(last) if seen.failed > 0 => finding.hint(obituary(last)),
        _ => finding,
    })
}

fn obituary(last: &Failure) -> String {
    let what = if last.what.is_empty() {
        String::new()
    } else {
        format!(" ({})", last.what)
    };
    let ago = last.ago.map_or_else(String::new, |ago| format!(" {} ago", span(ago)));
    let why = last.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    format!("the last was job {}{what}{ago}{why}", last.id)
}

fn stalled(queue: &Queue, seen: &Seen) -> Finding {
    let what = "jobs whose worker is gone";
    let number = i64::try_from(seen.stalled.len()).unwrap_or(i64::MAX);
    let hint = || format!("taken, and never finished: {}", seen.stalled.join(", "));
    match &queue.stalled {
        Some(matcher) => matcher.judge(what, Some(&Value::from(number))).hint(hint()),
        None => Finding::expect(number == 0, what, "0", number.to_string())
            .hint(hint())
            .at(queue.name.span()),
    }
}

/// Seconds, as people say them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of seconds, not negative"
)]
fn span(seconds: f64) -> String {
    spoken(std::time::Duration::from_secs(seconds as u64))
}
