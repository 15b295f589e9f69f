//! The pipeline from suites to a plan.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::rc::Rc;

use crate::deployment::Protocol;
use crate::deployment::secrets::Secrets;
use crate::outcome::SuiteTitle;
use crate::suite::{Defaults, Environment, Mistake, Packs, Project, Source, Suite, one_of, shown_path};

use super::expand::{Expansion, Ground};
use super::origin::Origin;
use super::select::Selection;
use super::{Plan, endpoints, graph, names, scope};

/// What the caller wants of an environment.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Suites to run, of those the environment names; all where empty.
    pub suites: Vec<String>,
    /// Which of their checks.
    pub selection: Selection,
    /// `--var` names and values.
    pub vars: Vec<(String, String)>,
    /// Overrides the environment's concurrency.
    pub jobs: Option<NonZeroUsize>,
    /// Endpoints that are known to be missing, with the reason: checks that need them are skipped.
    pub absent: Vec<(Protocol, String)>,
    /// Nothing is going to be sent: variables that only `--var` would give may be missing.
    pub dry: bool,
    /// Suites given as text instead of files: name and text.
    pub embedded: Vec<(String, String)>,
}

/// Makes the plan for `request` in `environment`.
///
/// # Errors
/// Everything that is wrong in the environment, the suites and the request.
pub fn build(project: &Project, environment: &Environment, request: &Request) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = project.mistakes.clone();
    let secrets = Secrets::default();
    let suites = load_suites(project, environment, request, &mut mistakes);
    let defaults = environment.defaults.or(project.defaults);
    let environment_scope = scope::of_environment(project, environment, request, &secrets, &mut mistakes);

    // Suites that are given as text have no folder beside them.
    let packs = Packs {
        root: request.embedded.is_empty().then_some(project.root.as_path()),
    };
    let mut expansion = Expansion::default();
    let mut titles = Vec::new();
    let mut awaited = BTreeSet::new();
    let mut known_vars: BTreeSet<String> = environment.vars.0.iter().map(|entry| entry.key.clone()).collect();
    for suite in suites {
        let source = Rc::clone(&suite.source);
        let scope = scope::of_suite(&suite, &source, &environment_scope, request, &secrets, &mut mistakes);
        known_vars.extend(suite.vars.0.iter().map(|entry| entry.key.clone()));
        awaited.extend(scope.awaited.iter().cloned());
        titles.push(SuiteTitle {
            name: suite.name.clone(),
            title: suite.title.clone(),
        });
        let ground = Ground {
            suite: suite.name,
            origin: Rc::new(Origin::suite(source)),
            scope,
            defaults: suite.defaults.or(defaults),
            environment,
            secrets: &secrets,
            brought: None,
            dry: request.dry,
        };
        let mut checks = suite.checks;
        for used in suite.uses {
            let later = checks.partition_point(|check| check.name_span.start < used.name_span.start);
            let rest = checks.split_off(later);
            expansion.add(&ground, std::mem::replace(&mut checks, rest), &mut mistakes);
            expansion.bring(&ground, used, packs, &mut mistakes);
        }
        expansion.add(&ground, checks, &mut mistakes);
    }
    names::check(&expansion, &mut mistakes);
    known_vars.extend(expansion.plain_names());
    unknown_vars(request, &known_vars, &mut mistakes);
    graph::connect(&mut expansion, &mut mistakes);
    request.selection.leave_out(&mut expansion, &mut mistakes);
    request.selection.check_tags(&expansion, &mut mistakes);

    let addresses = endpoints::Addresses {
        project,
        environment,
        scope: &environment_scope,
        request,
        secrets: &secrets,
    };
    let chosen = request.selection.choose(&expansion, &mut mistakes);
    let mut drafts = graph::keep(expansion.drafts, &chosen);
    if !project.mistakes.is_empty() {
        // An address that is missing may only be misspelt.
        stop_at(&mut mistakes, &secrets)?;
    }
    let deployment = endpoints::resolve(&mut drafts, &addresses, &mut mistakes);
    stop_at(&mut mistakes, &secrets)?;
    let unset = names::unset(&drafts, &addresses);
    let mut checks: Vec<_> = drafts.into_iter().map(|draft| draft.check).collect();
    graph::measure(&mut checks);
    Ok(Plan {
        environment: environment.name.clone(),
        suites: titles,
        checks,
        concurrency: request
            .jobs
            .or(defaults.concurrency)
            .map_or(Defaults::CONCURRENCY, NonZeroUsize::get),
        deployment,
        secrets,
        awaited: awaited.into_iter().collect(),
        unset,
    })
}

/// Ends here if there are mistakes. What was wrong may be the value of a secret: it stays behind.
fn stop_at(mistakes: &mut Vec<Mistake>, secrets: &Secrets) -> Result<(), Vec<Mistake>> {
    if mistakes.is_empty() {
        return Ok(());
    }
    let mut distinct: Vec<Mistake> = Vec::new();
    for mut mistake in mistakes.drain(..) {
        mistake.each_text(&mut |text| *text = secrets.redact(text).into_owned());
        if !distinct.contains(&mistake) {
            distinct.push(mistake);
        }
    }
    Err(distinct)
}

fn load_suites(
    project: &Project,
    environment: &Environment,
    request: &Request,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Suite> {
    let named: Vec<&str> = environment.suites.iter().map(|suite| suite.as_str()).collect();
    for wanted in &request.suites {
        if !named.contains(&wanted.as_str()) {
            let mistake = Mistake::nowhere(format!("environment `{}` has no suite `{wanted}`", environment.name));
            mistakes.push(Mistake {
                hint: one_of(wanted, named.iter().copied()),
                ..mistake
            });
        }
    }
    let wanted = |name: &str| request.suites.is_empty() || request.suites.iter().any(|suite| suite == name);
    let mut suites = Vec::new();
    for name in environment.suites.iter().filter(|name| wanted(name)) {
        if let Some((file, text)) = request.embedded.iter().find(|(embedded, _)| embedded == name.as_str()) {
            let source = Source::new(format!("suites/{file}.toml"), text);
            keep(Suite::parse(source), &mut suites, mistakes);
            continue;
        }
        let path = project.suite_path(name);
        if path.is_file() {
            match Source::read(&path, &shown_path(&path)) {
                Ok(source) => keep(Suite::parse(source), &mut suites, mistakes),
                Err(mistake) => mistakes.push(mistake),
            }
        } else {
            let place = project.source.place(&name.span());
            let mistake = Mistake::nowhere(format!("there is no suite {}", shown_path(&path)));
            mistakes.push(Mistake {
                place: Some(place),
                hint: other_suites(project, name),
                ..mistake
            });
        }
    }
    suites
}

fn keep((suite, found): (Suite, Vec<Mistake>), suites: &mut Vec<Suite>, mistakes: &mut Vec<Mistake>) {
    suites.push(suite);
    mistakes.extend(found);
}

fn other_suites(project: &Project, name: &str) -> Option<String> {
    let files = project.suite_files();
    let names = files
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy()));
    let names: Vec<String> = names.map(String::from).collect();
    one_of(name, names.iter().map(String::as_str))
}

fn unknown_vars(request: &Request, known: &BTreeSet<String>, mistakes: &mut Vec<Mistake>) {
    for (name, _) in &request.vars {
        if !known.contains(name) {
            let mistake = Mistake::nowhere(format!("--var {name}: no suite uses a variable of that name"));
            mistakes.push(Mistake {
                hint: one_of(name, known.iter().map(String::as_str)),
                ..mistake
            });
        }
    }
}
