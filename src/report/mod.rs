//! What a run looks like to a person and to machines.
//!
//! A report is a listener ([`crate::outcome::Report`]): it is fed events and knows nothing but the words of
//! [`crate::outcome`]. What it is given has passed the redactor. The terminal's two, [`terminal::Plain`] and
//! [`terminal::Live`], write to what `commands` opened for them; the ones in [`FORMS`] write a file of their own.

mod file;
pub mod json;
pub mod junit;
pub mod terminal;
mod text;

use std::path::PathBuf;

use crate::outcome::{Outcome, Report};

/// A form of report that is written to a file: `--report NAME=PATH`.
#[derive(Debug)]
pub struct Form {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Its file in `reports/<env>/` where the user names no other.
    pub file: &'static str,
    /// Whether it shows what was observed; the engine keeps observations only then.
    pub observations: bool,
    /// A listener that writes the file when the run has ended.
    pub to: fn(PathBuf) -> Box<dyn Report>,
}

/// Every form. A new one is a file in this folder and a line here.
pub const FORMS: &[Form] = &[junit::FORM, json::FORM];

/// The form of that name.
#[must_use]
pub fn form(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

/// A check that did not pass, as the terminal shows it, without colours.
#[must_use]
pub fn block(outcome: &Outcome) -> String {
    terminal::block(outcome)
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
