//! `command`: a program says that all is well.

mod table;

use std::borrow::Cow;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deployment::program::{self, Ended};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding, Verdict};
use crate::suite::{Entries, JsonPath, Match, Matcher, Period, Problem, Spanned, Subject};

use super::Kind;

/// A program of this machine ends as it should and writes what it should.
///
/// Much of a deployment only its platform's own tool can tell: whether all machines run, which secrets are set, how the
/// last build ended. The program is started as it stands, without a shell: each word of `run` is one argument, and
/// nothing is expanded. It gets no input, and is killed at the check's timeout, with all that it has started.
///
/// A program can do anything, so the check counts as a `write`, which an environment must allow. Where the program only
/// looks, say so with effect = "read".
///
/// ```toml
/// [command.machines]
/// title = "Every machine runs, and its health checks pass"
/// effect = "read"
/// run = ["flyctl", "status", "--json", "--app", "backend"]
/// expect.json."$.Machines[*].state" = { every = "started" }
/// expect.json."$.Machines[*].checks[*].status" = { every = "passing" }
///
/// [command.services]
/// effect = "read"
/// run = ["defang", "ps"]
/// output = "table"
/// expect.json."$[*].service" = { contains = "worker" }
/// expect.json."$[?@.service == 'worker'].state" = { every = "RUNNING" }
///
/// [command.audit]
/// run = ["npm", "audit", "--json"]
/// dir = "backend"
/// env = { NO_COLOR = "1" }
/// timeout = "1m"
/// expect.exit = { one_of = [0, 1] }
/// expect.json."$.metadata.vulnerabilities.critical" = 0
/// ```
///
/// Keys:
///
///   run           the program and its arguments
///   dir           the folder it runs in, relative to the project's; by default the project's
///   env           variables, besides those that smoke itself has
///   output        what it writes to standard output:
///                   "text"   nothing more is known of it (the default)
///                   "json"   one JSON document (the default where expect.json stands)
///                   "table"  columns under a header line, as `ps` prints them: a list of rows, each with a value by the
///                            name of its column in lower case, blanks as `_`. Lines that only draw are left out.
///                   "lines"  a list of its lines, without empty ones
///   expect
///     exit        its exit code; 0 by default
///     stdout      standard output as text
///     stderr      standard error as text
///     json        values by JSONPath: in the document, in the table's rows, in the list of lines
///     lines       the list of lines of standard output, for instance { some = { contains = "healthy" } }
///     within      how long it may take
///
/// A later check may capture from the same values: capture.id = "$.id", capture.version = { text = "v(\\d+)" }.
///
/// Output that says nothing proves nothing: { lacks = "error" } about a program that wrote nothing is unclear. So is a
/// program that is not installed, or does not end in time.
///
/// A failure:
///
///   FAILED  command.machines   Every machine runs, and its health checks pass
///     suites/app.toml:5:1
///       $.Machines[*].state   expected: every item "started"   seen: ["started","stopped"]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    /// The program and its arguments.
    run: Spanned<Vec<String>>,
    /// The folder it runs in, relative to the project's.
    dir: Option<String>,
    /// Variables, besides those that smoke itself has.
    #[serde(default)]
    env: Entries<String>,
    /// What it writes to standard output.
    output: Option<Spanned<Output>>,
    /// What is expected of it.
    #[serde(default)]
    expect: Expect,
}

/// What a program writes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Output {
    /// Nothing more is known of it.
    Text,
    /// One JSON document.
    Json,
    /// Columns under a header line.
    Table,
    /// A list of lines.
    Lines,
}

/// What is expected of a program.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    /// Its exit code; 0 by default.
    exit: Option<Spanned<Matcher>>,
    /// Standard output as text.
    stdout: Option<Spanned<Matcher>>,
    /// Standard error as text.
    stderr: Option<Spanned<Matcher>>,
    /// Values by JSONPath.
    json: Entries<Matcher, JsonPath>,
    /// The list of lines of standard output.
    lines: Option<Spanned<Matcher>>,
    /// How long it may take.
    within: Option<Spanned<Period>>,
}

impl Kind for Command {
    const NAME: &'static str = "command";
    const SPEAKS: Option<Protocol> = None;
    type Seen = Ended;

    fn effect(&self) -> Effect {
        Effect::Write
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match self.run.first() {
            None => problems.push(Problem::at(self.run.span(), "there is no program to run")),
            Some(program) if self.run.len() == 1 && program.contains(' ') && !Path::new(program).exists() => {
                let words: Vec<String> = program.split_whitespace().map(|word| format!("{word:?}")).collect();
                let hint = format!("each word for itself: run = [{}]", words.join(", "));
                problems.push(Problem::at(self.run.span(), "there is no shell that would split this").hint(hint));
            }
            Some(_) => {}
        }
        if let (Some(output), Some((_, first))) = (&self.output, self.expect.json.first())
            && **output == Output::Text
        {
            let problem = Problem::at(first.span(), "output = \"text\" has no JSON to look into");
            problems.push(problem.hint("output = \"json\", \"table\" or \"lines\", or expect.stdout"));
        }
        problems
    }

    fn subject<'a>(&self, seen: &'a Ended) -> Subject<'a> {
        Subject {
            json: self.document(seen).ok().map(Cow::Owned),
            text: &seen.stdout,
            ..Subject::default()
        }
    }

    fn steps(&self) -> Vec<String> {
        let place = self.dir.as_ref().map(|dir| format!(" in {dir}")).unwrap_or_default();
        vec![format!("run {}{place}", self.run.join(" "))]
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Ended, Unobserved> {
        let folder = target.path(self.dir.as_deref().unwrap_or_default());
        if let Some(dir) = &self.dir
            && !folder.is_dir()
        {
            return Err(Unobserved::new(format!("there is no folder {dir} to run it in")));
        }
        let env: Vec<(String, String)> = self
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
            .collect();
        program::run(&self.run, &folder, &env, target.timeout()).await
    }

    fn judge(&self, seen: &Ended) -> Vec<Finding> {
        let mut findings = vec![self.judge_exit(seen)];
        let failed = findings[0].verdict == Verdict::Failed;
        if let Some(matcher) = &self.expect.stdout {
            findings.push(judge_output(
                "stdout",
                matcher,
                &Value::from(seen.stdout.as_str()),
                seen.cut,
            ));
        }
        if let Some(matcher) = &self.expect.stderr {
            findings.push(judge_output(
                "stderr",
                matcher,
                &Value::from(seen.stderr.as_str()),
                seen.cut,
            ));
        }
        findings.extend(self.judge_json(seen, failed));
        if let Some(matcher) = &self.expect.lines {
            findings.push(judge_output("lines", matcher, &lines(&seen.stdout), seen.cut));
        }
        if let Some(within) = &self.expect.within {
            let limit = within.0.as_secs_f64() * 1000.0;
            let took = format!("{:.0} ms", seen.took_ms);
            let finding = Finding::expect(seen.took_ms <= limit, "time", format!("within {}", **within), took);
            findings.push(finding.at(within.span()));
        }
        findings
    }
}

impl Command {
    fn form(&self) -> Output {
        match &self.output {
            Some(output) => **output,
            None if self.expect.json.is_empty() => Output::Text,
            None => Output::Json,
        }
    }

    /// What JSONPaths look into.
    fn document(&self, seen: &Ended) -> Result<Value, String> {
        match self.form() {
            Output::Table => table::rows(&program::without_colours(&seen.stdout)),
            Output::Lines => Ok(lines(&seen.stdout)),
            Output::Json | Output::Text => {
                serde_json::from_str(&seen.stdout).map_err(|error| match seen.stdout.trim() {
                    "" => "it wrote nothing".to_owned(),
                    text => format!("no JSON ({error}): {text}"),
                })
            }
        }
    }

    fn judge_exit(&self, seen: &Ended) -> Finding {
        let code = seen.code.map(Value::from);
        let (holds, expected) = match &self.expect.exit {
            Some(matcher) => (matcher.check(code.as_ref()) == Match::Holds, matcher.describe()),
            None => (seen.code == Some(0), "0".to_owned()),
        };
        let ended = seen
            .code
            .map_or("a signal ended it".to_owned(), |code| code.to_string());
        // What it said last is most often why it failed.
        let said = [&seen.stderr, &seen.stdout]
            .into_iter()
            .find(|text| !text.trim().is_empty());
        let shown = match said {
            Some(text) if !holds => format!("{ended}: {}", program::without_colours(text.trim())),
            _ => ended,
        };
        let finding = Finding::expect(holds, "exit code", expected, shown);
        let span = self.expect.exit.as_ref().map_or(self.run.span(), Spanned::span);
        finding.at(span)
    }

    fn judge_json(&self, seen: &Ended, failed: bool) -> Vec<Finding> {
        let Some((first, matcher)) = self.expect.json.first() else {
            return Vec::new();
        };
        match self.document(seen) {
            Ok(document) => {
                let judge = |(path, matcher): &(JsonPath, Spanned<Matcher>)| {
                    let finding = matcher.judge(path.to_string(), path.find(&document).as_deref());
                    cut_short(finding, seen.cut)
                };
                self.expect.json.iter().map(judge).collect()
            }
            // It has failed, and said why in its own way.
            Err(_) if failed => Vec::new(),
            Err(why) => {
                let expected = if self.form() == Output::Table {
                    "a table"
                } else {
                    "a JSON document"
                };
                let finding = Finding::failed(first.to_string(), expected, why).at(matcher.span());
                vec![cut_short(finding, seen.cut)]
            }
        }
    }
}

/// A finding about text, or its lines. What would hold of any output says nothing about none.
fn judge_output(what: &str, matcher: &Spanned<Matcher>, output: &Value, cut: bool) -> Finding {
    let finding = matcher.judge(what, Some(output));
    let (silent, any) = match output {
        Value::String(text) => (text.trim().is_empty(), Value::from("\u{1}")),
        lines => (lines.as_array().is_some_and(Vec::is_empty), json!(["\u{1}"])),
    };
    if silent && finding.verdict == Verdict::Passed && matcher.check(Some(&any)) == Match::Holds {
        let seen = "it wrote nothing, so this proves nothing";
        return Finding::unclear(what, finding.expected, seen).at(matcher.span());
    }
    cut_short(finding, cut)
}

/// Of output that was not kept as a whole, nothing can be said for sure.
fn cut_short(finding: Finding, cut: bool) -> Finding {
    if !cut {
        return finding;
    }
    let seen = "more output than is kept: only its first part was looked at";
    Finding {
        verdict: Verdict::Unclear,
        seen: seen.to_owned(),
        ..finding
    }
}

fn lines(text: &str) -> Value {
    let text = program::without_colours(text);
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.map(Value::from).collect()
}

#[cfg(test)]
mod tests;
