//! One suite: its checks as they are written, before templates are filled and kinds are known.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;

use super::template::FUNCTIONS;
use super::tree::{Entry, Table, Value};
use super::uses::{UseDef, read_uses};
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
    /// The packs it uses, in the order of the file.
    pub uses: Vec<UseDef>,
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
    #[serde(deserialize_with = "super::scalar::timeout")]
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
        let uses = table
            .take("use")
            .map_or_else(Vec::new, |entry| read_uses(entry, &mut problems));
        let checks = read_checks(table, &mut problems);
        problems.extend(duplicates(&checks, &uses, &source));
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
            uses,
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

/// The checks of a file from which everything else is taken, in the order of the file.
pub(super) fn read_checks(table: Table, problems: &mut Vec<Problem>) -> Vec<CheckDef> {
    let kinds = table.0.into_iter();
    let mut checks: Vec<CheckDef> = kinds.flat_map(|entry| read_kind(entry, problems)).collect();
    checks.sort_by_key(|check| check.name_span.start);
    checks
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
    problems.extend(bad_name(&check.key, &check.key_span, "a check"));
    let when = read_when(&mut table, problems);
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

/// Takes the expression of `when`.
pub(super) fn read_when(table: &mut Table, problems: &mut Vec<Problem>) -> Option<(String, Range<usize>)> {
    let entry = table.take("when")?;
    match entry.node.value {
        Value::Text(text) if text.contains("{{") => Some((text, entry.node.span)),
        Value::Text(text) => {
            let problem = Problem::at(
                entry.node.span,
                "text without {{ }} is not a condition: it would always hold",
            );
            problems.push(problem.hint(format!("when = \"{{{{ {text} }}}}\"")));
            None
        }
        Value::Bool(yes) => Some((format!("{{{{ {yes} }}}}"), entry.node.span)),
        _ => {
            problems.push(Problem::at(
                entry.node.span,
                "expected an expression such as \"{{ billing }}\"",
            ));
            None
        }
    }
}

/// What is wrong with the name of `of`, if something is.
pub(super) fn bad_name(name: &str, span: &Range<usize>, of: &str) -> Option<Problem> {
    if name == "env" || FUNCTIONS.contains(&name) {
        let message = format!("`{name}` is not a name for {of}: in templates it means something else");
        return Some(Problem::at(span.clone(), message).hint(format!("another name, such as `the_{name}`")));
    }
    (!is_name(name)).then(|| {
        Problem::at(span.clone(), format!("`{name}` is not a name for {of}"))
            .hint("a letter, then letters, digits and underscores, all in lower case")
    })
}

/// Names match `[a-z][a-z0-9_]*`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Names that are given twice: to checks, or to a check and a use.
pub(super) fn duplicates(checks: &[CheckDef], uses: &[UseDef], source: &Source) -> Vec<Problem> {
    let checks = checks
        .iter()
        .map(|check| (check.kind.as_str(), &check.name, &check.name_span));
    let uses = uses.iter().map(|used| ("use", &used.name, &used.name_span));
    let mut all: Vec<_> = checks.chain(uses).collect();
    all.sort_by_key(|(_, _, span)| span.start);
    let mut taken: HashMap<&str, (&str, usize)> = HashMap::new();
    let mut problems = Vec::new();
    for (kind, name, span) in all {
        if let Some((first, line)) = taken.get(name.as_str()) {
            let message = format!("the name `{name}` is taken by {first}.{name} in line {line}");
            problems.push(
                Problem::at(span.clone(), message)
                    .hint("names are unique in a suite across kinds, so that {{ name.value }} needs no kind"),
            );
        } else {
            taken.insert(name, (kind, source.place(span).line));
        }
    }
    problems
}
