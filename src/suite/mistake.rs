//! What is wrong in a file, and where.

use std::fmt;
use std::ops::Range;

use crate::outcome::Place;

use super::Source;

/// Something wrong in a table, before it is known which file the table is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The bytes that are wrong; none where something is missing from the whole table.
    pub span: Option<Range<usize>>,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Problem {
    /// Something wrong at `span`.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            message: message.into(),
            hint: None,
        }
    }

    /// Something missing from the table as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self {
            span: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Says what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to try, where something is known.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

/// A mistake in the call, the project or a suite. A run with one exits 2 and sends nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where; none for the command line and the process environment.
    pub place: Option<Place>,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Mistake {
    /// A mistake that has no place in a file.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            hint: None,
        }
    }

    /// `problem` in `source`; one without a place of its own stands at `otherwise`.
    #[must_use]
    pub fn of(problem: Problem, source: &Source, otherwise: &Range<usize>) -> Self {
        let place = source.place(problem.span.as_ref().unwrap_or(otherwise));
        Self {
            place: Some(place),
            message: problem.message,
            hint: problem.hint,
        }
    }

    /// Says what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Hands every text to `edit`, the quoted line too: an address there may have a password in it.
    pub fn each_text(&mut self, edit: &mut dyn FnMut(&mut String)) {
        edit(&mut self.message);
        self.hint.as_mut().map(&mut *edit);
        self.place.as_mut().map(|place| edit(&mut place.text));
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(place) = &self.place {
            write!(f, "\n  {}\n{}", place.address(), place.quote(2))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  try: {hint}")?;
        }
        Ok(())
    }
}
