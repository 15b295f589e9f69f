//! What happens during a run, as one linear stream.

use std::io;

use super::{Attempt, CheckId, Effect, Outcome, Run};

/// A check that the run will look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which check.
    pub id: CheckId,
    /// What it verifies, in the suite's words; may be empty.
    pub title: String,
    /// What it does to the deployment.
    pub effect: Effect,
}

/// Something that happened. Facts only: how to show them is the listener's business. `check` is the index of the check
/// in the plan, which is the order of the suites.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The run begins, with these checks.
    RunStarted {
        /// The environment's name.
        environment: &'a str,
        /// Every check of the plan.
        checks: &'a [Planned],
    },
    /// A check begins.
    CheckStarted {
        /// Which one.
        check: usize,
    },
    /// An attempt did not pass, and another one follows.
    AttemptFailed {
        /// Which check.
        check: usize,
        /// How it went.
        attempt: &'a Attempt,
    },
    /// A check has its outcome.
    CheckFinished {
        /// Which check.
        check: usize,
        /// The outcome.
        outcome: &'a Outcome,
    },
    /// The run has ended.
    RunFinished {
        /// Everything about it.
        run: &'a Run,
    },
}

/// A listener: turns events into something that a person or a machine reads.
pub trait Report {
    /// Takes note of one event.
    ///
    /// # Errors
    /// When what it writes to does not take it. The engine goes on, feeds the other listeners and reports the error.
    fn on(&mut self, event: Event<'_>) -> io::Result<()>;
}
