//! `sql`: a query's rows or value, and how long it took.

use std::borrow::Cow;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::deployment::postgres::{self, Mode, Ran, SqlError, only_value};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Entries, JsonPath, Matcher, Period, Problem, Spanned, Subject, is_placeholder};

use super::Kind;

/// A query: its rows, its value, and how long it took.
///
/// After a deploy it answers what no endpoint tells: is the seed data there, has the backfill run, does the query behind
/// the slow page use its index? The query runs in a read-only transaction that is rolled back, with a statement timeout
/// a little below the check's.
///
/// ```toml
/// [sql.plans]
/// query = "select count(*) from plans where active"
/// expect.value = { ge = 3 }
/// expect.within = "100ms"
///
/// [sql.admin]
/// query = "select id, email, role from users where email = $1"
/// params = ["admin@example.com"]
/// expect.rows = 1
/// expect.json."$[0].role" = "admin"
/// capture.id = "$[0].id"
///
/// [sql.marker]
/// execute = "insert into deploys (version) values ($1)"
/// params = ["1.4.2"]
/// expect.affected = 1
/// ```
///
/// Keys:
///
///   query            a statement that reads: select, with, values, show, explain. Exactly one of query and execute.
///   execute          a statement that writes. It is committed, so the check has the effect `write` and needs an
///                    environment that allows it. With `returning` it has rows.
///   params           values for $1, $2, …; PostgreSQL infers their types. A list becomes an array (`= any($1)`), a
///                    table becomes JSON. Where a type cannot be inferred, name it: $1::uuid.
///   expect.value     the first column of the only row
///   expect.rows      how many rows there are
///   expect.json      values by JSONPath in the list of rows: expect.json."$[0].name" = "free"
///   expect.affected  how many rows the statement affected
///   expect.within    how long it may take: "100ms"
///
/// `capture` takes a JSONPath into the list of rows.
///
/// A query that fails because something is missing (a table, a column, a function) fails the check. One that may not
/// look (permission denied), takes too long or cannot connect leaves it unclear.
///
/// A failure:
///
///   FAILED  sql.plans
///     suites/app.toml:3:16
///     3 │ expect.value = { ge = 3 }
///       value   expected: at least 3   seen: 0
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sql {
    /// A statement that reads.
    query: Option<Spanned<String>>,
    /// A statement that writes; committed.
    execute: Option<Spanned<String>>,
    /// Values for $1, $2, ….
    #[serde(default)]
    params: Vec<Value>,
    #[serde(default)]
    expect: Expect,
}

/// What is expected of a statement.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// The first column of the only row.
    value: Option<Spanned<Matcher>>,
    /// How many rows there are.
    rows: Option<Spanned<Matcher>>,
    /// Values by JSONPath in the list of rows.
    #[serde(default)]
    json: Entries<Matcher, JsonPath>,
    /// How many rows the statement affected.
    affected: Option<Spanned<Matcher>>,
    /// How long it may take.
    within: Option<Spanned<Period>>,
}

/// What the statement did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    rows: Vec<Map<String, Value>>,
    affected: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<SqlError>,
    took_ms: f64,
}

impl Kind for Sql {
    const NAME: &'static str = "sql";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    const CLEANS_BY: &'static [&'static str] = &["execute"];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        if self.execute.is_some() {
            Effect::Write
        } else {
            Effect::Read
        }
    }

    fn mistakes(&self) -> Vec<Problem> {
        match (&self.query, &self.execute) {
            (Some(_), Some(execute)) => {
                vec![Problem::at(execute.span(), "`query` and `execute` exclude each other")]
            }
            (None, None) => vec![Problem::whole("`query` or `execute` is missing")],
            (Some(statement), None) | (None, Some(statement)) if is_placeholder(statement) => Vec::new(),
            (Some(query), None) if !postgres::reads(query) => {
                let problem = Problem::at(query.span(), "this is no query");
                vec![
                    problem.hint(
                        "a query begins with select, with, values, table, show or explain; what writes is `execute`",
                    ),
                ]
            }
            (Some(statement), None) | (None, Some(statement)) => self.unused(statement).into_iter().collect(),
        }
    }

    /// A statement that writes must at least succeed.
    fn expects_nothing(&self) -> bool {
        self.query.is_some() && self.expect.is_empty()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        Subject {
            json: Some(Cow::Owned(as_json(&seen.rows))),
            ..Subject::default()
        }
    }

    fn steps(&self) -> Vec<String> {
        let (statement, mode) = self.statement();
        let how = match mode {
            Mode::Committed => "in a transaction that is committed",
            _ => "in a read-only transaction",
        };
        vec![format!("run, {how}: {}", statement.trim())]
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let (statement, mode) = self.statement();
        let transaction = target.postgres()?.transaction(mode, target.timeout()).await?;
        let start = Instant::now();
        let result = transaction.run(statement, &self.params).await;
        let took_ms = start.elapsed().as_secs_f64() * 1000.0;
        let result = match (result, mode) {
            (Ok(ran), Mode::Committed) => transaction.commit().await.map(|()| ran),
            (result, _) => {
                transaction.rollback().await;
                result
            }
        };
        let seen = match result {
            Ok(Ran { rows, affected }) => Seen {
                rows,
                affected,
                ..Seen::default()
            },
            Err(error) => Seen {
                error: Some(error.or_unobserved()?),
                ..Seen::default()
            },
        };
        Ok(Seen { took_ms, ..seen })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        if let Some(error) = &seen.error {
            let finding = error.failed("statement", "runs without an error");
            let place = self.query.as_ref().or(self.execute.as_ref());
            return vec![match place {
                Some(statement) => finding.at(statement.span()),
                None => finding,
            }];
        }
        let mut findings = self.expect.judge(seen);
        if findings.is_empty() {
            let affected = format!("{} rows affected", seen.affected);
            findings.push(Finding::passed("statement", "runs without an error", affected));
        }
        findings
    }
}

impl Sql {
    /// The first of `params` that the statement does not use.
    fn unused(&self, statement: &str) -> Option<Problem> {
        let name = (1..=self.params.len())
            .map(|number| format!("${number}"))
            .find(|name| !statement.contains(name))?;
        Some(Problem::whole(format!(
            "`params` has {}, and the statement no {name}",
            self.params.len()
        )))
    }

    fn statement(&self) -> (&str, Mode) {
        match (&self.query, &self.execute) {
            (Some(query), _) => (query, Mode::ReadOnly),
            (None, Some(execute)) => (execute, Mode::Committed),
            (None, None) => ("", Mode::ReadOnly),
        }
    }
}

impl Expect {
    fn is_empty(&self) -> bool {
        self.value.is_none()
            && self.rows.is_none()
            && self.json.is_empty()
            && self.affected.is_none()
            && self.within.is_none()
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(matcher) = &self.rows {
            findings.push(matcher.judge("rows", Some(&seen.rows.len().into())));
        }
        if let Some(matcher) = &self.affected {
            findings.push(matcher.judge("affected rows", Some(&seen.affected.into())));
        }
        if let Some(matcher) = &self.value {
            findings.push(match only_value(&seen.rows) {
                Ok(value) => matcher.judge("value", Some(value)),
                Err(rows) => Finding::failed("value", matcher.describe(), format!("{rows} rows instead of one"))
                    .at(matcher.span()),
            });
        }
        let document = as_json(&seen.rows);
        for (path, matcher) in self.json.iter() {
            findings.push(matcher.judge(path.to_string(), path.find(&document).as_deref()));
        }
        if let Some(limit) = &self.within {
            let holds = seen.took_ms <= limit.0.as_secs_f64() * 1000.0;
            let took = format!("{:.1} ms", seen.took_ms);
            findings.push(Finding::expect(holds, "duration", format!("at most {}", **limit), took).at(limit.span()));
        }
        findings
    }
}

fn as_json(rows: &[Map<String, Value>]) -> Value {
    rows.iter().cloned().map(Value::Object).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{kind, lines, mistakes};
    use super::*;

    fn rows(rows: Value) -> Seen {
        Seen {
            rows: serde_json::from_value(rows).unwrap(),
            took_ms: 12.34,
            ..Seen::default()
        }
    }

    #[test]
    fn expectations_are_judged_one_by_one() {
        let sql: Sql = kind(
            "query = 'select 1'\nexpect.rows = 1\nexpect.value = { gt = 3 }\nexpect.json.'$[0].name' = 'x'\n\
             expect.json.'$[1].n' = 1\nexpect.within = '10ms'",
        );
        assert_eq!(
            lines(&sql.judge(&rows(json!([{ "n": 2, "name": "x" }])))),
            "passed rows: expected 1, seen 1\n\
             failed value: expected greater than 3, seen 2\n\
             passed $[0].name: expected \"x\", seen \"x\"\n\
             failed $[1].n: expected 1, seen nothing there\n\
             failed duration: expected at most 10ms, seen 12.3 ms\n"
        );
    }

    #[test]
    fn a_value_needs_exactly_one_row() {
        let sql: Sql = kind("query = 'select 1'\nexpect.value = 1");
        assert_eq!(
            lines(&sql.judge(&rows(json!([])))),
            "failed value: expected 1, seen 0 rows instead of one\n"
        );
        assert_eq!(
            lines(&sql.judge(&rows(json!([{ "a": 1 }, { "a": 1 }])))),
            "failed value: expected 1, seen 2 rows instead of one\n"
        );
    }

    #[test]
    fn a_missing_table_fails_the_check() {
        let sql: Sql = kind("query = 'select 1'\nexpect.value = 1");
        let error = SqlError {
            code: "42P01".to_owned(),
            message: "relation \"plans\" does not exist".to_owned(),
            detail: None,
            hint: None,
        };
        assert_eq!(
            lines(&sql.judge(&Seen {
                error: Some(error),
                ..Seen::default()
            })),
            "failed statement: expected runs without an error, seen relation \"plans\" does not exist (42P01) \
             (try: was the migration applied to this database?)\n"
        );
    }

    #[test]
    fn a_statement_alone_is_an_expectation_only_if_it_writes() {
        let sql: Sql = kind("execute = 'refresh materialized view v'");
        assert_eq!(sql.effect(), Effect::Write);
        assert_eq!(sql.mistakes(), []);
        assert_eq!(
            lines(&sql.judge(&Seen::default())),
            "passed statement: expected runs without an error, seen 0 rows affected\n"
        );
        assert!(!sql.expects_nothing());
        assert!(kind::<Sql>("query = 'select 1'").expects_nothing());
        assert_eq!(mistakes::<Sql>(""), ["`query` or `execute` is missing"]);
        assert_eq!(
            mistakes::<Sql>("query = 'select 1'\nexecute = 'x'"),
            ["`query` and `execute` exclude each other"]
        );
    }
}
