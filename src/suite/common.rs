//! The keys that every check takes, whatever its kind.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

use crate::outcome::{Effect, Severity};

use super::decode::with_hint;
use super::{Capture, Entries, Period, Spanned};

/// The keys that every check takes. `finally` and `when` are not here: their templates are filled later.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Common {
    /// What the check verifies, for a reader.
    pub title: Option<String>,
    /// The endpoint, where the environment names several.
    pub on: Option<Spanned<String>>,
    /// For `--tag`.
    pub tags: Vec<String>,
    /// Checks that must pass first, without handing over data.
    pub needs: Vec<Spanned<String>>,
    /// How long one attempt may take.
    #[serde(deserialize_with = "super::scalar::timeout")]
    pub timeout: Option<Period>,
    /// How to try again.
    pub retry: Option<Retry>,
    /// Overrides what the kind says that it does to the deployment.
    pub effect: Option<Effect>,
    /// Whether a failure fails the run.
    pub severity: Severity,
    /// Why the check is not to be run at all.
    #[serde(deserialize_with = "reason")]
    pub skip: Option<String>,
    /// One check per value.
    pub each: Entries<Vec<Value>>,
    /// Values to hand to later checks.
    pub capture: Entries<Capture>,
}

impl Common {
    /// Their names; `when` and `finally` too.
    pub const KEYS: [&str; 13] = [
        "title", "on", "tags", "needs", "timeout", "retry", "effect", "severity", "skip", "each", "capture", "when",
        "finally",
    ];
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(ReasonVisitor).map(Some)
}

struct ReasonVisitor;

impl Visitor<'_> for ReasonVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        if text.trim().is_empty() {
            return Err(E::custom(with_hint("what is skipped has a reason", "skip = \"why\"")));
        }
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<String, E> {
        let hint = if yes { "skip = \"why\"" } else { "leave `skip` out" };
        Err(E::custom(with_hint(&format!("expected a string, found {yes}"), hint)))
    }
}

/// How to try again when a check did not pass: refused connections, time-outs and wrong answers alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How many more attempts at most; without it, as many as fit into `for`.
    pub times: Option<u32>,
    /// The first pause; each further one is twice as long, up to eight times this.
    pub every: Option<Period>,
    /// No new attempt after so long.
    #[serde(rename = "for")]
    pub window: Option<Period>,
}
