//! Small values of the language: durations, sizes, JSON.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

use super::decode::with_hint;

/// A duration as people write it: `"800ms"`, `"10s"`, `"1m 30s"` (the `humantime` crate's form).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl fmt::Display for Period {
    /// In the largest unit that needs no fraction: `24h`, `90s`, `1500ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            0 => f.write_str("0s"),
            millis if millis % 3_600_000 == 0 => write!(f, "{}h", millis / 3_600_000),
            millis if millis % 60_000 == 0 => write!(f, "{}m", millis / 60_000),
            millis if millis % 1_000 == 0 => write!(f, "{}s", millis / 1_000),
            millis => write!(f, "{millis}ms"),
        }
    }
}

/// A duration as people say it, in the two largest units that it has: `3 years 2 months`, `1h 30m`, `250ms`.
#[must_use]
pub fn spoken(duration: Duration) -> String {
    let whole = humantime::format_duration(duration).to_string();
    let parts = whole.split(' ').take(2).map(|part| {
        let unit = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &part[..part.len() - unit.len()];
        let space = if unit.len() > 2 { " " } else { "" };
        format!("{number}{space}{unit}")
    });
    parts.collect::<Vec<_>>().join(" ")
}

impl Period {
    /// A hundred years: what is longer is a slip, and sums of it overflow.
    const LONGEST: Duration = Duration::from_secs(100 * 31_557_600);
}

/// Reads a time-out, which is never zero.
pub(super) fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Period>, D::Error> {
    match Option::<Period>::deserialize(deserializer)? {
        Some(period) if period.0.is_zero() => Err(D::Error::custom(with_hint(
            "in no time at all nothing answers",
            "timeout = \"10s\", or leave it out",
        ))),
        period => Ok(period),
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodVisitor)
    }
}

struct PeriodVisitor;

impl Visitor<'_> for PeriodVisitor {
    type Value = Period;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as \"800ms\", \"10s\" or \"1m 30s\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
        let period = humantime::parse_duration(text).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(',').next().unwrap_or_default();
            E::custom(format_args!(
                "bad duration \"{text}\": {reason}; write \"800ms\", \"10s\" or \"1m 30s\""
            ))
        })?;
        if period > Period::LONGEST {
            return Err(E::custom(format_args!("\"{text}\" is longer than a hundred years")));
        }
        Ok(Period(period))
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["800ms", "10s", "1m 30s"] })
    }
}

/// A number of bytes: `65536`, `"64KiB"`, `"1MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1 << 20 && n % (1 << 20) == 0 => write!(f, "{} MiB", n >> 20),
            n if n >= 1 << 10 && n % (1 << 10) == 0 => write!(f, "{} KiB", n >> 10),
            n => write!(f, "{n} bytes"),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

struct ByteSizeVisitor;

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes, or a size such as \"64KiB\" or \"1MiB\"")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ByteSize, E> {
        u64::try_from(number)
            .map(ByteSize)
            .map_err(|_| E::custom("a size cannot be negative"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteSize, E> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "kib" | "kb" | "k" => 1 << 10,
            "mib" | "mb" | "m" => 1 << 20,
            _ => {
                return Err(E::custom(format_args!(
                    "bad size \"{text}\": write 65536, \"64KiB\" or \"1MiB\""
                )));
            }
        };
        let number: u64 = digits
            .parse()
            .map_err(|_| E::custom(format_args!("bad size \"{text}\"")))?;
        let bytes = number.checked_mul(factor);
        bytes
            .map(ByteSize)
            .ok_or_else(|| E::custom(format_args!("\"{text}\" is more than any file or answer can have")))
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "examples": ["64KiB", "1MiB"] })
    }
}

/// A regular expression in the syntax of the `regex` crate.
#[derive(Debug, Clone)]
pub struct Pattern(pub regex::Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        regex::Regex::new(&text).map(Self).map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            D::Error::custom(format_args!("bad regular expression `{text}`: {last}"))
        })
    }
}

impl JsonSchema for Pattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Regex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "regex" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_durations_are_said_in_two_units() {
        let said = |seconds| spoken(Duration::from_secs(seconds));
        assert_eq!(said(0), "0s");
        assert_eq!(said(90), "1m 30s");
        assert_eq!(said(86_400 + 2 * 3600 + 5), "1 day 2h");
        assert_eq!(said(100_000_000), "3 years 2 months");
    }
}
