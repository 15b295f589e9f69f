//! `smoke packs`: the ready-made checks.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args as ClapArgs;

use crate::outcome::Exit;
use crate::suite::{Mistake, Pack, Packs, Project, Value, one_of, toml_of};

use super::{Failure, print};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The pack to describe
    name: Option<String>,
    /// Print its TOML text instead
    #[arg(long, requires = "name")]
    source: bool,
}

impl Args {
    pub(super) fn run(&self, folder: Option<&Path>) -> Result<Exit, Failure> {
        // Outside a project there are the built-in ones; a mistake in smoke.toml is none of our business here.
        let project = match (Project::load(folder), folder) {
            (Ok(project), _) => Some(project.root),
            (Err(_), Some(folder)) => Some(folder.to_owned()),
            (Err(_), None) => None,
        };
        let packs = Packs {
            root: project.as_deref(),
        };
        let text = match &self.name {
            None => overview(packs)?,
            Some(name) => {
                let source = packs.find(name).ok_or_else(|| unknown(name, packs))??;
                if self.source {
                    source.text
                } else {
                    describe(&read(source)?)
                }
            }
        };
        print(&text)?;
        Ok(Exit::Passed)
    }
}

fn unknown(name: &str, packs: Packs<'_>) -> Mistake {
    let names = packs.names();
    Mistake {
        hint: one_of(name, names.iter().map(String::as_str)),
        ..Mistake::nowhere(format!("there is no pack `{name}`"))
    }
}

fn read(source: crate::suite::Source) -> Result<Pack, Vec<Mistake>> {
    let (pack, mistakes) = Pack::parse(source);
    if mistakes.is_empty() { Ok(pack) } else { Err(mistakes) }
}

fn overview(packs: Packs<'_>) -> Result<String, Failure> {
    let names = packs.names();
    let wide = names.iter().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for name in &names {
        if let Some(source) = packs.find(name) {
            let (pack, _) = Pack::parse(source?);
            let _ = writeln!(text, "{name:wide$}  {}", pack.title);
        }
    }
    Ok(text + "\n`smoke packs NAME` says what one brings, and how to use it.\n")
}

fn describe(pack: &Pack) -> String {
    let mut text = format!("{}   {}\n", pack.name, pack.title);
    if !pack.about.is_empty() {
        let _ = writeln!(text, "\n{}", pack.about.trim());
    }
    text += "\nIt brings\n";
    let ids = pack
        .checks
        .iter()
        .map(|check| format!("{}.NAME.{}", check.kind, check.name));
    let ids: Vec<String> = ids.collect();
    let wide = ids.iter().map(String::len).max().unwrap_or(0);
    for (check, id) in pack.checks.iter().zip(&ids) {
        let title = match check.table.get("title").map(|title| &title.node.value) {
            Some(Value::Text(title)) => title,
            _ => "",
        };
        let _ = writeln!(text, "{}", format!("  {id:wide$}  {title}").trim_end());
    }
    if !pack.params.is_empty() {
        text += "\nParameters\n";
        let wide = pack.params.iter().map(|param| param.name.len()).max().unwrap_or(0);
        for param in &pack.params {
            let kind = param.accepts.map_or("", |accepts| accepts.name());
            let default = match &param.default {
                Some(value) => format!("default {}", toml_of(value)),
                None if param.optional => "may be left out".to_owned(),
                None => "required".to_owned(),
            };
            let _ = writeln!(text, "  {:wide$}  {kind:7}  {} ({default})", param.name, param.about);
        }
    }
    let _ = write!(text, "\nExample\n\n{}", example(pack));
    text
}

/// A use with a value for everything that it must give.
fn example(pack: &Pack) -> String {
    let name = pack.name.rsplit('_').next().unwrap_or(&pack.name);
    let mut text = format!("[use.{name}]\npack = {:?}\n", pack.name);
    for param in pack.params.iter().filter(|param| param.required()) {
        let value = param.example.as_ref().map_or_else(|| "\"…\"".to_owned(), toml_of);
        let _ = writeln!(text, "with.{} = {value}", param.name);
    }
    text
}
