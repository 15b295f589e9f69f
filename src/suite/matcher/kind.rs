//! The types that `type = "…"` knows.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// A type of JSON, or a form of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TypeName {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A number without a fraction.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
    /// `null`.
    Null,
    /// A UUID, RFC 9562.
    Uuid,
    /// A date and time, RFC 3339.
    DateTime,
    /// Something that could be an e-mail address.
    Email,
    /// An absolute URL.
    Url,
}

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$").ok());

impl TypeName {
    /// Their names in the suite.
    pub(super) const NAMES: [&str; 11] = [
        "string",
        "number",
        "integer",
        "boolean",
        "array",
        "object",
        "null",
        "uuid",
        "date_time",
        "email",
        "url",
    ];

    /// Whether `value` is one.
    pub(super) fn is(self, value: &Value) -> bool {
        let text = |accept: fn(&str) -> bool| value.as_str().is_some_and(accept);
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::Null => value.is_null(),
            Self::Uuid => text(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()),
            Self::DateTime => text(|text| text.parse::<jiff::Timestamp>().is_ok()),
            Self::Email => text(|text| EMAIL.as_ref().is_some_and(|regex| regex.is_match(text))),
            Self::Url => text(|text| url::Url::parse(text).is_ok()),
        }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}
