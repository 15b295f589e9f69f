//! Reading a matcher: a plain value, or a table of operators.

use std::fmt;

use regex::Regex;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Matcher, Operator};
use crate::suite::is_placeholder;
use crate::suite::scalar::Pattern;

const OPERATORS: &[&str] = &[
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "one_of",
    "contains",
    "lacks",
    "matches",
    "starts_with",
    "ends_with",
    "type",
    "exists",
    "empty",
    "len",
    "every",
    "some",
    "none",
    "not",
];

/// What other tools call the operators.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("gte", &["ge"]),
    ("min", &["ge"]),
    ("at_least", &["ge"]),
    ("lte", &["le"]),
    ("max", &["le"]),
    ("at_most", &["le"]),
    ("is", &["eq"]),
    ("equal", &["eq"]),
    ("equals", &["eq"]),
    ("neq", &["ne"]),
    ("not_eq", &["ne"]),
    ("not_equal", &["ne"]),
    ("not_equals", &["ne"]),
    ("in", &["one_of"]),
    ("any_of", &["one_of"]),
    ("has", &["contains"]),
    ("includes", &["contains"]),
    ("not_contains", &["lacks"]),
    ("regex", &["matches"]),
    ("pattern", &["matches"]),
    ("size", &["len"]),
    ("count", &["len"]),
    ("length", &["len"]),
    ("all", &["every"]),
    ("any", &["some"]),
];

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatcherVisitor)
    }
}

struct MatcherVisitor;

fn equals(value: impl Into<Value>) -> Matcher {
    Matcher(vec![Operator::Eq(value.into())])
}

impl<'de> Visitor<'de> for MatcherVisitor {
    type Value = Matcher;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or a table of operators such as { gt = 0 }")
    }

    fn visit_unit<E>(self) -> Result<Matcher, E> {
        Ok(equals(Value::Null))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Matcher, E> {
        Ok(equals(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Matcher, E> {
        Ok(equals(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Matcher, E> {
        Ok(equals(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Matcher, E> {
        Ok(equals(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Matcher, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Value>()? {
            items.push(item);
        }
        Ok(equals(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Matcher, A::Error> {
        let mut operators = Vec::new();
        while let Some(OperatorName(name)) = map.next_key()? {
            operators.push(operator(name, &mut map)?);
        }
        if operators.is_empty() {
            return Err(de::Error::custom(
                "an empty table expects nothing; write for instance { exists = true }",
            ));
        }
        if let Some(why) = impossible(&operators) {
            return Err(de::Error::custom(why));
        }
        Ok(Matcher(operators))
    }
}

/// Why nothing can satisfy all of them.
fn impossible(operators: &[Operator]) -> Option<&'static str> {
    let absent = operators
        .iter()
        .any(|operator| matches!(operator, Operator::Exists(false)));
    if absent && operators.len() > 1 {
        return Some("what is absent has no value that anything could be said of");
    }
    let bound = |which: fn(&Operator) -> Option<&Value>| operators.iter().find_map(which).and_then(Value::as_f64);
    let lower = bound(|operator| match operator {
        Operator::Gt(value) | Operator::Ge(value) => Some(value),
        _ => None,
    });
    let upper = bound(|operator| match operator {
        Operator::Lt(value) | Operator::Le(value) => Some(value),
        _ => None,
    });
    (lower? > upper?).then_some("nothing is greater than the one and less than the other")
}

fn operator<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Operator, A::Error> {
    Ok(match name {
        "eq" => Operator::Eq(map.next_value()?),
        "ne" => Operator::Ne(map.next_value()?),
        "gt" => Operator::Gt(map.next_value::<Comparable>()?.0),
        "ge" => Operator::Ge(map.next_value::<Comparable>()?.0),
        "lt" => Operator::Lt(map.next_value::<Comparable>()?.0),
        "le" => Operator::Le(map.next_value::<Comparable>()?.0),
        "one_of" => Operator::OneOf(map.next_value::<NotEmpty>()?.0),
        "contains" => Operator::Contains(map.next_value()?),
        "lacks" => Operator::Lacks(map.next_value()?),
        "matches" => Operator::Matches(map.next_value::<Pattern>().map(regex)?),
        "starts_with" => Operator::StartsWith(map.next_value()?),
        "ends_with" => Operator::EndsWith(map.next_value()?),
        "type" => Operator::Type(map.next_value()?),
        "exists" => Operator::Exists(map.next_value()?),
        "empty" => Operator::Empty(map.next_value()?),
        "len" => Operator::Len(map.next_value::<Length>()?.0),
        "every" => Operator::Every(map.next_value()?),
        "some" => Operator::Some(map.next_value()?),
        "none" => Operator::None(map.next_value()?),
        _ => Operator::Not(map.next_value()?),
    })
}

fn regex(pattern: Pattern) -> Regex {
    pattern.0
}

/// One of the operators' names, or an error that lists them.
struct OperatorName(&'static str);

impl<'de> Deserialize<'de> for OperatorName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = OPERATORS.iter().find(|known| **known == name);
        known.map(|known| Self(known)).ok_or_else(|| {
            let meant = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == name);
            de::Error::unknown_field(&name, meant.map_or(OPERATORS, |(_, meant)| meant))
        })
    }
}

/// A number or a text: what has an order.
struct Comparable(Value);

impl<'de> Deserialize<'de> for Comparable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.is_number() || value.is_string() {
            return Ok(Self(value));
        }
        Err(de::Error::custom("expected a number or a text to compare with"))
    }
}

/// What is expected of a length, which is a number.
struct Length(Matcher);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let matcher = Matcher::deserialize(deserializer)?;
        match matcher.no_number() {
            Some(value) => Err(de::Error::custom(format_args!(
                "a length is a number, and never {value}"
            ))),
            None => Ok(Self(matcher)),
        }
    }
}

impl Matcher {
    /// A value that a number is compared with in vain; what is not known yet may become a number.
    fn no_number(&self) -> Option<&Value> {
        let wrong = |value: &&Value| !value.is_number() && !value.as_str().is_some_and(is_placeholder);
        self.0.iter().find_map(|operator| match operator {
            Operator::Eq(value)
            | Operator::Ne(value)
            | Operator::Gt(value)
            | Operator::Ge(value)
            | Operator::Lt(value)
            | Operator::Le(value) => Some(value).filter(wrong),
            Operator::OneOf(values) => values.iter().find(wrong),
            Operator::Not(matcher) => matcher.no_number(),
            _ => None,
        })
    }
}

struct NotEmpty(Vec<Value>);

impl<'de> Deserialize<'de> for NotEmpty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::deserialize(deserializer)?;
        if values.is_empty() {
            return Err(de::Error::custom("an empty list accepts nothing"));
        }
        Ok(Self(values))
    }
}
