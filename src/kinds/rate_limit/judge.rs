//! What a burst says about a limit.

use std::collections::BTreeMap;

use crate::deployment::http::{Expect, Statuses};
use crate::outcome::Finding;
use crate::suite::Spanned;

use super::{RateLimit, Seen};

pub(super) fn judge(check: &RateLimit, seen: &Seen) -> Vec<Finding> {
    let limit = *check.limit as usize;
    // Where the server tells what is left, that counts: not every request need be counted there, successful logins for one.
    let told = seen.answers.first().is_some_and(|answer| answer.remaining.is_some());
    if seen.spent >= limit && !told {
        let what = format!("the run had sent {} requests to {} before", seen.spent, check.path());
        return vec![
            Finding::unclear("budget", format!("some of {limit} left"), what)
                .at(check.limit.span())
                .hint(
                    "the run itself has used up the limit: raise it for this address, or verify it in a run of its own",
                ),
        ];
    }
    let mut findings: Vec<Finding> = [
        server_errors(check, seen),
        announced(check, seen),
        Some(tripped(check, seen)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(refusal) = &seen.refusal {
        let status = check
            .expect
            .status
            .clone()
            .or_else(|| Some(Spanned::new(check.limit.span(), Statuses::of(&[429]))));
        findings.extend(
            Expect {
                status,
                ..check.expect.clone()
            }
            .judge(refusal),
        );
    }
    findings.extend(escapes(check, seen));
    findings.extend(others(check, seen));
    findings.extend(recovery(check, seen));
    findings
}

fn server_errors(check: &RateLimit, seen: &Seen) -> Option<Finding> {
    let broken = |status: u16| status >= 500 && !check.refused(status) && !check.let_through(status);
    let statuses: Vec<u16> = seen
        .answers
        .iter()
        .map(|answer| answer.status)
        .filter(|status| broken(*status))
        .collect();
    let first = statuses.first()?;
    let seen = format!("{} of {} were {first}", statuses.len(), seen.answers.len());
    Some(Finding::failed("answers", "no server error under the burst", seen).hint("does the limiter's store answer?"))
}

/// The limit in the server's own headers, where it sends them.
fn announced(check: &RateLimit, seen: &Seen) -> Option<Finding> {
    let said = seen.answers.first()?.limit?;
    let finding = Finding::expect(
        said == *check.limit,
        "limit in the headers",
        check.limit.to_string(),
        said.to_string(),
    );
    Some(finding.at(check.limit.span()))
}

/// How many were let through, against how many should have been.
fn tripped(check: &RateLimit, seen: &Seen) -> Finding {
    let limit = *check.limit as usize;
    let through = seen
        .answers
        .iter()
        .filter(|answer| check.let_through(answer.status))
        .count();
    let own = limit.saturating_sub(seen.spent);
    let left = seen
        .answers
        .first()
        .and_then(|answer| answer.remaining)
        .map(|left| left as usize + 1);
    let budget = left.map_or(own, |left| left.min(limit));
    let used = limit - budget;
    let expected = match used {
        0 => requests(limit),
        used => format!("{} ({limit} less {used} already used)", requests(budget)),
    };
    let Some(refusal) = &seen.refusal else {
        let shown = format!(
            "no {} in {}: {}",
            wanted(check),
            requests(seen.answers.len()),
            statuses(seen)
        );
        return Finding::failed("let through", expected, shown)
            .at(check.limit.span())
            .hint("is this route behind the limiter, and does the limiter fail open when its store is away?");
    };
    let shown = format!("{}, then {}", requests(through), refusal.status);
    let window = check.per.0.as_millis();
    if through > budget && u128::from(seen.burst_millis) >= window {
        let shown = format!(
            "{shown}; but the burst took {} ms, longer than the window",
            seen.burst_millis
        );
        return Finding::unclear("let through", expected, shown)
            .at(check.limit.span())
            .hint("a larger `burst` is quicker");
    }
    if through == 0 {
        return Finding::unclear("let through", expected, shown)
            .at(check.limit.span())
            .hint(
                "the budget was spent before the first request, by a run just before this one perhaps: try again later",
            );
    }
    let last = seen.answers.iter().rfind(|answer| check.let_through(answer.status));
    if through < budget && last.and_then(|answer| answer.remaining) == Some(0) {
        let shown = format!("{shown}; by the server's headers that was all");
        return Finding::unclear("let through", expected, shown)
            .at(check.limit.span())
            .hint("somebody else spends this budget at the same time: verify it when it is quiet, or from another address");
    }
    // Without the server's word, what was spent before may belong to a window that has ended since.
    let most = if left.is_some() { budget } else { limit };
    let finding =
        Finding::expect((budget..=most).contains(&through), "let through", expected, shown).at(check.limit.span());
    match seen.answers.first().and_then(|answer| answer.limit) {
        Some(said) if said != *check.limit => finding.hint(format!("the server is configured for {said}")),
        _ => finding.hint(why(through, budget, limit)),
    }
}

fn why(through: usize, budget: usize, limit: usize) -> String {
    if through > budget && through.is_multiple_of(limit) {
        let times = through / limit;
        return format!(
            "{times} × the limit: does each instance count for itself? Share the counter, in Redis for instance"
        );
    }
    if through == budget + 1 {
        return "one too many: is it `>` where `>=` is meant?".to_owned();
    }
    if through > budget {
        return "are requests that come at the same time counted as one? Count and compare in one step".to_owned();
    }
    "somebody else spends this budget, or it covers more than this path: see `scope` and `by`".to_owned()
}

fn escapes(check: &RateLimit, seen: &Seen) -> Vec<Finding> {
    let over = seen.control.is_some_and(|status| !check.refused(status));
    let judge = |(header, statuses): &(String, Vec<u16>)| {
        let fresh = statuses.iter().filter(|status| !check.refused(**status)).count();
        let what = format!("with made-up values of {header}");
        if fresh > 0 && over {
            let shown = "the window ended meanwhile: a request without it was let through, too";
            return Finding::unclear(what, "still refused", shown);
        }
        let shown = if fresh == 0 {
            "refused".to_owned()
        } else {
            format!("{fresh} of {} let through", statuses.len())
        };
        Finding::expect(fresh == 0, what, "still refused", shown).hint(
            "count by the address that your own proxy reports (its last entry), not by what the client writes there",
        )
    };
    seen.spoofed.iter().map(judge).collect()
}

fn others(check: &RateLimit, seen: &Seen) -> Option<Finding> {
    let status = seen.other?;
    let finding = Finding::expect(
        check.let_through(status),
        "somebody else, meanwhile",
        "let through",
        status.to_string(),
    );
    let finding = finding.hint("all users share one budget: one of them can lock out the rest");
    Some(
        check
            .other
            .as_ref()
            .map_or(finding.clone(), |other| finding.at(other.span())),
    )
}

fn recovery(check: &RateLimit, seen: &Seen) -> Option<Finding> {
    let recovery = seen.recovery.as_ref()?;
    let what = format!("after {} ms", recovery.waited_millis);
    let finding = Finding::expect(
        check.let_through(recovery.status),
        what,
        "let through again",
        recovery.status.to_string(),
    );
    Some(
        finding
            .at(check.per.span())
            .hint("does the counter have a time to live?"),
    )
}

fn requests(count: usize) -> String {
    if count == 1 {
        "1 request".to_owned()
    } else {
        format!("{count} requests")
    }
}

/// `429`: how a refusal should look.
fn wanted(check: &RateLimit) -> String {
    check
        .expect
        .status
        .as_ref()
        .map_or_else(|| "429".to_owned(), |status| status.to_string())
}

/// `8 × 200, 2 × 429`.
fn statuses(seen: &Seen) -> String {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in &seen.answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(status, count)| format!("{count} × {status}"))
        .collect();
    counts.join(", ")
}
