//! What to look for in a text: itself, or a pattern.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::Pattern;

/// A text, or `{ matches = "regex" }`.
#[derive(Debug)]
pub enum Needle {
    /// A text, that is not empty.
    Text(String),
    /// A regular expression.
    Pattern(Pattern),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matches {
    matches: Pattern,
}

impl Needle {
    /// Where it stands first, in bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(needle) => text.find(needle.as_str()),
            Self::Pattern(pattern) => pattern.0.find(text).map(|found| found.start()),
        }
    }

    /// Whether it stands in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.find(text).is_some()
    }
}

impl fmt::Display for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Pattern(pattern) => write!(f, "/{}/", pattern.0),
        }
    }
}

impl<'de> Deserialize<'de> for Needle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NeedleVisitor)
    }
}

struct NeedleVisitor;

impl<'de> Visitor<'de> for NeedleVisitor {
    type Value = Needle;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or { matches = \"regex\" }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Needle, E> {
        if text.is_empty() {
            return Err(E::custom("an empty text is in every other"));
        }
        Ok(Needle::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Needle, A::Error> {
        Matches::deserialize(MapAccessDeserializer::new(map)).map(|found| Needle::Pattern(found.matches))
    }
}

impl JsonSchema for Needle {
    fn schema_name() -> Cow<'static, str> {
        "Needle".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "minLength": 1 },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["matches"],
                    "properties": { "matches": { "type": "string", "format": "regex" } }
                }
            ]
        })
    }
}
