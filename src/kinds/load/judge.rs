//! Failures, percentiles, throughput.

use std::collections::BTreeMap;

use crate::outcome::Finding;

use super::{Load, Seen, count};

pub(super) fn judge(check: &Load, seen: &Seen) -> Vec<Finding> {
    let all = seen.answers.len();
    let expect = &check.expect;
    if seen.answers.iter().all(|answer| answer.status.is_none()) {
        let why = seen.answers.first().and_then(|answer| answer.error.as_deref());
        return vec![Finding::unclear(
            "answers",
            "some",
            why.unwrap_or("no request was sent"),
        )];
    }
    let refused = |status: u16| {
        expect
            .refused
            .as_ref()
            .is_some_and(|refused| refused.status.contains(status))
    };
    let success = |status: u16| match &expect.status {
        Some(wanted) => wanted.contains(status),
        None => (200..300).contains(&status),
    };
    let statuses = || seen.answers.iter().filter_map(|answer| answer.status);
    let refusals = statuses()
        .filter(|status| refused(*status) && !success(*status))
        .count();
    let mut times: Vec<u64> = seen
        .answers
        .iter()
        .filter(|answer| answer.status.is_some_and(success))
        .map(|answer| answer.micros)
        .collect();
    times.sort_unstable();
    let failures = all - refusals - times.len();
    let mut findings = vec![failed(check, seen, failures)];
    if times.is_empty() {
        let shown = format!("none of {all}");
        let finding = Finding::unclear("successes", "some", shown);
        findings
            .push(finding.hint("what refuses everything proves nothing: was the plan or the limit used up before?"));
    }
    if seen.unsent > 0 {
        let shown = format!("{all} in {} ms, then the time was over", seen.took_micros / 1000);
        findings.push(Finding::unclear("requests", format!("{}", all + seen.unsent), shown));
    }
    for (name, share, limit) in [
        ("p50", 50, &expect.p50),
        ("p95", 95, &expect.p95),
        ("p99", 99, &expect.p99),
    ] {
        let Some(limit) = limit else { continue };
        let expected = format!("at most {}", **limit);
        findings.push(
            match percentile(&times, share) {
                Some(micros) => {
                    let holds = u128::from(micros) <= limit.0.as_micros();
                    Finding::expect(holds, name, expected, format!("{} ms", micros.div_ceil(1000)))
                }
                None => Finding::unclear(name, expected, "no request succeeded"),
            }
            .at(limit.span()),
        );
    }
    if let Some(least) = &expect.throughput {
        let rate = count(times.len()) * 1e6 / count(seen.took_micros.max(1));
        let expected = format!("at least {} a second", **least);
        findings.push(
            Finding::expect(rate >= **least, "throughput", expected, format!("{rate:.1} a second")).at(least.span()),
        );
    }
    if let Some(wanted) = &expect.refused {
        let expected = format!("at least {} with {}", wanted.at_least, wanted.status);
        let finding = Finding::expect(refusals >= wanted.at_least, "refused", expected, refusals.to_string());
        findings.push(finding.at(wanted.span()).hint("is the limit of this plan in force?"));
    }
    findings
}

fn failed(check: &Load, seen: &Seen, failures: usize) -> Finding {
    let all = seen.answers.len();
    let allowed = check.expect.errors.as_ref().map_or(0.0, |share| **share);
    let expected = match allowed {
        0.0 => "none".to_owned(),
        share => format!("at most {} %", share * 100.0),
    };
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for answer in &seen.answers {
        let kind = answer.status.map(|status| status.to_string());
        let kind = kind.or_else(|| answer.error.clone()).unwrap_or_default();
        *kinds.entry(kind).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(kind, count)| format!("{count} × {kind}"))
        .collect();
    let shown = format!("{failures} of {all} ({})", kinds.join(", "));
    let finding = Finding::expect(
        count(failures) <= allowed * count(all),
        "failed requests",
        expected,
        shown,
    );
    let finding = match &check.expect.errors {
        Some(errors) => finding.at(errors.span()),
        None => finding,
    };
    if seen.answers.iter().any(|answer| answer.status == Some(429)) {
        return finding.hint("a rate limit answered: say so in `refused`, or stay below it");
    }
    finding.hint("what does the server's log say of that time: connections, memory, a server behind it?")
}

/// The time within which `share` percent are, by the nearest rank.
fn percentile(sorted: &[u64], share: usize) -> Option<u64> {
    let rank = (sorted.len() * share).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}
