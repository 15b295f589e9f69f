//! What a suite writes to name a table, a function or an extension.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

use super::types::{same, same_argument};
use crate::deployment::postgres::Function;

/// A name with or without its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) schema: Option<String>,
    pub(super) name: String,
}

impl Name {
    pub(super) fn read(text: &str) -> Self {
        let bare = |part: &str| part.trim().trim_matches('"').to_owned();
        match text.split_once('.') {
            Some((schema, name)) => Self {
                schema: Some(bare(schema)),
                name: bare(name),
            },
            None => Self {
                schema: None,
                name: bare(text),
            },
        }
    }
}

/// `f`, `f(uuid, text)`, `f(int) -> int`.
#[derive(Debug, Clone)]
pub(super) struct WantedFunction {
    pub(super) text: String,
    pub(super) name: Name,
    pub(super) arguments: Option<Vec<String>>,
    pub(super) result: Option<String>,
}

impl WantedFunction {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` does not name a function; write \"f\", \"f(uuid, text)\" or \"f(uuid, text) -> integer\"")
        };
        let (head, result) = match text.split_once("->") {
            Some((head, result)) if !result.trim().is_empty() => (head.trim(), Some(result.trim().to_owned())),
            Some(_) => return Err(wrong()),
            None => (text.trim(), None),
        };
        let (name, arguments) = match head.split_once('(') {
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or_else(wrong)?;
                (name, Some(split(inner)))
            }
            None => (head, None),
        };
        if name.trim().is_empty() || name.contains([' ', ')', ',']) {
            return Err(wrong());
        }
        Ok(Self {
            text: text.to_owned(),
            name: Name::read(name),
            arguments,
            result,
        })
    }

    /// Whether `function`, of the right name, takes the arguments that are asked for.
    pub(super) fn takes(&self, function: &Function) -> bool {
        self.arguments.as_ref().is_none_or(|wanted| {
            wanted.len() == function.arguments.len()
                && wanted
                    .iter()
                    .zip(&function.arguments)
                    .all(|(wanted, seen)| fits(wanted, seen))
        })
    }

    /// Whether `function` returns what is asked for.
    pub(super) fn returns(&self, function: &Function) -> bool {
        self.result.as_ref().is_none_or(|wanted| {
            let plain = |text: &str| {
                let lower = text.trim().to_lowercase();
                lower
                    .strip_prefix("setof ")
                    .map_or((false, lower.clone()), |rest| (true, rest.to_owned()))
            };
            let ((many, wanted), (seen_many, seen)) = (plain(wanted), plain(&function.result));
            many == seen_many && (same(&wanted, &seen) || (wanted == "table" && seen.starts_with("table(")))
        })
    }
}

/// `name(argument, argument)`, for a reader.
pub(super) fn signature(function: &Function) -> String {
    format!("{}({})", function.name, function.arguments.join(", "))
}

/// A type, or the argument's name and its type.
fn fits(wanted: &str, seen: &str) -> bool {
    same_argument(wanted, seen)
        || wanted
            .split_once(' ')
            .is_some_and(|(_, rest)| same_argument(rest, seen))
}

/// Splits at commas outside parentheses.
fn split(arguments: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for char in arguments.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    let parts: Vec<String> = parts.iter().map(|part| part.trim().to_owned()).collect();
    if parts == [""] { Vec::new() } else { parts }
}

/// `vector`, `pgcrypto >= 1.3`.
#[derive(Debug, Clone)]
pub(super) struct WantedExtension {
    pub(super) name: String,
    pub(super) version: Option<(Operator, String)>,
}

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Ge,
    Le,
    Gt,
    Lt,
    Eq,
}

const OPERATORS: [(&str, Operator); 5] = [
    (">=", Operator::Ge),
    ("<=", Operator::Le),
    (">", Operator::Gt),
    ("<", Operator::Lt),
    ("=", Operator::Eq),
];

impl WantedExtension {
    fn parse(text: &str) -> Result<Self, String> {
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((text.split_once(sign)?, *operator)));
        let (name, version) = match found {
            Some(((name, version), operator)) => (name.trim(), Some((operator, version.trim().to_owned()))),
            None => (text.trim(), None),
        };
        let bad = version
            .as_ref()
            .is_some_and(|(_, version)| !version.starts_with(|char: char| char.is_ascii_digit()));
        if name.is_empty() || name.contains(' ') || bad {
            return Err(format!(
                "`{text}` does not name an extension; write \"vector\" or \"pgcrypto >= 1.3\""
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }

    /// Whether the installed version is as asked for.
    pub(super) fn accepts(&self, installed: &str) -> bool {
        self.version.as_ref().is_none_or(|(operator, wanted)| {
            let order = compare(installed, wanted);
            match operator {
                Operator::Ge => order.is_ge(),
                Operator::Le => order.is_le(),
                Operator::Gt => order.is_gt(),
                Operator::Lt => order.is_lt(),
                Operator::Eq => order.is_eq(),
            }
        })
    }
}

impl fmt::Display for WantedExtension {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some((operator, version)) => {
                let sign = OPERATORS
                    .iter()
                    .find(|(_, known)| known == operator)
                    .map_or("", |(sign, _)| sign);
                write!(out, "installed, {sign} {version}")
            }
            None => out.write_str("installed"),
        }
    }
}

fn compare(left: &str, right: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        let mut parts: Vec<u64> = text
            .split(|char: char| !char.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect();
        while parts.last() == Some(&0) {
            parts.pop();
        }
        parts
    };
    numbers(left).cmp(&numbers(right))
}

macro_rules! read_from_text {
    ($type:ty, $name:literal, $examples:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": $examples })
            }
        }
    };
}

read_from_text!(WantedFunction, "Function", ["f", "f(uuid, text)", "f(int) -> int"]);
read_from_text!(WantedExtension, "Extension", ["vector", "pgcrypto >= 1.3"]);

#[cfg(test)]
mod tests {
    use super::*;

    fn function(arguments: &[&str], result: &str) -> Function {
        Function {
            schema: "public".to_owned(),
            name: "f".to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            defaults: 0,
            result: result.to_owned(),
            security_definer: false,
            extension: None,
        }
    }

    #[test]
    fn functions_are_named_with_as_much_as_is_known() {
        let seen = function(&["uuid", "numeric", "timestamp with time zone"], "SETOF users");
        for text in [
            "f",
            "f(uuid, decimal(10, 2), timestamptz)",
            "f(p_user uuid, amount numeric, at timestamp with time zone)",
            "public.f -> setof users",
        ] {
            let wanted = WantedFunction::parse(text).unwrap();
            assert!(wanted.takes(&seen), "{text}");
            assert!(wanted.returns(&seen), "{text}");
        }
        assert!(!WantedFunction::parse("f() -> users").unwrap().takes(&seen));
        assert!(!WantedFunction::parse("f -> users").unwrap().returns(&seen));
        assert!(WantedFunction::parse("f()").unwrap().takes(&function(&[], "void")));
        for text in ["", "f(", "f)", "(int)", "f ->", "select f()"] {
            WantedFunction::parse(text).unwrap_err();
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let accepts = |text: &str, installed: &str| WantedExtension::parse(text).unwrap().accepts(installed);
        assert!(accepts("vector", "0.8.1"));
        assert!(accepts("vector >= 0.8", "0.8.0"));
        assert!(accepts("vector>=0.8", "0.10.1"));
        assert!(!accepts("vector >= 0.8.1", "0.8"));
        assert!(accepts("vector = 0.8", "0.8.0"));
        assert!(accepts("vector < 1", "0.9"));
        WantedExtension::parse("vector >= latest").unwrap_err();
    }
}
