//! One suite: its checks as they are written, before templates are filled and kinds are known.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;

use super::tree::{Entry, Table, Value};
use super::{Common, Defaults, Mistake, Node, Period, Problem, Retry, Source, decode, one_of};

/// A parsed suite.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Its file without folder and `.toml`.
    pub name: String,
    /// What it says of itself; its name where it says nothing.
    pub title: String,
    /// Its text.
    pub source: Rc<Source>,
    /// Its variables, as written.
    pub vars: Table,
    /// What holds for all of its checks.
    pub defaults: Defaults,
    /// Its checks, in the order of the file.
    pub checks: Vec<CheckDef>,
}

/// One check as it is written: `[kind.name]` and the table below it.
#[derive(Debug, Clone)]
pub struct CheckDef {
    /// The kind.
    pub kind: String,
    /// The bytes of the kind in the first header that names it.
    pub kind_span: Range<usize>,
    /// The name.
    pub name: String,
    /// The bytes of the name in the header.
    pub name_span: Range<usize>,
    /// Everything but `when` and `finally`, as written.
    pub table: Table,
    /// The expression of `when`.
    pub when: Option<(String, Range<usize>)>,
    /// The steps of `finally`, as written.
    pub finally: Vec<Node>,
}

/// The keys of a suite that are not kinds.
const KEYS: [&str; 4] = ["title", "defaults", "timeout", "retry"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Head {
    title: Option<String>,
    defaults: Defaults,
    timeout: Option<Period>,
    retry: Option<Retry>,
}

impl Suite {
    /// Reads a suite, and everything that is wrong in it as far as that shows without knowing the kinds. Text that is not
    /// TOML gives a suite without checks.
    #[must_use]
    pub fn parse(source: Source) -> (Self, Vec<Mistake>) {
        let (mut table, mut mistakes) = source.parse();
        if !mistakes.is_empty() {
            table = Table::default();
        }
        let mut problems = Vec::new();
        let vars = read_vars(table.take("vars"), &mut problems);
        let head = table.split_off(|key| KEYS.contains(&key));
        let head: Head = decode(&Node::new(0..0, Value::Table(head)), &[]).unwrap_or_else(|found| {
            problems.extend(found);
            Head::default()
        });
        let kinds = table.0.into_iter();
        let mut checks: Vec<CheckDef> = kinds.flat_map(|entry| read_kind(entry, &mut problems)).collect();
        checks.sort_by_key(|check| check.name_span.start);
        problems.extend(duplicates(&checks));
        mistakes.extend(problems.into_iter().map(|problem| source.mistake(problem)));
        let name = Path::new(&source.file)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let own = Defaults {
            timeout: head.timeout,
            retry: head.retry,
            concurrency: None,
        };
        let suite = Self {
            title: head.title.unwrap_or_else(|| name.clone()),
            name,
            source: Rc::new(source),
            vars,
            defaults: own.or(head.defaults),
            checks,
        };
        (suite, mistakes)
    }
}

impl CheckDef {
    /// Takes the common keys out of a rendered table.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn common(table: &mut Table, span: &Range<usize>) -> Result<Common, Vec<Problem>> {
        let common = table.split_off(|key| Common::KEYS.contains(&key));
        decode(&Node::new(span.clone(), Value::Table(common)), &[])
    }
}

fn read_vars(entry: Option<Entry>, problems: &mut Vec<Problem>) -> Table {
    match entry.map(|entry| entry.node) {
        None => Table::default(),
        Some(Node {
            value: Value::Table(vars),
            ..
        }) => vars,
        Some(node) => {
            problems.push(Problem::at(
                node.span,
                "expected a table such as [vars], or vars.workflows = 10",
            ));
            Table::default()
        }
    }
}

fn read_kind(kind: Entry, problems: &mut Vec<Problem>) -> Vec<CheckDef> {
    let Value::Table(checks) = kind.node.value else {
        let hint = one_of(&kind.key, KEYS.into_iter().chain(["vars"])).unwrap_or_default();
        problems.push(
            Problem::at(
                kind.key_span,
                format!("unknown key `{}` at the top of a suite", kind.key),
            )
            .hint(format!(
                "{hint}; a check is a table with its kind and its name: [http.health]"
            )),
        );
        return Vec::new();
    };
    let (name, span) = (kind.key, kind.key_span);
    checks
        .0
        .into_iter()
        .filter_map(|check| read_check(&name, &span, check, problems))
        .collect()
}

fn read_check(kind: &str, kind_span: &Range<usize>, check: Entry, problems: &mut Vec<Problem>) -> Option<CheckDef> {
    let Value::Table(mut table) = check.node.value else {
        problems.push(
            Problem::at(
                check.key_span,
                format!("`{}` stands where the name of a check belongs", check.key),
            )
            .hint(format!("write [{kind}.NAME] above it")),
        );
        return None;
    };
    if !is_name(&check.key) {
        problems.push(
            Problem::at(
                check.key_span.clone(),
                format!("`{}` is not a name for a check", check.key),
            )
            .hint("a letter, then letters, digits and underscores, all in lower case"),
        );
    }
    let when = table.take("when").and_then(|entry| match entry.node.value {
        Value::Text(text) => Some((text, entry.node.span)),
        Value::Bool(yes) => Some((format!("{{{{ {yes} }}}}"), entry.node.span)),
        _ => {
            problems.push(Problem::at(
                entry.node.span,
                "expected an expression such as \"{{ billing }}\"",
            ));
            None
        }
    });
    let finally = match table.take("finally").map(|entry| entry.node) {
        None => Vec::new(),
        Some(Node {
            value: Value::List(steps),
            ..
        }) => steps,
        Some(node) => {
            problems.push(Problem::at(node.span, "expected a list of requests or statements"));
            Vec::new()
        }
    };
    Some(CheckDef {
        kind: kind.to_owned(),
        kind_span: kind_span.clone(),
        name: check.key,
        name_span: check.key_span,
        table,
        when,
        finally,
    })
}

/// Names match `[a-z][a-z0-9_]*`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn duplicates(checks: &[CheckDef]) -> Vec<Problem> {
    let mut taken: HashMap<&str, &CheckDef> = HashMap::new();
    let mut problems = Vec::new();
    for check in checks {
        if let Some(first) = taken.insert(&check.name, check) {
            problems.push(
                Problem::at(
                    check.name_span.clone(),
                    format!("the name `{}` is taken by {}.{}", check.name, first.kind, first.name),
                )
                .hint("names are unique in a suite across kinds, so that {{ name.value }} needs no kind"),
            );
        }
    }
    problems
}
