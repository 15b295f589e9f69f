//! Which check waits for which.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    let drafts = expansion.drafts.iter().enumerate();
    let not_wanted = drafts.filter(|(_, draft)| draft.not_wanted).map(|(at, _)| at).collect();
    for at in 0..expansion.drafts.len() {
        let (needs, cookies_of, problems) = needs_of(expansion, at, &index, &not_wanted);
        mistakes.extend(problems);
        let draft = &mut expansion.drafts[at];
        draft.check.needs = needs;
        draft.check.cookies_of = cookies_of;
    }
    if let Some(mistake) = cycle(&expansion.drafts) {
        mistakes.push(mistake);
    }
}

fn needs_of(
    expansion: &Expansion,
    at: usize,
    index: &Index,
    not_wanted: &BTreeSet<usize>,
) -> (Vec<usize>, Option<usize>, Vec<Mistake>) {
    let draft = &expansion.drafts[at];
    let around = Around {
        suite: &draft.check.id.suite,
        drafts: &expansion.drafts,
        index,
        not_wanted,
        broken: &expansion.broken,
    };
    let used = draft.check.used.as_deref();
    let (mut needs, mut mistakes) = (Vec::new(), Vec::new());
    for name in draft.names.iter().flat_map(|(names, _)| names) {
        if draft.vars.contains_key(name.split('.').next().unwrap_or(name)) {
            continue;
        }
        let found = around.captured(used, name);
        needs.extend(
            found
                .filter(|(found, _)| *found != draft.name)
                .into_iter()
                .flat_map(|(_, at)| at),
        );
    }
    for name in draft.outer_names.iter().flat_map(|(names, _)| names) {
        needs.extend(around.captured(None, name).into_iter().flat_map(|(_, at)| at));
    }
    let origin = &draft.check.origin;
    let mut named = |wanted: &Spanned<String>| match around.named(used, wanted) {
        Ok(found) => found,
        Err(problem) => {
            mistakes.push(origin.mistake(problem, &wanted.span()));
            Vec::new()
        }
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
    for wanted in &draft.outer_needs {
        match around.named(None, wanted) {
            Ok(found) => needs.extend(found),
            Err(problem) => mistakes.push(Mistake {
                place: Some(origin.outer_place(&wanted.span())),
                message: problem.message,
                hint: problem.hint,
            }),
        }
    }
    needs.sort_unstable();
    needs.dedup();
    (needs, cookies_of, mistakes)
}

/// The checks that a name can mean.
struct Around<'a> {
    suite: &'a str,
    drafts: &'a [Draft],
    index: &'a Index,
    /// Those that nobody means who names all of a use.
    not_wanted: &'a BTreeSet<usize>,
    broken: &'a BTreeSet<(String, String)>,
}

impl Around<'_> {
    fn of(&self, name: &str) -> Option<&Vec<usize>> {
        self.index.get(&(self.suite.to_owned(), name.to_owned()))
    }

    /// The check that hands over `value`, such as `admin.token`, `web.page.id`, or `page.id` among the checks of `used`.
    fn captured(&self, used: Option<&str>, value: &str) -> Option<(String, Vec<usize>)> {
        let mut parts = value.split('.');
        let first = parts.next()?;
        let second = parts.next();
        let names = match used {
            Some(used) => [Some(format!("{used}.{first}")), None],
            None => [Some(first.to_owned()), second.map(|second| format!("{first}.{second}"))],
        };
        names.into_iter().flatten().find_map(|name| {
            let found = self.of(&name)?.clone();
            Some((name, found))
        })
    }

    /// The checks called `wanted`: `name`, `kind.name`, and for what a pack brings `NAME.check`, `kind.NAME.check`, or
    /// `NAME` or `use.NAME` for all of it.
    fn named(&self, used: Option<&str>, wanted: &Spanned<String>) -> Result<Vec<usize>, Problem> {
        let inner = used.map(|used| format!("{used}."));
        for prefix in inner.as_deref().into_iter().chain([""]) {
            let found = self.found(prefix, wanted);
            if !found.is_empty() {
                let wanted: Vec<usize> = found
                    .iter()
                    .copied()
                    .filter(|at| !self.not_wanted.contains(at))
                    .collect();
                return Ok(if wanted.is_empty() { found } else { wanted });
            }
            if self.is_broken(prefix, wanted) {
                return Ok(Vec::new());
            }
        }
        let hint = self.meant(used, wanted).map(|meant| format!("did you mean `{meant}`?"));
        let message = format!("there is no check `{}` in this suite", wanted.as_str());
        Err(Problem::at(wanted.span(), message).maybe_hint(hint))
    }

    /// The checks that `wanted` means among those whose names begin with `prefix`: by name, or else by kind and name.
    fn found(&self, prefix: &str, wanted: &str) -> Vec<usize> {
        let (mut by_name, mut by_kind) = (Vec::new(), Vec::new());
        for ((suite, full), at) in self.index {
            let Some(name) = full.strip_prefix(prefix).filter(|_| suite == self.suite) else {
                continue;
            };
            let of_use = name.split_once('.').map(|(used, _)| used);
            if name == wanted || of_use.is_some() && (of_use == Some(wanted) || of_use == wanted.strip_prefix("use.")) {
                by_name.extend(at);
            } else if let Some((kind, rest)) = wanted.split_once('.')
                && rest == name
            {
                by_kind.extend(at.iter().filter(|at| self.drafts[**at].check.id.kind == kind));
            }
        }
        let mut found = if by_name.is_empty() { by_kind } else { by_name };
        found.sort_unstable();
        found
    }

    /// Whether `wanted` may be the name of something that could not be read.
    fn is_broken(&self, prefix: &str, wanted: &str) -> bool {
        let without_kind = wanted.split_once('.').map(|(_, name)| name);
        let names = [wanted].into_iter().chain(without_kind);
        names.map(|name| format!("{prefix}{name}")).any(|name| {
            let root = name.split('.').next().unwrap_or(&name).to_owned();
            let broken = |name| self.broken.contains(&(self.suite.to_owned(), name));
            broken(root) || broken(name)
        })
    }

    /// What was probably meant by `wanted`: what has its name goes before what is spelt alike.
    fn meant(&self, used: Option<&str>, wanted: &str) -> Option<String> {
        let mut ids: BTreeMap<&str, String> = BTreeMap::new();
        for ((_, full), at) in self.index.iter().filter(|((suite, _), _)| suite == self.suite) {
            let inner = used.and_then(|used| full.strip_prefix(used)?.strip_prefix('.'));
            let name = inner.unwrap_or(full);
            if let Some(at) = at.first() {
                ids.insert(name, format!("{}.{name}", self.drafts[*at].check.id.kind));
            }
            if let Some((used, _)) = name.split_once('.') {
                ids.insert(used, format!("use.{used}"));
            }
        }
        let names = || ids.keys().copied();
        let Some((_, rest)) = wanted.split_once('.') else {
            return did_you_mean(wanted, names()).map(str::to_owned);
        };
        let same = ids.get(rest).map(String::as_str);
        let alike = || did_you_mean(wanted, names().chain(ids.values().map(String::as_str)));
        let other_kind = || ids.get(did_you_mean(rest, names())?).map(String::as_str);
        same.or_else(alike).or_else(other_kind).map(str::to_owned)
    }
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
