//! What the counts say.

use std::cmp::Ordering;
use std::time::Duration;

use crate::outcome::{Finding, Verdict};

use super::observe::{Count, Recovered, Seen, Spoofed};
use super::{Meaning, RateLimit, dialects};

pub(super) fn judge(limit: &RateLimit, seen: &Seen) -> Vec<Finding> {
    let Some(last) = seen.counts.last() else {
        return vec![Finding::unclear(
            "requests let through",
            expected(limit),
            "nothing was counted",
        )];
    };
    let mut findings = vec![counted(limit, seen, last).at(limit.limit.span())];
    findings.extend(advertised(limit, last));
    let Some(refusal) = &last.refusal else {
        return findings;
    };
    findings.extend(limit.expected().judge(refusal).into_iter().map(|mut finding| {
        finding.what = format!("refusal: {}", finding.what);
        finding
    }));
    findings.extend(seen.spoofed.iter().map(|spoofed| escaped(limit, spoofed)));
    findings.extend(somebody_else(limit, seen));
    findings.extend(seen.recovered.as_ref().map(|recovered| window_ended(limit, recovered)));
    findings
}

fn expected(limit: &RateLimit) -> String {
    format!("{} in {}", *limit.limit, *limit.per)
}

fn counted(limit: &RateLimit, seen: &Seen, last: &Count) -> Finding {
    let what = "requests let through";
    let Some(refusal) = &last.refusal else {
        let sent: u32 = last.statuses.iter().map(|(_, times)| times).sum();
        return Finding::failed(
            what,
            expected(limit),
            format!("all {sent} that were sent ({})", tally(last)),
        )
        .hint(
            "does this route have the limiter, can it reach its store, does each instance count on its own, or are \
                   requests at the same time counted as one (burst = 1 tells)?",
        );
    };
    let fresh = seen.counts.len() > 1;
    let shown = format!("{}, then {}", last.accepted, refusal.status);
    let exact = if fresh {
        last.accepted == *limit.limit
    } else {
        limit.is_exact(seen, last)
    };
    if exact {
        let missing = *limit.limit - last.accepted;
        let spent = if missing == 0 {
            String::new()
        } else {
            format!("; {missing} had been spent before")
        };
        return Finding::passed(what, expected(limit), shown + &spent);
    }
    let before = match seen.spent {
        0 => String::new(),
        spent => format!("; the run had sent {spent} before"),
    };
    match (last.accepted.cmp(&*limit.limit), fresh) {
        (Ordering::Greater, _) => Finding::failed(what, expected(limit), shown)
            .hint("a limit that lets more through at once than one by one (burst = 1 tells) counts too late; or it is set higher"),
        (_, true) => Finding::failed(what, expected(limit), format!("{shown}, in a window of its own"))
            .hint("is the limit set lower, does the refused request count, or does somebody else share this budget?"),
        (_, false) => Finding::unclear(what, expected(limit), shown + &before)
            .hint("somebody may have spent the rest; the window is too long to wait for another: run it again later"),
    }
}

/// `10 × 200, 5 × 403`.
fn tally(count: &Count) -> String {
    let parts: Vec<String> = count
        .statuses
        .iter()
        .map(|(status, times)| format!("{times} × {status}"))
        .collect();
    parts.join(", ")
}

/// What the answers say that the limit is.
fn advertised(limit: &RateLimit, last: &Count) -> Option<Finding> {
    let said = dialects::limit(&last.first)?;
    let wanted = *limit.limit;
    let finding = Finding::expect(
        said == u64::from(wanted),
        "the limit that the answers state",
        wanted.to_string(),
        said.to_string(),
    );
    Some(
        finding
            .at(limit.limit.span())
            .hint("the server is set to another limit, or counts this route with others"),
    )
}

fn escaped(limit: &RateLimit, spoofed: &Spoofed) -> Finding {
    let what = format!("with made-up addresses in {}", spoofed.header);
    let through = |status: &u16| limit.meaning(*status) == Meaning::Accepted;
    let escapes = spoofed.statuses.iter().filter(|status| through(status)).count();
    let statuses: Vec<String> = spoofed.statuses.iter().map(u16::to_string).collect();
    let seen = statuses.join(", ");
    // A bucket that fills again may let one through.
    let finding = match (escapes, through(&spoofed.control)) {
        (0, _) | (1, false) => Finding::passed(what, "refused", seen),
        (_, false) => Finding::failed(what, "refused", format!("{seen}; without it {}", spoofed.control))
            .hint("the server believes whoever says where he comes from: trust this header only from your own proxy"),
        (_, true) => Finding::unclear(
            what,
            "refused",
            format!("{seen}; without it {}, so the window was over", spoofed.control),
        )
        .hint("the window is too short to try this; spoof = [] leaves it out"),
    };
    match &limit.spoof {
        Some(headers) => finding.at(headers.span()),
        None => finding,
    }
}

fn somebody_else(limit: &RateLimit, seen: &Seen) -> Option<Finding> {
    let (other, answer) = (limit.other.as_ref()?, seen.other.as_ref()?);
    let status = answer.status;
    let (what, expected) = ("somebody else, at the same time", "let through");
    let finding = match limit.meaning(status) {
        _ if matches!(status, 401 | 403) => Finding::unclear(
            what,
            expected,
            format!("{status}: the credentials of `other` are not accepted"),
        ),
        Meaning::Accepted => Finding::passed(what, expected, status.to_string()),
        Meaning::Refused => Finding::failed(what, expected, status.to_string())
            .hint("one user can lock all others out: count by user, not by route or by the proxy's address"),
        Meaning::Odd => Finding::failed(what, expected, format!("{status}: {}", answer.body)),
    };
    Some(finding.at(other.span()))
}

fn window_ended(limit: &RateLimit, recovered: &Recovered) -> Finding {
    let after = humantime::format_duration(Duration::from_millis(recovered.after_millis / 100 * 100));
    let through = limit.meaning(recovered.status) == Meaning::Accepted;
    let verdict = if through { Verdict::Passed } else { Verdict::Failed };
    let finding = Finding::expect(
        verdict == Verdict::Passed,
        "after the window",
        "let through again",
        format!("{} after {after}", recovered.status),
    )
    .hint("does the window ever end? a key without expiry in the limiter's store locks its user out for good");
    match &limit.recovers {
        Some(recovers) => finding.at(recovers.span()),
        None => finding,
    }
}
