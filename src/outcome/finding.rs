//! One judged expectation.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Place, Verdict};

/// One judged expectation: what was looked at, what was expected there, what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: `status`, `$.data.id`, `images: row level security`.
    pub what: String,
    /// What the suite expects there, as a phrase: `200`, `greater than 0`.
    pub expected: String,
    /// What was seen there, as a phrase; never cut short here (reports shorten, after redaction).
    pub seen: String,
    /// Passed, failed or unclear; never skipped.
    pub verdict: Verdict,
    /// What the reader can do about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The bytes of the suite that state the expectation; the engine turns them into `place`.
    #[serde(skip)]
    pub span: Option<Range<usize>>,
    /// Where the suite states the expectation; boxed, since few findings have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Box<Place>>,
}

impl Finding {
    fn new(verdict: Verdict, what: String, expected: String, seen: String) -> Self {
        Self {
            what,
            expected,
            seen,
            verdict,
            hint: None,
            span: None,
            place: None,
        }
    }

    /// The expectation holds.
    pub fn passed(what: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Verdict::Passed, what.into(), expected.into(), seen.into())
    }

    /// It was seen, and it is wrong.
    pub fn failed(what: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, what.into(), expected.into(), seen.into())
    }

    /// It could not be told: nothing to examine, no permission to look.
    pub fn unclear(what: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::new(Verdict::Unclear, what.into(), expected.into(), seen.into())
    }

    /// Passed if `holds`, failed otherwise.
    pub fn expect(holds: bool, what: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
        Self::new(verdict, what.into(), expected.into(), seen.into())
    }

    /// Remembers where in the suite the expectation stands.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// Says what to try; kept only where the finding did not pass.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.verdict != Verdict::Passed {
            self.hint = Some(hint.into());
        }
        self
    }
}
