//! Which check waits for which.

use std::collections::{BTreeSet, HashMap};

use crate::suite::{Mistake, Problem, Spanned, did_you_mean};

use super::PlannedCheck;
use super::expand::{Draft, Expansion};

/// The indices of the checks of a suite by name: several where the check has `each`.
type Index = HashMap<(String, String), Vec<usize>>;

/// Gives every check the indices of those it waits for; reports names that lead nowhere, and cycles.
pub(super) fn connect(expansion: &mut Expansion, mistakes: &mut Vec<Mistake>) {
    let mut index: Index = HashMap::new();
    for (at, draft) in expansion
        .drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.check.cleans.is_none())
    {
        index
            .entry((draft.check.id.suite.clone(), draft.name.clone()))
            .or_default()
            .push(at);
    }
    for at in 0..expansion.drafts.len() {
        let (needs, cookies_of, problems) = needs_of(&expansion.drafts[at], &index, &expansion.broken);
        let draft = &mut expansion.drafts[at];
        let place = draft.check.place.clone();
        mistakes.extend(problems.into_iter().map(|problem| {
            Mistake {
                place: Some(
                    problem
                        .span
                        .as_ref()
                        .map_or(place.clone(), |span| draft.check.source.place(span)),
                ),
                message: problem.message,
                hint: problem.hint,
            }
        }));
        draft.check.needs = needs;
        draft.check.cookies_of = cookies_of;
    }
    if let Some(mistake) = cycle(&expansion.drafts) {
        mistakes.push(mistake);
    }
}

fn needs_of(
    draft: &Draft,
    index: &Index,
    broken: &BTreeSet<(String, String)>,
) -> (Vec<usize>, Option<usize>, Vec<Problem>) {
    let suite = &draft.check.id.suite;
    let of = |name: &str| index.get(&(suite.clone(), name.to_owned()));
    let (mut needs, mut problems) = (Vec::new(), Vec::new());
    for name in draft.names.iter().flat_map(|(names, _)| names) {
        let root = name.split('.').next().unwrap_or(name);
        if root != draft.name && !draft.vars.contains_key(root) {
            needs.extend(of(root).into_iter().flatten());
        }
    }
    let mut named = |wanted: &Spanned<String>| {
        let name = wanted.rsplit('.').next().unwrap_or(wanted);
        let found = of(name);
        if found.is_none() && !broken.contains(&(suite.clone(), name.to_owned())) {
            let names = index
                .keys()
                .filter(|(of, _)| of == suite)
                .map(|(_, name)| name.as_str());
            let hint = did_you_mean(name, names).map(|meant| format!("did you mean `{meant}`?"));
            problems.push(
                Problem::at(
                    wanted.span(),
                    format!("there is no check `{}` in this suite", wanted.as_str()),
                )
                .maybe_hint(hint),
            );
        }
        found.cloned().unwrap_or_default()
    };
    for wanted in &draft.needs {
        needs.extend(named(wanted));
    }
    let cookies_of = draft
        .check
        .check
        .cookies_of()
        .and_then(|wanted| named(wanted).first().copied());
    needs.extend(cookies_of);
    needs.sort_unstable();
    needs.dedup();
    (needs, cookies_of, problems)
}

/// The first cycle, as a path.
fn cycle(drafts: &[Draft]) -> Option<Mistake> {
    let mut done = vec![false; drafts.len()];
    for start in 0..drafts.len() {
        let mut path = Vec::new();
        if let Some(found) = walk(drafts, start, &mut path, &mut done) {
            let names: Vec<String> = found.iter().map(|at| drafts[*at].check.id.to_string()).collect();
            let first = &drafts[found[0]].check;
            let mistake = Mistake::nowhere(format!("these checks wait for each other: {}", names.join(" → ")));
            return Some(Mistake {
                place: Some(first.place.clone()),
                ..mistake
            });
        }
    }
    None
}

fn walk(drafts: &[Draft], at: usize, path: &mut Vec<usize>, done: &mut [bool]) -> Option<Vec<usize>> {
    if let Some(start) = path.iter().position(|seen| *seen == at) {
        let mut found = path.split_off(start);
        found.push(at);
        return Some(found);
    }
    if done[at] {
        return None;
    }
    path.push(at);
    for next in &drafts[at].check.needs {
        if let Some(found) = walk(drafts, *next, path, done) {
            return Some(found);
        }
    }
    path.pop();
    done[at] = true;
    None
}

/// The chosen drafts, with indices among themselves. Steps of `finally` whose checks may run come last, as they run last.
pub(super) fn keep(drafts: Vec<Draft>, chosen: &[bool]) -> Vec<Draft> {
    let stays = |at: &usize| match drafts[*at].check.cleans {
        Some(owner) => chosen[owner] && drafts[owner].check.skip.is_none(),
        None => chosen[*at],
    };
    let (steps, checks): (Vec<usize>, Vec<usize>) = (0..drafts.len())
        .filter(stays)
        .partition(|at| drafts[*at].check.cleans.is_some());
    let order: Vec<usize> = checks.into_iter().chain(steps).collect();
    let place: HashMap<usize, usize> = order.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let mut drafts: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    let moved = order.iter().filter_map(|old| drafts[*old].take()).map(|mut draft| {
        let check = &mut draft.check;
        check.needs = check.needs.iter().filter_map(|at| place.get(at).copied()).collect();
        check.cookies_of = check.cookies_of.and_then(|at| place.get(&at).copied());
        check.cleans = check.cleans.and_then(|at| place.get(&at).copied());
        draft
    });
    moved.collect()
}

/// Gives every check its height: how many others wait for it, one after the other.
pub(super) fn measure(checks: &mut [PlannedCheck]) {
    let mut order: Vec<usize> = Vec::with_capacity(checks.len());
    let mut waiting: Vec<usize> = checks.iter().map(|check| check.needs.len()).collect();
    let mut dependants: Vec<Vec<usize>> = vec![Vec::new(); checks.len()];
    for (at, check) in checks.iter().enumerate() {
        for need in &check.needs {
            dependants[*need].push(at);
        }
    }
    order.extend((0..checks.len()).filter(|at| waiting[*at] == 0));
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for dependant in &dependants[at] {
            waiting[*dependant] -= 1;
            if waiting[*dependant] == 0 {
                order.push(*dependant);
            }
        }
    }
    for at in order.into_iter().rev() {
        checks[at].height = dependants[at]
            .iter()
            .map(|dependant| checks[*dependant].height + 1)
            .max()
            .unwrap_or(0);
    }
}
