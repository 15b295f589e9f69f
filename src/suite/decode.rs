//! From a spanned tree to a type: every mistake, each with its exact place.

use std::fmt;
use std::ops::Range;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_spanned::de::{SpannedDeserializer, is_spanned};

use super::tree::{Entry, Value};
use super::{Node, Problem, Table, did_you_mean, one_of};

/// Keys that stand flat in a check's table and are one field of the kind: a `flatten` that keeps places.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The field.
    pub field: &'static str,
    /// The keys it takes out of the table.
    pub keys: &'static [&'static str],
}

impl Group {
    /// Moves the group's keys from `table` into a table of their own, under the group's field.
    pub fn gather(&self, table: &mut Table, span: &Range<usize>) {
        let part = table.split_off(|key| self.keys.contains(&key));
        table.0.push(Entry {
            key: self.field.to_owned(),
            key_span: span.clone(),
            node: Node::new(span.clone(), Value::Table(part)),
        });
    }
}

/// Reads a `T` out of `node`.
///
/// # Errors
/// Everything that is wrong with it, not only the first thing.
pub fn decode<T: DeserializeOwned>(node: &Node, groups: &[Group]) -> Result<T, Vec<Problem>> {
    match decode_partly(node, groups) {
        (Some(value), problems) if problems.is_empty() => Ok(value),
        (_, problems) => Err(problems),
    }
}

/// Reads as much of a `T` out of `node` as is right, and everything that is wrong: a key that is wrong is reported, set
/// aside, and the rest is read again.
#[must_use]
pub fn decode_partly<T: DeserializeOwned>(node: &Node, groups: &[Group]) -> (Option<T>, Vec<Problem>) {
    let mut problems: Vec<Problem> = Vec::new();
    let mut error = match T::deserialize(Decoder(node)) {
        Ok(value) => return (Some(value), problems),
        Err(error) => error,
    };
    let mut rest = node.clone();
    // What was set aside is missing now: complaints about that, and about what contained it, are our doing.
    let mut aside: Vec<(Range<usize>, String)> = Vec::new();
    loop {
        let consequence = error.span.as_ref().is_some_and(|outer| match &error.kind {
            Kind::Missing(key) if aside.iter().any(|(table, gone)| table == outer && gone == key) => true,
            _ => problems
                .iter()
                .any(|found| found.span.as_ref().is_some_and(|inner| contains(outer, inner))),
        });
        if !consequence {
            problems.push(error.problem(groups));
        }
        let gone = error.span.as_ref().and_then(|span| set_aside(&mut rest, span));
        let Some((table, key)) = gone else {
            return (None, problems);
        };
        if let Some(meant) = error.meant() {
            aside.push((table.clone(), meant.to_owned()));
        }
        aside.push((table, key));
        match T::deserialize(Decoder(&rest)) {
            Ok(value) => return (Some(value), problems),
            Err(next) => error = next,
        }
    }
}

/// Removes the innermost entry or item that `span` is the key or the value of, or stands in; gives the span of what held
/// it, and its key.
fn set_aside(node: &mut Node, span: &Range<usize>) -> Option<(Range<usize>, String)> {
    let within = |outer: &Range<usize>| contains(outer, span);
    match &mut node.value {
        Value::Table(Table(entries)) => {
            let mut inner = entries.iter_mut().filter(|entry| entry.node.span != *span);
            if let Some(gone) = inner.find_map(|entry| set_aside(&mut entry.node, span)) {
                return Some(gone);
            }
            let hit = entries
                .iter()
                .position(|entry| within(&entry.key_span) || within(&entry.node.span));
            hit.map(|at| (node.span.clone(), entries.remove(at).key))
        }
        Value::List(items) => {
            let mut inner = items.iter_mut().filter(|item| item.span != *span);
            if let Some(gone) = inner.find_map(|item| set_aside(item, span)) {
                return Some(gone);
            }
            let at = items.iter().position(|item| within(&item.span))?;
            items.remove(at);
            Some((node.span.clone(), String::new()))
        }
        _ => None,
    }
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[derive(Debug)]
struct Error {
    span: Option<Range<usize>>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unknown {
        /// `key` or `value`.
        what: &'static str,
        name: String,
        expected: &'static [&'static str],
    },
    Missing(&'static str),
    Other(String),
}

/// What serde calls a type, in the words of TOML.
fn in_toml(expected: &str) -> &str {
    match expected {
        "a sequence" => "an array",
        "a map" => "a table",
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("a nonzero u") => "a whole number, 1 or more",
        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

/// A value as TOML has it, or its type where it may be long.
fn found(unexpected: de::Unexpected<'_>) -> String {
    match unexpected {
        de::Unexpected::Bool(yes) => yes.to_string(),
        de::Unexpected::Signed(number) => number.to_string(),
        de::Unexpected::Unsigned(number) => number.to_string(),
        de::Unexpected::Float(number) => number.to_string(),
        de::Unexpected::Str(text) => format!("{text:?}"),
        de::Unexpected::Unit => "null".to_owned(),
        de::Unexpected::Seq => "an array".to_owned(),
        de::Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

const TRY: &str = "\ntry: ";

/// `message` for an error of serde, and what to try.
pub(super) fn with_hint(message: &str, hint: &str) -> String {
    format!("{message}{TRY}{hint}")
}

/// What to write instead of `found`, where that shows from the types.
fn instead(expected: &str, unexpected: &de::Unexpected<'_>, found: &str) -> Option<String> {
    use de::Unexpected::{Bool, Float, Signed, Str, Unsigned};
    match (expected, unexpected) {
        ("a sequence", Bool(_) | Signed(_) | Unsigned(_) | Float(_) | Str(_)) => Some(format!("[{found}]")),
        ("struct Retry", Signed(1..) | Unsigned(1..)) => Some(format!("retry = {{ times = {found} }}")),
        _ => None,
    }
}

impl Error {
    fn unknown(what: &'static str, name: &str, expected: &'static [&'static str]) -> Self {
        Self {
            span: None,
            kind: Kind::Unknown {
                what,
                name: name.to_owned(),
                expected,
            },
        }
    }

    fn or_at(mut self, span: &Range<usize>) -> Self {
        self.span.get_or_insert_with(|| span.clone());
        self
    }

    /// The key that was misspelt.
    fn meant(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Unknown { name, expected, .. } => did_you_mean(name, expected.iter().copied()),
            Kind::Missing(_) | Kind::Other(_) => None,
        }
    }

    fn problem(&self, groups: &[Group]) -> Problem {
        let (message, hint) = match &self.kind {
            Kind::Unknown { what, name, expected } => {
                let names: Vec<&str> = expected.iter().flat_map(|field| keys_of(field, groups)).collect();
                (format!("unknown {what} `{name}`"), one_of(name, names.iter().copied()))
            }
            Kind::Missing(key) => (format!("`{key}` is missing"), None),
            Kind::Other(message) => match message.split_once(TRY) {
                Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                None => (message.clone(), None),
            },
        };
        Problem {
            span: self.span.clone(),
            message,
            hint,
        }
    }
}

fn keys_of<'a>(field: &'a &'static str, groups: &[Group]) -> Vec<&'a str> {
    let group = groups.iter().find(|group| group.field == *field);
    group.map_or_else(|| vec![*field], |group| group.keys.to_vec())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem(&[]).message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            span: None,
            kind: Kind::Other(message.to_string()),
        }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let (expected, found) = (expected.to_string(), found(unexpected));
        let message = format!("expected {}, found {found}", in_toml(&expected));
        match instead(&expected, &unexpected, &found) {
            Some(hint) => Self::custom(with_hint(&message, &hint)),
            None => Self::custom(message),
        }
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_field(key: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("key", key, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("value", variant, expected)
    }

    fn missing_field(key: &'static str) -> Self {
        Self {
            span: None,
            kind: Kind::Missing(key),
        }
    }
}

/// A node as serde sees it.
#[derive(Clone, Copy)]
struct Decoder<'a>(&'a Node);

impl<'de> IntoDeserializer<'de, Error> for Decoder<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(yes) => visitor.visit_bool(*yes),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Table(table) => visitor.visit_map(Entries {
                rest: table.0.iter(),
                current: None,
            }),
        }
        .map_err(|error| error.or_at(&self.0.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if is_spanned(name) {
            return visitor.visit_map(SpannedDeserializer::new(self, self.0.span.clone()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Text(text) => {
                let variant: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            Value::Table(table) => visitor.visit_enum(MapAccessDeserializer::new(Entries {
                rest: table.0.iter(),
                current: None,
            })),
            _ => Err(de::Error::custom(format_args!(
                "expected one of {}; found {}",
                variants.join(", "),
                self.0.to_json()
            ))),
        }
        .map_err(|error| error.or_at(&self.0.span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0
            .next()
            .map(|item| seed.deserialize(Decoder(item)).map_err(|error| error.or_at(&item.span)))
            .transpose()
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.rest.next();
        let Some(entry) = self.current else { return Ok(None) };
        let key: BorrowedStrDeserializer<'de, Error> = BorrowedStrDeserializer::new(&entry.key);
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.or_at(&entry.key_span))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        seed.deserialize(Decoder(&entry.node))
            .map_err(|error| error.or_at(&entry.node.span))
    }
}
