//! Expected status codes: `200`, `"2xx"`, or a list of those.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::Value;

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Value", description = "200, \"2xx\", or a list of those")]
pub struct Statuses(Vec<Range>);

/// First and last code, and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range(u16, u16);

impl Statuses {
    /// Any 2xx.
    #[must_use]
    pub fn success() -> Self {
        Self::class(2)
    }

    /// Any 4xx, for 4.
    #[must_use]
    pub fn class(class: u16) -> Self {
        Self(vec![Range(class * 100, class * 100 + 99)])
    }

    /// Exactly these codes.
    #[must_use]
    pub fn of(codes: &[u16]) -> Self {
        Self(codes.iter().map(|code| Range(*code, *code)).collect())
    }

    /// All of them.
    pub fn codes(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|Range(first, last)| *first..=*last)
    }

    /// Whether `status` is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|Range(first, last)| (*first..=*last).contains(&status))
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Range(first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { " or " };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{}xx", first / 100)?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let items = match &value {
            Value::Array(items) if !items.is_empty() => items.iter().collect(),
            one => vec![one],
        };
        let ranges: Option<Vec<Range>> = items.into_iter().map(range).collect();
        ranges
            .map(Self)
            .ok_or_else(|| de::Error::custom(format_args!("{value} is no status; write 200, \"2xx\" or [200, 204]")))
    }
}

fn range(value: &Value) -> Option<Range> {
    if let Some(code) = value.as_u64() {
        let code = u16::try_from(code).ok().filter(|code| (100..=599).contains(code))?;
        return Some(Range(code, code));
    }
    let text = value.as_str()?;
    let class: u16 = text
        .strip_suffix("xx")?
        .parse()
        .ok()
        .filter(|class| (1..=5).contains(class))?;
    Some(Range(class * 100, class * 100 + 99))
}
