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
    /// Where each line begins: every check asks for its place, and to count the lines before it each time adds up.
    lines: Vec<usize>,
}

impl Source {
    /// `text`, to be called `file` in messages.
    #[must_use]
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            file: file.into(),
            text,
            lines,
        }
    }

    /// Reads `path`, to be called `file` in messages.
    ///
    /// # Errors
    /// When it cannot be read or is not UTF-8.
    pub fn read(path: &Path, file: &str) -> Result<Self, Mistake> {
        let text =
            fs::read_to_string(path).map_err(|error| Mistake::nowhere(format!("cannot read {file}: {error}")))?;
        Ok(Self::new(file, text))
    }

    /// The place of `span` in this file.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Place {
        let line = self.lines.partition_point(|start| *start <= span.start).max(1);
        let start = self.lines[line - 1];
        let text = self.text[start..].lines().next().unwrap_or_default();
        let within = span.start - start..span.end.saturating_sub(start);
        Place::of(&self.file, line, text, &within)
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
