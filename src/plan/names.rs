//! The names that templates use: every one must mean something.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value as Json;

use crate::kinds::Entry;
use crate::outcome::Place;
use crate::suite::{Mistake, Problem, Scope, did_you_mean, names_in, one_of, process_variable};

use super::endpoints::Addresses;
use super::expand::{Draft, Expansion};
use super::scope::variable;
use super::uses::Used;

/// What a check of a suite hands over, by the suite's and the check's name.
type Offers<'a> = BTreeMap<(&'a str, &'a str), Offer>;

struct Offer {
    values: BTreeSet<String>,
    many: bool,
}

/// Whoever uses names: what they can mean to it.
struct Reader<'a> {
    suite: &'a str,
    /// The use whose pack it is from.
    used: Option<&'a str>,
    /// Its own name, if it cannot use what it hands over itself.
    own: Option<&'a str>,
    /// Whether it can use what one of several hands over.
    any_of_many: bool,
    vars: &'a BTreeMap<String, Json>,
    awaited: &'a BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn of(draft: &'a Draft) -> Self {
        Self {
            suite: &draft.check.id.suite,
            used: draft.check.used.as_deref(),
            own: draft.check.cleans.is_none().then_some(&draft.name),
            any_of_many: draft.check.cleans.is_some(),
            vars: &draft.vars,
            awaited: &draft.awaited,
        }
    }

    /// The values that a use gives to the parameters of its pack.
    fn giving(used: &'a Used) -> Self {
        Self {
            suite: &used.suite,
            used: None,
            own: Some(&used.name),
            any_of_many: false,
            vars: &used.scope.vars,
            awaited: &used.scope.awaited,
        }
    }

    /// What it calls the check `name`, if it can see it.
    fn calls<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.used {
            None => Some(name),
            Some(used) => name.strip_prefix(used)?.strip_prefix('.'),
        }
    }
}

/// Reports every name that means nothing.
pub(super) fn check(expansion: &Expansion, mistakes: &mut Vec<Mistake>) {
    let offers = offers(&expansion.drafts);
    let of_drafts = expansion
        .drafts
        .iter()
        .map(|draft| (Reader::of(draft), &draft.names, &draft.check.origin));
    let of_uses = expansion
        .uses
        .iter()
        .map(|used| (Reader::giving(used), &used.names, &used.origin));
    for (reader, names, origin) in of_drafts.chain(of_uses) {
        for (names, span) in names {
            for name in names {
                if !is_broken(name, &reader, expansion)
                    && let Some(problem) = judge(name, span, &reader, &offers)
                {
                    mistakes.push(origin.mistake(problem, span));
                }
            }
        }
    }
}

/// Whether `name` belongs to a check that could not be read.
fn is_broken(name: &str, reader: &Reader<'_>, expansion: &Expansion) -> bool {
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or(name);
    let names = match (reader.used, parts.next()) {
        (Some(used), _) => vec![format!("{used}.{first}")],
        (None, Some(second)) => vec![first.to_owned(), format!("{first}.{second}")],
        (None, None) => vec![first.to_owned()],
    };
    let broken = |name| expansion.broken.contains(&(reader.suite.to_owned(), name));
    names.into_iter().any(broken)
}

/// Where two checks have one name by mistake, what either hands over counts: the mistake is told once, not at every reader.
fn offers(drafts: &[Draft]) -> Offers<'_> {
    let mut offers = Offers::new();
    for draft in drafts.iter().filter(|draft| draft.check.cleans.is_none()) {
        let key = (draft.check.id.suite.as_str(), draft.name.as_str());
        let offer = offers.entry(key).or_insert_with(|| Offer {
            values: BTreeSet::new(),
            many: draft.one_of_many,
        });
        let captured = draft.check.capture.iter().map(|(name, _)| name.clone());
        let exported = draft.check.check.exports().iter().map(|name| (*name).to_owned());
        offer.values.extend(captured.chain(exported));
    }
    offers
}

fn judge(name: &str, span: &Range<usize>, reader: &Reader<'_>, offers: &Offers<'_>) -> Option<Problem> {
    let (root, rest) = name
        .split_once('.')
        .map_or((name, None), |(root, rest)| (root, Some(rest)));
    if root == "env" {
        let problem = || Problem::at(span.clone(), "`env` alone is not a value").hint("write {{ env.NAME }}");
        return rest.is_none().then(problem);
    }
    if reader.vars.contains_key(root) || reader.awaited.contains(name) {
        return None;
    }
    let visible = || offers.iter().filter(|((suite, _), _)| *suite == reader.suite);
    let found = visible().find_map(|((_, full), offer)| {
        let called = reader.calls(full)?;
        let rest = name.strip_prefix(called)?;
        let value = if rest.is_empty() {
            None
        } else {
            Some(rest.strip_prefix('.')?)
        };
        Some((*full, called, offer, value.and_then(|value| value.split('.').next())))
    });
    let Some((full, called, offer, value)) = found else {
        let inside = format!("{root}.");
        let checks: Vec<&str> = visible()
            .filter_map(|((_, full), _)| reader.calls(full)?.strip_prefix(&inside))
            .collect();
        return Some(if checks.is_empty() {
            nobody(name, span, reader.used.is_some(), &known(reader, offers))
        } else {
            not_in_pack(root, rest, span, &checks)
        });
    };
    if reader.own == Some(full)
        || reader
            .own
            .is_some_and(|own| reader.used.is_none() && full.split('.').next() == Some(own))
    {
        return Some(Problem::at(
            span.clone(),
            format!("`{called}` cannot use what it captures itself"),
        ));
    }
    if offer.many && !reader.any_of_many {
        return Some(
            Problem::at(
                span.clone(),
                format!("`{called}` runs once for each value of its `each`: which one is meant?"),
            )
            .hint("capture in a check without `each`"),
        );
    }
    let values: Vec<&str> = offer.values.iter().map(String::as_str).collect();
    match value {
        Some(value) if values.contains(&value) => None,
        _ if values.is_empty() => Some(
            Problem::at(
                span.clone(),
                format!("`{name}`: the check `{called}` hands nothing over"),
            )
            .hint(format!("add capture.{} = \"$.path\" to it", value.unwrap_or("NAME"))),
        ),
        Some(value) => Some(
            Problem::at(span.clone(), format!("`{called}` hands over no `{value}`"))
                .hint(suggest(value, called, &values)),
        ),
        None => Some(
            Problem::at(
                span.clone(),
                format!("`{called}` is a check: which value of it is meant?"),
            )
            .hint(format!("one of {}", values.join(", "))),
        ),
    }
}

/// `root` is a use, and what follows is not the name of one of its checks.
fn not_in_pack(root: &str, rest: Option<&str>, span: &Range<usize>, checks: &[&str]) -> Problem {
    let check = rest.and_then(|rest| rest.split('.').next());
    match check {
        None => Problem::at(
            span.clone(),
            format!("`{root}` is a pack: which value of which check is meant?"),
        )
        .hint(format!("its checks are {}", checks.join(", "))),
        Some(check) => Problem::at(span.clone(), format!("the pack of `{root}` has no check `{check}`"))
            .maybe_hint(one_of(check, checks.iter().copied())),
    }
}

fn suggest(value: &str, root: &str, values: &[&str]) -> String {
    match did_you_mean(value, values.iter().copied()) {
        Some(meant) => format!("did you mean `{root}.{meant}`?"),
        None => format!("it hands over {}", values.join(", ")),
    }
}

fn known<'a>(reader: &'a Reader<'_>, offers: &'a Offers<'_>) -> Vec<&'a str> {
    let checks = offers.keys().filter(|(of, _)| *of == reader.suite);
    let checks = checks.filter_map(|(_, name)| reader.calls(name));
    reader.vars.keys().map(String::as_str).chain(checks).collect()
}

fn nobody(name: &str, span: &Range<usize>, in_pack: bool, known: &[&str]) -> Problem {
    let (root, rest) = name.split_once('.').unwrap_or((name, ""));
    let of_a_check = known
        .iter()
        .any(|known| rest.strip_prefix(known).is_some_and(|value| value.starts_with('.')));
    let hint = match did_you_mean(root, known.iter().copied()) {
        _ if of_a_check && Entry::find(root).is_some() => {
            format!("write {{{{ {rest} }}}}: a check is called by its name, without its kind")
        }
        Some(meant) => format!("did you mean `{}`?", name.replacen(root, meant, 1)),
        None if in_pack => format!("a pack knows its own parameters only: declare [params.{root}]"),
        None if root != name => {
            format!("a check called `{root}` would hand it over, such as [login.{root}]; or give vars.{root}")
        }
        None => format!("give it with --var {root}=…, or as vars.{root} in the suite or the environment"),
    };
    Problem::at(span.clone(), format!("unknown name `{name}`")).hint(hint)
}

/// The problem with `name` where neither a variable nor a check is called so.
pub(super) fn unknown(name: &str, scope: &Scope, span: &Range<usize>) -> Option<Problem> {
    let root = name.split('.').next().unwrap_or(name);
    if root == "env" || scope.vars.contains_key(root) || scope.pending.contains(root) || scope.awaited.contains(name) {
        return None;
    }
    let known: Vec<&str> = scope
        .vars
        .keys()
        .chain(scope.pending.iter())
        .map(String::as_str)
        .collect();
    Some(nobody(name, span, scope.of_pack, &known))
}

/// The environment variables that checks to run, and the endpoints they use, need and do not have, each with its first
/// use.
pub(super) fn unset(drafts: &[Draft], addresses: &Addresses<'_>) -> Vec<(String, Place)> {
    let mut unset: BTreeMap<String, Place> = BTreeMap::new();
    let mut note = |name: &str, place: &dyn Fn() -> Place| {
        if let Some(variable) = variable(name).filter(|variable| !addresses.scope.env.contains_key(*variable))
            && process_variable(variable).is_none()
        {
            unset.entry(variable.to_owned()).or_insert_with(place);
        }
    };
    for (node, source) in addresses.used(drafts) {
        for (names, span) in names_in(node).unwrap_or_default() {
            names.iter().for_each(|name| note(name, &|| source.place(&span)));
        }
    }
    for draft in drafts.iter().filter(|draft| draft.check.skip.is_none()) {
        for (names, span) in &draft.names {
            let place = || draft.check.origin.place(span);
            for name in names {
                note(name, &place);
                let root = name.split('.').next().unwrap_or(name);
                let value = draft.vars.get(root).map(ToString::to_string).unwrap_or_default();
                for variable in unfilled(&value) {
                    note(variable, &place);
                }
            }
        }
        for (names, span) in &draft.outer_names {
            names
                .iter()
                .for_each(|name| note(name, &|| draft.check.origin.outer_place(span)));
        }
    }
    unset.into_iter().collect()
}

/// The variables of the process that the value of a variable still waits for: `env.X` of `⟨env.X⟩`.
fn unfilled(value: &str) -> impl Iterator<Item = &str> {
    let placeholders = value.split('⟨').skip(1).map(str::trim_start);
    placeholders.filter(|rest| rest.starts_with("env.")).map(|rest| {
        let end = rest.find(|c: char| c != '.' && c != '_' && !c.is_ascii_alphanumeric());
        &rest[..end.unwrap_or(rest.len())]
    })
}
