//! `smoke run`: verify an environment.

use std::io::{self, BufWriter, IsTerminal};
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;
use indicatif::ProgressDrawTarget;

use crate::engine::{self, Options};
use crate::outcome::{Event, Exit, Report};
use crate::plan::{Plan, Request};
use crate::report::terminal::{Live, Plain, Styles};
use crate::report::{FORMS, Form, form};
use crate::suite::{Mistake, one_of};

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
    jobs: Option<NonZeroUsize>,
    /// Start nothing more after the first failure
    #[arg(long)]
    fail_fast: bool,
    /// End the run after so long (such as 90s); what is not done by then is unclear; one that writes may end its request
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    deadline: Option<Duration>,
    /// Write a report: junit=PATH or json=PATH (repeatable; without =PATH under reports/ENV/; junit where none is given)
    #[arg(long, value_name = "FORM=PATH")]
    report: Vec<String>,
}

impl Args {
    pub(super) fn run(&self, project: Option<&Path>) -> Result<Exit, Failure> {
        let request = Request {
            jobs: self.how.jobs,
            ..self.select.request()
        };
        let (plan, root) = runnable(project, &self.environment, &request)?;
        // The process ends with the run: to take the plan apart would only take time.
        let plan = ManuallyDrop::new(plan);
        self.how.execute(&plan, &root)
    }
}

impl How {
    /// Checks in flight at most.
    pub(super) fn jobs(&self) -> Option<NonZeroUsize> {
        self.jobs
    }

    /// Runs `plan` of the project in `root`, and feeds every report.
    pub(super) fn execute(&self, plan: &Plan, root: &Path) -> Result<Exit, Failure> {
        let files = self.files(plan, root)?;
        let options = Options {
            fail_fast: self.fail_fast,
            deadline: self.deadline,
            keep_observations: files.iter().any(|(form, _)| form.observations),
        };
        let mut reports = Reports::new(files);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = runtime.block_on(async {
            let mut emit = |event: Event<'_>| reports.on(event);
            tokio::select! {
                run = engine::run(plan, options, wait_for_signal(), &mut emit) => Some(ManuallyDrop::new(run)),
                () = two_signals() => None,
            }
        });
        // A name that is still being looked up must not hold up the end. Programs that still run are killed here.
        runtime.shutdown_background();
        Ok(run.map_or(Exit::Interrupted, |run| reports.verdict(run.exit())))
    }

    /// The forms that are wanted, each with its file.
    fn files(&self, plan: &Plan, root: &Path) -> Result<Vec<(&'static Form, PathBuf)>, Failure> {
        let usual = |form: &Form| root.join("reports").join(&plan.environment).join(form.file);
        if self.report.is_empty() {
            return Ok(form("junit").map(|form| (form, usual(form))).into_iter().collect());
        }
        let wanted = self.report.iter().map(|wanted| {
            let (name, path) = wanted
                .split_once('=')
                .map_or((wanted.as_str(), None), |(name, path)| (name, Some(path)));
            let form = form(name).ok_or_else(|| {
                let hint = one_of(name, FORMS.iter().map(|form| form.name));
                Mistake {
                    hint,
                    ..Mistake::nowhere(format!("--report {name}: there is no such form"))
                }
            })?;
            Ok((form, path.map_or_else(|| usual(form), PathBuf::from)))
        });
        wanted.collect::<Result<_, Mistake>>().map_err(Failure::from)
    }
}

/// Every listener of a run. All are fed, even if one fails.
struct Reports {
    listeners: Vec<Box<dyn Report>>,
    errors: Vec<io::Error>,
}

impl Reports {
    fn new(files: Vec<(&'static Form, PathBuf)>) -> Self {
        let paths = files.iter().map(|(_, path)| crate::suite::shown_path(path)).collect();
        let mut listeners: Vec<Box<dyn Report>> = files.into_iter().map(|(form, path)| (form.to)(path)).collect();
        listeners.push(on_terminal(paths));
        Self {
            listeners,
            errors: Vec::new(),
        }
    }

    fn on(&mut self, event: Event<'_>) {
        let errors = &mut self.errors;
        self.listeners.retain_mut(|listener| match listener.on(event) {
            Ok(()) => true,
            Err(error) => {
                errors.push(error);
                false
            }
        });
    }

    /// The exit code of the run: a report that could not be written never makes it better, and green without it is not
    /// green.
    fn verdict(self, exit: Exit) -> Exit {
        for error in self
            .errors
            .iter()
            .filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
        {
            eprintln!("error: {error}");
        }
        if exit == Exit::Passed && !self.errors.is_empty() {
            Exit::Usage
        } else {
            exit
        }
    }
}

fn on_terminal(paths: Vec<String>) -> Box<dyn Report> {
    let variable = |name: &str| std::env::var(name).ok();
    let terminal = io::stdout().is_terminal();
    let styles = Styles::of(terminal, variable);
    let watched = terminal && variable("CI").is_none_or(|ci| ci.is_empty());
    if watched && variable("TERM").is_none_or(|term| term != "dumb") {
        return Box::new(Live::new(
            Box::new(io::stdout()),
            ProgressDrawTarget::stdout(),
            styles,
            paths,
        ));
    }
    Box::new(Plain::new(Box::new(BufWriter::new(io::stdout())), styles, paths))
}

/// Completes at the second Ctrl-C or SIGTERM: whoever asks twice wants to be out at once.
async fn two_signals() {
    wait_for_signal().await;
    wait_for_signal().await;
}

/// Completes at Ctrl-C or SIGTERM.
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
