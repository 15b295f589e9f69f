//! The names that templates use: every one must mean something.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::outcome::Place;
use crate::suite::{Mistake, Problem, Scope, did_you_mean, names_in};

use super::endpoints::Addresses;
use super::expand::{Draft, Expansion};
use super::scope::variable;

/// What a check of a suite hands over, by the suite's and the check's name.
type Offers<'a> = BTreeMap<(&'a str, &'a str), Offer>;

struct Offer {
    values: BTreeSet<String>,
    many: bool,
}

/// Reports every name that means nothing.
pub(super) fn check(expansion: &Expansion, mistakes: &mut Vec<Mistake>) {
    let offers = offers(&expansion.drafts);
    for draft in &expansion.drafts {
        for (names, span) in &draft.names {
            for name in names {
                let root = name.split('.').next().unwrap_or(name).to_owned();
                if expansion.broken.contains(&(draft.check.id.suite.clone(), root)) {
                    continue;
                }
                if let Some(problem) = judge(name, span, draft, &offers) {
                    mistakes.push(Mistake::of(problem, &draft.check.source, span));
                }
            }
        }
    }
}

fn offers(drafts: &[Draft]) -> Offers<'_> {
    let owners = drafts.iter().filter(|draft| draft.check.cleans.is_none());
    owners
        .map(|draft| {
            let captured = draft.check.capture.iter().map(|(name, _)| name.clone());
            let exported = draft.check.check.exports().iter().map(|name| (*name).to_owned());
            let offer = Offer {
                values: captured.chain(exported).collect(),
                many: draft.one_of_many,
            };
            ((draft.check.id.suite.as_str(), draft.name.as_str()), offer)
        })
        .collect()
}

fn judge(name: &str, span: &Range<usize>, draft: &Draft, offers: &Offers<'_>) -> Option<Problem> {
    let (root, value) = name
        .split_once('.')
        .map_or((name, None), |(root, rest)| (root, rest.split('.').next()));
    if root == "env" {
        let problem = || Problem::at(span.clone(), "`env` alone is not a value").hint("write {{ env.NAME }}");
        return value.is_none().then(problem);
    }
    if draft.vars.contains_key(root) || draft.awaited.contains(name) {
        return None;
    }
    let Some(offer) = offers.get(&(draft.check.id.suite.as_str(), root)) else {
        return Some(nobody(name, span, &known(draft, offers)));
    };
    if draft.name == root && draft.check.cleans.is_none() {
        return Some(Problem::at(
            span.clone(),
            format!("`{root}` cannot use what it captures itself"),
        ));
    }
    if offer.many && draft.check.cleans.is_none() {
        return Some(
            Problem::at(
                span.clone(),
                format!("`{root}` runs once for each value of its `each`: which one is meant?"),
            )
            .hint("capture in a check without `each`"),
        );
    }
    let values: Vec<&str> = offer.values.iter().map(String::as_str).collect();
    match value {
        Some(value) if values.contains(&value) => None,
        _ if values.is_empty() => Some(
            Problem::at(span.clone(), format!("`{name}`: the check `{root}` hands nothing over"))
                .hint(format!("add capture.{} = \"$.path\" to it", value.unwrap_or("NAME"))),
        ),
        Some(value) => Some(
            Problem::at(span.clone(), format!("`{root}` hands over no `{value}`")).hint(suggest(value, root, &values)),
        ),
        None => Some(
            Problem::at(
                span.clone(),
                format!("`{root}` is a check: which value of it is meant?"),
            )
            .hint(format!("one of {}", values.join(", "))),
        ),
    }
}

fn suggest(value: &str, root: &str, values: &[&str]) -> String {
    match did_you_mean(value, values.iter().copied()) {
        Some(meant) => format!("did you mean `{root}.{meant}`?"),
        None => format!("it hands over {}", values.join(", ")),
    }
}

fn known<'a>(draft: &'a Draft, offers: &'a Offers<'_>) -> Vec<&'a str> {
    let suite = draft.check.id.suite.as_str();
    let checks = offers.keys().filter(|(of, _)| *of == suite).map(|(_, name)| *name);
    draft.vars.keys().map(String::as_str).chain(checks).collect()
}

fn nobody(name: &str, span: &Range<usize>, known: &[&str]) -> Problem {
    let root = name.split('.').next().unwrap_or(name);
    let hint = match did_you_mean(root, known.iter().copied()) {
        Some(meant) => format!("did you mean `{}`?", name.replacen(root, meant, 1)),
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
    Some(nobody(name, span, &known))
}

/// The environment variables that checks to run, and the endpoints they use, need and do not have, each with its first
/// use.
pub(super) fn unset(drafts: &[Draft], addresses: &Addresses<'_>) -> Vec<(String, Place)> {
    let mut unset: BTreeMap<String, Place> = BTreeMap::new();
    let mut note = |name: &str, place: &dyn Fn() -> Place| {
        if let Some(variable) = variable(name).filter(|variable| !addresses.scope.env.contains_key(*variable))
            && std::env::var_os(variable).is_none()
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
            names
                .iter()
                .for_each(|name| note(name, &|| draft.check.source.place(span)));
        }
    }
    unset.into_iter().collect()
}
