//! What a check may touch: the addresses of an environment, and connections to them that the checks of a run share.

pub mod postgres;
pub mod redis;
pub mod secrets;

use serde::{Deserialize, Serialize};

/// What kind of address a check talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// `http = …` in an environment.
    Http,
    /// `postgres = …` in an environment.
    Postgres,
    /// `redis = …` in an environment.
    Redis,
}

/// Why nothing could be told: the deployment could not be reached, or would not let us look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unobserved {
    /// What happened, as a sentence without a full stop.
    pub why: String,
    /// What to try, where that is known.
    pub hint: Option<String>,
}

impl Unobserved {
    /// Nothing could be told because of `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            hint: None,
        }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
