//! `smoke list`: the checks of an environment.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args as ClapArgs;

use crate::outcome::Exit;

use super::select::{Select, dry};
use super::{Failure, print};

/// An id that is wider than this stands out of its column, and leaves the others where they are.
const WIDEST: usize = 40;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment, as in [env.NAME] of smoke.toml
    environment: String,
    #[command(flatten)]
    select: Select,
}

impl Args {
    pub(super) fn run(&self, project: Option<&Path>) -> Result<Exit, Failure> {
        let plan = dry(project, &self.environment, self.select.request())?;
        let wide = plan
            .checks
            .iter()
            .map(|check| check.id.to_string().chars().count())
            .filter(|wide| *wide <= WIDEST)
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        let mut suite = "";
        for check in plan.checks.iter().filter(|check| check.cleans.is_none()) {
            if check.id.suite != suite {
                suite = &check.id.suite;
                let title = plan
                    .suites
                    .iter()
                    .find(|title| title.name == suite)
                    .map_or("", |title| &title.title);
                let _ = writeln!(text, "{suite}   {title}");
            }
            let skipped = check
                .skip
                .as_ref()
                .map_or(String::new(), |skip| format!("  (skipped: {skip})"));
            let line = format!(
                "  {:wide$}  {:5}  {}{skipped}",
                check.id.to_string(),
                check.effect,
                check.title
            );
            let _ = writeln!(text, "{}", plan.secrets.redact(line.trim_end()));
        }
        print(&text)?;
        Ok(Exit::Passed)
    }
}
