//! `[use.NAME]`: the checks of a pack, under a name of their own.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::outcome::Severity;

use super::suite::{bad_name, read_when};
use super::tree::{Entry, Node, Table, Value};
use super::{Entries, Period, Problem, Retry, Spanned};

/// One use of a pack, as it is written.
#[derive(Debug, Clone)]
pub struct UseDef {
    /// The name.
    pub name: String,
    /// The bytes of the name in the header.
    pub name_span: Range<usize>,
    /// The pack's name, or its path.
    pub pack: Spanned<String>,
    /// The values of the pack's parameters, as written.
    pub with: Table,
    /// The expression of `when`.
    pub when: Option<(String, Range<usize>)>,
    /// Everything else, as written: a [`UseKeys`] once its templates are filled.
    pub keys: Table,
}

/// What a use says of all of the checks that it brings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UseKeys {
    /// What stands before the title of each check.
    pub title: Option<String>,
    /// The endpoint, for all checks or by protocol.
    pub on: Option<Spanned<OneOrEach>>,
    /// For `--tag`, besides the tags of each check.
    pub tags: Vec<String>,
    /// Checks that must pass first.
    pub needs: Vec<Spanned<String>>,
    /// Why none of the checks is to be run, or which of them are not, and why.
    pub skip: Option<Spanned<OneOrEach>>,
    /// Whether a failure fails the run.
    pub severity: Option<Severity>,
    /// How long one attempt may take.
    #[serde(deserialize_with = "super::scalar::timeout")]
    pub timeout: Option<Period>,
    /// How to try again.
    pub retry: Option<Retry>,
}

/// One text for all, or one for each of several names.
#[derive(Debug, Clone)]
pub enum OneOrEach {
    /// For all.
    One(String),
    /// For those that are named.
    Each(Entries<String>),
}

impl OneOrEach {
    /// The text for `name`.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&str> {
        match self {
            Self::One(text) => Some(text),
            Self::Each(texts) => {
                let found = texts.iter().find(|(key, _)| key == name);
                found.map(|(_, text)| text.as_str())
            }
        }
    }
}

impl<'de> Deserialize<'de> for OneOrEach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrEachVisitor)
    }
}

struct OneOrEachVisitor;

impl<'de> Visitor<'de> for OneOrEachVisitor {
    type Value = OneOrEach;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a table of them")
    }

    fn visit_str<E>(self, text: &str) -> Result<OneOrEach, E> {
        Ok(OneOrEach::One(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrEach, A::Error> {
        Entries::deserialize(MapAccessDeserializer::new(map)).map(OneOrEach::Each)
    }
}

/// Every `[use.NAME]`, in the order of the file.
pub(super) fn read_uses(entry: Entry, problems: &mut Vec<Problem>) -> Vec<UseDef> {
    let Value::Table(uses) = entry.node.value else {
        problems.push(Problem::at(entry.key_span, "`use` is a table: write [use.NAME]"));
        return Vec::new();
    };
    let uses = uses.0.into_iter();
    uses.filter_map(|entry| read_use(entry, problems)).collect()
}

fn read_use(entry: Entry, problems: &mut Vec<Problem>) -> Option<UseDef> {
    problems.extend(bad_name(&entry.key, &entry.key_span, "a use"));
    let Value::Table(mut keys) = entry.node.value else {
        problems.push(
            Problem::at(
                entry.key_span,
                format!("`{}` stands where the name of a use belongs", entry.key),
            )
            .hint("write [use.NAME] above it"),
        );
        return None;
    };
    let when = read_when(&mut keys, problems);
    let with = match keys.take("with").map(|with| with.node) {
        None => Table::default(),
        Some(Node {
            value: Value::Table(with),
            ..
        }) => with,
        Some(node) => {
            problems.push(Problem::at(node.span, "expected a table such as { path = \"/\" }"));
            Table::default()
        }
    };
    let Some(pack) = keys.take("pack").map(|pack| pack.node) else {
        problems
            .push(Problem::at(entry.key_span, "`pack` is missing").hint("`smoke packs` lists those that there are"));
        return None;
    };
    let Value::Text(name) = pack.value else {
        problems.push(Problem::at(pack.span, "expected the name of a pack"));
        return None;
    };
    Some(UseDef {
        name: entry.key,
        name_span: entry.key_span,
        pack: Spanned::new(pack.span, name),
        with,
        when,
        keys,
    })
}
