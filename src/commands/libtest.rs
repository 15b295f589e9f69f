//! `smoke libtest`: every check a trial of `libtest-mimic`, so that `cargo test`, nextest and IDEs list, filter, run and
//! time suites.
//!
//! One engine runs the wanted checks (and what they need) at once on a thread of its own; a trial waits for the outcome of
//! its check.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use clap::Args as ClapArgs;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::engine::{self, Options};
use crate::outcome::{Event, Exit, Outcome, Skip, Verdict};
use crate::plan::{Plan, PlannedCheck};

use super::Failure;
use super::run::wait_for_signal;
use super::select::{Select, dry, runnable};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The environment, as in [env.NAME] of smoke.toml
    environment: String,
    #[command(flatten)]
    select: Select,
    /// Arguments of a Rust test binary, after `--`: a filter, --list, --exact, --ignored, …
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// The outcomes so far, by trial.
#[derive(Default)]
struct Board {
    outcomes: Mutex<HashMap<String, Outcome>>,
    news: Condvar,
}

impl Args {
    pub(super) fn run(&self, project: Option<&Path>) -> Result<Exit, Failure> {
        let arguments = Arguments::from_iter(std::iter::once("smoke".to_owned()).chain(self.arguments.clone()));
        let board = Arc::new(Board::default());
        let plan = dry(project, &self.environment, self.select.request())?;
        let checks: Vec<&PlannedCheck> = plan.checks.iter().filter(|check| check.cleans.is_none()).collect();
        let trials: Vec<Trial> = checks.iter().map(|check| trial(check, &board)).collect();
        if !arguments.list {
            let wanted = checks.iter().zip(&trials).filter(|(_, trial)| runs(&arguments, trial));
            let only = wanted.map(|(check, _)| glob::Pattern::escape(&format!("{}/{}", check.id.suite, check.id)));
            self.start(project, only.collect(), &board)?;
        }
        let conclusion = libtest_mimic::run(&arguments, trials);
        Ok(if conclusion.has_failed() {
            Exit::Trials
        } else {
            Exit::Passed
        })
    }

    /// Runs the checks in `only` on a thread of its own, once it is known that they can run.
    fn start(&self, folder: Option<&Path>, only: Vec<String>, board: &Arc<Board>) -> Result<(), Failure> {
        if only.is_empty() {
            return Ok(());
        }
        let mut request = self.select.request();
        request.selection.only = only;
        let (folder, name, board) = (folder.map(Path::to_owned), self.environment.clone(), Arc::clone(board));
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let plan = runnable(folder.as_deref(), &name, &request);
            match plan {
                Err(failure) => drop(tell.send(Err(failure))),
                Ok((plan, _)) => {
                    let _ = tell.send(Ok(()));
                    board.fill(&plan);
                }
            }
        });
        told.recv().unwrap_or(Ok(()))
    }
}

/// Whether the arguments ask for this trial to be run, as `libtest_mimic` decides it.
fn runs(arguments: &Arguments, trial: &Trial) -> bool {
    !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial)
}

/// `suite::kind.name`, without white space, which test runners do not expect in a name.
fn trial_name(check: &PlannedCheck) -> String {
    format!("{}::{}", check.id.suite, check.id)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("_")
}

fn trial(check: &PlannedCheck, board: &Arc<Board>) -> Trial {
    let name = trial_name(check);
    let (board, wanted) = (Arc::clone(board), name.clone());
    let trial = Trial::ignorable_test(name, move || conclude(&board.wait_for(&wanted)));
    trial.with_ignored_flag(check.skip.is_some())
}

fn conclude(outcome: &Outcome) -> Result<Completion, Failed> {
    match (&outcome.skip, outcome.verdict) {
        (Some(Skip::Declared { .. } | Skip::When { .. } | Skip::NotAllowed { .. }), _) => {
            Ok(Completion::ignored_with(outcome.reason()))
        }
        (_, Verdict::Passed) => Ok(Completion::Completed),
        _ => Err(Failed::from(crate::report::block(outcome))),
    }
}

impl Board {
    /// Runs `plan` and puts up every outcome as it comes.
    fn fill(&self, plan: &Plan) {
        let names: Vec<String> = plan.checks.iter().map(trial_name).collect();
        let mut emit = |event: Event<'_>| {
            if let Event::CheckFinished { check, outcome } = event {
                let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                outcomes.insert(names[check].clone(), outcome.clone());
                self.news.notify_all();
            }
        };
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        let interrupted = runtime.block_on(async {
            tokio::select! {
                _ = engine::run(plan, Options::default(), std::future::pending(), &mut emit) => false,
                () = wait_for_signal() => true,
            }
        });
        // Programs that still run are killed here.
        runtime.shutdown_background();
        if interrupted {
            // The harness waits for outcomes that will not come.
            std::process::exit(Exit::Interrupted.code().into());
        }
    }

    fn wait_for(&self, name: &str) -> Outcome {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = outcomes.get(name) {
                return outcome.clone();
            }
            outcomes = self.news.wait(outcomes).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
