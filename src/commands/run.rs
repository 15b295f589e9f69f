//! `smoke run`: verify an environment.

use std::path::Path;
use std::time::Duration;

use clap::Args as ClapArgs;

use crate::engine::{self, Options};
use crate::outcome::{Event, Exit, Run};
use crate::plan::{Plan, Request};

use super::Failure;
use super::select::{Select, runnable};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment, as in [env.NAME] of smoke.toml
    environment: String,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    how: How,
}

/// How to run, and what to write.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct How {
    /// Checks in flight at most
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Start nothing more after the first failure
    #[arg(long)]
    fail_fast: bool,
    /// End the run after so long (such as 90s); what is not done by then is unclear
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    deadline: Option<Duration>,
    /// Write a report: junit=PATH, json=PATH (repeatable; without PATH under reports/ENV/)
    #[arg(long, value_name = "FORM=PATH")]
    report: Vec<String>,
}

impl Args {
    pub(super) fn run(&self, project: Option<&Path>) -> Result<Exit, Failure> {
        let request = Request {
            jobs: self.how.jobs,
            ..self.select.request()
        };
        let plan = runnable(project, &self.environment, &request)?;
        Ok(self.how.execute(&plan)?.exit())
    }
}

impl How {
    pub(super) fn jobs(&self) -> Option<usize> {
        self.jobs
    }

    /// Runs `plan` and feeds every report.
    pub(super) fn execute(&self, plan: &Plan) -> Result<Run, Failure> {
        let options = Options {
            fail_fast: self.fail_fast,
            deadline: self.deadline,
            keep_observations: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut emit = |event: Event<'_>| match event {
            Event::CheckFinished { outcome, .. } => {
                println!("{:8} {}  {}", outcome.verdict, outcome.id, outcome.title);
                for finding in outcome.problems() {
                    println!(
                        "   {} expected: {} seen: {}",
                        finding.what, finding.expected, finding.seen
                    );
                    if let Some(place) = &finding.place {
                        println!("{}", place.quote(4));
                    }
                }
                if let Some(u) = &outcome.unobserved {
                    println!("   {u}");
                }
                if let Some(u) = &outcome.skip {
                    println!("   {u}");
                }
            }
            Event::RunFinished { run } => println!(
                "{:?} {:?} {:?}",
                run.counts(),
                run.duration,
                run.slowest_chain.iter().map(ToString::to_string).collect::<Vec<_>>()
            ),
            _ => {}
        };
        let run = runtime.block_on(engine::run(plan, options, interrupted(), &mut emit));
        Ok(run)
    }
}

/// Completes at the first Ctrl-C (or SIGTERM); the second one ends the process at once.
async fn interrupted() {
    wait_for_signal().await;
    tokio::spawn(async {
        wait_for_signal().await;
        #[expect(clippy::exit, reason = "whoever asks twice wants to be out")]
        std::process::exit(Exit::Interrupted.code().into());
    });
}

pub(super) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
