//! `smoke validate`: every mistake, nothing sent.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::outcome::Exit;
use crate::plan::{Plan, Request, build};
use crate::suite::{Mistake, Project, shown_path};

use super::select::complete;
use super::{Failure, print};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// One environment, with the environment variables it needs; without it all of them, without their variables
    environment: Option<String>,
}

impl Args {
    pub(super) fn run(&self, folder: Option<&Path>) -> Result<Exit, Failure> {
        let project = Project::load(folder)?;
        let environments = match &self.environment {
            Some(name) => vec![project.environment(name)?],
            None => project.environments.iter().collect(),
        };
        let (mut text, mut mistakes): (String, Vec<Mistake>) = Default::default();
        if environments.is_empty() {
            mistakes.clone_from(&project.mistakes);
            let nothing = Mistake::nowhere(format!("there is no environment in {}", project.source.file));
            mistakes.push(nothing.hint("[env.prod] with suites = [\"shop\"] and http = \"https://…\""));
        }
        for environment in environments {
            let request = Request {
                dry: true,
                ..Request::default()
            };
            match build(&project, environment, &request) {
                Ok(plan) if plan.checks.is_empty() => {
                    let nothing = Mistake::nowhere(format!("environment `{}` has no checks", environment.name));
                    let place = project.source.place(&environment.header);
                    mistakes.push(Mistake {
                        place: Some(place),
                        ..nothing.hint("name a suite that has some: suites = [\"shop\"]")
                    });
                }
                Ok(plan) => {
                    if self.environment.is_some() {
                        complete(&plan)?;
                    }
                    text += &summary(&plan);
                }
                Err(found) => {
                    let new = found.into_iter().filter(|mistake| !mistakes.contains(mistake));
                    let new: Vec<Mistake> = new.collect();
                    mistakes.extend(new);
                }
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes.into());
        }
        text += &not_looked_at(&project);
        print(&text)?;
        Ok(Exit::Passed)
    }
}

/// The files under `suites/` that no environment names.
fn not_looked_at(project: &Project) -> String {
    let named = project.environments.iter().flat_map(|environment| &environment.suites);
    let named: Vec<PathBuf> = named.map(|name| project.suite_path(name)).collect();
    let files = project.suite_files();
    let left: Vec<String> = files
        .iter()
        .filter(|file| !named.contains(file))
        .map(|file| shown_path(file))
        .collect();
    match left.as_slice() {
        [] => String::new(),
        [only] => format!("{only} is in no environment, and was not looked at\n"),
        several => format!("{} are in no environment, and were not looked at\n", several.join(", ")),
    }
}

/// `prod: 8 checks in 1 suite; a run needs --var expected_version=…`.
fn summary(plan: &Plan) -> String {
    let checks = plan.checks.iter().filter(|check| check.cleans.is_none()).count();
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    let suites = plan.suites.len();
    let vars: Vec<String> = plan.awaited.iter().map(|name| format!("--var {name}=…")).collect();
    let vars = if vars.is_empty() {
        String::new()
    } else {
        format!("; a run needs {}", vars.join(" "))
    };
    format!(
        "{}: {checks} check{} in {suites} suite{}{vars}\n",
        plan.environment,
        plural(checks),
        plural(suites)
    )
}
