//! The words that the engine and every report share: what was found, where, and how a run ended.
//!
//! The engine emits a stream of [`Event`]s and ends with one [`Run`]; the exit code and every report are computed
//! from those and from nothing else. All text in here has passed the redactor.

mod event;
mod finding;
mod place;
mod run;
mod verdict;

pub use event::{Event, Planned, Report};
pub use finding::Finding;
pub use place::Place;
pub use run::{Counts, Exit, Run, SuiteTitle};
pub use verdict::{Attempt, CheckId, Effect, Outcome, Severity, Skip, Verdict};
