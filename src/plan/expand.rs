//! From a check as it is written to checks that can run: one per value of `each`, rendered, read, and judged for sense.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use serde_json::Value as Json;

use crate::kinds::{Entry as Kind, KINDS};
use crate::outcome::{CheckId, Place, Skip};
use crate::suite::{
    CheckDef, Defaults, Entries, Environment, Mistake, Names, Node, Problem, Scope, Source, Spanned, Value, names_in,
    one_of, render_text, truthy,
};

use super::each::{Case, cases};
use super::read::{bare, captures, read};
use super::{Late, PlannedCheck};

/// Where a suite stands: what holds for all of its checks.
pub(super) struct Ground<'a> {
    pub(super) suite: String,
    pub(super) source: Rc<Source>,
    pub(super) scope: Scope,
    pub(super) defaults: Defaults,
    pub(super) environment: &'a Environment,
}

/// Every check of every suite, not yet connected.
#[derive(Default)]
pub(super) struct Expansion {
    pub(super) drafts: Vec<Draft>,
    /// Suite and name of the checks that could not be read: what uses them is not to blame.
    pub(super) broken: BTreeSet<(String, String)>,
}

/// A check that is read, with what its text refers to.
pub(super) struct Draft {
    pub(super) check: PlannedCheck,
    /// The name in the header, without `each`.
    pub(super) name: String,
    /// Names that its templates use, with the bytes of each template.
    pub(super) names: Vec<(Names, Range<usize>)>,
    /// Variables that only `--var` would give.
    pub(super) awaited: Rc<BTreeSet<String>>,
    /// The variables that it can use.
    pub(super) vars: Rc<BTreeMap<String, Json>>,
    /// `needs`, as written.
    pub(super) needs: Vec<Spanned<String>>,
    /// `on`, as written.
    pub(super) on: Option<Spanned<String>>,
    /// Whether it is one of several with that name.
    pub(super) one_of_many: bool,
}

impl Expansion {
    /// Adds the checks of a suite.
    pub(super) fn add(&mut self, ground: &Ground<'_>, defs: Vec<CheckDef>, mistakes: &mut Vec<Mistake>) {
        for def in defs {
            let (name, span) = (def.name.clone(), def.name_span.clone());
            if let Err(problems) = self.expand(ground, def) {
                self.broken.insert((ground.suite.clone(), name));
                mistakes.extend(
                    problems
                        .into_iter()
                        .map(|problem| Mistake::of(problem, &ground.source, &span)),
                );
            }
        }
    }

    /// Every variable that a template mentions.
    pub(super) fn names_used(&self) -> BTreeSet<String> {
        self.drafts
            .iter()
            .flat_map(|draft| draft.names.iter().flat_map(|(names, _)| names.iter().cloned()))
            .collect()
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
    let when = match &def.when {
        None => When::Run,
        Some((text, at)) => {
            let condition = Node::new(at.clone(), Value::Text(text.clone()));
            let used = names_in(&condition)?;
            let late = used.iter().any(|(names, _)| captures(names, &scope));
            names.extend(used);
            when(text, at, late, &scope)?
        }
    };
    let late = names.iter().any(|(names, _)| captures(names, &scope));
    let table = late.then(|| bare(kind, node.clone(), &span));
    let (check, common) = read(kind, node, &span, &scope, &names)?;
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
    let name = if many {
        format!("{}[{}]", def.name, case.label)
    } else {
        def.name.clone()
    };
    let skip = match (&common.skip, &when) {
        (Some(reason), _) => Some(Skip::Declared { reason: reason.clone() }),
        (None, When::Skip(expression)) => Some(Skip::When {
            expression: expression.clone(),
        }),
        (None, _) => None,
    };
    let check = PlannedCheck {
        id: CheckId {
            suite: ground.suite.clone(),
            kind: kind.name.to_owned(),
            name,
        },
        title: common.title.unwrap_or_default(),
        place: header(&ground.source, &span),
        source: Rc::clone(&ground.source),
        entry: kind,
        endpoint: String::new(),
        timeout: common
            .timeout
            .or(ground.defaults.timeout)
            .map_or(Defaults::TIMEOUT, |period| period.0),
        retry: common.retry.or(ground.defaults.retry),
        gate: check.gate(),
        effect: common.effect.unwrap_or_else(|| check.effect()),
        severity: common.severity,
        tags: common.tags,
        capture: common.capture,
        needs: Vec::new(),
        cookies_of: None,
        skip,
        late: table.map(|node| Late {
            node,
            when: when.late(),
            scope: Rc::new(scope),
        }),
        check,
        cleans: None,
        height: 0,
    };
    Ok(Draft {
        check,
        name: def.name,
        names,
        awaited,
        vars,
        needs: common.needs,
        on: common.on,
        one_of_many: many,
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
    let (check, common) = read(kind, step.clone(), &step.span, &scope, &names)?;
    let vars = Rc::clone(&scope.vars);
    let awaited = Rc::clone(&scope.awaited);
    let late = names.iter().any(|(names, _)| captures(names, &scope));
    scope.pending = Rc::default();
    let of = &owner.check;
    let check = PlannedCheck {
        id: CheckId {
            suite: ground.suite.clone(),
            kind: of.id.kind.clone(),
            name: format!("{} finally {}", of.id.name, at + 1),
        },
        title: common.title.unwrap_or_default(),
        place: ground.source.place(&step.span),
        source: Rc::clone(&ground.source),
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
        }),
        check,
        cleans: None,
        height: 0,
    };
    let on = common.on.or_else(|| owner.on.clone());
    Ok(Draft {
        check,
        name: owner.name.clone(),
        names,
        awaited,
        vars,
        needs: Vec::new(),
        on,
        one_of_many: true,
    })
}

enum When {
    Run,
    Skip(String),
    Late(String),
}

impl When {
    fn late(self) -> Option<String> {
        match self {
            Self::Late(expression) => Some(expression),
            Self::Run | Self::Skip(_) => None,
        }
    }
}

fn when(text: &str, at: &Range<usize>, late: bool, scope: &Scope) -> Result<When, Vec<Problem>> {
    if late {
        return Ok(When::Late(text.to_owned()));
    }
    let value = render_text(text, scope).map_err(|reason| vec![Problem::at(at.clone(), reason)])?;
    Ok(if truthy(&value) {
        When::Run
    } else {
        When::Skip(text.to_owned())
    })
}

/// The header's line, from its bracket on.
fn header(source: &Source, name: &Range<usize>) -> Place {
    let start = source.text[..name.start].rfind('\n').map_or(0, |at| at + 1);
    let line = &source.text[start..];
    let end = start + line.find('\n').unwrap_or(line.len());
    source.place(&(start..end))
}
