//! Prepares a suite's SQL for the wire: which kind of statement it is, how its rows become JSON, how parameters are
//! written.

use std::error::Error;

use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use super::error::SqlError;

/// How a statement can be asked for its rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `select`, `values`, `table`, `with`: can stand in a `from`.
    Subquery,
    /// `insert`, `update`, `delete`, `merge` with `returning`: can stand in a `with`.
    Returning,
    /// `show`, `explain`: rows of text, as they come.
    Text,
    /// Everything else has no rows.
    Effect,
}

/// `sql` without a trailing semicolon and the space around it.
pub(super) fn trimmed(sql: &str) -> &str {
    sql.trim_matches(|char: char| char == ';' || char.is_whitespace())
}

/// What kind of statement `sql` is. Refuses those that would end the transaction which keeps the deployment unharmed.
pub(super) fn shape(sql: &str) -> Result<Shape, SqlError> {
    let word = first_word(sql);
    Ok(match word.as_str() {
        "" => return Err(SqlError::new("42601", "the statement is empty")),
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "prepare" => {
            return Err(SqlError::new(
                "0A000",
                format!("`{word}` is not allowed: the check runs in a transaction of its own"),
            ));
        }
        "select" | "values" | "table" | "with" | "(" => Shape::Subquery,
        "insert" | "update" | "delete" | "merge" if has_word(sql, "returning") => Shape::Returning,
        "show" | "explain" => Shape::Text,
        _ => Shape::Effect,
    })
}

/// Whether `sql` is a query: what only reads, by its first word.
#[must_use]
pub fn reads(sql: &str) -> bool {
    matches!(shape(sql), Ok(Shape::Subquery | Shape::Text))
}

/// The query that yields each row of `sql` as one JSON text, its columns in their order.
pub(super) fn as_json(sql: &str, shape: &Shape) -> String {
    // The line break ends a comment at the end of the statement.
    match shape {
        Shape::Returning => format!("with smoke_row as (\n{sql}\n) select row_to_json(smoke_row)::text from smoke_row"),
        _ => format!("select row_to_json(smoke_row)::text from (\n{sql}\n) smoke_row"),
    }
}

/// `name`, quoted, so that it can stand in SQL whatever it contains.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The first keyword in lower case, past comments; `(` for a parenthesis.
fn first_word(sql: &str) -> String {
    let rest = past_comments(sql);
    if rest.starts_with('(') {
        return "(".to_owned();
    }
    rest.chars()
        .take_while(|char| char.is_alphanumeric() || *char == '_')
        .flat_map(char::to_lowercase)
        .collect()
}

fn past_comments(sql: &str) -> &str {
    let rest = sql.trim_start();
    if rest.starts_with("--") {
        return rest.split_once('\n').map_or("", |(_, rest)| past_comments(rest));
    }
    if rest.starts_with("/*") {
        return rest.split_once("*/").map_or("", |(_, rest)| past_comments(rest));
    }
    rest
}

/// Whether `word` stands in `sql` outside quotes; good enough to tell `returning` from a column's content.
fn has_word(sql: &str, word: &str) -> bool {
    let outside: String = sql.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
    outside
        .split(|char: char| !(char.is_alphanumeric() || char == '_'))
        .any(|found| found.eq_ignore_ascii_case(word))
}

/// A JSON value as the text of a parameter whose type PostgreSQL infers.
#[derive(Debug)]
pub(super) struct Parameter(Option<String>);

impl Parameter {
    pub(super) fn new(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => Some(array(items).unwrap_or_else(|| value.to_string())),
            other => Some(other.to_string()),
        })
    }
}

/// `{a,"b c"}`, PostgreSQL's own notation; none if an item is an object, as only JSON can hold that.
fn array(items: &[Value]) -> Option<String> {
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        parts.push(match item {
            Value::Null => "NULL".to_owned(),
            Value::Object(_) => return None,
            Value::Array(inner) => array(inner)?,
            Value::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            other => other.to_string(),
        });
    }
    Some(format!("{{{}}}", parts.join(",")))
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statements_are_told_apart() {
        for (sql, expected) in [
            ("select 1", Shape::Subquery),
            ("-- why\n /* and */ SELECT 1", Shape::Subquery),
            ("(select 1) union (select 2)", Shape::Subquery),
            ("with a as (select 1) table a", Shape::Subquery),
            ("insert into t values (1) returning id", Shape::Returning),
            ("insert into t values ('returning')", Shape::Effect),
            ("Explain select 1", Shape::Text),
            ("call p()", Shape::Effect),
        ] {
            assert_eq!(shape(sql).unwrap(), expected, "{sql}");
        }
    }

    #[test]
    fn the_transaction_cannot_be_ended() {
        for sql in ["commit", " /* x */ ROLLBACK", "end", "", "-- only a comment"] {
            shape(sql).unwrap_err();
        }
    }

    #[test]
    fn the_end_of_a_statement_is_trimmed() {
        assert_eq!(trimmed("\n select 1 ;\n; "), "select 1");
    }

    #[test]
    fn values_are_written_as_postgresql_reads_them() {
        let text = |value: Value| Parameter::new(&value).0;
        assert_eq!(text(json!(null)), None);
        assert_eq!(text(json!("a'b")).unwrap(), "a'b");
        assert_eq!(text(json!(1.5)).unwrap(), "1.5");
        assert_eq!(text(json!(true)).unwrap(), "true");
        assert_eq!(text(json!(["a\"b", null, 2])).unwrap(), r#"{"a\"b",NULL,2}"#);
        assert_eq!(text(json!([[1], [2]])).unwrap(), "{{1},{2}}");
        assert_eq!(text(json!([{ "a": 1 }])).unwrap(), r#"[{"a":1}]"#);
        assert_eq!(text(json!({ "a": 1 })).unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
    }
}
