//! Accepted, taken, done, and with the right result.

use crate::outcome::Finding;
use crate::suite::Period;

use super::{Job, Seen, is};

pub(super) fn judge(check: &Job, seen: &Seen) -> Vec<Finding> {
    let status = seen.submitted.status;
    let expected = check
        .submit
        .as_ref()
        .map_or("2xx".to_owned(), |submit| submit.to_string());
    let submitted = Finding::expect(check.accepted(status), "submission", expected, seen.submitted.shown());
    let submitted = match &check.submit {
        Some(submit) => submitted.at(submit.span()),
        None => submitted,
    };
    if !check.accepted(status) {
        return vec![submitted];
    }
    let mut findings = vec![submitted];
    if let (Some(path), None) = (&check.id, &seen.id) {
        let finding = Finding::failed(
            format!("id of the job, {}", **path),
            "a text or a number",
            "nothing there",
        );
        findings.push(finding.at(path.span()));
        return findings;
    }
    let (end, is_done) = end(check, seen);
    findings.push(match &check.within {
        Some(within) => end.at(within.span()),
        None => end,
    });
    if let (Some(result), true) = (seen.result.as_ref().or(seen.last.as_ref()), is_done) {
        findings.extend(check.expect.judge(result).into_iter().map(|finding| {
            finding.hint("the job is done, and its result is not what it should be: look into the worker's log")
        }));
    }
    findings
}

/// How the job ended, and whether it is done.
fn end(check: &Job, seen: &Seen) -> (Finding, bool) {
    let expected = format!("done within {}", Period(check.within()));
    let what = "end of the job";
    let failed = |seen: String| Finding::failed(what, expected.clone(), seen);
    let finding = match (seen.states.last(), &seen.last) {
        _ if seen.error.is_some() => {
            let why = seen.error.as_deref().unwrap_or_default();
            Finding::unclear(what, expected, format!("{}; then: {why}", course(check, seen)))
        }
        (None, None) => failed("no Location header that says where to ask".to_owned())
            .hint("give `id` and `poll`, or does the submission answer otherwise than before?"),
        (None, Some(last)) if last.is_success() => {
            let path = check
                .state
                .as_ref()
                .map_or("$.status".to_owned(), |path| path.to_string());
            failed(format!("no state at {path}: {}", last.shown()))
        }
        (_, Some(last)) if !last.is_success() => failed(format!("asked for the job: {}", last.shown()))
            .hint("is `poll` right, and may this identity see its job?"),
        (Some(last), _) if seen.stale && check.ended(&last.state) => {
            let shown = format!("{}: the answer is still the one from before the submission", last.state);
            Finding::unclear(what, expected, shown).hint("does the worker run? does the answer say when it last did?")
        }
        (Some(last), _) if is(&check.done, &last.state) => {
            return (Finding::passed(what, expected, course(check, seen)), true);
        }
        (Some(last), answer) if is(&check.failed, &last.state) => {
            let body = answer.as_ref().map_or("", |answer| answer.body.as_str());
            failed(format!("{}: {body}", course(check, seen)))
        }
        (Some(last), _) => {
            let finding = failed(format!("{}, and still is", course(check, seen)));
            if seen.states.len() == 1 && is(&check.waiting, &last.state) {
                finding.hint("nobody took it: does the worker run, and does it listen to this queue?")
            } else {
                finding.hint(
                    "it was taken and not finished: does the worker hang, or is it known by another word in `done`?",
                )
            }
        }
        (None, Some(_)) => failed("no answer".to_owned()),
    };
    (finding, false)
}

/// `queued for 120 ms, processing for 2s, completed`.
fn course(check: &Job, seen: &Seen) -> String {
    let mut parts = Vec::new();
    for (at, step) in seen.states.iter().enumerate() {
        // What it was in before it was first asked for counts as the first state.
        let from = if at == 0 { 0 } else { step.at_millis };
        let until = seen.states.get(at + 1).map_or(seen.took_millis, |next| next.at_millis);
        let last = at + 1 == seen.states.len();
        parts.push(if last && check.ended(&step.state) {
            format!("{} after {} ms", step.state, step.at_millis)
        } else {
            format!("{} for {} ms", step.state, until.saturating_sub(from))
        });
    }
    if parts.is_empty() {
        "no state".to_owned()
    } else {
        parts.join(", ")
    }
}
