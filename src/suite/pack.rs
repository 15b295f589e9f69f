//! Packs: ready-made checks with parameters, brought into a suite by `[use.NAME]`.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value as Json;

use super::suite::{bad_name, duplicates, read_checks};
use super::tree::{Entry, Table, Value};
use super::{CheckDef, Mistake, Node, Problem, Source, decode, names_in};

/// A parsed pack.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Its file without folder and `.toml`.
    pub name: String,
    /// What it verifies, in one line.
    pub title: String,
    /// What else there is to know about it.
    pub about: String,
    /// Its text.
    pub source: Rc<Source>,
    /// Its parameters, in the order of the file.
    pub params: Vec<Param>,
    /// Its checks, in the order of the file.
    pub checks: Vec<CheckDef>,
}

/// A parameter of a pack.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it means.
    pub about: String,
    /// What it may be; anything where the pack does not say.
    pub accepts: Option<ParamType>,
    /// Its value where a use gives none.
    pub default: Option<Json>,
    /// Whether a use may leave it out although it has no default: the keys that mention it are left out then.
    pub optional: bool,
    /// A value to show.
    pub example: Option<Json>,
    /// The only values that mean something, where the kinds do not say so.
    pub one_of: Vec<String>,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// A string.
    Text,
    /// A whole number, or any other.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An array.
    List,
    /// A table.
    Table,
    /// Any of them.
    Any,
}

impl ParamType {
    /// How it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Table => "table",
            Self::Any => "any",
        }
    }

    /// The type of `value`.
    #[must_use]
    pub fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Null => None,
            Json::String(_) => Some(Self::Text),
            Json::Number(_) => Some(Self::Number),
            Json::Bool(_) => Some(Self::Boolean),
            Json::Array(_) => Some(Self::List),
            Json::Object(_) => Some(Self::Table),
        }
    }
}

/// The keys of a pack that are not kinds.
const KEYS: [&str; 2] = ["title", "about"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Head {
    title: String,
    about: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    about: String,
    #[serde(rename = "type")]
    accepts: Option<ParamType>,
    default: Option<Json>,
    #[serde(default)]
    optional: bool,
    example: Option<Json>,
    #[serde(default)]
    one_of: Vec<String>,
}

impl Param {
    /// Whether a use must give it.
    #[must_use]
    pub fn required(&self) -> bool {
        self.default.is_none() && !self.optional
    }
}

impl Pack {
    /// Reads a pack, and everything that is wrong in it as far as that shows without knowing the kinds.
    #[must_use]
    pub fn parse(source: Source) -> (Self, Vec<Mistake>) {
        let (mut table, mut mistakes) = source.parse();
        if !mistakes.is_empty() {
            table = Table::default();
        }
        let mut problems = Vec::new();
        let params = table
            .take("params")
            .map_or_else(Vec::new, |entry| read_params(entry, &mut problems));
        let head = table.split_off(|key| KEYS.contains(&key));
        let head: Head = decode(&Node::new(0..0, Value::Table(head)), &[]).unwrap_or_else(|found| {
            problems.extend(found);
            Head::default()
        });
        let checks = read_checks(table, &mut problems);
        problems.extend(duplicates(&checks, &[], &source));
        for check in &checks {
            if params.iter().any(|param| param.name == check.name) {
                let message = format!("the name `{}` is taken by a parameter of the pack", check.name);
                problems.push(Problem::at(check.name_span.clone(), message));
            }
        }
        mistakes.extend(problems.into_iter().map(|problem| source.mistake(problem)));
        let name = super::packs::name_of(&source.file);
        let pack = Self {
            title: head.title,
            about: head.about,
            name,
            source: Rc::new(source),
            params,
            checks,
        };
        (pack, mistakes)
    }
}

fn read_params(entry: Entry, problems: &mut Vec<Problem>) -> Vec<Param> {
    let Value::Table(params) = entry.node.value else {
        problems.push(Problem::at(entry.key_span, "`params` is a table: write [params.NAME]"));
        return Vec::new();
    };
    let params = params.0.into_iter();
    params.filter_map(|entry| read_param(entry, problems)).collect()
}

fn read_param(entry: Entry, problems: &mut Vec<Problem>) -> Option<Param> {
    problems.extend(bad_name(&entry.key, &entry.key_span, "a parameter"));
    let node = Node::new(entry.key_span, entry.node.value);
    let default = match &node.value {
        Value::Table(declared) => declared.get("default"),
        _ => None,
    };
    match default.map_or_else(|| Ok(Vec::new()), |default| names_in(&default.node)) {
        Ok(names) => problems.extend(names.into_iter().map(|(_, span)| {
            Problem::at(span, "a template has no meaning here").hint("a use gives the value; its templates are filled")
        })),
        Err(found) => problems.extend(found),
    }
    let declared: Declared = match decode(&node, &[]) {
        Ok(declared) => declared,
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    let shown = declared.default.as_ref().or(declared.example.as_ref());
    Some(Param {
        name: entry.key,
        accepts: declared.accepts.or_else(|| ParamType::of(shown?)),
        about: declared.about,
        default: declared.default,
        optional: declared.optional,
        example: declared.example,
        one_of: declared.one_of,
    })
}

/// `value` as TOML has it, on one line.
#[must_use]
pub fn toml_of(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Json::Object(fields) => {
            let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let fields = fields.iter().map(|(key, value)| {
                let key = if !key.is_empty() && key.chars().all(bare) {
                    key.clone()
                } else {
                    Json::from(key.as_str()).to_string()
                };
                format!("{key} = {}", toml_of(value))
            });
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}
