//! What was written down against what may be.

use std::ops::Range;

use crate::outcome::Finding;
use crate::suite::{Period, Spanned};

use super::{Hits, Logs, Seen};

/// So many secrets are told one by one.
const TOLD: usize = 20;

pub(super) fn all(logs: &Logs, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    read(logs, seen, &mut findings);
    secrets(logs, seen, &mut findings);
    if seen.lines < logs.at_least {
        let what = format!("{} lines{}", seen.lines, over(seen));
        let expected = format!("at least {}", logs.at_least);
        findings.push(Finding::unclear("lines", expected, what).hint("is the log written where it is looked for?"));
        return findings;
    }
    for (needle, hits) in logs.lacks.iter().zip(&seen.lacks) {
        let what = format!("lacks {}", **needle);
        findings.push(none(what, ["no line", "have it"], hits, seen, needle.span()));
    }
    for (needle, count) in logs.contains.iter().zip(&seen.contains) {
        let what = format!("contains {}", **needle);
        findings.push(
            Finding::expect(
                *count > 0,
                what,
                "some line",
                format!("{count} of {} lines", seen.lines),
            )
            .at(needle.span()),
        );
    }
    if logs.wants_json() {
        let span = logs.json.as_ref().map(Spanned::span);
        let span = span
            .or_else(|| logs.keys.first().map(Spanned::span))
            .unwrap_or_default();
        findings.push(none(
            "lines".to_owned(),
            ["each a JSON object", "are none"],
            &seen.not_json,
            seen,
            span,
        ));
        for (key, hits) in logs.keys.iter().zip(&seen.without) {
            findings.push(none(
                format!("key {}", key.as_str()),
                ["in each line", "lack it"],
                hits,
                seen,
                key.span(),
            ));
        }
    }
    if let Some(limit) = &logs.error_rate {
        #[expect(clippy::cast_precision_loss, reason = "a share of lines")]
        let rate = seen.errors.count as f64 / seen.lines.max(1) as f64;
        let first = said(&seen.errors);
        let shown = format!(
            "{:.2} % ({} of {} lines){first}",
            rate * 100.0,
            seen.errors.count,
            seen.lines
        );
        let expected = format!("at most {} %", (**limit * 10_000.0).round() / 100.0);
        findings.push(Finding::expect(rate <= **limit, "lines that are errors", expected, shown).at(limit.span()));
    }
    if findings.is_empty() {
        let what = if logs.secrets || !logs.never.is_empty() {
            "no secret"
        } else {
            "lines"
        };
        findings.push(Finding::passed(
            "what is written down",
            what,
            format!("{} lines{}", seen.lines, over(seen)),
        ));
    }
    findings
}

/// What was read at all.
fn read(logs: &Logs, seen: &Seen, findings: &mut Vec<Finding>) {
    for pattern in seen.unmatched.iter().filter_map(|index| logs.files.get(*index)) {
        let finding = Finding::unclear(pattern.as_str(), "a file", "none");
        findings.push(
            finding
                .at(pattern.span())
                .hint("patterns are relative to the project's folder"),
        );
    }
    for file in &seen.unreadable {
        findings.push(Finding::unclear("files", "all can be read", file));
    }
    if let Some(since) = &logs.since {
        for name in &seen.undated {
            let finding = Finding::unclear(name, "lines that say when they were written", "none does");
            findings.push(finding.at(since.span()).hint("without `since`, all of them count"));
        }
    }
    for file in &seen.cut {
        // The end of a log is what is asked for; of anything else, all of it.
        if logs.fresh.is_none() && logs.since.is_none() {
            findings.push(Finding::unclear(
                file,
                "all of it",
                "it is too long; only a part was read",
            ));
        }
    }
    if let Some(limit) = &logs.fresh {
        let expected = format!("written within {}", **limit);
        findings.push(match seen.age {
            Some(age) => {
                let shown = format!("{} ago", Period(std::time::Duration::from_secs(age.as_secs())));
                Finding::expect(age <= limit.0, "the youngest file", expected, shown)
                    .at(limit.span())
                    .hint("does the release log elsewhere, or not at all?")
            }
            None => Finding::unclear("the youngest file", expected, "no file").at(limit.span()),
        });
    }
}

fn secrets(logs: &Logs, seen: &Seen, findings: &mut Vec<Finding>) {
    for (file, leaked) in seen.leaked.iter().take(TOLD) {
        let what = format!("{file}, line {}", leaked.line);
        let finding = Finding::failed(what, "no secret", format!("{} ({})", leaked.what, leaked.shown))
            .hint("do not write it down; and change it, since whoever reads this knows it");
        findings.push(match leaked.given.and_then(|given| logs.never.get(given)) {
            Some(value) => finding.at(value.span()),
            None => finding,
        });
    }
    if seen.leaked.len() > TOLD {
        let more = format!("{} more", seen.leaked.len() - TOLD);
        findings.push(Finding::failed("secrets", "none", more));
    }
}

fn none(what: String, [expected, how]: [&str; 2], hits: &Hits, seen: &Seen, span: Range<usize>) -> Finding {
    let shown = match hits.count {
        0 => format!("{} lines{}", seen.lines, over(seen)),
        count => format!("{count} of {} lines {how}{}", seen.lines, said(hits)),
    };
    Finding::expect(hits.count == 0, what, expected, shown).at(span)
}

fn said(hits: &Hits) -> String {
    let said = hits.first.as_ref().map(|(place, line)| format!("; {place}: {line}"));
    said.unwrap_or_default()
}

/// Of how many files, and what was passed over.
fn over(seen: &Seen) -> String {
    let parts = [
        (seen.files, "files"),
        (seen.binary, "binary files passed over"),
        (seen.folders, "folders passed over"),
        (seen.others, "lines without the prefix"),
        (seen.older, "older lines"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}
