//! What the names in templates mean: variables, and the process environment.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use serde_json::Value as Json;
use url::Url;

use crate::deployment::secrets::Secrets;
use crate::suite::{
    Entry, Environment, Mistake, Node, Pack, Project, Scope, Source, Suite, Value, did_you_mean, names_in,
    process_variable, render,
};

use super::build::Request;

/// The environment's variables, overridden by `--var`, and the process variables that the project's templates use.
pub(super) fn of_environment(
    project: &Project,
    environment: &Environment,
    request: &Request,
    secrets: &Secrets,
    mistakes: &mut Vec<Mistake>,
) -> Scope {
    let mut scope = Scope::default();
    let given = request.vars.iter().cloned();
    scope.vars = Rc::new(given.map(|(name, text)| (name, Json::String(text))).collect());
    let addresses = environment.endpoints.values().flatten().map(|entry| &entry.node);
    let nodes: Vec<&Node> = addresses
        .chain(environment.vars.0.iter().map(|entry| &entry.node))
        .collect();
    look_up(&nodes, &mut scope, secrets);
    add_vars(
        &mut scope,
        environment.vars.0.iter(),
        request,
        &project.source,
        mistakes,
    );
    scope
}

/// The same with the suite's variables, which hold unless the environment says otherwise, and every check of the suite as
/// a name whose value is still to come.
pub(super) fn of_suite(
    suite: &Suite,
    source: &Source,
    environment: &Scope,
    request: &Request,
    secrets: &Secrets,
    mistakes: &mut Vec<Mistake>,
) -> Scope {
    let mut scope = environment.clone();
    let tables = suite
        .checks
        .iter()
        .flat_map(|check| check.table.0.iter().map(|entry| &entry.node));
    let steps = suite.checks.iter().flat_map(|check| &check.finally);
    let conditions = suite.checks.iter().map(|check| &check.when);
    let conditions: Vec<Node> = conditions
        .chain(suite.uses.iter().map(|used| &used.when))
        .filter_map(|when| condition(when.as_ref()))
        .collect();
    let vars = suite.vars.0.iter().map(|entry| &entry.node);
    let given = suite
        .uses
        .iter()
        .flat_map(|used| used.with.0.iter().chain(&used.keys.0).map(|entry| &entry.node));
    let nodes: Vec<&Node> = tables
        .chain(steps)
        .chain(&conditions)
        .chain(vars)
        .chain(given)
        .collect();
    look_up(&nodes, &mut scope, secrets);
    let given = |name: &String| request.vars.iter().any(|(given, _)| given == name);
    let own = suite.vars.0.iter();
    let own = own.filter(|entry| given(&entry.key) || !environment.vars.contains_key(&entry.key));
    add_vars(&mut scope, own, request, source, mistakes);
    let checks = suite.checks.iter().map(|check| &check.name);
    let names = checks.chain(suite.uses.iter().map(|used| &used.name));
    scope.pending = Rc::new(names.cloned().collect());
    if request.dry {
        scope.awaited = Rc::new(awaited(suite, &nodes, &scope));
    }
    scope
}

/// Plain names that nobody defines, and that are no misspelling of one that somebody does: a run gets them by `--var`.
fn awaited(suite: &Suite, nodes: &[&Node], scope: &Scope) -> BTreeSet<String> {
    let each = suite.checks.iter().filter_map(|check| check.table.get("each"));
    let each = each.filter_map(|each| match &each.node.value {
        Value::Table(table) => Some(table.0.iter().map(|entry| entry.key.as_str())),
        _ => None,
    });
    let known: BTreeSet<&str> = scope
        .vars
        .keys()
        .chain(scope.pending.iter())
        .map(String::as_str)
        .chain(each.flatten())
        .collect();
    let names = nodes
        .iter()
        .filter_map(|node| names_in(node).ok())
        .flatten()
        .flat_map(|(names, _)| names);
    let plain = names.filter(|name| !name.contains('.') && name != "env" && !known.contains(name.as_str()));
    plain
        .filter(|name| did_you_mean(name, known.iter().copied()).is_none())
        .collect()
}

/// Inside a pack names mean its parameters, its own checks, and the process environment.
pub(super) fn of_pack(pack: &Pack, params: BTreeMap<String, Json>, suite: &Scope, secrets: &Secrets) -> Scope {
    let mut scope = Scope {
        vars: Rc::new(params),
        env: Rc::clone(&suite.env),
        pending: Rc::new(pack.checks.iter().map(|check| check.name.clone()).collect()),
        of_pack: true,
        ..Scope::default()
    };
    let tables = pack
        .checks
        .iter()
        .flat_map(|check| check.table.0.iter().map(|entry| &entry.node));
    let steps = pack.checks.iter().flat_map(|check| &check.finally);
    let conditions: Vec<Node> = pack
        .checks
        .iter()
        .filter_map(|check| condition(check.when.as_ref()))
        .collect();
    look_up(
        &tables.chain(steps).chain(&conditions).collect::<Vec<_>>(),
        &mut scope,
        secrets,
    );
    scope
}

fn condition(when: Option<&(String, Range<usize>)>) -> Option<Node> {
    let (text, span) = when?;
    Some(Node::new(span.clone(), Value::Text(text.clone())))
}

/// Reads the process variables that `nodes` mention. Each is a secret, unless it is no more than the address of a site:
/// findings would not say where they looked.
fn look_up(nodes: &[&Node], scope: &mut Scope, secrets: &Secrets) {
    let names = nodes
        .iter()
        .filter_map(|node| names_in(node).ok())
        .flatten()
        .flat_map(|(names, _)| names);
    let variables: BTreeSet<String> = names.filter_map(|name| variable(&name).map(str::to_owned)).collect();
    for name in variables {
        if let Some(value) = process_variable(&name) {
            if !is_site(&value) {
                secrets.add(&value);
            }
            Rc::make_mut(&mut scope.env).insert(name, value);
        }
    }
}

/// Whether `value` is `https://host` or `http://host:port`, and nothing more.
fn is_site(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| {
        let origin = url.origin().ascii_serialization();
        ["http", "https"].contains(&url.scheme()) && value.trim_end_matches('/') == origin
    })
}

/// `X` of `env.X`.
pub(super) fn variable(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("env.")?;
    rest.split('.').next()
}

/// Adds variables, or what `--var` says instead.
fn add_vars<'a>(
    scope: &mut Scope,
    vars: impl Iterator<Item = &'a Entry>,
    request: &Request,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) {
    for entry in vars {
        match render(&entry.node, scope) {
            Ok(node) => {
                let value = overridden(request, &entry.key, node.to_json());
                Rc::make_mut(&mut scope.vars).insert(entry.key.clone(), value);
            }
            Err(problems) => {
                let hint = "a variable is made of env.NAME, of what --var gives, and of variables above it";
                mistakes.extend(problems.into_iter().map(|problem| source.mistake(problem.hint(hint))));
            }
        }
    }
}

/// `--var` comes as text; it takes the type of the variable that it overrides.
fn overridden(request: &Request, name: &str, value: Json) -> Json {
    let Some((_, text)) = request.vars.iter().rfind(|(given, _)| given == name) else {
        return value;
    };
    let typed = match value {
        Json::String(_) => None,
        _ => serde_json::from_str(text).ok(),
    };
    typed.unwrap_or_else(|| Json::String(text.clone()))
}
