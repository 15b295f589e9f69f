//! A place in a file, and the one way to quote it.

use std::fmt::Write as _;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

/// A place in a file: where, and the line itself as it is written there (so a template, never its value).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as the user would name it from the project's folder.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The whole line, without its end.
    pub text: String,
    /// How many characters are meant, at least 1.
    pub width: usize,
}

impl Place {
    /// The place of the bytes `span` of `text`, which is line `line` (from 1) of `file`. What goes on in the next line is not
    /// shown.
    #[must_use]
    pub fn of(file: &str, line: usize, text: &str, span: &Range<usize>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        Self {
            file: file.to_owned(),
            line,
            column: text[..start].chars().count() + 1,
            text: text.trim_end_matches('\r').to_owned(),
            width: text[start..end].trim_end().chars().count().max(1),
        }
    }

    /// `file:line:column`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// The line with its number and, below it, carets under what is meant, each line indented by `indent` spaces.
    #[must_use]
    pub fn quote(&self, indent: usize) -> String {
        let number = self.line.to_string();
        let gutter = " ".repeat(indent + number.len());
        let before: String = self.text.chars().take(self.column - 1).collect();
        let meant: String = self.text.chars().skip(self.column - 1).take(self.width).collect();
        let mut out = String::new();
        let _ = writeln!(out, "{:indent$}{number} │ {}", "", self.text.replace('\t', " "));
        let _ = write!(
            out,
            "{gutter} │ {}{}",
            " ".repeat(columns(&before)),
            "^".repeat(columns(&meant).max(1))
        );
        out
    }

    /// The line with its number only, for a reader who needs no caret.
    #[must_use]
    pub fn line_only(&self, indent: usize) -> String {
        format!("{:indent$}{} │ {}", "", self.line, self.text.replace('\t', " "))
    }
}

fn columns(text: &str) -> usize {
    text.replace('\t', " ").width()
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_the_line_with_carets() {
        let line = "  größe = \"x\"";
        let start = line.find("\"x\"").unwrap();
        let place = Place::of("s.toml", 2, line, &(start..start + 3));
        assert_eq!(place.address(), "s.toml:2:11");
        assert_eq!(place.quote(2), "  2 │   größe = \"x\"\n    │           ^^^");
    }

    #[test]
    fn a_span_at_the_end_of_the_line_still_has_a_place() {
        let place = Place::of("s.toml", 1, "a =", &(3..3));
        assert_eq!((place.line, place.column, place.width), (1, 4, 1));
    }
}
