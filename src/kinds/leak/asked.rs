//! What to ask: a path, or a request.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::deployment::http::Request;

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
