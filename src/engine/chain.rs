//! The slowest chain of dependent checks: what to shorten to make the run shorter.

use std::collections::HashMap;
use std::time::Duration;

use crate::outcome::{CheckId, Outcome, Verdict};

/// The chain of checks, each waiting for the one before it, that took longest; empty where nothing ran.
pub(super) fn slowest(outcomes: &[Outcome]) -> Vec<CheckId> {
    let ran = |outcome: &&Outcome| outcome.verdict != Verdict::Skipped;
    let by_id: HashMap<&CheckId, &Outcome> = outcomes
        .iter()
        .filter(ran)
        .map(|outcome| (&outcome.id, outcome))
        .collect();
    let end = |outcome: &Outcome| outcome.started + outcome.duration;
    let gate = outcomes
        .iter()
        .filter(|outcome| outcome.id.kind == "ready")
        .filter(ran)
        .max_by_key(|outcome| end(outcome));
    let before = |outcome: &Outcome| {
        let needed = outcome
            .needs
            .iter()
            .filter_map(|id| by_id.get(id).copied())
            .max_by_key(|needed| end(needed));
        needed.or_else(|| gate.filter(|gate| gate.id.kind != outcome.id.kind))
    };
    let mut longest: (Duration, Vec<CheckId>) = (Duration::ZERO, Vec::new());
    for last in outcomes.iter().filter(ran) {
        let (mut total, mut chain, mut next) = (Duration::ZERO, Vec::new(), Some(last));
        while let Some(outcome) = next {
            total += outcome.duration;
            chain.push(&outcome.id);
            next = before(outcome);
        }
        if total > longest.0 {
            longest = (total, chain.into_iter().rev().cloned().collect());
        }
    }
    longest.1
}
