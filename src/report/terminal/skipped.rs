//! The skipped checks, a line a cause.

use std::fmt::Write as _;

use super::super::text::{count, visible};
use super::{Styles, label};
use crate::outcome::{CheckId, Outcome, Run, Skip, Verdict};

/// More names than this are counted: the machine-readable reports have them all.
const MOST_NAMES: usize = 12;

/// The end of a verb, where it depends on how many checks there are. [`visible`] never lets it through.
const S: char = '\0';

/// One line for each cause, in the order in which the causes first appear.
pub(super) fn lines(run: &Run, styles: Styles, several: bool) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for outcome in &run.outcomes {
        let Some(skip) = &outcome.skip else { continue };
        let (cause, name) = described(run, outcome, skip, several);
        match groups.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, names)) => names.push(name),
            None => groups.push((cause, vec![name])),
        }
    }
    groups
        .into_iter()
        .map(|(cause, names)| line(&cause, &names, styles))
        .collect()
}

fn line(cause: &str, names: &[String], styles: Styles) -> String {
    let cause = cause.replace(S, if names.len() == 1 { "s" } else { "" });
    let word = styles.verdict(Verdict::Skipped, "SKIPPED");
    format!("{word} {} {cause}: {}", count(names.len(), "check"), listed(names))
}

/// The names, as far as they fit.
pub(super) fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let mut listed = names[..names.len() - more].join(", ");
    if more > 0 {
        let _ = write!(listed, " and {more} more");
    }
    listed
}

/// The cause as the end of "3 checks …", and the check's name with what is particular to it.
fn described(run: &Run, outcome: &Outcome, skip: &Skip, several: bool) -> (String, String) {
    let name = label(&outcome.id, several);
    match skip {
        Skip::Declared { reason } => (format!("({})", visible(reason)), name),
        Skip::When { expression } => (
            "whose `when` is not true".into(),
            format!("{name} ({})", visible(expression)),
        ),
        Skip::NotAllowed { effect } => (
            "that this environment does not allow".into(),
            format!("{name} ({effect})"),
        ),
        Skip::Needs { cause, verdict } => {
            let above = if shown(run, cause) { " above" } else { "" };
            (
                format!("that need{S} {} ({verdict}{above})", label(cause, several)),
                name,
            )
        }
        Skip::NotReady { gate } => {
            let above = if shown(run, gate) { ", see above" } else { "" };
            let gate = label(gate, several);
            (
                format!("because the deployment did not become ready ({gate}{above})"),
                name,
            )
        }
        Skip::FailFast => ("because the run stopped at the first failure".into(), name),
        Skip::Interrupted => ("because the run was interrupted".into(), name),
    }
}

/// Whether the check has a block of its own above.
fn shown(run: &Run, id: &CheckId) -> bool {
    let bad = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Failed | Verdict::Unclear);
    run.outcomes.iter().any(|outcome| outcome.id == *id && bad(outcome))
}
