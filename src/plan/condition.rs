//! Whether a check runs at all: `when`, `skip`, and what the use that brought it says.

use std::ops::Range;

use crate::outcome::Skip;
use crate::suite::{NamesAt, Node, Problem, Scope, Value, names_in, render_text, truthy};

use super::read::captures;
use super::uses::Brought;

/// What a condition comes to.
pub(super) enum When {
    Run,
    Skip(String),
    Late(String),
}

impl When {
    pub(super) fn late(&self) -> Option<String> {
        match self {
            Self::Late(expression) => Some(expression.clone()),
            Self::Run | Self::Skip(_) => None,
        }
    }
}

/// What the expression of `when` comes to.
pub(super) fn when(text: &str, at: &Range<usize>, late: bool, scope: &Scope) -> Result<When, Vec<Problem>> {
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

/// Whether the check runs, and the parameters that are not given where it does not; adds the names that `when` uses.
pub(super) fn condition(
    written: Option<&(String, Range<usize>)>,
    scope: &Scope,
    brought: Option<&Brought>,
    names: &mut Vec<NamesAt>,
) -> Result<(When, Option<String>), Vec<Problem>> {
    let Some((text, at)) = written else {
        return Ok((When::Run, None));
    };
    let used = names_in(&Node::new(at.clone(), Value::Text(text.clone())))?;
    let late = used.iter().any(|(names, _)| captures(names, scope));
    let when = when(text, at, late, scope)?;
    let missing = brought.and_then(|brought| brought.missing(&when, &used, &scope.vars));
    names.extend(used);
    Ok((when, missing))
}

/// Why the check called `name` is not to be run: what the use says goes before what its pack says.
pub(super) fn skip(
    brought: Option<&Brought>,
    name: &str,
    own: Option<&String>,
    when: &When,
    missing: Option<&str>,
) -> Option<Skip> {
    let of_use = brought.and_then(|brought| brought.keys.skip.as_ref()?.of(name).map(str::to_owned));
    if let Some(reason) = of_use.or_else(|| own.cloned()).or_else(|| missing.map(str::to_owned)) {
        return Some(Skip::Declared { reason });
    }
    let mut conditions = brought.map(|brought| &brought.when).into_iter().chain([when]);
    conditions.find_map(|when| match when {
        When::Skip(expression) => Some(Skip::When {
            expression: expression.clone(),
        }),
        When::Run | When::Late(_) => None,
    })
}
