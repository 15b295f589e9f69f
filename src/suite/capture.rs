//! Values that a check hands to later checks.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::JsonPath;
use super::scalar::Pattern;

/// One captured value: where to find it, and whether it is a secret.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Where to find it.
    pub from: CaptureFrom,
    /// Whether it must not appear in any output.
    pub secret: bool,
}

/// Where a captured value is found.
#[derive(Debug, Clone)]
pub enum CaptureFrom {
    /// In the JSON that the check saw.
    Json(JsonPath),
    /// The first value of a response header.
    Header(String),
    /// The value of a cookie that the response set.
    Cookie(String),
    /// The first group of a regular expression in the body, or all it matched where it has none.
    Text(Pattern),
}

impl fmt::Display for CaptureFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(path) => path.fmt(f),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Cookie(name) => write!(f, "cookie {name}"),
            Self::Text(pattern) => write!(f, "text matching /{}/", pattern.0),
        }
    }
}

/// What a check saw that can be captured from.
#[derive(Debug, Clone, Default)]
pub struct Subject<'a> {
    /// The JSON document.
    pub json: Option<Cow<'a, Value>>,
    /// Response headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// Cookies that the response set.
    pub cookies: &'a [(String, String)],
    /// The body as text.
    pub text: &'a str,
}

impl CaptureFrom {
    /// The value in `subject`, if it is there.
    #[must_use]
    pub fn find(&self, subject: &Subject<'_>) -> Option<Value> {
        let named = |pairs: &[(String, String)], name: &str| {
            let found = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| Value::String(value.clone()))
        };
        match self {
            Self::Json(path) => path.find(subject.json.as_ref()?).map(Cow::into_owned),
            Self::Header(name) => named(subject.headers, name),
            Self::Cookie(name) => named(subject.cookies, name),
            Self::Text(pattern) => {
                let groups = pattern.0.captures(subject.text)?;
                groups
                    .get(1)
                    .or_else(|| groups.get(0))
                    .map(|group| Value::from(group.as_str()))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Capture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CaptureVisitor)
    }
}

struct CaptureVisitor;

const KEYS: &[&str] = &["json", "header", "cookie", "text", "secret"];

impl<'de> Visitor<'de> for CaptureVisitor {
    type Value = Capture;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSONPath, or a table with one of json, header, cookie, text")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<Capture, E> {
        let path = JsonPath::read(path)?;
        Ok(Capture {
            from: CaptureFrom::Json(path),
            secret: false,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Capture, A::Error> {
        let (mut found, mut secret) = (Vec::new(), false);
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Json => found.push(CaptureFrom::Json(map.next_value()?)),
                Key::Header => found.push(CaptureFrom::Header(map.next_value()?)),
                Key::Cookie => found.push(CaptureFrom::Cookie(map.next_value()?)),
                Key::Text => found.push(CaptureFrom::Text(map.next_value()?)),
                Key::Secret => secret = map.next_value()?,
            }
        }
        match (found.pop(), found.is_empty()) {
            (Some(from), true) => Ok(Capture { from, secret }),
            _ => Err(de::Error::custom(
                "a capture takes exactly one of json, header, cookie, text",
            )),
        }
    }
}

enum Key {
    Json,
    Header,
    Cookie,
    Text,
    Secret,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Ok(match key.as_str() {
            "json" => Self::Json,
            "header" => Self::Header,
            "cookie" => Self::Cookie,
            "text" => Self::Text,
            "secret" => Self::Secret,
            _ => return Err(de::Error::unknown_field(&key, KEYS)),
        })
    }
}
