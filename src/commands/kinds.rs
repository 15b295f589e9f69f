//! `smoke kinds`: the manual.

use std::fmt::Write as _;

use clap::Args as ClapArgs;

use crate::kinds::{Entry, KINDS};
use crate::outcome::Exit;
use crate::suite::{Mistake, one_of};

use super::{Failure, print};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The kind whose page to print
    name: Option<String>,
}

impl Args {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let text = match &self.name {
            None => overview(),
            Some(name) => {
                let entry = Entry::find(name).ok_or_else(|| {
                    let names = KINDS.iter().map(|entry| entry.name);
                    Mistake {
                        hint: one_of(name, names),
                        ..Mistake::nowhere(format!("there is no kind `{name}`"))
                    }
                })?;
                entry.manual() + "\n"
            }
        };
        print(&text)?;
        Ok(Exit::Passed)
    }
}

fn overview() -> String {
    let wide = KINDS.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in KINDS {
        let manual = entry.manual();
        let _ = writeln!(
            text,
            "{:wide$}  {}",
            entry.name,
            manual.lines().next().unwrap_or_default()
        );
    }
    text + "\n`smoke kinds NAME` prints the page of one.\n"
}
