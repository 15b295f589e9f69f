//! What could not be told: checks that one and the same obstacle kept from looking share a block.

use super::super::text::{count, visible};
use super::{Styles, blocks, label, skipped};
use crate::outcome::{Outcome, Verdict};

/// From so many checks on, one obstacle is told once.
const MANY: usize = 3;

/// The blocks, in the order in which the obstacles first appear.
pub(super) fn blocks(outcomes: &[&Outcome], styles: Styles, several: bool) -> Vec<String> {
    let mut groups: Vec<Vec<&Outcome>> = Vec::new();
    for outcome in outcomes {
        let same = |group: &&mut Vec<&Outcome>| {
            outcome.unobserved.is_some() && group.iter().all(|known| known.unobserved == outcome.unobserved)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(outcome),
            None => groups.push(vec![outcome]),
        }
    }
    let block = |group: Vec<&Outcome>| {
        if group.len() >= MANY {
            vec![shared(&group, styles, several)]
        } else {
            group
                .into_iter()
                .map(|outcome| blocks::block(outcome, styles, several))
                .collect()
        }
    };
    groups.into_iter().flat_map(block).collect()
}

fn shared(group: &[&Outcome], styles: Styles, several: bool) -> String {
    let word = styles.verdict(Verdict::Unclear, "UNCLEAR");
    let why = group[0].unobserved.as_deref().unwrap_or_default();
    let names: Vec<String> = group.iter().map(|outcome| label(&outcome.id, several)).collect();
    let mut out = format!("{word} {}   {}\n", count(group.len(), "check"), visible(why));
    out += &format!("  {}\n", skipped::listed(&names));
    if let Some(hint) = &group[0].hint {
        out += &format!("  try: {}\n", visible(hint));
    }
    out
}
