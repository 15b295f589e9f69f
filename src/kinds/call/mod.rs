//! `call`: a function does what it promises.

mod caller;

use std::borrow::Cow;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::deployment::postgres::{Identity, Mode, Ran, SqlError, Transaction, only_value};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, JsonPath, Matcher, Period, Problem, Spanned, Subject};

use super::Kind;
use caller::As;

/// A function is called, and does what it promises: its result, what it changed, the error when it must refuse.
///
/// Presence is not function. A function that was created without complaint can fail on every call (an ambiguous column,
/// a NOT NULL that nobody fills), while the application fails open and nobody notices. So call it, on the live database,
/// in a transaction that is rolled back: nothing remains, except that sequences have moved on and that a function with
/// effects outside the database (a foreign server, an HTTP extension) has had them.
///
/// ```toml
/// [call.charge]
/// given = ["insert into users (id, credits) values ('7c1f0000-0000-4000-8000-000000000001', 5)"]
/// call = "select atomic_charge_credits($1, 'image', 3)"
/// params = ["7c1f0000-0000-4000-8000-000000000001"]
/// as = { role = "authenticated", user = "7c1f0000-0000-4000-8000-000000000001" }
/// expect.value = 2
/// then."select credits from users where id = '7c1f0000-0000-4000-8000-000000000001'" = 2
///
/// [call.charge_too_much]
/// given = ["insert into users (id, credits) values ('7c1f0000-0000-4000-8000-000000000001', 5)"]
/// call = "select atomic_charge_credits('7c1f0000-0000-4000-8000-000000000001', 'image', 3)"
/// times = 2
/// expect.error = { contains = "insufficient" }
/// ```
///
/// Keys:
///
///   given         statements that arrange what the call needs, run first, as the role of the address
///   call          the call: "select * from f($1, $2)", "select f($1)", "call p($1)"
///   params        values for $1, $2, … of the call; see `sql`
///   times         how often to call; default 1. What is expected holds for the last call; the ones before must succeed.
///   as            whom to call it as: { role = "authenticated", user = "a user's id", claims = { … }, set = { … } },
///                 in the way of PostgREST and Supabase (set local role, request.jwt.claims); set holds further settings,
///                 such as "app.user_id"
///   expect.value  the first column of the only row
///   expect.rows   how many rows there are
///   expect.json   values by JSONPath in the list of rows: expect.json."$[0].allowed" = true
///   expect.error  the call must be refused; the SQLSTATE, a space, and the message: { starts_with = "P0001" }
///   expect.within how long the (last) call may take
///   then          queries after the call, before all is rolled back, and what their value must be
///
/// Without any expectation the call must succeed.
///
/// A failure:
///
///   FAILED  call.charge
///     suites/app.toml:3:8
///       call   expected: no error   seen: null value in column "amount" violates not-null constraint (23502)
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field is the key in the suite")]
pub(super) struct Call {
    /// Statements that arrange what the call needs.
    #[serde(default)]
    given: Vec<Spanned<String>>,
    /// The call.
    call: Spanned<String>,
    /// Values for $1, $2, ….
    #[serde(default)]
    params: Vec<Value>,
    /// How often to call.
    #[serde(default = "once")]
    times: u32,
    /// Whom to call it as.
    r#as: Option<As>,
    #[serde(default)]
    expect: Expect,
    /// Queries after the call, and what their value must be.
    #[serde(default)]
    then: Entries<Matcher>,
}

fn once() -> u32 {
    1
}

/// What is expected of the last call.
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
    /// The call must be refused: SQLSTATE and message.
    error: Option<Spanned<Matcher>>,
    /// How long the call may take.
    within: Option<Spanned<Period>>,
}

/// What the calls did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Which of the given statements failed, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given_failed: Option<(usize, SqlError)>,
    /// How the calls ended, in order, up to the first unexpected error.
    calls: Vec<Ended>,
    /// The values of the queries after them; none where there was not exactly one row.
    then: Vec<After>,
}

/// How one call ended.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ended {
    rows: Vec<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<SqlError>,
    took_ms: f64,
}

/// What a query after the call saw.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum After {
    Value(Value),
    Rows(usize),
    Error(SqlError),
}

impl Kind for Call {
    const NAME: &'static str = "call";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.times == 0 {
            problems.push(Problem::whole("`times` must be at least 1"));
        }
        let expect = &self.expect;
        if let Some(error) = &expect.error
            && (expect.value.is_some() || expect.rows.is_some() || !expect.json.is_empty())
        {
            problems.push(Problem::at(
                error.span(),
                "a call that must be refused has no value and no rows: `error` excludes value, rows and json",
            ));
        }
        problems
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        let json = seen.calls.last().map(|call| Cow::Owned(as_json(&call.rows)));
        Subject {
            json,
            ..Subject::default()
        }
    }

    fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self
            .given
            .iter()
            .map(|sql| format!("arrange: {}", sql.trim()))
            .collect();
        let who = match &self.r#as {
            Some(As { role, user, .. }) => {
                let parts = [("role", role), ("user", user)];
                let parts = parts
                    .iter()
                    .filter_map(|(name, value)| Some(format!(" {name} {}", value.as_ref()?)));
                format!(" as{}", parts.collect::<String>())
            }
            None => String::new(),
        };
        let often = if self.times > 1 {
            format!(", {} times", self.times)
        } else {
            String::new()
        };
        steps.push(format!("call{who}{often}: {}", self.call.trim()));
        steps.extend(self.then.iter().map(|(query, _)| format!("read: {}", query.trim())));
        steps.push("roll everything back".to_owned());
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let transaction = target
            .postgres()?
            .transaction(Mode::RolledBack, target.timeout())
            .await?;
        let seen = self.run(&transaction).await;
        transaction.rollback().await;
        seen
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        if let Some((at, error)) = &seen.given_failed {
            let finding = error.advise(Finding::unclear(
                "given",
                "arranges what the call needs",
                error.sentence(),
            ));
            return vec![match self.given.get(*at) {
                Some(statement) => finding.at(statement.span()),
                None => finding,
            }];
        }
        let earlier = seen.calls.len().saturating_sub(1);
        let complete = seen.calls.len() == self.times as usize;
        let mut findings = Vec::new();
        match seen.calls.last() {
            Some(last) if complete => findings.extend(self.judge_last(last)),
            Some(Ended { error: Some(error), .. }) => findings.push(
                error
                    .failed(
                        format!("call {} of {}", earlier + 1, self.times),
                        "no error before the last call",
                    )
                    .at(self.call.span()),
            ),
            _ => findings.push(Finding::unclear("call", "an answer", "the call was not made").at(self.call.span())),
        }
        for ((query, matcher), after) in self.then.iter().zip(&seen.then) {
            findings.push(match after {
                After::Value(value) => matcher.judge(query, Some(value)),
                After::Rows(rows) => {
                    Finding::failed(query, matcher.describe(), format!("{rows} rows instead of one")).at(matcher.span())
                }
                After::Error(error) => error.failed(query, matcher.describe()).at(matcher.span()),
            });
        }
        findings
    }
}

impl Call {
    async fn run(&self, transaction: &Transaction) -> Result<Seen, Unobserved> {
        let mut seen = Seen::default();
        for (at, statement) in self.given.iter().enumerate() {
            if let Err(error) = transaction.execute(statement, &[]).await {
                seen.given_failed = Some((at, error.or_unobserved()?));
                return Ok(seen);
            }
        }
        let identity = self.r#as.as_ref().map(As::identity);
        for _ in 0..self.times {
            let ended = self.call_once(transaction, identity.as_ref()).await?;
            let failed = ended.error.is_some();
            seen.calls.push(ended);
            if failed {
                break;
            }
        }
        for (query, _) in self.then.iter() {
            let rows = transaction.attempt(async || transaction.rows(query, &[]).await).await;
            seen.then.push(match rows {
                Ok(rows) => match only_value(&rows) {
                    Ok(value) => After::Value(value.clone()),
                    Err(rows) => After::Rows(rows),
                },
                Err(error) => After::Error(error.or_unobserved()?),
            });
        }
        Ok(seen)
    }

    async fn call_once(&self, transaction: &Transaction, identity: Option<&Identity>) -> Result<Ended, Unobserved> {
        if let Some(identity) = identity {
            let assumed = transaction.attempt(async || transaction.act_as(identity).await).await;
            assumed.map_err(|error| {
                Unobserved::new(format!("cannot act as {}: {}", describe(identity), error.sentence()))
                    .hint("the role must exist, and be granted to the role of the endpoint's address")
            })?;
        }
        let start = Instant::now();
        let result = transaction
            .attempt(async || transaction.run(&self.call, &self.params).await)
            .await;
        let took_ms = start.elapsed().as_secs_f64() * 1000.0;
        if identity.is_some() {
            transaction.act_as_self().await?;
        }
        let (rows, error) = match result {
            Ok(Ran { rows, .. }) => (rows, None),
            Err(error) => {
                // Denied to whom it is called as is an answer; denied to ourselves is not.
                let answered = error.is_denied() && (identity.is_some() || self.expect.error.is_some());
                (Vec::new(), Some(if answered { error } else { error.or_unobserved()? }))
            }
        };
        Ok(Ended { rows, error, took_ms })
    }

    fn refused(&self, error: &SqlError) -> Finding {
        let finding = error.failed("call", "no error").at(self.call.span());
        match self.r#as.as_ref().and_then(|caller| caller.role.as_ref()) {
            Some(role) if error.is_denied() => {
                finding.hint(format!("grant the right to {role}, or call it as another"))
            }
            _ => finding,
        }
    }

    fn judge_last(&self, last: &Ended) -> Vec<Finding> {
        let mut findings = Vec::new();
        let rows = || format!("{}: {}", counted(last.rows.len()), as_json(&last.rows));
        match (&self.expect.error, &last.error) {
            (Some(matcher), Some(error)) => {
                let text = format!("{} {}", error.code, error.message);
                findings.push(matcher.judge("error", Some(&text.into())));
            }
            (Some(matcher), None) => findings.push(
                Finding::failed("error", matcher.describe(), format!("no error, but {}", rows())).at(matcher.span()),
            ),
            (None, Some(error)) => return vec![self.refused(error)],
            (None, None) => findings.extend(self.expect.judge(last)),
        }
        if let Some(limit) = &self.expect.within {
            let holds = last.took_ms <= limit.0.as_secs_f64() * 1000.0;
            let took = format!("{:.1} ms", last.took_ms);
            findings.push(Finding::expect(holds, "duration", format!("at most {}", **limit), took).at(limit.span()));
        }
        if findings.is_empty() {
            findings.push(Finding::passed("call", "no error", rows()).at(self.call.span()));
        }
        findings
    }
}

fn counted(rows: usize) -> String {
    if rows == 1 {
        "1 row".to_owned()
    } else {
        format!("{rows} rows")
    }
}

impl Expect {
    fn judge(&self, last: &Ended) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(matcher) = &self.rows {
            findings.push(matcher.judge("rows", Some(&last.rows.len().into())));
        }
        if let Some(matcher) = &self.value {
            findings.push(match only_value(&last.rows) {
                Ok(value) => matcher.judge("value", Some(value)),
                Err(rows) => Finding::failed("value", matcher.describe(), format!("{rows} rows instead of one"))
                    .at(matcher.span()),
            });
        }
        let document = as_json(&last.rows);
        for (path, matcher) in self.json.iter() {
            findings.push(matcher.judge(path.to_string(), path.find(&document).as_deref()));
        }
        findings
    }
}

fn describe(identity: &Identity) -> String {
    identity
        .role
        .as_ref()
        .map_or_else(|| "this user".to_owned(), |role| format!("role {role}"))
}

fn as_json(rows: &[Map<String, Value>]) -> Value {
    rows.iter().cloned().map(Value::Object).collect()
}

#[cfg(test)]
mod tests;
