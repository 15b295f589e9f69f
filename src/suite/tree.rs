//! The spanned tree that all of the language works on: TOML with `null`, owned, in the order of the file.
//!
//! The `toml` crate parses; its own tree borrows the text and cannot hold a number that a template produced.

use std::ops::Range;

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;

/// A value, with the bytes it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The bytes of the file.
    pub span: Range<usize>,
    /// The value.
    pub value: Value,
}

/// What a TOML file, or a template, can say.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Only from a template.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string, or a date or time as it is written.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A table, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table(pub Vec<Entry>);

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// The value.
    pub node: Node,
}

impl Table {
    /// The entry called `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// Removes the entry called `key`.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        let at = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.remove(at))
    }

    /// Removes every entry that `wanted` accepts, into a table of its own.
    #[must_use]
    pub fn split_off(&mut self, mut wanted: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.extract_if(.., |entry| wanted(&entry.key)).collect())
    }
}

impl Node {
    /// A value of `span`.
    #[must_use]
    pub fn new(span: Range<usize>, value: Value) -> Self {
        Self { span, value }
    }

    /// The same value as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Int(number) => Json::from(*number),
            Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(table) => Json::Object(table.to_json()),
        }
    }

    /// `json`, with every part of it at `span`.
    #[must_use]
    pub fn from_json(json: &Json, span: &Range<usize>) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::Int(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(|item| Self::from_json(item, span)).collect()),
            Json::Object(fields) => Value::Table(Table(
                fields
                    .iter()
                    .map(|(key, item)| Entry {
                        key: key.clone(),
                        key_span: span.clone(),
                        node: Self::from_json(item, span),
                    })
                    .collect(),
            )),
        };
        Self::new(span.clone(), value)
    }

    /// Every text in this value, wherever it stands; keys are texts, too.
    pub fn each_text<'a>(&'a self, seen: &mut dyn FnMut(&'a str, &Range<usize>)) {
        match &self.value {
            Value::Text(text) => seen(text, &self.span),
            Value::List(items) => items.iter().for_each(|item| item.each_text(seen)),
            Value::Table(table) => table.0.iter().for_each(|entry| {
                seen(&entry.key, &entry.key_span);
                entry.node.each_text(seen);
            }),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
        }
    }
}

impl Table {
    fn to_json(&self) -> Map<String, Json> {
        self.0
            .iter()
            .map(|entry| (entry.key.clone(), entry.node.to_json()))
            .collect()
    }
}

/// The tree of `text`, as far as it can be read, and everything that is not TOML in it.
pub(super) fn parse(text: &str) -> (Table, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            Problem::at(span, format!("not valid TOML: {}", error.message()))
        })
        .collect();
    (own_table(table.into_inner(), &mut problems), problems)
}

fn own_table(table: DeTable<'_>, problems: &mut Vec<Problem>) -> Table {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            node: own(value, problems),
        })
        .collect();
    // `[a.x]` `[b]` `[a.y]` is one table `a`; what it holds stays in the order of the file all the same.
    entries.sort_by_key(|entry| entry.key_span.start);
    Table(entries)
}

fn own(node: Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Node {
    let span = node.span();
    let value = match node.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
            |_| {
                problems.push(Problem::at(span.clone(), "this number does not fit into 64 bits"));
                Value::Int(0)
            },
            Value::Int,
        ),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => Value::Bool(yes),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| own(item, problems)).collect()),
        DeValue::Table(table) => Value::Table(own_table(table, problems)),
    };
    Node::new(span, value)
}
