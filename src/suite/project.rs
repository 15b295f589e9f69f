//! `smoke.toml`: the environments, and what holds for all of them.

use std::collections::BTreeMap;
use std::env;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::outcome::Effect;

use super::tree::{Entry, Table, Value};
use super::{Mistake, Period, Problem, Retry, Source, Spanned, decode, decode_partly, did_you_mean, one_of};

/// What holds unless an environment, a suite or a check says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// How long one attempt of one check may take: `"10s"` unless given.
    #[serde(deserialize_with = "super::scalar::timeout")]
    pub timeout: Option<Period>,
    /// Checks in flight at most: 32 unless given. `--jobs` goes before it.
    pub concurrency: Option<NonZeroUsize>,
    /// How to try again what did not pass: `{ times = 3, every = "500ms", for = "30s" }`. Not at all unless given.
    pub retry: Option<Retry>,
}

#[expect(clippy::derivable_impls, reason = "the place where the defaults are stated")]
impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: None,
            concurrency: None,
            retry: None,
        }
    }
}

impl Defaults {
    /// One attempt of one check.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// Checks in flight.
    pub const CONCURRENCY: usize = 32;

    /// `self` where it says something, else `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            concurrency: self.concurrency.or(other.concurrency),
            retry: self.retry.or(other.retry),
        }
    }
}

/// One `[env.NAME]`: where to look, and what is allowed there. Addresses and variables may hold templates. Its keys are
/// `suites`, `http`, `postgres`, `redis`, `allow`, `vars`, and those of `[defaults]`.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its header in `smoke.toml`.
    pub header: std::ops::Range<usize>,
    /// Names under `suites/`, or paths.
    pub suites: Vec<Spanned<String>>,
    /// Addresses by protocol (`http`, `postgres`, `redis`) and endpoint name, as written.
    pub endpoints: BTreeMap<&'static str, Vec<Entry>>,
    /// What checks may do to the deployment.
    pub allow: Vec<Effect>,
    /// Variables, as written.
    pub vars: Table,
    /// Overrides of `[defaults]`.
    pub defaults: Defaults,
}

/// A parsed `smoke.toml`.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder that it stands in.
    pub root: PathBuf,
    /// Its text.
    pub source: Source,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// `[env.*]`, in order, as far as they can be read.
    pub environments: Vec<Environment>,
    /// What is wrong in it. A plan tells it, with what is wrong in the suites.
    pub mistakes: Vec<Mistake>,
}

/// The keys of an environment that name addresses.
const PROTOCOLS: [&str; 3] = ["http", "postgres", "redis"];

const FILE: &str = "smoke.toml";

impl Project {
    /// Reads `smoke.toml` of `folder`, or of the nearest folder above the working directory.
    ///
    /// # Errors
    /// When there is none, and everything that is wrong in it.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<Mistake>> {
        let root = match folder {
            Some(folder) if folder.join(FILE).is_file() => folder.to_owned(),
            Some(folder) => {
                return Err(vec![Mistake::nowhere(format!(
                    "there is no {FILE} in {}",
                    folder.display()
                ))]);
            }
            None => find_upwards()?,
        };
        let shown = shown_path(&root.join(FILE));
        let source = Source::read(&root.join(FILE), &shown).map_err(|mistake| vec![mistake])?;
        Self::parse(source, root)
    }

    /// Reads a project from text.
    ///
    /// # Errors
    /// When it is not TOML.
    pub fn parse(source: Source, root: PathBuf) -> Result<Self, Vec<Mistake>> {
        let (table, mistakes) = source.parse();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let mut problems = Vec::new();
        let (mut defaults, mut environments) = (Defaults::default(), Vec::new());
        for entry in table.0 {
            match entry.key.as_str() {
                "defaults" => collect(decode(&entry.node, &[]), &mut problems, |read| defaults = read),
                "env" => environments = read_environments(entry, &mut problems),
                other => problems.push(
                    Problem::at(entry.key_span, format!("unknown key `{other}`"))
                        .maybe_hint(one_of(other, ["defaults", "env"])),
                ),
            }
        }
        Ok(Self {
            root,
            mistakes: problems.into_iter().map(|problem| source.mistake(problem)).collect(),
            source,
            defaults,
            environments,
        })
    }

    /// The environment called `name`.
    ///
    /// # Errors
    /// When there is none; what is wrong in the file may be why.
    pub fn environment(&self, name: &str) -> Result<&Environment, Vec<Mistake>> {
        let mut environments = self.environments.iter();
        environments
            .find(|environment| environment.name == name)
            .ok_or_else(|| {
                let names = self.environments.iter().map(|environment| environment.name.as_str());
                let hint = one_of(name, names);
                let mistake = Mistake::nowhere(format!("there is no environment `{name}` in {}", self.source.file));
                let mistake = Mistake { hint, ..mistake };
                self.mistakes.iter().cloned().chain([mistake]).collect()
            })
    }

    /// The file of a suite: a path, or a name under `suites/`.
    #[must_use]
    pub fn suite_path(&self, name: &str) -> PathBuf {
        if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
            self.root.join(name)
        } else {
            self.root.join("suites").join(format!("{name}.toml"))
        }
    }

    /// The files under `suites/`, in order.
    #[must_use]
    pub fn suite_files(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.root.join("suites"));
        let entries = folder
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()));
        let mut files: Vec<PathBuf> = entries
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        files
    }
}

impl Environment {
    /// `[env.prod]`, or `[env."shop.prod"]`: how its header is written.
    #[must_use]
    pub fn shown_header(&self) -> String {
        header_of(&self.name)
    }
}

fn header_of(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        format!("[env.{name}]")
    } else {
        format!("[env.{name:?}]")
    }
}

/// `path` as a person in the working directory would write it.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

fn find_upwards() -> Result<PathBuf, Vec<Mistake>> {
    let here = env::current_dir()
        .map_err(|error| vec![Mistake::nowhere(format!("cannot tell the working directory: {error}"))])?;
    let found = here.ancestors().find(|folder| folder.join(FILE).is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        vec![
            Mistake::nowhere(format!("there is no {FILE} in {} or above", here.display()))
                .hint("`smoke demo` needs none; `--project DIR` names the folder of one"),
        ]
    })
}

fn collect<T>(read: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>, keep: impl FnOnce(T)) {
    match read {
        Ok(value) => keep(value),
        Err(found) => problems.extend(found),
    }
}

fn read_environments(entry: Entry, problems: &mut Vec<Problem>) -> Vec<Environment> {
    let Value::Table(table) = entry.node.value else {
        problems.push(Problem::at(entry.node.span, "expected tables such as [env.prod]"));
        return Vec::new();
    };
    table
        .0
        .into_iter()
        .filter_map(|entry| read_environment(entry, problems))
        .collect()
}

/// The keys of an environment: the plain ones, and those that are read on their own.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Plain {
    suites: Vec<Spanned<String>>,
    #[serde(rename = "http")]
    _http: IgnoredAny,
    #[serde(rename = "postgres")]
    _postgres: IgnoredAny,
    #[serde(rename = "redis")]
    _redis: IgnoredAny,
    allow: Option<Spanned<Vec<Effect>>>,
    #[serde(rename = "vars")]
    _vars: IgnoredAny,
    #[serde(deserialize_with = "super::scalar::timeout")]
    timeout: Option<Period>,
    concurrency: Option<NonZeroUsize>,
    retry: Option<Retry>,
}

fn read_environment(entry: Entry, problems: &mut Vec<Problem>) -> Option<Environment> {
    let Value::Table(table) = &entry.node.value else {
        problems.push(Problem::at(
            entry.node.span,
            format!("expected a table {}", header_of(&entry.key)),
        ));
        return None;
    };
    let mut endpoints = BTreeMap::new();
    for protocol in PROTOCOLS {
        if let Some(address) = table.get(protocol) {
            endpoints.insert(protocol, read_addresses(address.clone(), problems));
        }
    }
    let vars = table.get("vars").map_or_else(Table::default, |vars| {
        if let Value::Table(vars) = &vars.node.value {
            vars.clone()
        } else {
            problems.push(Problem::at(
                vars.node.span.clone(),
                "expected a table such as vars = { workflows = 10 }",
            ));
            Table::default()
        }
    });
    if table
        .0
        .iter()
        .all(|entry| did_you_mean(&entry.key, ["suites"]).is_none())
    {
        problems.push(
            Problem::at(entry.key_span.clone(), "`suites` is missing")
                .hint("suites = [\"shop\"] means suites/shop.toml"),
        );
    }
    let (plain, found) = decode_partly(&entry.node, &[]);
    let plain: Plain = plain.unwrap_or_default();
    problems.extend(plain.allow.as_ref().and_then(|allow| without_read(allow, &found)));
    problems.extend(found);
    for (at, suite) in plain.suites.iter().enumerate() {
        if plain.suites[..at].iter().any(|before| **before == **suite) {
            let message = format!("the suite `{}` is named twice", suite.as_str());
            problems.push(Problem::at(suite.span(), message).hint("once is enough"));
        }
    }
    Some(Environment {
        name: entry.key,
        header: entry.key_span,
        suites: plain.suites,
        endpoints,
        allow: plain.allow.map_or_else(|| vec![Effect::Read], Spanned::into_inner),
        vars,
        defaults: Defaults {
            timeout: plain.timeout,
            concurrency: plain.concurrency,
            retry: plain.retry,
        },
    })
}

/// Nothing at all can run where nothing may be read; `found` says what else is wrong.
fn without_read(allow: &Spanned<Vec<Effect>>, found: &[Problem]) -> Option<Problem> {
    let span = allow.span();
    let inside = |problem: &Problem| problem.span.as_ref().is_some_and(|at| span.contains(&at.start));
    if allow.contains(&Effect::Read) || found.iter().any(inside) {
        return None;
    }
    let all: Vec<String> = [Effect::Read]
        .iter()
        .chain(allow.iter())
        .map(|effect| format!("\"{effect}\""))
        .collect();
    let problem = Problem::at(span, "without \"read\" every check that only looks would be skipped");
    Some(problem.hint(format!("allow = [{}]", all.join(", "))))
}

/// One address (called `default`), or a table of named ones.
fn read_addresses(entry: Entry, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let named = match entry.node.value {
        Value::Text(_) => vec![Entry {
            key: "default".to_owned(),
            ..entry
        }],
        Value::Table(table) => table.0,
        _ => {
            problems.push(Problem::at(
                entry.node.span,
                "expected an address, or a table of named addresses",
            ));
            return Vec::new();
        }
    };
    for address in &named {
        if !matches!(address.node.value, Value::Text(_)) {
            problems.push(Problem::at(
                address.node.span.clone(),
                format!("`{}` is not an address", address.key),
            ));
        }
    }
    named
}
