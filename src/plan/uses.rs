//! From `[use.NAME]` to the checks of its pack: parameters given, in a scope of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use serde_json::Value as Json;

use crate::kinds::Entry as Kind;
use crate::suite::{
    CheckDef, Defaults, Entry, Mistake, NamesAt, Node, OneOrEach, Pack, Packs, Param, ParamType, Problem, Scope,
    Spanned, Table, UseDef, UseKeys, Value, decode, is_expression, is_placeholder, names_in, one_of, render_text,
    toml_of,
};

use super::condition::{When, when};
use super::expand::{Expansion, Ground};
use super::origin::{Origin, header};
use super::read::{captures, fill};
use super::{Given, scope};

/// What a use says of the checks that it brings.
pub(super) struct Brought {
    /// `NAME`.
    pub(super) name: String,
    pub(super) keys: UseKeys,
    pub(super) when: When,
    /// The names that `when` uses, in the suite.
    when_names: Vec<NamesAt>,
    /// The parameters that the use gives, as written, with the names that each uses.
    params: BTreeMap<String, (Node, Vec<NamesAt>)>,
    /// What those names mean.
    scope: Scope,
}

/// A use, for the check of names: what is given to no check of the pack must mean something, too.
pub(super) struct Used {
    pub(super) suite: String,
    pub(super) name: String,
    pub(super) names: Vec<NamesAt>,
    pub(super) origin: Rc<Origin>,
    pub(super) scope: Scope,
}

impl Brought {
    /// `NAME.check`.
    pub(super) fn full_name(&self, check: &str) -> String {
        format!("{}.{check}", self.name)
    }

    /// The names of the suite that a check depends on which uses `names` of the pack.
    pub(super) fn outer_names(&self, names: &[NamesAt]) -> Vec<NamesAt> {
        let used = self.used(names).flat_map(|(_, (_, names))| names.iter().cloned());
        used.chain(self.when_names.iter().cloned()).collect()
    }

    /// What is still to be filled in before a check can run which uses `names` of the pack.
    pub(super) fn given(&self, names: &[NamesAt]) -> Option<Given> {
        let late = |names: &[NamesAt]| names.iter().any(|(names, _)| captures(names, &self.scope));
        let params: Vec<(String, Node)> = self
            .used(names)
            .filter(|(_, (_, names))| late(names))
            .map(|(name, (node, _))| (name.clone(), node.clone()))
            .collect();
        let when = self.when.late();
        if params.is_empty() && when.is_none() {
            return None;
        }
        let mut scope = self.scope.clone();
        scope.pending = Rc::default();
        Some(Given { params, when, scope })
    }

    fn used(&self, names: &[NamesAt]) -> impl Iterator<Item = (&String, &(Node, Vec<NamesAt>))> {
        let roots: BTreeSet<&str> = names
            .iter()
            .flat_map(|(names, _)| names.iter().filter_map(|name| name.split('.').next()))
            .collect();
        self.params
            .iter()
            .filter(move |(name, _)| roots.contains(name.as_str()))
    }

    /// Why a check is not asked for whose `when` uses `names`: it is about a parameter that may be left out, and is.
    pub(super) fn missing(&self, when: &When, names: &[NamesAt], vars: &BTreeMap<String, Json>) -> Option<String> {
        if !matches!(when, When::Skip(_)) {
            return None;
        }
        let mut names = names.iter().flat_map(|(names, _)| names);
        let name = names.find(|name| vars.get(*name) == Some(&Json::Null) && !self.params.contains_key(*name))?;
        Some(format!("[use.{}] gives no with.{name}", self.name))
    }

    /// The endpoint for a check of `kind` that names none itself.
    pub(super) fn on(&self, kind: &Kind) -> Option<Spanned<String>> {
        let on = self.keys.on.as_ref()?;
        let name = match &**on {
            OneOrEach::One(name) => kind.speaks.is_some().then_some(name.as_str()),
            each @ OneOrEach::Each(_) => each.of(kind.speaks?.name()),
        };
        Some(Spanned::new(on.span(), name?.to_owned()))
    }
}

impl Expansion {
    /// Adds the checks of the pack that `def` uses.
    pub(super) fn bring(&mut self, ground: &Ground<'_>, def: UseDef, packs: Packs<'_>, mistakes: &mut Vec<Mistake>) {
        let broken = (ground.suite.clone(), def.name.clone());
        let Some(pack) = find(ground, &def, packs, mistakes) else {
            self.broken.insert(broken);
            return;
        };
        let before = mistakes.len();
        let span = def.name_span.clone();
        match Self::settle(ground, def, &pack) {
            Err(problems) => {
                mistakes.extend(
                    problems
                        .into_iter()
                        .map(|problem| ground.origin.mistake(problem, &span)),
                );
            }
            Ok((inner, used)) => {
                self.uses.push(used);
                self.add(&inner, absent_left_out(pack, &inner), mistakes);
            }
        }
        if mistakes.len() > before {
            self.broken.insert(broken);
        }
    }

    /// The ground that the checks of `pack` stand on.
    fn settle<'a>(ground: &Ground<'a>, def: UseDef, pack: &Pack) -> Result<(Ground<'a>, Used), Vec<Problem>> {
        let mut problems = Vec::new();
        let keys = Node::new(def.name_span.clone(), Value::Table(def.keys));
        let (keys, found) = fill(&keys, &ground.scope);
        problems.extend(found);
        let keys: UseKeys = decode(&keys, &[]).unwrap_or_else(|found| {
            problems.extend(found);
            UseKeys::default()
        });
        if let Some(skip) = &keys.skip
            && let OneOrEach::Each(reasons) = &**skip
        {
            problems.extend(unknown_checks(
                reasons.iter().map(|(name, reason)| (name, reason.span())),
                pack,
            ));
        }
        problems.extend(keys.skip.as_ref().and_then(no_reason));
        let (when, when_names) = match &def.when {
            None => (When::Run, Vec::new()),
            Some((text, at)) => {
                let names = names_in(&Node::new(at.clone(), Value::Text(text.clone())))?;
                let late = names.iter().any(|(names, _)| captures(names, &ground.scope));
                (when(text, at, late, &ground.scope)?, names)
            }
        };
        let vars = values(pack, &def.with, &def.name_span, &ground.scope, &mut problems);
        let mut params = BTreeMap::new();
        for entry in def.with.0 {
            match names_in(&entry.node) {
                Ok(names) => drop(params.insert(entry.key, (entry.node, names))),
                Err(found) => problems.extend(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let suite = ground.origin.source();
        let place = header(&suite, &def.name_span);
        let mentions = mentions(pack, &params);
        let origin = Origin::pack(Rc::clone(&pack.source), def.name.clone(), suite, place, mentions);
        let names = params.values().flat_map(|(_, names)| names.iter().cloned());
        let used = Used {
            suite: ground.suite.clone(),
            name: def.name.clone(),
            names: names.chain(when_names.iter().cloned()).collect(),
            origin: Rc::clone(&ground.origin),
            scope: ground.scope.clone(),
        };
        let brought = Brought {
            name: def.name,
            keys,
            when,
            when_names,
            params,
            scope: ground.scope.clone(),
        };
        let inner = Ground {
            suite: ground.suite.clone(),
            origin: Rc::new(origin),
            scope: scope::of_pack(pack, vars, &ground.scope, ground.secrets),
            defaults: Defaults {
                timeout: brought.keys.timeout.or(ground.defaults.timeout),
                retry: brought.keys.retry.or(ground.defaults.retry),
                ..ground.defaults
            },
            environment: ground.environment,
            secrets: ground.secrets,
            brought: Some(Rc::new(brought)),
            dry: ground.dry,
        };
        Ok((inner, used))
    }
}

/// The pack that `def` names, if it can be read.
fn find(ground: &Ground<'_>, def: &UseDef, packs: Packs<'_>, mistakes: &mut Vec<Mistake>) -> Option<Pack> {
    let Some(source) = packs.find(&def.pack) else {
        let names = packs.names();
        let problem = Problem::at(def.pack.span(), format!("there is no pack `{}`", def.pack.as_str()))
            .maybe_hint(one_of(&def.pack, names.iter().map(String::as_str)));
        mistakes.push(ground.origin.mistake(problem, &def.name_span));
        return None;
    };
    let (pack, found) = match source {
        Ok(source) => Pack::parse(source),
        Err(mistake) => {
            mistakes.push(mistake);
            return None;
        }
    };
    if found.is_empty() && pack.checks.is_empty() {
        let problem = Problem::at(def.pack.span(), format!("the pack `{}` has no checks", pack.name));
        mistakes.push(ground.origin.mistake(problem, &def.name_span));
        return None;
    }
    let right = found.is_empty();
    let place = header(&ground.origin.source(), &def.name_span);
    mistakes.extend(found.into_iter().map(|mistake| Mistake {
        message: format!(
            "{} (brought by [use.{}], {}:{})",
            mistake.message, def.name, place.file, place.line
        ),
        ..mistake
    }));
    right.then_some(pack)
}

/// What is skipped has a reason.
fn no_reason(skip: &Spanned<OneOrEach>) -> Option<Problem> {
    let empty = |reason: &str| reason.trim().is_empty();
    let (span, key) = match &**skip {
        OneOrEach::One(reason) => empty(reason).then(|| (skip.span(), "skip"))?,
        OneOrEach::Each(reasons) => {
            let (name, reason) = reasons.iter().find(|(_, reason)| empty(reason))?;
            (reason.span(), name.as_str())
        }
    };
    Some(Problem::at(span, "what is skipped has a reason").hint(format!("{key} = \"why\"")))
}

fn unknown_checks<'a>(names: impl Iterator<Item = (&'a String, Range<usize>)>, pack: &Pack) -> Vec<Problem> {
    let known = || pack.checks.iter().map(|check| check.name.as_str());
    let unknown = names.filter(|(name, _)| !known().any(|known| known == name.as_str()));
    unknown
        .map(|(name, span)| {
            Problem::at(span, format!("the pack `{}` has no check `{name}`", pack.name))
                .maybe_hint(one_of(name, known().collect::<Vec<_>>()))
        })
        .collect()
}

/// The values of the parameters, with placeholders for what is captured during the run.
fn values(
    pack: &Pack,
    with: &Table,
    header: &Range<usize>,
    scope: &Scope,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Json> {
    for entry in &with.0 {
        if !pack.params.iter().any(|param| param.name == entry.key) {
            let names: Vec<&str> = pack.params.iter().map(|param| param.name.as_str()).collect();
            let message = format!("the pack `{}` has no parameter `{}`", pack.name, entry.key);
            problems.push(Problem::at(entry.key_span.clone(), message).maybe_hint(one_of(&entry.key, names)));
        }
    }
    let value = |param: &Param| {
        let value = match with.get(&param.name) {
            Some(entry) => given(param, entry, scope, problems),
            None if param.required() => {
                let message = format!("the parameter `{}` of the pack `{}` is missing", param.name, pack.name);
                let example = param.example.as_ref().map_or_else(|| "…".to_owned(), toml_of);
                problems.push(
                    Problem::at(header.clone(), message)
                        .hint(format!("with.{} = {example}   # {}", param.name, param.about)),
                );
                Json::Null
            }
            None => param.default.clone().unwrap_or(Json::Null),
        };
        (param.name.clone(), value)
    };
    pack.params.iter().map(value).collect()
}

fn given(param: &Param, entry: &Entry, scope: &Scope, problems: &mut Vec<Problem>) -> Json {
    let (node, found) = fill(&entry.node, scope);
    let known = found.is_empty();
    problems.extend(found);
    let value = node.to_json();
    if !known || value.as_str().is_some_and(is_placeholder) {
        return value;
    }
    let at = || entry.node.span.clone();
    if param.required() && value.as_array().is_some_and(Vec::is_empty) {
        let problem = Problem::at(at(), format!("`{}` is empty: nothing would be verified", param.name));
        problems.push(problem.hint("leave the use out"));
    } else if let Some(text) = value.as_str().filter(|_| !param.one_of.is_empty())
        && !param.one_of.iter().any(|one| one == text)
    {
        let hint = one_of(text, param.one_of.iter().map(String::as_str));
        problems.push(Problem::at(at(), format!("unknown value `{text}`")).maybe_hint(hint));
    } else if let Some(expected) = param.accepts
        && expected != ParamType::Any
        && ParamType::of(&value) != Some(expected)
    {
        let found = ParamType::of(&value).map_or("null", ParamType::name);
        let message = format!("`{}` is a {}, found {found}", param.name, expected.name());
        let example = param.example.as_ref().or(param.default.as_ref());
        let hint = example.map(|example| format!("for instance {} = {}", param.name, toml_of(example)));
        problems.push(Problem::at(at(), message).maybe_hint(hint));
    }
    value
}

/// Bytes of the pack that mention a parameter which the use gives, with the bytes that give it.
fn mentions(pack: &Pack, params: &BTreeMap<String, (Node, Vec<NamesAt>)>) -> Vec<(Range<usize>, Range<usize>)> {
    let tables = pack.checks.iter().flat_map(|check| check.table.0.iter());
    let nodes = tables
        .map(|entry| &entry.node)
        .chain(pack.checks.iter().flat_map(|check| &check.finally));
    let texts = nodes.filter_map(|node| names_in(node).ok()).flatten();
    texts
        .filter_map(|(names, span)| {
            let (value, _) = names.iter().find_map(|name| params.get(name.split('.').next()?))?;
            Some((span, value.span.clone()))
        })
        .collect()
}

/// The checks, without the keys that mention an optional parameter which has no value, unless they say what holds then:
/// `"{{ this or that }}"`. An expression over an optional parameter that comes to nothing leaves its key out, too:
/// `"{{ path if json is none else none }}"`.
fn absent_left_out(pack: Pack, ground: &Ground<'_>) -> Vec<CheckDef> {
    let optional = pack.params.iter().filter(|param| param.optional);
    let optional: BTreeSet<&str> = optional.map(|param| param.name.as_str()).collect();
    let absent = optional
        .iter()
        .copied()
        .filter(|name| ground.scope.vars.get(*name) == Some(&Json::Null))
        .collect();
    let mut checks = pack.checks;
    for check in &mut checks {
        leave_out(&mut check.table, &optional, &absent, &ground.scope);
    }
    checks
}

fn leave_out(table: &mut Table, optional: &BTreeSet<&str>, absent: &BTreeSet<&str>, scope: &Scope) {
    table.0.retain_mut(|entry| {
        if let Value::Table(inner) = &mut entry.node.value {
            let had = !inner.0.is_empty();
            leave_out(inner, optional, absent, scope);
            return !had || !inner.0.is_empty();
        }
        let filled = match &entry.node.value {
            Value::Text(text) if is_expression(text) => render_text(text, scope).ok(),
            _ => None,
        };
        match filled {
            Some(value) => !value.is_null() || !mentions_any(&entry.node, optional),
            None => !mentions_any(&entry.node, absent),
        }
    });
}

fn mentions_any(node: &Node, absent: &BTreeSet<&str>) -> bool {
    let names = names_in(node).unwrap_or_default();
    let mut roots = names
        .iter()
        .flat_map(|(names, _)| names.iter().filter_map(|name| name.split('.').next()));
    roots.any(|root| absent.contains(root))
}
