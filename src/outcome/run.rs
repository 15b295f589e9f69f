//! How a whole run ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::verdict::seconds;
use super::{CheckId, Outcome, Severity, Verdict};

/// A finished run: every check of the plan with its outcome, in the order of the suites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The environment's name.
    pub environment: String,
    /// The suites that were run, in order.
    pub suites: Vec<SuiteTitle>,
    /// When the run started, RFC 3339, UTC.
    pub started_at: String,
    /// How long it took.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// Whether a signal ended it early.
    pub interrupted: bool,
    /// Every check, in the order of the suites.
    pub outcomes: Vec<Outcome>,
    /// The dependent checks that took longest from the start to the end of the run, first to last.
    pub slowest_chain: Vec<CheckId>,
}

/// The name and title of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteTitle {
    /// Its file without folder and `.toml`.
    pub name: String,
    /// Its `title`, or its name.
    pub title: String,
}

/// How many checks ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Failed, and it counts.
    pub failed: usize,
    /// Failed or unclear, with `severity = "warn"`.
    pub warned: usize,
    /// It could not be told.
    pub unclear: usize,
    /// Not run, with a reason.
    pub skipped: usize,
    /// As expected.
    pub passed: usize,
    /// Of those passed: not at the first attempt.
    pub flaky: usize,
}

/// The exit codes of `smoke`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Everything that was looked at is as expected.
    Passed = 0,
    /// Something failed.
    Failed = 1,
    /// The call, the project or a suite is wrong; nothing was sent.
    Usage = 2,
    /// Something could not be observed, or the deployment never became ready, and nothing failed.
    Unclear = 3,
    /// Nothing was selected, or everything that was selected was skipped.
    Nothing = 4,
    /// A trial of `smoke libtest` failed: the code of Rust's own test harness.
    Trials = 101,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// The number that the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl Run {
    /// How many checks ended how.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for outcome in &self.outcomes {
            match (outcome.verdict, outcome.severity) {
                (Verdict::Failed | Verdict::Unclear, Severity::Warn) => counts.warned += 1,
                (Verdict::Failed, Severity::Fail) => counts.failed += 1,
                (Verdict::Unclear, Severity::Fail) => counts.unclear += 1,
                (Verdict::Skipped, _) => counts.skipped += 1,
                (Verdict::Passed, _) => counts.passed += 1,
            }
            counts.flaky += usize::from(outcome.flaky());
        }
        counts
    }

    /// The exit code, computed from the outcomes alone.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let counts = self.counts();
        if self.interrupted {
            Exit::Interrupted
        } else if counts.failed > 0 {
            Exit::Failed
        } else if counts.unclear > 0 {
            Exit::Unclear
        } else if self
            .outcomes
            .iter()
            .all(|outcome| outcome.verdict == Verdict::Skipped || outcome.id.kind == "ready")
            && self.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Skipped)
        {
            Exit::Nothing
        } else {
            Exit::Passed
        }
    }
}
