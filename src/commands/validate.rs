//! `smoke validate`: every mistake, nothing sent.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args as ClapArgs;

use crate::outcome::Exit;
use crate::plan::{Request, build};
use crate::suite::{Mistake, Project};

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
        for environment in environments {
            match build(&project, environment, &Request::default()) {
                Ok(plan) => {
                    if self.environment.is_some() {
                        complete(&plan)?;
                    }
                    let checks = plan.checks.iter().filter(|check| check.cleans.is_none()).count();
                    let _ = writeln!(
                        text,
                        "{}: {checks} checks in {} suites",
                        environment.name,
                        plan.suites.len()
                    );
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
        print(&text)?;
        Ok(Exit::Passed)
    }
}
