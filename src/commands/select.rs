//! The arguments that choose checks, shared by the commands that make a plan.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::plan::{Plan, Request, Selection, build, nearest};
use crate::suite::{Mistake, Project};

use super::Failure;

/// Which checks of an environment.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Select {
    /// Only this suite of the environment (repeatable)
    #[arg(long, value_name = "SUITE")]
    suite: Vec<String>,
    /// Only checks whose `kind.name` matches this glob, and what they need (repeatable)
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Skip checks whose `kind.name` matches this glob (repeatable)
    #[arg(long, value_name = "GLOB")]
    skip: Vec<String>,
    /// Only checks with this tag, and what they need (repeatable)
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Set a variable, over the suite's and the environment's (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    var: Vec<(String, String)>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Select {
    /// What these arguments ask for.
    pub(super) fn request(&self) -> Request {
        Request {
            suites: self.suite.clone(),
            selection: Selection {
                only: self.only.clone(),
                skip: self.skip.clone(),
                tags: self.tag.clone(),
            },
            vars: self.var.clone(),
            ..Request::default()
        }
    }
}

/// The plan for `request` in the environment called `name`, and the project's folder.
fn plan(folder: Option<&Path>, name: &str, request: &Request) -> Result<(Plan, PathBuf), Failure> {
    let project = Project::load(folder)?;
    let environment = project.environment(name)?;
    let plan = build(&project, environment, request)?;
    if plan.checks.is_empty() {
        let filters = request.selection.only.iter().map(|glob| format!("--only '{glob}'"));
        let filters: Vec<String> = filters
            .chain(request.selection.tags.iter().map(|tag| format!("--tag {tag}")))
            .collect();
        let why = match filters.as_slice() {
            [] => format!("the suites of `{name}` have no checks"),
            some => {
                let all = Request {
                    selection: Selection::default(),
                    ..request.clone()
                };
                let hint = match (&build(&project, environment, &all), request.selection.only.as_slice()) {
                    (Ok(all), [only]) => nearest(only, all.checks.iter().map(|check| &check.id)),
                    _ => None,
                };
                let hint = hint.map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
                format!(
                    "no check matches {}; {hint}`smoke list {name}` shows them all",
                    some.join(" ")
                )
            }
        };
        return Err(Failure::Nothing(why));
    }
    Ok((plan, project.root))
}

/// The plan for a command that sends nothing: it may lack what only a run needs.
pub(super) fn dry(folder: Option<&Path>, name: &str, request: Request) -> Result<Plan, Failure> {
    plan(folder, name, &Request { dry: true, ..request }).map(|(plan, _)| plan)
}

/// The plan for a run, whose environment variables are all set, and the project's folder.
pub(super) fn runnable(folder: Option<&Path>, name: &str, request: &Request) -> Result<(Plan, PathBuf), Failure> {
    let (plan, root) = plan(folder, name, request)?;
    complete(&plan)?;
    Ok((plan, root))
}

fn how(name: &str) -> &'static str {
    if std::env::var_os(name).is_some() {
        "empty"
    } else {
        "not set"
    }
}

/// Refuses a plan that needs environment variables which are not set, all of them at once.
pub(super) fn complete(plan: &Plan) -> Result<(), Failure> {
    let unset: Vec<Mistake> = plan
        .unset
        .iter()
        .map(|(name, place)| Mistake {
            place: Some(place.clone()),
            message: format!("the environment variable {name} is {}", how(name)),
            hint: Some(format!("export {name}=…")),
        })
        .collect();
    if unset.is_empty() { Ok(()) } else { Err(unset.into()) }
}
