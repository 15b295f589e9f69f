//! `smoke demo`: a small real deployment, and a suite that verifies it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::demo::faults::{self, Fault};
use crate::demo::{Demo, Var};
use crate::deployment::Protocol;
use crate::outcome::Exit;
use crate::plan::{Plan, Request, build};
use crate::suite::{Mistake, Project, Source, one_of};

use super::run::How;
use super::select::Select;
use super::{Failure, print};

/// The suite that verifies the demo.
const SUITE: &str = include_str!("../../suites/demo.toml");

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Break one promise of the deployment, to see what a failure looks like (repeatable; `list` names them all)
    #[arg(long = "break", value_name = "FAULT")]
    faults: Vec<String>,
    /// Leave the deployment running until Ctrl-C, and say how to reach it
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    how: How,
}

impl Args {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        if self.faults.iter().any(|name| name == "list") {
            print(&list())?;
            return Ok(Exit::Passed);
        }
        let faults = self
            .faults
            .iter()
            .map(|name| find(name))
            .collect::<Result<Vec<_>, _>>()?;
        eprintln!("starting an HTTP API, PostgreSQL and Redis on this machine …");
        let demo = Demo::start(&faults).map_err(|why| Mistake::nowhere(format!("the demo does not start: {why}")))?;
        for fault in &faults {
            eprintln!("broken on purpose: {} ({})", fault.name, fault.breaks);
        }
        let plan = self.plan(&demo)?;
        let exit = self.how.execute(&plan, Path::new(""))?;
        if self.keep {
            print(&how_to_reach(&demo))?;
            wait_for_interrupt()?;
        }
        Ok(exit)
    }

    fn plan(&self, demo: &Demo) -> Result<Plan, Failure> {
        let source = Source::new("smoke demo".to_owned(), project(demo));
        let project = Project::parse(source, PathBuf::new())?;
        let mut request = Request {
            jobs: self.how.jobs(),
            ..self.select.request()
        };
        request.embedded = vec![("demo".to_owned(), SUITE.to_owned())];
        for (protocol, server) in [(Protocol::Postgres, &demo.postgres), (Protocol::Redis, &demo.redis)] {
            if let Err(why) = server {
                request.absent.push((protocol, why.to_string()));
            }
        }
        let plan = build(&project, project.environment("demo")?, &request)?;
        for var in demo.vars.iter().filter(|var| var.secret) {
            plan.secrets.add(&var.value);
        }
        if plan.checks.is_empty() {
            return Err(Failure::Nothing(
                "no check of the demo matches; leave out --only and --tag".to_owned(),
            ));
        }
        Ok(plan)
    }
}

fn find(name: &str) -> Result<&'static Fault, Mistake> {
    faults::find(name).ok_or_else(|| {
        let hint = one_of(name, faults::all().map(|fault| fault.name).collect::<Vec<_>>());
        Mistake {
            hint,
            ..Mistake::nowhere(format!("--break {name}: there is no such fault"))
        }
    })
}

fn list() -> String {
    let wide = faults::all().map(|fault| fault.name.len()).max().unwrap_or(0);
    faults::all().fold(String::new(), |mut text, fault| {
        let _ = writeln!(text, "{:wide$}  {}", fault.name, fault.breaks);
        text
    })
}

/// The `smoke.toml` of the demo.
fn project(demo: &Demo) -> String {
    let mut text = format!(
        "[env.demo]\nsuites = [\"demo\"]\nallow = [\"read\", \"write\", \"load\"]\nhttp = {{ default = {:?}, edge = {:?} }}\n",
        demo.http, demo.https
    );
    for (name, server) in [("postgres", &demo.postgres), ("redis", &demo.redis)] {
        if let Ok(url) = server {
            let _ = writeln!(text, "{name} = {url:?}");
        }
    }
    for Var { name, value, .. } in &demo.vars {
        let _ = writeln!(text, "vars.{name} = {value:?}");
    }
    text
}

fn how_to_reach(demo: &Demo) -> String {
    let mut text = format!(
        "\nThe demo is running; Ctrl-C stops it and removes what it made.\n  http      {}\n  https     {}\n",
        demo.http, demo.https
    );
    for (name, server) in [("postgres", &demo.postgres), ("redis", &demo.redis)] {
        let shown = server.as_ref().map_or_else(ToString::to_string, Clone::clone);
        let _ = writeln!(text, "  {name:8}  {shown}");
    }
    for Var { name, value, .. } in &demo.vars {
        let _ = writeln!(text, "  {name} = {value}");
    }
    text
}

fn wait_for_interrupt() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(super::run::wait_for_signal());
    Ok(())
}
