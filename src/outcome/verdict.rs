//! How one check ended.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Finding, Place};

/// How a check, or one expectation of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was seen, and it is as expected.
    Passed,
    /// It was not looked at, for a stated reason.
    Skipped,
    /// It could not be told.
    Unclear,
    /// It was seen, and it is wrong.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Unclear => "unclear",
            Self::Failed => "failed",
        })
    }
}

/// What a check does to the deployment; ordered from harmless to heavy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It leaves nothing behind.
    Read,
    /// It creates, changes or removes something.
    Write,
    /// It sends so much that others could feel it.
    Load,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Load => "load",
        })
    }
}

/// Whether a failure of the check fails the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    #[default]
    Fail,
    /// It is reported, and the run passes all the same.
    Warn,
}

/// Which check of which suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CheckId {
    /// The suite's name: its file without folder and `.toml`.
    pub suite: String,
    /// `http`, `rls`, …, or `ready`.
    pub kind: String,
    /// The name in the header, with the value of `each` in brackets where there is one: `sizes[832x1216]`.
    pub name: String,
}

impl fmt::Display for CheckId {
    /// `kind.name`, as in the suite's header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)
    }
}

/// Why a check was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Skip {
    /// The suite says `skip = "reason"`.
    Declared {
        /// The reason given there.
        reason: String,
    },
    /// The suite's `when` is not true.
    When {
        /// The expression as written.
        expression: String,
    },
    /// The environment does not allow the check's effect.
    NotAllowed {
        /// The effect that is missing in `allow`.
        effect: Effect,
    },
    /// A check that this one needs did not pass.
    Needs {
        /// The check at the root: the one that failed or was skipped for a reason of its own.
        cause: CheckId,
        /// How that one ended.
        verdict: Verdict,
    },
    /// The deployment never became ready.
    NotReady {
        /// The gate that did not open.
        gate: CheckId,
    },
    /// A check failed before this one started, and the run was to stop at the first failure.
    FailFast,
    /// The run was interrupted before this check started.
    Interrupted,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared { reason } => write!(f, "{reason}"),
            Self::When { expression } => write!(f, "`when` is not true: {expression}"),
            Self::NotAllowed { effect } => write!(f, "this environment does not allow `{effect}`"),
            Self::Needs { cause, verdict } => match verdict {
                Verdict::Failed => write!(f, "needs {cause}, which failed"),
                _ => write!(f, "needs {cause}, which was {verdict}"),
            },
            Self::NotReady { gate } => write!(f, "the deployment did not become ready ({gate})"),
            Self::FailFast => write!(f, "stopped at the first failure"),
            Self::Interrupted => write!(f, "the run was interrupted"),
        }
    }
}

/// One try of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// How it ended: passed, failed or unclear.
    pub verdict: Verdict,
    /// Why it did not pass, in one line; empty where it passed.
    pub reason: String,
    /// How long it took.
    #[serde(with = "seconds")]
    pub duration: Duration,
}

/// How one check ended, and everything a report can say about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which check.
    pub id: CheckId,
    /// What it verifies, in the suite's words; empty where the suite says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Whether its failure fails the run.
    pub severity: Severity,
    /// What it does to the deployment.
    pub effect: Effect,
    /// The header in its suite: of the check, or of the use that brought it.
    pub place: Place,
    /// The header of the check in its pack, if a pack has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_place: Option<Box<Place>>,
    /// Where it looked, and what it did there first, in one line; absent where it passed or did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Why nothing could be observed, where nothing could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unobserved: Option<String>,
    /// What to try where nothing could be observed, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Why it was skipped, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Skip>,
    /// Every judged expectation, in the order of the suite.
    pub findings: Vec<Finding>,
    /// Every try, in order; empty where it was skipped.
    pub attempts: Vec<Attempt>,
    /// When it started, from the start of the run.
    #[serde(with = "seconds")]
    pub started: Duration,
    /// How long it took, all attempts and the pauses between them.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// The checks it waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<CheckId>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What was observed in the last attempt, where a report asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<Value>,
}

impl Outcome {
    /// It passed, but not at the first attempt.
    #[must_use]
    pub fn flaky(&self) -> bool {
        self.verdict == Verdict::Passed && self.attempts.len() > 1 && self.id.kind != "ready"
    }

    /// It did not pass, and the suite says that this is only a warning.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.severity == Severity::Warn && matches!(self.verdict, Verdict::Failed | Verdict::Unclear)
    }

    /// The findings that did not pass.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.verdict != Verdict::Passed)
    }

    /// Why it did not pass, in one line; empty where it passed.
    #[must_use]
    pub fn reason(&self) -> String {
        if let Some(skip) = &self.skip {
            return skip.to_string();
        }
        if let Some(unobserved) = &self.unobserved {
            return unobserved.clone();
        }
        let worst = self.problems().min_by_key(|finding| Reverse(finding.verdict));
        worst.map_or_else(String::new, |finding| {
            format!("{}: expected {}, seen {}", finding.what, finding.expected, finding.seen)
        })
    }

    /// Hands every text that could carry a secret to `edit`. Place lines are the suite's own and carry templates.
    pub fn each_text(&mut self, edit: &mut dyn FnMut(&mut String)) {
        edit(&mut self.title);
        edit(&mut self.id.name);
        for finding in &mut self.findings {
            edit(&mut finding.what);
            edit(&mut finding.expected);
            edit(&mut finding.seen);
            finding.hint.as_mut().map(&mut *edit);
        }
        for attempt in &mut self.attempts {
            edit(&mut attempt.reason);
        }
        self.asked.as_mut().map(&mut *edit);
        self.unobserved.as_mut().map(&mut *edit);
        self.hint.as_mut().map(&mut *edit);
        if let Some(Skip::Declared { reason }) = &mut self.skip {
            edit(reason);
        }
        if let Some(observation) = &mut self.observation {
            each_string(observation, edit);
        }
    }
}

fn each_string(value: &mut Value, edit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => edit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_string(item, edit)),
        Value::Object(fields) => {
            let taken = std::mem::take(fields);
            fields.extend(taken.into_iter().map(|(mut key, mut item)| {
                edit(&mut key);
                each_string(&mut item, edit);
                (key, item)
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Durations travel as seconds with six decimals.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
        serializer.serialize_f64(duration.as_micros() as f64 / 1e6)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}
