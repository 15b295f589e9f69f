//! Reading the table of a check: templates filled as far as they can be, the kind's part, the common part, every mistake.

use std::ops::Range;

use crate::kinds::{Check, Entry as Kind};
use crate::suite::{
    CheckDef, Common, Names, NamesAt, Node, Problem, Scope, Value, did_you_mean, is_placeholder, names_in,
    render_partly, render_text,
};

/// A check that was read: what it is, what every check can say, and the kind's part of its table.
pub(super) type Whole = (Box<dyn Check>, Common, Node);

/// Renders and reads a table: the kind's part, and the keys that every check takes.
pub(super) fn read(
    kind: &'static Kind,
    written: Node,
    span: &Range<usize>,
    scope: &Scope,
    names: &[NamesAt],
) -> Result<Whole, Vec<Problem>> {
    let (rendered, mut problems, templates) = if names.is_empty() {
        (written, Vec::new(), None)
    } else {
        let (rendered, problems) = fill(&written, scope);
        (rendered, problems, Some(written))
    };
    let Value::Table(mut table) = rendered.value else {
        return Err(vec![Problem::at(span.clone(), "expected a table")]);
    };
    let common = CheckDef::common(&mut table, span);
    for group in kind.groups {
        group.gather(&mut table, span);
    }
    let node = Node::new(span.clone(), Value::Table(table));
    let (check, found) = (kind.read)(&node);
    let unfilled: Vec<Range<usize>> = problems.iter().filter_map(|problem| problem.span.clone()).collect();
    let found = found
        .into_iter()
        .map(|problem| among_all_keys(problem, kind, &node))
        .filter(|problem| problem.span.as_ref().is_none_or(|span| !unfilled.contains(span)));
    let (common, uncommon) = match common {
        Ok(common) => (Some(common), Vec::new()),
        Err(problems) => (None, problems),
    };
    problems.extend(found.chain(uncommon).map(|problem| match &templates {
        Some(written) => explain_placeholder(problem, written, scope),
        None => problem,
    }));
    match (check, common) {
        (Some(check), Some(common)) if problems.is_empty() => Ok((check, common, node)),
        _ => Err(problems),
    }
}

/// What every check takes is known, too, where `problem` is a key of `node` that the kind does not know.
fn among_all_keys(problem: Problem, kind: &Kind, node: &Node) -> Problem {
    let Value::Table(table) = &node.value else {
        return problem;
    };
    let mut entries = table.0.iter().filter(|entry| entry.key_span != node.span);
    let Some(entry) = entries.find(|entry| problem.span.as_ref() == Some(&entry.key_span)) else {
        return problem;
    };
    let schema = (kind.schema)();
    let fields = schema.get("properties").and_then(|properties| properties.as_object());
    let fields = fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str));
    let grouped = kind.groups.iter().flat_map(|group| group.keys).copied();
    let own = fields.filter(|field| kind.groups.iter().all(|group| group.field != *field));
    let hint = if let Some(meant) = did_you_mean(&entry.key, own.chain(grouped).chain(Common::KEYS)) {
        format!("did you mean `{meant}`?")
    } else {
        let own = problem.hint.clone().unwrap_or_default();
        format!("{own}; every check takes {}, too", Common::KEYS.join(", "))
    };
    problem.hint(hint)
}

/// The kind's part of a table as written, for reading again during the run.
pub(super) fn bare(kind: &Kind, node: Node, span: &Range<usize>) -> Node {
    let Value::Table(mut table) = node.value else {
        return node;
    };
    let _ = table.split_off(|key| Common::KEYS.contains(&key));
    for group in kind.groups {
        group.gather(&mut table, span);
    }
    Node::new(span.clone(), Value::Table(table))
}

/// `node` with its templates filled as far as they can be. A name that nobody knows is reported as that, and not as a
/// failure to fill it in.
pub(super) fn fill(node: &Node, scope: &Scope) -> (Node, Vec<Problem>) {
    let (filled, problems) = render_partly(node, scope);
    if problems.is_empty() {
        return (filled, problems);
    }
    let names = names_in(node).unwrap_or_default();
    let names = names
        .iter()
        .flat_map(|(names, span)| names.iter().map(move |name| (name, span)));
    let unknown: Vec<Problem> = names
        .filter_map(|(name, span)| super::names::unknown(name, scope, span))
        .collect();
    (filled, if unknown.is_empty() { problems } else { unknown })
}

/// A value that is not known yet cannot stand where a number, a duration or a name is read.
fn explain_placeholder(problem: Problem, written: &Node, scope: &Scope) -> Problem {
    let mut open = None;
    if let Some(wrong) = &problem.span {
        written.each_text(&mut |text, span| {
            if span == wrong && render_text(text, scope).is_ok_and(|value| value.as_str().is_some_and(is_placeholder)) {
                open = Some(text.to_owned());
            }
        });
    }
    match open {
        None => problem,
        Some(text) if text.contains("env.") => Problem {
            hint: Some("set the environment variable".to_owned()),
            message: format!("{text} is not set, and what stands here must be known to be read"),
            ..problem
        },
        Some(text) => Problem {
            hint: Some("write the value itself, or a variable".to_owned()),
            message: format!("a captured value, {text}, can stand in text and in matchers only"),
            ..problem
        },
    }
}

/// Whether one of `names` stands for something that is known only during the run.
pub(super) fn captures(names: &Names, scope: &Scope) -> bool {
    names.iter().any(|name| scope.is_pending(name))
}
