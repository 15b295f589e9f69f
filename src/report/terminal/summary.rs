//! The end of the terminal report: what is wrong, what is not known, what was not looked at, and one line that says it all.

use std::io::{self, Write};
use std::time::Duration;

use super::super::text::{count, duration, visible};
use super::{Styles, blocks, label, skipped, unclear};
use crate::outcome::{CheckId, Exit, Outcome, Run, Verdict};

/// Causes first; then what needs no action; then the last lines.
pub(super) fn write(out: &mut dyn Write, run: &Run, styles: Styles, reports: &[String]) -> io::Result<()> {
    let several = run.suites.len() > 1;
    let counted = |verdict: Verdict| move |outcome: &&Outcome| outcome.verdict == verdict && !outcome.warns();
    let failed = run.outcomes.iter().filter(counted(Verdict::Failed));
    let warned = run.outcomes.iter().filter(|outcome| outcome.warns());
    for outcome in failed {
        writeln!(out, "{}", blocks::block(outcome, styles, several))?;
    }
    let unclear: Vec<&Outcome> = run.outcomes.iter().filter(counted(Verdict::Unclear)).collect();
    for block in unclear::blocks(&unclear, styles, several) {
        writeln!(out, "{block}")?;
    }
    for outcome in warned {
        writeln!(out, "{}", blocks::block(outcome, styles, several))?;
    }
    for outcome in run.outcomes.iter().filter(|outcome| outcome.flaky()) {
        writeln!(out, "{}", blocks::flaky(outcome, styles, several))?;
    }
    let skipped = skipped::lines(run, styles, several);
    for line in &skipped {
        writeln!(out, "{line}")?;
    }
    if !skipped.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{}", verdict(run, styles))?;
    if run.exit() == Exit::Nothing {
        writeln!(out, "nothing was verified")?;
    }
    if let Some(chain) = slowest_chain(run, several) {
        writeln!(out, "{}", styles.aside(&chain))?;
    }
    for report in reports {
        writeln!(out, "{}", styles.aside(&visible(report)))?;
    }
    Ok(())
}

/// `prod · genapp · 42 checks: 2 failed, 1 unclear, 5 skipped, 34 passed in 1.9 s`.
fn verdict(run: &Run, styles: Styles) -> String {
    let counts = run.counts();
    let names: Vec<&str> = run.suites.iter().map(|suite| suite.name.as_str()).collect();
    let mut parts = vec![
        visible(&run.environment).into_owned(),
        visible(&names.join(", ")).into_owned(),
    ];
    if run.interrupted {
        parts.push(styles.verdict(Verdict::Unclear, "interrupted"));
    }
    let part =
        |number: usize, word: &str, verdict| (number > 0).then(|| styles.verdict(verdict, &format!("{number} {word}")));
    let flaky = if counts.flaky > 0 {
        format!("passed ({} flaky)", counts.flaky)
    } else {
        "passed".to_owned()
    };
    let numbers: Vec<String> = [
        part(counts.failed, "failed", Verdict::Failed),
        part(counts.unclear, "unclear", Verdict::Unclear),
        (counts.warned > 0).then(|| styles.warning(&format!("{} warned", counts.warned))),
        part(counts.skipped, "skipped", Verdict::Skipped),
        part(counts.passed, &flaky, Verdict::Passed),
    ]
    .into_iter()
    .flatten()
    .collect();
    let checks = count(run.outcomes.len(), "check");
    let separator = if numbers.is_empty() { "" } else { ": " };
    let took = duration(run.duration);
    parts.push(format!("{checks}{separator}{} in {took}", numbers.join(", ")));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// `slowest chain 1.8 s: ready.api → login.user → http.generate`.
fn slowest_chain(run: &Run, several: bool) -> Option<String> {
    let find = |id: &CheckId| run.outcomes.iter().find(|outcome| outcome.id == *id);
    let first = run.slowest_chain.first().and_then(find)?;
    let last = run.slowest_chain.last().and_then(find)?;
    let took: Duration = (last.started + last.duration).saturating_sub(first.started);
    let what = if run.slowest_chain.len() == 1 { "check" } else { "chain" };
    let names: Vec<String> = run.slowest_chain.iter().map(|id| label(id, several)).collect();
    Some(format!("slowest {what} {}: {}", duration(took), names.join(" → ")))
}
