//! The command line: one file a subcommand. Only what is in here prints, opens files for output, and decides on the exit
//! code.

#![expect(clippy::print_stderr, reason = "this is the layer that prints")]

mod demo;
mod explain;
mod kinds;
mod libtest;
mod list;
mod packs;
mod run;
mod select;
mod validate;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::outcome::Exit;
use crate::suite::Mistake;

/// Verify a live deployment against what its team wrote down in TOML.
///
/// smoke.toml names the environments (where to look, what is allowed); suites/NAME.toml says what must be true. A run
/// looks at everything at once, in seconds, and ends with one verdict.
#[derive(Debug, Parser)]
#[command(
    name = "smoke",
    version,
    after_help = "\
Examples:
  smoke demo                         try it: a small real deployment on this machine, and a suite that verifies it
  smoke demo --break rls_off         the same with one promise broken
  smoke run prod                     verify the environment `prod` of ./smoke.toml
  smoke run prod --only 'rls.*'      only the Row Level Security checks, and what they need
  smoke explain prod login.admin     what a check would send and expects; sends nothing
  smoke kinds rls                    the manual page of a kind of check

Exit codes:
  0 passed · 1 something failed · 2 the call, the project or a suite is wrong (nothing was sent)
  3 something could not be observed, or the deployment never became ready, and nothing failed
  4 nothing was selected, or all of it was skipped · 130 interrupted"
)]
struct Cli {
    /// The folder of smoke.toml; without it, the nearest one from here upwards
    #[arg(long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify an environment
    Run(run::Args),
    /// List the checks of an environment, without running them
    List(list::Args),
    /// Look for mistakes in smoke.toml and the suites; sends nothing
    Validate(validate::Args),
    /// Say what a check would send and expects, in what order and why; sends nothing
    Explain(explain::Args),
    /// List the kinds of checks, or print the manual page of one
    Kinds(kinds::Args),
    /// List the packs of ready-made checks, or say what one brings
    Packs(packs::Args),
    /// Start a small real deployment on this machine and verify it
    Demo(demo::Args),
    /// Run an environment as a Rust test binary would, for cargo test and nextest
    Libtest(libtest::Args),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let project = cli.project.as_deref();
    let result = match &cli.command {
        Command::Run(args) => args.run(project),
        Command::List(args) => args.run(project),
        Command::Validate(args) => args.run(project),
        Command::Explain(args) => args.run(project),
        Command::Kinds(args) => args.run(),
        Command::Packs(args) => args.run(project),
        Command::Demo(args) => args.run(),
        Command::Libtest(args) => args.run(project),
    };
    let exit = result.unwrap_or_else(Failure::tell);
    ExitCode::from(exit.code())
}

/// Why a command ended before it had anything to show.
#[derive(Debug)]
enum Failure {
    /// The call, the project or a suite is wrong.
    Mistakes(Vec<Mistake>),
    /// The filters leave nothing.
    Nothing(String),
    /// Output could not be written.
    Output(io::Error),
}

impl From<Vec<Mistake>> for Failure {
    /// In the order of the files and their lines.
    fn from(mut mistakes: Vec<Mistake>) -> Self {
        let place = |mistake: &Mistake| {
            let place = mistake.place.as_ref()?;
            Some((place.file.clone(), place.line, place.column))
        };
        mistakes.sort_by_key(place);
        Self::Mistakes(mistakes)
    }
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Self {
        Self::Mistakes(vec![mistake])
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    /// Says it on standard error.
    fn tell(self) -> Exit {
        match self {
            Self::Mistakes(mistakes) => {
                let count = mistakes.len();
                for (mistake, others) in told_once(&mistakes) {
                    eprintln!("{mistake}");
                    if !others.is_empty() {
                        eprintln!("  the same at {}", others.join(", "));
                    }
                    eprintln!();
                }
                eprintln!(
                    "{count} {}; nothing was sent",
                    if count == 1 { "mistake" } else { "mistakes" }
                );
                Exit::Usage
            }
            Self::Nothing(why) => {
                eprintln!("nothing was selected: {why}");
                Exit::Nothing
            }
            // Whoever read the output has gone: `smoke list prod | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Passed,
            Self::Output(error) => {
                eprintln!("error: cannot write: {error}");
                Exit::Usage
            }
        }
    }
}

/// Each mistake, with the places where the same is wrong again: an endpoint that is missing is missing to many checks.
fn told_once(mistakes: &[Mistake]) -> Vec<(&Mistake, Vec<String>)> {
    let mut told: Vec<(&Mistake, Vec<String>)> = Vec::new();
    for mistake in mistakes {
        let same = told
            .iter_mut()
            .find(|(first, _)| first.message == mistake.message && first.hint == mistake.hint);
        match (same, &mistake.place) {
            (Some((_, others)), Some(place)) => others.push(place.address()),
            _ => told.push((mistake, Vec::new())),
        }
    }
    told
}

/// Writes `text` to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
