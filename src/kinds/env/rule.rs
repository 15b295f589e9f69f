//! What the value of a variable must be.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::suite::{Pattern, Spanned};

/// The rules for one variable.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// Exactly this.
    pub(super) equals: Option<String>,
    pub(super) terms: Terms,
}

impl std::ops::Deref for Rule {
    type Target = Terms;

    fn deref(&self) -> &Terms {
        &self.terms
    }
}

/// A table of rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Terms {
    /// So many characters at least.
    pub(super) min_length: Option<Spanned<usize>>,
    /// Exactly so many characters.
    pub(super) length: Option<Spanned<usize>>,
    /// So many bits at least.
    pub(super) entropy: Option<Spanned<u32>>,
    /// How it begins.
    pub(super) prefix: Option<Spanned<Words>>,
    /// How it ends.
    pub(super) suffix: Option<Spanned<Words>>,
    /// A regular expression.
    pub(super) matches: Option<Spanned<Pattern>>,
    /// Values that are allowed.
    pub(super) one_of: Option<Spanned<Vec<String>>>,
    /// Values that are not.
    pub(super) not_one_of: Option<Spanned<Vec<String>>>,
    /// The scheme of a URL.
    pub(super) url: Option<Spanned<Words>>,
    /// The user in a URL.
    pub(super) user: Option<Spanned<String>>,
    /// Whether the URL asks for TLS.
    pub(super) tls: Option<Spanned<bool>>,
    /// Whether a URL may lead to localhost.
    pub(super) local: bool,
    /// Whether it is a Fernet key.
    pub(super) fernet: Option<Spanned<bool>>,
    /// The role in a JWT.
    pub(super) jwt_role: Option<Spanned<String>>,
    /// Whether it may be missing.
    pub(super) optional: bool,
    /// Whether it may look like an example.
    pub(super) example: bool,
}

impl Rule {
    /// What no value could satisfy.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        match (&self.length, &self.min_length) {
            (Some(length), Some(least)) if **length < **least => return Some("`length` is less than `min_length`"),
            _ => {}
        }
        let empty = |list: &Option<Spanned<Vec<String>>>| list.as_ref().is_some_and(|list| list.is_empty());
        let no_words = |words: &Option<Spanned<Words>>| words.as_ref().is_some_and(|words| words.0.is_empty());
        if empty(&self.one_of) || no_words(&self.prefix) || no_words(&self.suffix) || no_words(&self.url) {
            return Some("an empty list allows nothing");
        }
        let off = |flag: &Option<Spanned<bool>>| flag.as_ref().is_some_and(|flag| !**flag);
        (off(&self.fernet) || off(&self.tls)).then_some("`false` demands nothing: leave it out")
    }
}

/// One text, or several.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(pub(super) Vec<String>);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" or "))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
        Ok(Words(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = list.next_element()? {
            words.push(word);
        }
        Ok(Words(words))
    }
}

impl JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

fn exactly(value: &impl ToString) -> Rule {
    Rule {
        equals: Some(value.to_string()),
        ..Rule::default()
    }
}

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = Rule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or a table of rules such as { min_length = 32 }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rule, E> {
        Ok(exactly(&text))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Rule, E> {
        Ok(exactly(&number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Rule, E> {
        Ok(exactly(&number))
    }

    fn visit_bool<E: de::Error>(self, yes: bool) -> Result<Rule, E> {
        Ok(exactly(&yes))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule, A::Error> {
        let terms = Terms::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Rule { equals: None, terms })
    }
}

impl JsonSchema for Rule {
    fn schema_name() -> Cow<'static, str> {
        "Rule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let terms = generator.subschema_for::<Terms>();
        json_schema!({ "anyOf": [{ "type": ["string", "number", "boolean"] }, terms] })
    }
}
