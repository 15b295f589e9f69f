//! What to ask for each type of key, and answers as JSON.

use redis::Cmd;
use serde_json::{Map, Value};

/// How many elements of a collection are read as its value.
const ELEMENTS: isize = 1_000;

pub(super) fn field((name, value): (&str, &str)) -> (String, Value) {
    let value = value
        .parse::<i64>()
        .map(Value::from)
        .ok()
        .or_else(|| {
            value
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(Value::from)
        })
        .unwrap_or_else(|| Value::from(value));
    (name.to_owned(), value)
}

pub(super) fn length_command(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "string" => "STRLEN",
        "list" => "LLEN",
        "hash" => "HLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "stream" => "XLEN",
        _ => return None,
    })
}

pub(super) fn content_command(kind: &str, name: &str) -> Option<Cmd> {
    let mut command = redis::cmd(match kind {
        "string" => "GETRANGE",
        "list" => "LRANGE",
        "hash" => "HGETALL",
        "set" => "SMEMBERS",
        "zset" => "ZRANGE",
        _ => return None,
    });
    command.arg(name);
    match kind {
        "string" => drop(command.arg(0).arg(1 << 20)),
        "list" | "zset" => drop(command.arg(0).arg(ELEMENTS - 1)),
        _ => {}
    }
    Some(command)
}

/// An answer as JSON: a hash as an object, a set in order, bytes as text.
pub(super) fn json(answer: redis::Value, kind: &str) -> Value {
    let mut items = match answer {
        redis::Value::Array(items) | redis::Value::Set(items) => items.into_iter().map(scalar).collect::<Vec<_>>(),
        redis::Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(key, value)| [scalar(key), scalar(value)])
            .collect(),
        other => return scalar(other),
    };
    match kind {
        "hash" => {
            let pairs = items.chunks_exact(2).map(|pair| {
                let key = pair[0].as_str().unwrap_or_default().to_owned();
                (key, pair[1].clone())
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        "set" => {
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        _ => Value::Array(items),
    }
}

fn scalar(value: redis::Value) -> Value {
    match value {
        redis::Value::Int(number) => number.into(),
        redis::Value::Double(number) => number.into(),
        redis::Value::Boolean(truth) => truth.into(),
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        redis::Value::SimpleString(text) => text.into(),
        redis::Value::Okay => "OK".into(),
        _ => Value::Null,
    }
}
