//! The text of one file.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::outcome::Place;

use super::{Mistake, Problem, Table, tree};

/// The text of one TOML file.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file, as the user would name it.
    pub file: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Reads `path`, to be called `file` in messages.
    ///
    /// # Errors
    /// When it cannot be read or is not UTF-8.
    pub fn read(path: &Path, file: &str) -> Result<Self, Mistake> {
        let text =
            fs::read_to_string(path).map_err(|error| Mistake::nowhere(format!("cannot read {file}: {error}")))?;
        Ok(Self {
            file: file.to_owned(),
            text,
        })
    }

    /// The place of `span` in this file.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place::of(&self.file, &self.text, span)
    }

    /// The spanned tree, as far as it can be read, and every TOML mistake in the text.
    #[must_use]
    pub fn parse(&self) -> (Table, Vec<Mistake>) {
        let (table, problems) = tree::parse(&self.text);
        (
            table,
            problems.into_iter().map(|problem| self.mistake(problem)).collect(),
        )
    }

    /// `problem`, placed in this file (at its start where it has no place of its own).
    #[must_use]
    pub fn mistake(&self, problem: Problem) -> Mistake {
        Mistake::of(problem, self, &(0..0))
    }
}
