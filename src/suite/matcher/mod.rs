//! What is expected of a value: one grammar wherever something is expected.

mod compare;
mod kind;
mod read;

use std::borrow::Cow;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::outcome::Finding;

use super::Spanned;
use compare::{contains, equal, length, order};
use kind::TypeName;

/// A conjunction of operators; a plain value in the suite is `eq`.
///
/// `eq ne gt ge lt le one_of contains lacks matches starts_with ends_with type exists empty len every some none not`.
#[derive(Debug, Clone)]
pub struct Matcher(Vec<Operator>);

#[derive(Debug, Clone)]
enum Operator {
    Eq(Value),
    Ne(Value),
    Gt(Value),
    Ge(Value),
    Lt(Value),
    Le(Value),
    OneOf(Vec<Value>),
    Contains(Value),
    Lacks(Value),
    Matches(Regex),
    StartsWith(String),
    EndsWith(String),
    Type(TypeName),
    Exists(bool),
    Empty(bool),
    Len(Matcher),
    Every(Matcher),
    Some(Matcher),
    None(Matcher),
    Not(Matcher),
}

/// Whether a value is as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It is.
    Holds,
    /// It is not.
    Fails,
    /// There was nothing to compare (every item of an empty list): neither.
    Vacuous,
}

impl Match {
    fn when(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fails, _) | (_, Self::Fails) => Self::Fails,
            (Self::Vacuous, _) | (_, Self::Vacuous) => Self::Vacuous,
            (Self::Holds, Self::Holds) => Self::Holds,
        }
    }
}

impl Matcher {
    /// Whether `seen` is as expected; none means that there is no such value, which only `{ exists = false }` accepts.
    #[must_use]
    pub fn check(&self, seen: Option<&Value>) -> Match {
        let Some(seen) = seen else {
            let absent = self
                .0
                .iter()
                .all(|operator| matches!(operator, Operator::Exists(false)));
            return Match::when(absent);
        };
        self.0
            .iter()
            .map(|operator| operator.check(seen))
            .fold(Match::Holds, Match::and)
    }

    /// Whether it holds of a whole text where it holds of its beginning.
    #[must_use]
    pub fn holds_of_what_follows(&self) -> bool {
        let lasting = |operator: &Operator| {
            matches!(
                operator,
                Operator::Contains(_) | Operator::StartsWith(_) | Operator::Matches(_) | Operator::Empty(false)
            )
        };
        self.0.iter().all(lasting)
    }

    /// Whether it speaks of numbers.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.0.iter().any(|operator| match operator {
            Operator::Eq(value)
            | Operator::Ne(value)
            | Operator::Gt(value)
            | Operator::Ge(value)
            | Operator::Lt(value)
            | Operator::Le(value) => value.is_number(),
            Operator::OneOf(values) => values.iter().any(Value::is_number),
            Operator::Not(matcher) => matcher.is_numeric(),
            _ => false,
        })
    }

    /// What is expected, as a phrase that completes "expected: …".
    #[must_use]
    pub fn describe(&self) -> String {
        let phrases: Vec<String> = self.0.iter().map(Operator::describe).collect();
        phrases.join(" and ")
    }
}

impl Spanned<Matcher> {
    /// The finding about `what`, of which `seen` was seen.
    #[must_use]
    pub fn judge(&self, what: impl Into<String>, seen: Option<&Value>) -> Finding {
        let (what, expected) = (what.into(), self.describe());
        let shown = seen.map_or_else(|| "nothing there".to_owned(), show);
        let finding = match self.check(seen) {
            Match::Holds => Finding::passed(what, expected, shown),
            Match::Fails => Finding::failed(what, expected, shown),
            Match::Vacuous => Finding::unclear(what, expected, format!("{shown}, so there was nothing to compare")),
        };
        finding.at(self.span())
    }
}

impl Operator {
    fn check(&self, seen: &Value) -> Match {
        let text = || match seen {
            Value::String(text) => Some(Cow::Borrowed(text.as_str())),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        };
        let order_is = |wanted: &Value, accept: fn(std::cmp::Ordering) -> bool| {
            Match::when(order(seen, wanted).is_some_and(accept))
        };
        match self {
            Self::Eq(wanted) => Match::when(equal(seen, wanted)),
            Self::Ne(wanted) => Match::when(!equal(seen, wanted)),
            Self::Gt(wanted) => order_is(wanted, std::cmp::Ordering::is_gt),
            Self::Ge(wanted) => order_is(wanted, std::cmp::Ordering::is_ge),
            Self::Lt(wanted) => order_is(wanted, std::cmp::Ordering::is_lt),
            Self::Le(wanted) => order_is(wanted, std::cmp::Ordering::is_le),
            Self::OneOf(wanted) => Match::when(wanted.iter().any(|one| equal(seen, one))),
            Self::Contains(wanted) => Match::when(contains(seen, wanted) == Some(true)),
            Self::Lacks(wanted) => Match::when(contains(seen, wanted) == Some(false)),
            Self::Matches(regex) => Match::when(text().is_some_and(|text| regex.is_match(&text))),
            Self::StartsWith(start) => Match::when(text().is_some_and(|text| text.starts_with(start))),
            Self::EndsWith(end) => Match::when(text().is_some_and(|text| text.ends_with(end))),
            Self::Type(name) => Match::when(name.is(seen)),
            Self::Exists(wanted) => Match::when(*wanted),
            Self::Empty(wanted) => Match::when(length(seen).is_some_and(|length| (length == 0) == *wanted)),
            Self::Len(matcher) => length(seen).map_or(Match::Fails, |length| matcher.check(Some(&Value::from(length)))),
            Self::Every(matcher) => over_items(seen, |items| {
                items
                    .iter()
                    .map(|item| matcher.check(Some(item)))
                    .fold(Match::Holds, Match::and)
            }),
            Self::Some(matcher) => match seen.as_array() {
                Some(items) => Match::when(items.iter().any(|item| matcher.check(Some(item)) == Match::Holds)),
                None => Match::Fails,
            },
            Self::None(matcher) => over_items(seen, |items| {
                Match::when(items.iter().all(|item| matcher.check(Some(item)) == Match::Fails))
            }),
            Self::Not(matcher) => match matcher.check(Some(seen)) {
                Match::Holds => Match::Fails,
                Match::Fails => Match::Holds,
                Match::Vacuous => Match::Vacuous,
            },
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Eq(value) => show(value),
            Self::Ne(value) => format!("anything but {}", show(value)),
            Self::Gt(value) => format!("greater than {}", show(value)),
            Self::Ge(value) => format!("at least {}", show(value)),
            Self::Lt(value) => format!("less than {}", show(value)),
            Self::Le(value) => format!("at most {}", show(value)),
            Self::OneOf(values) => format!("one of {}", values.iter().map(show).collect::<Vec<_>>().join(", ")),
            Self::Contains(value) => format!("containing {}", show(value)),
            Self::Lacks(value) => format!("without {}", show(value)),
            Self::Matches(regex) => format!("matching /{regex}/"),
            Self::StartsWith(text) => format!("starting with {text:?}"),
            Self::EndsWith(text) => format!("ending with {text:?}"),
            Self::Type(name) => format!("of type {name}"),
            Self::Exists(true) => "present".to_owned(),
            Self::Exists(false) => "absent".to_owned(),
            Self::Empty(true) => "empty".to_owned(),
            Self::Empty(false) => "not empty".to_owned(),
            Self::Len(matcher) => format!("of length {}", matcher.describe()),
            Self::Every(matcher) => format!("every item {}", matcher.describe()),
            Self::Some(matcher) => format!("some item {}", matcher.describe()),
            Self::None(matcher) => format!("no item {}", matcher.describe()),
            Self::Not(matcher) => format!("not {}", matcher.describe()),
        }
    }
}

/// A statement about all items says nothing about a list without items, and is wrong about what is no list.
fn over_items(seen: &Value, judge: impl Fn(&[Value]) -> Match) -> Match {
    match seen.as_array() {
        Some(items) if items.is_empty() => Match::Vacuous,
        Some(items) => judge(items),
        None => Match::Fails,
    }
}

/// A value as it stands in a finding: JSON.
fn show(value: &Value) -> String {
    value.to_string()
}

impl JsonSchema for Matcher {
    fn inline_schema() -> bool {
        false
    }

    fn schema_name() -> Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let same = generator.subschema_for::<Self>();
        json_schema!({
            "description": "A plain value means equal; a table is a conjunction of operators.",
            "anyOf": [
                { "type": ["string", "number", "boolean", "array", "null"] },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "minProperties": 1,
                    "properties": {
                        "eq": true, "ne": true, "gt": true, "ge": true, "lt": true, "le": true,
                        "one_of": { "type": "array" }, "contains": true, "lacks": true,
                        "matches": { "type": "string", "format": "regex" },
                        "starts_with": { "type": "string" }, "ends_with": { "type": "string" },
                        "type": { "enum": TypeName::NAMES }, "exists": { "type": "boolean" },
                        "empty": { "type": "boolean" }, "len": same, "every": same, "some": same, "none": same,
                        "not": same
                    }
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests;
