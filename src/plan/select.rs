//! Which checks of the suites are wanted.

use glob::Pattern;

use crate::outcome::{CheckId, Skip};
use crate::suite::{Mistake, did_you_mean, one_of};

use super::expand::{Draft, Expansion};

/// Filters of the command line. A check is wanted if it matches one of `only` and carries one of `tags`, where given;
/// what it needs comes along. What matches `skip` is skipped, and so is what needs it.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Globs over `kind.name`, `suite/kind.name`, and `NAME` or `use.NAME` for all that a use brings.
    pub only: Vec<String>,
    /// Globs over the same.
    pub skip: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
}

impl Selection {
    /// Reports tags that no check carries.
    pub(super) fn check_tags(&self, expansion: &Expansion, mistakes: &mut Vec<Mistake>) {
        let mut known: Vec<&str> = expansion
            .drafts
            .iter()
            .flat_map(|draft| &draft.check.tags)
            .map(String::as_str)
            .collect();
        known.sort_unstable();
        known.dedup();
        for tag in self.tags.iter().filter(|tag| !known.contains(&tag.as_str())) {
            let mistake = Mistake::nowhere(format!("--tag {tag}: no check carries that tag"));
            mistakes.push(Mistake {
                hint: one_of(tag, known.iter().copied()),
                ..mistake
            });
        }
    }

    /// A pattern that matches nothing is misspelt: `--skip 'rate_limt.*'` would send what it was to hold back.
    fn refuse_idle(flag: &str, patterns: &[Pattern], drafts: &[Draft], mistakes: &mut Vec<Mistake>) {
        for pattern in patterns {
            if !drafts.iter().any(|draft| matches(std::slice::from_ref(pattern), draft)) {
                let mistake = Mistake::nowhere(format!("{flag} {pattern}: no check matches"));
                let meant = nearest(pattern.as_str(), drafts.iter().map(|draft| &draft.check.id));
                let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
                mistakes.push(Mistake { hint, ..mistake });
            }
        }
    }

    /// For each draft, whether it is in the plan. None are where nothing matches.
    pub(super) fn choose(&self, expansion: &Expansion, mistakes: &mut Vec<Mistake>) -> Vec<bool> {
        let only = patterns("--only", &self.only, mistakes);
        let drafts = &expansion.drafts;
        if drafts.iter().any(|draft| matches(&only, draft)) {
            Self::refuse_idle("--only", &only, drafts, mistakes);
        }
        let wanted = |draft: &Draft| {
            draft.check.cleans.is_none()
                && (only.is_empty() || matches(&only, draft))
                && (self.tags.is_empty() || draft.check.tags.iter().any(|tag| self.tags.contains(tag)))
        };
        let mut chosen = vec![false; drafts.len()];
        let mut pending: Vec<usize> = (0..drafts.len()).filter(|at| wanted(&drafts[*at])).collect();
        if !pending.is_empty() {
            pending.extend((0..drafts.len()).filter(|at| drafts[*at].check.gate.is_some()));
        }
        while let Some(at) = pending.pop() {
            // What is skipped needs nothing.
            if !std::mem::replace(&mut chosen[at], true) && drafts[at].check.skip.is_none() {
                pending.extend(&drafts[at].check.needs);
            }
        }
        chosen
    }

    /// Marks what `--skip` leaves out.
    pub(super) fn leave_out(&self, expansion: &mut Expansion, mistakes: &mut Vec<Mistake>) {
        let skip = patterns("--skip", &self.skip, mistakes);
        Self::refuse_idle("--skip", &skip, &expansion.drafts, mistakes);
        if skip.is_empty() {
            return;
        }
        for draft in expansion.drafts.iter_mut().filter(|draft| matches(&skip, draft)) {
            draft.check.skip = Some(Skip::Declared {
                reason: "left out by --skip".to_owned(),
            });
        }
    }
}

/// The id or the name, of those of `ids`, that `pattern` is a misspelling of.
pub fn nearest<'a>(pattern: &str, ids: impl Iterator<Item = &'a CheckId>) -> Option<String> {
    let names: Vec<String> = ids.flat_map(|id| [id.to_string(), id.name.clone()]).collect();
    did_you_mean(pattern, names.iter().map(String::as_str)).map(str::to_owned)
}

fn patterns(flag: &str, globs: &[String], mistakes: &mut Vec<Mistake>) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for glob in globs {
        match Pattern::new(glob) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => mistakes.push(
                Mistake::nowhere(format!("{flag} {glob}: {error}")).hint("a glob over kind.name, such as 'http.*'"),
            ),
        }
    }
    patterns
}

fn matches(patterns: &[Pattern], draft: &Draft) -> bool {
    let id = &draft.check.id;
    let (short, long) = (id.to_string(), format!("{}/{id}", id.suite));
    let plain = format!("{}.{}", id.kind, draft.name);
    let used = draft
        .check
        .used
        .iter()
        .flat_map(|used| [used.clone(), format!("use.{used}")]);
    let names: Vec<String> = used.chain([short, long, plain, draft.name.clone()]).collect();
    patterns
        .iter()
        .any(|pattern| names.iter().any(|name| pattern.matches(name)))
}
