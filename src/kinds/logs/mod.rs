//! `logs`: what is written down, in logs and in sources, holds what it should and no secret.

mod judge;
mod observe;
mod when;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::secrets::{Leaked, Sought};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Needle, Pattern, Period, Problem, Spanned, is_placeholder};

use super::Kind;

/// Logs, or the sources in a repository, hold no secret; logs are fresh, well-formed, and not full of errors.
///
/// A line that prints its settings at start prints the password in REDIS_URL to everyone who may read logs, for as long
/// as they are kept. A new release that fails in the background fails in its log only. And a log that is no longer written
/// has no errors in it either: so how many lines there are, and how fresh they are, is verified too. It runs after all
/// other checks, and so sees what they make the deployment write.
///
/// ```toml
/// [logs.server]
/// files = ["/tmp/logs/Server_*.log"]
/// fresh = "10m"
/// contains = ["Redis client connected"]
/// lacks = ["UnhandledPromiseRejection", { matches = "(?i)econn(refused|reset)" }]
/// error_rate = 0.01
/// never = ["{{ env.ADMIN_PASSWORD }}"]
///
/// [logs.structured]
/// command = ["flyctl", "logs", "--no-tail"]
/// prefix = '^\S+ app\[\w+\] \w+ \[\w+\] ?'
/// keys = ["level", "ts"]
///
/// [logs.repository]
/// title = "No secret in the sources"
/// files = ["src/**/*", "*.md"]
///
/// [logs.env_never_committed]
/// command = ["git", "log", "--all", "--diff-filter=A", "--name-only", "--format="]
/// lacks = [{ matches = '(^|/)\.env(\.local|\.production)?$' }]
/// ```
///
/// Keys (files, or a command):
///
///   files       patterns of files, relative to the project's folder: * ? [a-z], and ** for any depth. Binary files and
///               the folders node_modules, .git and target are passed over, unless the pattern names them; how many, is
///               said.
///   command     a program and its arguments, without a shell, whose output is looked through. It must exit with 0.
///   prefix      a regular expression: what the platform puts before each line of ours. It is cut off, and lines without
///               it, which are others', are read for secrets only. Without it all lines are ours, as a whole.
///   at_least    so many lines there must be; default 1. With fewer the check is unclear.
///   secrets     false: do not look for secrets by their form, as in `leak`; here also JWTs, bearer tokens, and keys of
///               Google. What guides write in their place (your-key, `<password>`, ${PASSWORD}) is none.
///   never       values that must stand nowhere, neither as they are nor in base64, hex, or escaped
///   contains    what some line must have in it, each; { matches = "regex" } for a pattern
///   lacks       what no line may have in it
///   allow       a line that has one of these in it is excepted from secrets, lacks and error_rate
///   json        true: each line must be a JSON object
///   keys        keys that each line must have; implies `json`
///   error_rate  the largest share of lines whose level is an error (or worse): 0.01
///   since       "1h": only lines of this time before now count, by the time that each says itself (ISO 8601, or a field time,
///               ts or timestamp of a JSON line); one that says none belongs to the line before it
///   fresh       how long ago the youngest of the files may have been written: "10m"
///
/// What is found is shown by its kind, its first characters, its length and its line; never whole.
///
/// It reads. A command is declared by the suite to read; give `effect = "write"` for one that does not.
///
/// A failure:
///
///   FAILED  logs.server
///     suites/app.toml:1:7
///       worker.log, line 3   expected: no secret   seen: the password of an address (24 characters)
///       try: do not log it; and change it, since whoever reads the logs knows it
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    /// Patterns of files.
    #[serde(default)]
    files: Vec<Spanned<String>>,
    /// A program whose output is looked through.
    command: Option<Spanned<Vec<String>>>,
    /// What stands before each line of ours.
    prefix: Option<Spanned<Pattern>>,
    /// So many lines there must be.
    #[serde(default = "one")]
    at_least: usize,
    /// Look for secrets by their form.
    #[serde(default = "yes")]
    secrets: bool,
    /// Values that must stand nowhere.
    #[serde(default)]
    never: Vec<Spanned<String>>,
    /// What some line must have in it.
    #[serde(default)]
    contains: Vec<Spanned<Needle>>,
    /// What no line may have in it.
    #[serde(default)]
    lacks: Vec<Spanned<Needle>>,
    /// Lines that are excepted.
    #[serde(default)]
    allow: Vec<Needle>,
    /// Each line must be a JSON object.
    #[serde(default)]
    json: Option<Spanned<bool>>,
    /// Keys that each line must have.
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    /// The largest share of lines that are errors.
    error_rate: Option<Spanned<f64>>,
    /// Only lines of this time before now count.
    since: Option<Spanned<Period>>,
    /// How long ago the youngest file may have been written.
    fresh: Option<Spanned<Period>>,
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

/// What was read, without what it held.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    files: usize,
    lines: usize,
    /// Lines without the prefix.
    #[serde(default)]
    others: usize,
    /// Lines that are older than `since`.
    #[serde(default)]
    older: usize,
    /// Where no line says when it was written, though `since` is given.
    #[serde(default)]
    undated: Vec<String>,
    /// Binary files, and folders such as node_modules.
    binary: usize,
    folders: usize,
    /// Files that could not be read.
    unreadable: Vec<String>,
    /// Files of which only the end was read.
    cut: Vec<String>,
    /// Which of the patterns no file matches.
    unmatched: Vec<usize>,
    /// How long ago the youngest file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age: Option<Duration>,
    leaked: Vec<(String, Leaked)>,
    contains: Vec<usize>,
    lacks: Vec<Hits>,
    not_json: Hits,
    without: Vec<Hits>,
    errors: Hits,
}

/// Lines of one sort.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Hits {
    count: usize,
    /// Where the first stands, and what it says, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<(String, String)>,
}

impl Kind for Logs {
    const NAME: &'static str = "logs";
    const LAST: bool = true;
    const SPEAKS: Option<Protocol> = None;
    type Seen = Seen;

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match (&self.command, self.files.first()) {
            (None, None) => problems.push(Problem::whole("nothing to read").hint("name `files`, or a `command`")),
            (Some(command), Some(_)) => {
                problems.push(Problem::at(command.span(), "`files` and `command` are two checks"));
            }
            (Some(command), None) if command.is_empty() => {
                problems.push(Problem::at(command.span(), "there is no program to run"));
            }
            _ => {}
        }
        if let (Some(fresh), Some(_)) = (&self.fresh, &self.command) {
            problems.push(Problem::at(fresh.span(), "`fresh` is about files"));
        }
        if let Some(prefix) = self
            .prefix
            .as_ref()
            .filter(|prefix| !prefix.0.as_str().starts_with('^'))
        {
            problems.push(
                Problem::at(prefix.span(), "a prefix stands at the start of a line").hint("let it begin with `^`"),
            );
        }
        for pattern in &self.files {
            if let Err(error) = glob::Pattern::new(pattern) {
                problems.push(Problem::at(pattern.span(), format!("not a pattern: {}", error.msg)));
            }
        }
        for value in &self.never {
            if !is_placeholder(value) && !Sought::is_telling(value) {
                problems.push(Problem::at(value.span(), "a value so short is found by chance").hint("use `lacks`"));
            }
        }
        if let Some(rate) = self.error_rate.as_ref().filter(|rate| !(0.0..1.0).contains(&***rate)) {
            problems.push(Problem::at(
                rate.span(),
                "`error_rate` is a share: 0.01 is one line in a hundred",
            ));
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        let of_lines = self.secrets || self.wants_json() || self.error_rate.is_some() || self.fresh.is_some();
        !of_lines && self.never.is_empty() && self.contains.is_empty() && self.lacks.is_empty()
    }

    fn steps(&self) -> Vec<String> {
        let files = self.files.iter().map(|pattern| format!("read {}", pattern.as_str()));
        let command = self.command.iter().map(|command| format!("run {}", command.join(" ")));
        files.chain(command).collect()
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::look(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::all(self, seen)
    }
}

impl Logs {
    fn wants_json(&self) -> bool {
        !self.keys.is_empty() || self.json.as_ref().is_some_and(|json| **json)
    }
}

#[cfg(test)]
mod tests;
