//! Where variables are: a file, what a program prints, this process.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use crate::deployment::{Target, Unobserved, program};

/// Variables by name.
pub(super) type Variables = BTreeMap<String, Held>;

/// What is known of a variable. No `Debug`: a value is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// Its value.
    Value(String),
    /// That it is there.
    NameOnly,
}

/// Those of this process.
pub(super) fn process() -> Variables {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), Held::Value(text(value))))
        .collect()
}

/// Those in a file.
pub(super) async fn file(target: &Target<'_>, name: &str) -> Result<Variables, Unobserved> {
    let read = tokio::fs::read(target.path(name)).await;
    let bytes = read.map_err(|error| {
        Unobserved::new(format!("{name} cannot be read: {}", error.kind()))
            .hint("paths are relative to the folder of smoke.toml")
    })?;
    Ok(dotenv(&String::from_utf8_lossy(&bytes)))
}

/// Those that a program prints. What it said when it failed is not repeated: there may be values in it.
pub(super) async fn program(target: &Target<'_>, argv: &[String]) -> Result<Variables, Unobserved> {
    let ended = program::run(argv, &target.path(""), &[], target.timeout()).await?;
    let name = argv.first().map_or("", String::as_str);
    if ended.code != Some(0) {
        let code = ended.code.map_or("a signal".to_owned(), |code| format!("code {code}"));
        return Err(
            Unobserved::new(format!("{name} ended with {code} instead of printing variables"))
                .hint("run it by hand to see why; its output may hold values and is not shown here"),
        );
    }
    let text = ended.stdout.trim();
    Ok(match serde_json::from_str(text) {
        Ok(document) => json(&document),
        Err(_) => dotenv(text),
    })
}

/// Variables in a JSON document: an object by name, or a list.
pub(super) fn json(document: &Value) -> Variables {
    match document {
        Value::Object(object) => {
            // { "envs": [ … ] } has them one level down.
            let nested = object
                .values()
                .find(|value| value.as_array().is_some_and(|list| list.iter().any(Value::is_object)));
            match nested {
                Some(list) => json(list),
                None => object.iter().map(|(name, value)| (name.clone(), held(value))).collect(),
            }
        }
        Value::Array(list) => list.iter().filter_map(item).collect(),
        _ => Variables::new(),
    }
}

fn item(item: &Value) -> Option<(String, Held)> {
    match item {
        Value::String(text) => Some(match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), value_or_mask(value)),
            None => (text.clone(), Held::NameOnly),
        }),
        Value::Object(object) => {
            let Some(name) = lookup(object, &["name", "key"]) else {
                // Render's API wraps each: { "envVar": { "key", "value" }, "cursor" }.
                return object.values().filter(|value| value.is_object()).find_map(self::item);
            };
            Some((
                name.as_str()?.to_owned(),
                lookup(object, &["value"]).map_or(Held::NameOnly, held),
            ))
        }
        _ => None,
    }
}

fn lookup<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let of = |wanted: &str| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    names.iter().find_map(|name| of(name)).map(|(_, value)| value)
}

fn held(value: &Value) -> Held {
    match value {
        Value::String(text) => value_or_mask(text),
        Value::Number(_) | Value::Bool(_) => Held::Value(value.to_string()),
        Value::Null => Held::Value(String::new()),
        Value::Object(object) => lookup(object, &["computed", "value", "raw"]).map_or(Held::NameOnly, held),
        Value::Array(_) => Held::NameOnly,
    }
}

/// What tools print in place of a value is no value.
fn value_or_mask(text: &str) -> Held {
    let lower = text.trim().to_lowercase();
    let stars = !lower.is_empty() && lower.chars().all(|letter| "*•".contains(letter));
    let masks = [
        "[hidden]",
        "(hidden)",
        "<hidden>",
        "[sensitive]",
        "(sensitive)",
        "[redacted]",
        "<redacted>",
        "encrypted",
        "[encrypted]",
    ];
    if stars || masks.contains(&lower.as_str()) {
        Held::NameOnly
    } else {
        Held::Value(text.to_owned())
    }
}

/// Variables in NAME=value lines, as `.env` files have them; a line that is only a name, as in a list of secrets, too.
pub(super) fn dotenv(text: &str) -> Variables {
    let mut variables = Variables::new();
    let assignment = Regex::new(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[ \t]*");
    let name_alone = Regex::new(r"^[\s*|│•-]*([A-Z][A-Z0-9_]{2,})(?:\s.*|[|│].*)?$");
    let (Ok(assignment), Ok(name_alone)) = (assignment, name_alone) else {
        return variables;
    };
    let mut rest = text.trim_start_matches('\u{feff}');
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(found) = assignment.captures(line) {
            let name = found[1].to_owned();
            let (value, after) = read_value(&rest[found[0].len()..], &variables);
            variables.insert(name, value_or_mask(&value));
            rest = after;
            continue;
        }
        // The header of a list is no name.
        if let Some(found) = name_alone.captures(line).filter(|found| &found[1] != "NAME") {
            variables.insert(found[1].to_owned(), Held::NameOnly);
        }
        rest = after;
    }
    variables
}

/// The value at the start of `text`, and what comes after its line.
fn read_value<'a>(text: &'a str, known: &Variables) -> (String, &'a str) {
    let next_line = |text: &'a str| text.split_once('\n').map_or("", |(_, after)| after);
    if let Some(inside) = text.strip_prefix('\'')
        && let Some((value, after)) = inside.split_once('\'')
    {
        return (value.to_owned(), next_line(after));
    }
    if let Some(inside) = text.strip_prefix('"')
        && let Some((value, after)) = double_quoted(inside)
    {
        return (filled_in(&value, known), next_line(after));
    }
    let line = text.split('\n').next().unwrap_or_default().trim_end_matches('\r');
    let value = match line.find(" #").or_else(|| line.find("\t#")) {
        Some(comment) => &line[..comment],
        None => line,
    };
    let value = if value.starts_with('#') { "" } else { value.trim() };
    (filled_in(value, known), next_line(text))
}

/// The text up to the closing quote, and what comes after that.
fn double_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            _ => value.push(letter),
        }
    }
    None
}

/// `${NAME}` and `${NAME:-otherwise}`, as far as NAME stands above.
fn filled_in(value: &str, known: &Variables) -> String {
    let Ok(reference) = Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}") else {
        return value.to_owned();
    };
    let fill = |found: &regex::Captures<'_>| match (known.get(&found[1]), found.get(2)) {
        (Some(Held::Value(value)), _) => value.clone(),
        (_, Some(otherwise)) => otherwise.as_str().to_owned(),
        _ => found[0].to_owned(),
    };
    reference.replace_all(value, fill).into_owned()
}
