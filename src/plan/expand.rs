//! From a check as it is written to checks that can run: one per value of `each`, rendered, read, and judged for sense.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value as Json;

use crate::deployment::secrets::Secrets;
use crate::kinds::{Entry as Kind, KINDS};
use crate::outcome::{CheckId, Skip};
use crate::suite::{
    CheckDef, Defaults, Entries, Environment, Mistake, NamesAt, Node, Problem, Scope, Spanned, UseKeys, Value,
    names_in, one_of,
};

use super::condition::{condition, skip};
use super::each::{Case, cases};
use super::origin::Origin;
use super::read::{bare, captures, read};
use super::uses::{Brought, Used};
use super::{Late, PlannedCheck};

/// Where a suite stands: what holds for all of its checks.
pub(super) struct Ground<'a> {
    pub(super) suite: String,
    pub(super) origin: Rc<Origin>,
    pub(super) scope: Scope,
    pub(super) defaults: Defaults,
    pub(super) environment: &'a Environment,
    pub(super) secrets: &'a Secrets,
    /// The use that brings the checks, if they are those of a pack.
    pub(super) brought: Option<Rc<Brought>>,
    /// Nothing is going to be sent.
    pub(super) dry: bool,
}

/// Every check of every suite, not yet connected.
#[derive(Default)]
pub(super) struct Expansion {
    pub(super) drafts: Vec<Draft>,
    /// Suite and name of the checks that could not be read: what uses them is not to blame.
    pub(super) broken: BTreeSet<(String, String)>,
    pub(super) uses: Vec<Used>,
}

/// A check that is read, with what its text refers to.
pub(super) struct Draft {
    pub(super) check: PlannedCheck,
    /// The name in the header, without `each`; behind the name of the use, if it is from a pack.
    pub(super) name: String,
    /// Names that its templates use, with the bytes of each template.
    pub(super) names: Vec<NamesAt>,
    /// Names of the suite that the values given to its pack use, with the bytes of each template there.
    pub(super) outer_names: Vec<NamesAt>,
    /// `needs` of the use that brought it.
    pub(super) outer_needs: Vec<Spanned<String>>,
    /// Variables that only `--var` would give.
    pub(super) awaited: Rc<BTreeSet<String>>,
    /// The variables that it can use.
    pub(super) vars: Rc<BTreeMap<String, Json>>,
    /// `needs`, as written.
    pub(super) needs: Vec<Spanned<String>>,
    /// `on`, as written.
    pub(super) on: Option<Spanned<String>>,
    /// Whether `on` stands in the use that brought it.
    pub(super) on_of_use: bool,
    /// Whether it is one of several with that name.
    pub(super) one_of_many: bool,
    /// Whether it is for a parameter of its pack that the use leaves out: who needs the use does not need it.
    pub(super) not_wanted: bool,
}

impl Draft {
    /// What is wrong with the check as a whole, or with its `on`.
    pub(super) fn mistake(&self, problem: Problem) -> Mistake {
        let place = match &problem.span {
            None => self.check.place.clone(),
            Some(span) if self.on_of_use => self.check.origin.outer_place(span),
            Some(span) => return self.check.origin.mistake(problem.clone(), span),
        };
        Mistake {
            place: Some(place),
            message: problem.message,
            hint: problem.hint,
        }
    }
}

impl Expansion {
    /// Adds the checks of a suite.
    pub(super) fn add(&mut self, ground: &Ground<'_>, defs: Vec<CheckDef>, mistakes: &mut Vec<Mistake>) {
        for def in defs {
            let (name, span) = (ground.full_name(&def.name), def.name_span.clone());
            if let Err(problems) = self.expand(ground, def) {
                self.broken.insert((ground.suite.clone(), name));
                mistakes.extend(
                    problems
                        .into_iter()
                        .map(|problem| ground.origin.mistake(problem, &span)),
                );
            }
        }
    }

    /// Every name that a template of a suite uses and that has no dot. Those of a pack are its own.
    pub(super) fn plain_names(&self) -> BTreeSet<String> {
        let own = self.drafts.iter().filter(|draft| draft.check.used.is_none());
        let own = own.flat_map(|draft| &draft.names);
        let names = own.chain(self.uses.iter().flat_map(|used| &used.names));
        let names = names.flat_map(|(names, _)| names);
        names.filter(|name| !name.contains('.')).cloned().collect()
    }

    fn expand(&mut self, ground: &Ground<'_>, mut def: CheckDef) -> Result<(), Vec<Problem>> {
        let kind = Kind::find(&def.kind).ok_or_else(|| {
            let names = KINDS.iter().map(|kind| kind.name);
            let problem = Problem::at(def.kind_span.clone(), format!("unknown kind `{}`", def.kind));
            vec![problem.maybe_hint(one_of(&def.kind, names))]
        })?;
        let cases = match def.table.take("each") {
            None => vec![Case::default()],
            Some(each) => cases(&each.node, &ground.scope)?,
        };
        let many = cases.len() > 1 || cases.iter().any(|case| !case.label.is_empty());
        let finally = std::mem::take(&mut def.finally);
        let mut problems = Vec::new();
        let last = cases.len() - 1;
        let mut def = Some(def);
        for (at, case) in cases.into_iter().enumerate() {
            let own = if at == last { def.take() } else { def.clone() };
            let Some(own) = own else { break };
            match draft(ground, kind, own, &case, many) {
                Ok(draft) => self.push(ground, draft, &finally, &case, &mut problems),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Adds the check and the steps of its `finally`; what those do, it does.
    fn push(&mut self, ground: &Ground<'_>, draft: Draft, finally: &[Node], case: &Case, problems: &mut Vec<Problem>) {
        let owner = self.drafts.len();
        self.drafts.push(draft);
        for (at, step) in finally.iter().enumerate() {
            match cleanup(ground, &self.drafts[owner], step, at, case) {
                Ok(mut step) => {
                    let check = &mut self.drafts[owner].check;
                    check.effect = check.effect.max(step.check.effect);
                    step.check.cleans = Some(owner);
                    self.drafts.push(step);
                }
                Err(found) => problems.extend(found),
            }
        }
        let allowed = &ground.environment.allow;
        let check = &mut self.drafts[owner].check;
        if check.skip.is_none() && !allowed.contains(&check.effect) {
            check.skip = Some(Skip::NotAllowed { effect: check.effect });
        }
    }
}

/// The title of a check, behind that of the use that brings it.
fn title(keys: Option<&UseKeys>, own: Option<String>) -> String {
    let own = own.unwrap_or_default();
    match keys.and_then(|keys| keys.title.as_deref()) {
        Some(of_use) if own.is_empty() => of_use.to_owned(),
        Some(of_use) => format!("{of_use}: {own}"),
        None => own,
    }
}

fn draft(
    ground: &Ground<'_>,
    kind: &'static Kind,
    def: CheckDef,
    case: &Case,
    many: bool,
) -> Result<Draft, Vec<Problem>> {
    let span = def.name_span.clone();
    let node = Node::new(span.clone(), Value::Table(def.table));
    let mut names = names_in(&node)?;
    let mut scope = ground.scope.with(&case.bindings);
    let brought = ground.brought.as_deref();
    let (when, missing) = condition(def.when.as_ref(), &scope, brought, &mut names)?;
    let given = brought.and_then(|brought| brought.given(&names));
    let late = given.is_some() || names.iter().any(|(names, _)| captures(names, &scope));
    let table = late.then(|| bare(kind, node.clone(), &span));
    let (check, common, filled) = read(kind, node, &span, &scope, &names)?;
    if check.expects_nothing() && common.capture.is_empty() {
        let problem = Problem::whole("a check without any expectation cannot fail");
        let hint = format!(
            "say what must be true (`smoke kinds {}` lists what can be expected)",
            kind.name
        );
        return Err(vec![problem.hint(hint)]);
    }
    let vars = Rc::clone(&scope.vars);
    let awaited = Rc::clone(&scope.awaited);
    scope.pending = Rc::default();
    let full_name = ground.full_name(&def.name);
    let name = if many {
        format!("{full_name}[{}]", case.label)
    } else {
        full_name.clone()
    };
    let skip = skip(brought, &def.name, common.skip.as_ref(), &when, missing.as_deref());
    let keys = brought.map(|brought| &brought.keys);
    let header = ground.origin.header(&span);
    let used_at = ground.origin.used_at().cloned();
    let check = PlannedCheck {
        id: CheckId {
            suite: ground.suite.clone(),
            kind: kind.name.to_owned(),
            name,
        },
        title: title(keys, common.title),
        pack_place: used_at.is_some().then(|| header.clone()),
        place: used_at.unwrap_or(header),
        origin: Rc::clone(&ground.origin),
        used: brought.map(|brought| brought.name.clone()),
        entry: kind,
        endpoint: String::new(),
        timeout: keys
            .and_then(|keys| keys.timeout)
            .or(common.timeout)
            .or(ground.defaults.timeout)
            .map_or(Defaults::TIMEOUT, |period| period.0),
        retry: keys
            .and_then(|keys| keys.retry)
            .or(common.retry)
            .or(ground.defaults.retry),
        gate: check.gate(),
        effect: common.effect.unwrap_or_else(|| check.effect()),
        severity: keys.and_then(|keys| keys.severity).unwrap_or(common.severity),
        tags: keys
            .map_or(&[][..], |keys| &keys.tags)
            .iter()
            .cloned()
            .chain(common.tags)
            .collect(),
        capture: common.capture,
        needs: Vec::new(),
        cookies_of: None,
        skip,
        late: table.map(|node| Late {
            node,
            when: when.late(),
            scope: Rc::new(scope),
            given,
        }),
        table: ground.dry.then_some(filled),
        check,
        cleans: None,
        height: 0,
    };
    Ok(Draft {
        check,
        name: full_name,
        outer_names: brought.map_or_else(Vec::new, |brought| brought.outer_names(&names)),
        outer_needs: keys.map_or_else(Vec::new, |keys| keys.needs.clone()),
        names,
        awaited,
        vars,
        needs: common.needs,
        on_of_use: common.on.is_none() && brought.is_some(),
        on: common.on.or_else(|| brought?.on(kind)),
        one_of_many: many,
        not_wanted: missing.is_some(),
    })
}

/// One step of `finally`: of the kind that one of its keys belongs to.
fn cleanup(ground: &Ground<'_>, owner: &Draft, step: &Node, at: usize, case: &Case) -> Result<Draft, Vec<Problem>> {
    let kind = KINDS.iter().find(|kind| match &step.value {
        Value::Table(table) => kind.cleans_by.iter().any(|key| table.get(key).is_some()),
        _ => false,
    });
    let kind = kind.ok_or_else(|| {
        let keys: Vec<&str> = KINDS.iter().flat_map(|kind| kind.cleans_by).copied().collect();
        let problem = Problem::at(step.span.clone(), "a step of `finally` is a request or a statement");
        vec![problem.hint(format!("give one of {}", keys.join(", ")))]
    })?;
    let names = names_in(step)?;
    let mut scope = ground.scope.with(&case.bindings);
    let (check, common, table) = read(kind, step.clone(), &step.span, &scope, &names)?;
    let vars = Rc::clone(&scope.vars);
    let awaited = Rc::clone(&scope.awaited);
    let brought = ground.brought.as_deref();
    let given = brought.and_then(|brought| brought.given(&names));
    let late = given.is_some() || names.iter().any(|(names, _)| captures(names, &scope));
    scope.pending = Rc::default();
    let of = &owner.check;
    let check = PlannedCheck {
        id: CheckId {
            suite: ground.suite.clone(),
            kind: of.id.kind.clone(),
            name: format!("{} finally {}", of.id.name, at + 1),
        },
        title: common.title.unwrap_or_default(),
        place: ground.origin.place(&step.span),
        pack_place: of.pack_place.clone(),
        origin: Rc::clone(&ground.origin),
        used: of.used.clone(),
        entry: kind,
        endpoint: String::new(),
        timeout: common.timeout.map_or(of.timeout, |period| period.0),
        retry: common.retry,
        gate: None,
        effect: common.effect.unwrap_or_else(|| check.effect()),
        severity: common.severity,
        tags: of.tags.clone(),
        capture: Entries::default(),
        needs: Vec::new(),
        cookies_of: None,
        skip: None,
        late: late.then(|| Late {
            node: bare(kind, step.clone(), &step.span),
            when: None,
            scope: Rc::new(scope),
            given,
        }),
        table: ground.dry.then_some(table),
        check,
        cleans: None,
        height: 0,
    };
    let on_of_use = common.on.is_none() && owner.on_of_use;
    let on = common.on.or_else(|| owner.on.clone());
    Ok(Draft {
        check,
        on_of_use,
        name: owner.name.clone(),
        outer_names: brought.map_or_else(Vec::new, |brought| brought.outer_names(&names)),
        outer_needs: Vec::new(),
        names,
        awaited,
        vars,
        needs: Vec::new(),
        on,
        one_of_many: true,
        not_wanted: false,
    })
}

impl Ground<'_> {
    /// The name of a check: behind the name of the use, if it is from a pack.
    fn full_name(&self, check: &str) -> String {
        self.brought
            .as_ref()
            .map_or_else(|| check.to_owned(), |brought| brought.full_name(check))
    }
}
