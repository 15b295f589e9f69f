//! What to look for in a text, and what to ask: short forms and long ones.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::deployment::http::Request;
use crate::suite::Pattern;

/// A text, or `{ matches = "regex" }`.
#[derive(Debug)]
pub(super) enum Needle {
    Text(String),
    Pattern(Pattern),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Matches {
    matches: Pattern,
}

impl Needle {
    /// Where it stands first.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(needle) => text.find(needle.as_str()),
            Self::Pattern(pattern) => pattern.0.find(text).map(|found| found.start()),
        }
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

/// A path, or a whole request.
#[derive(Debug)]
pub(super) struct Asked(pub(super) Request);

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AskedVisitor)
    }
}

struct AskedVisitor;

impl<'de> Visitor<'de> for AskedVisitor {
    type Value = Asked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or a request such as { post = \"/x\", body = \"{\" }")
    }

    fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Asked, E> {
        Ok(Asked(Request::get(path)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Asked, A::Error> {
        Request::deserialize(MapAccessDeserializer::new(map)).map(Asked)
    }
}

impl JsonSchema for Asked {
    fn schema_name() -> Cow<'static, str> {
        "PathOrRequest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Request>()] })
    }
}
