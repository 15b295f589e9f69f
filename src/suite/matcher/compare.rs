//! Comparing JSON values as people mean it: `1` equals `1.0`.

use std::cmp::Ordering;

use serde_json::{Number, Value};

pub(super) fn equal(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Number(seen), Value::Number(wanted)) => compare_numbers(seen, wanted) == Some(Ordering::Equal),
        (Value::Array(seen), Value::Array(wanted)) => {
            seen.len() == wanted.len() && seen.iter().zip(wanted).all(|(seen, wanted)| equal(seen, wanted))
        }
        (Value::Object(seen), Value::Object(wanted)) => {
            seen.len() == wanted.len()
                && seen
                    .iter()
                    .all(|(key, seen)| wanted.get(key).is_some_and(|wanted| equal(seen, wanted)))
        }
        _ => seen == wanted,
    }
}

/// Numbers by value, texts by code point (so that RFC 3339 times in UTC compare as times); other things do not compare.
pub(super) fn order(seen: &Value, wanted: &Value) -> Option<Ordering> {
    match (seen, wanted) {
        (Value::Number(seen), Value::Number(wanted)) => compare_numbers(seen, wanted),
        (Value::String(seen), Value::String(wanted)) => Some(seen.cmp(wanted)),
        _ => None,
    }
}

fn compare_numbers(seen: &Number, wanted: &Number) -> Option<Ordering> {
    match (seen.as_i128(), wanted.as_i128()) {
        (Some(seen), Some(wanted)) => Some(seen.cmp(&wanted)),
        _ => seen.as_f64()?.partial_cmp(&wanted.as_f64()?),
    }
}

/// Whether a text has a part, a list an item, an object a key (or all members of a table); none for anything else.
pub(super) fn contains(seen: &Value, wanted: &Value) -> Option<bool> {
    match (seen, wanted) {
        (Value::String(seen), Value::String(part)) => Some(seen.contains(part)),
        (Value::Array(items), _) => Some(items.iter().any(|item| equal(item, wanted))),
        (Value::Object(fields), Value::String(key)) => Some(fields.contains_key(key)),
        (Value::Object(fields), Value::Object(part)) => Some(
            part.iter()
                .all(|(key, wanted)| fields.get(key).is_some_and(|seen| equal(seen, wanted))),
        ),
        _ => None,
    }
}

/// Characters of a text, items of a list, members of an object.
pub(super) fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        Value::Null => Some(0),
        Value::Bool(_) | Value::Number(_) => None,
    }
}
