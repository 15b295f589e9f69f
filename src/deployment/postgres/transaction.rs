//! One transaction on one pooled connection. All that it sets is local to it, so that it works through a pooler that
//! hands out a connection for one transaction only.

use std::cell::Cell;
use std::time::Duration;

use deadpool_postgres::{Client, Object};
use futures_util::future::join4;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::error::SqlError;
use super::statement::{Parameter, Shape, as_json, shape, trimmed};

/// What a transaction may do, and how it is meant to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads; the server itself refuses every write. Rolled back.
    ReadOnly,
    /// May write, and is rolled back.
    RolledBack,
    /// Writes, and is committed.
    Committed,
}

/// Whom the statements act as, the way `PostgREST` and Supabase tell the database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// The role to act as; none stays with the role of the address.
    pub role: Option<String>,
    /// The `sub` claim: the user's id.
    pub user: Option<String>,
    /// Further claims.
    pub claims: Map<String, Value>,
    /// Further settings by name, such as `app.user_id`.
    pub settings: Vec<(String, String)>,
}

impl Identity {
    /// The settings that stand for this identity; `role` comes last, as it may take away the right to set others.
    fn all_settings(&self) -> Vec<(String, String)> {
        let mut claims = Map::new();
        if let Some(user) = &self.user {
            claims.insert("sub".to_owned(), user.clone().into());
        }
        if let Some(role) = &self.role {
            claims.insert("role".to_owned(), role.clone().into());
        }
        claims.extend(self.claims.clone());
        // Where the tenant is not the user, a claim says who the user is.
        let user = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut settings = vec![
            ("request.jwt.claims".to_owned(), Value::Object(claims).to_string()),
            ("request.jwt.claim.sub".to_owned(), user),
            (
                "request.jwt.claim.role".to_owned(),
                self.role.clone().unwrap_or_default(),
            ),
        ];
        settings.extend(self.settings.iter().cloned());
        settings.extend(self.role.iter().map(|role| ("role".to_owned(), role.clone())));
        settings
    }
}

/// What a statement did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ran {
    /// Its rows.
    pub rows: Vec<Map<String, Value>>,
    /// How many rows it affected; of a query, how many it returned.
    pub affected: u64,
}

/// The first column of the only row; how many rows there were instead, if not one.
pub fn only_value(rows: &[Map<String, Value>]) -> Result<&Value, usize> {
    match rows {
        [row] => row.values().next().ok_or(0),
        rows => Err(rows.len()),
    }
}

/// An open transaction. Dropped without [`rollback`](Self::rollback) or [`commit`](Self::commit), it closes its
/// connection, and the server rolls back.
pub struct Transaction {
    client: Option<Client>,
    failed: Cell<bool>,
    /// Settings of its own were made: they end with the transaction, but from then on they are empty in this session, and
    /// not absent as in a new one, which policies tell apart.
    marked: Cell<bool>,
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

impl Transaction {
    pub(super) async fn begin(client: Client, mode: Mode, limit: Duration) -> Result<Self, SqlError> {
        // Guarded before the first await: a dropped future must not leave an open transaction in the pool.
        let this = Self {
            client: Some(client),
            failed: Cell::new(false),
            marked: Cell::new(false),
        };
        // All queries of a check that only reads see the same moment: a deployment in use changes between two of them.
        let read_only = match mode {
            Mode::ReadOnly => " isolation level repeatable read read only; set local row_security = off",
            Mode::RolledBack | Mode::Committed => "",
        };
        // With row_security off, PostgreSQL refuses a query whose rows a policy would hide, instead of answering with fewer.
        let limit = limit.as_millis().max(1);
        let lock = (limit / 2).max(1);
        this.batch(&format!(
            "begin{read_only}; set local statement_timeout = {limit}; set local lock_timeout = {lock}; \
             set local idle_in_transaction_session_timeout = {}",
            limit * 2
        ))
        .await?;
        Ok(this)
    }

    /// Runs `sql`: its rows as objects, columns in the order of the query, and how many rows it affected.
    pub async fn run(&self, sql: &str, params: &[Value]) -> Result<Ran, SqlError> {
        let sql = trimmed(sql);
        let shape = shape(sql)?;
        let rows: Vec<_> = match shape {
            Shape::Effect => {
                return Ok(Ran {
                    affected: self.send_execute(sql, params).await?,
                    rows: Vec::new(),
                });
            }
            Shape::Text => self.send(sql, params).await?.iter().map(text_row).collect(),
            Shape::Subquery | Shape::Returning => {
                let rows = self.send(&as_json(sql, &shape), params).await?;
                rows.iter().map(json_row).collect::<Result<_, _>>()?
            }
        };
        Ok(Ran {
            affected: rows.len() as u64,
            rows,
        })
    }

    /// The rows of `sql` as objects. A statement without rows yields none.
    pub async fn rows(&self, sql: &str, params: &[Value]) -> Result<Vec<Map<String, Value>>, SqlError> {
        Ok(self.run(sql, params).await?.rows)
    }

    /// The text of the only column of the only row of `query`, exactly as PostgreSQL writes it (no number is rounded);
    /// none for NULL or no row.
    pub async fn scalar(&self, query: &str, params: &[Value]) -> Result<Option<String>, SqlError> {
        let query = trimmed(query);
        let rows = match shape(query)? {
            Shape::Text => self.send(query, params).await?,
            _ => {
                self.send(&format!("select c::text from (\n{query}\n) q(c)"), params)
                    .await?
            }
        };
        if rows.len() > 1 {
            return Err(SqlError::new(
                "21000",
                format!("one row was expected, and {} came", rows.len()),
            ));
        }
        Ok(rows.first().and_then(|row| text(row, 0)))
    }

    /// Runs `sql` and says how many rows it affected.
    pub async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, SqlError> {
        let sql = trimmed(sql);
        shape(sql)?;
        self.send_execute(sql, params).await
    }

    /// From here on, acts as `identity`, until the transaction (or the savepoint around this call) ends.
    pub async fn act_as(&self, identity: &Identity) -> Result<(), SqlError> {
        self.marked.set(true);
        let settings = identity.all_settings();
        let calls: Vec<_> = (0..settings.len())
            .map(|at| format!("set_config(${}, ${}, true)", 2 * at + 1, 2 * at + 2))
            .collect();
        let params: Vec<Value> = settings
            .into_iter()
            .flat_map(|(name, value)| [name.into(), value.into()])
            .collect();
        self.send(&format!("select {}", calls.join(", ")), &params).await?;
        Ok(())
    }

    /// From here on, acts as the role of the address again.
    pub async fn act_as_self(&self) -> Result<(), SqlError> {
        self.batch("set local role none").await?;
        self.act_as(&Identity::default()).await
    }

    /// Runs `work` so that its error leaves the transaction usable; what succeeded stays.
    pub async fn attempt<T>(&self, work: impl AsyncFnOnce() -> Result<T, SqlError>) -> Result<T, SqlError> {
        self.batch("savepoint smoke").await?;
        let result = work().await;
        let end = if result.is_ok() {
            "release savepoint smoke"
        } else {
            "rollback to savepoint smoke; release savepoint smoke"
        };
        self.after_savepoint(end, result).await
    }

    /// Runs `work` and takes back all that it did, an assumed identity included.
    pub async fn undone<T>(&self, work: impl AsyncFnOnce() -> Result<T, SqlError>) -> Result<T, SqlError> {
        self.batch("savepoint smoke").await?;
        let result = work().await;
        self.after_savepoint("rollback to savepoint smoke; release savepoint smoke", result)
            .await
    }

    /// Runs one statement as `identity` and takes it back, in a single round trip. The identity must have been tried
    /// before: here a role that cannot be assumed looks like a statement that is denied.
    pub async fn probe(&self, identity: &Identity, sql: &str, params: &[Value]) -> Result<Ran, SqlError> {
        // Polled in this order, they are sent in this order, before the first answer is there.
        let (saved, assumed, ran, undone) = join4(
            self.batch("savepoint smoke"),
            self.act_as(identity),
            self.run(sql, params),
            self.batch("rollback to savepoint smoke; release savepoint smoke"),
        )
        .await;
        self.failed.set(undone.is_err());
        saved?;
        assumed?;
        let ran = ran?;
        undone?;
        Ok(ran)
    }

    async fn after_savepoint<T>(&self, end: &str, result: Result<T, SqlError>) -> Result<T, SqlError> {
        self.failed.set(false);
        match (self.batch(end).await, result) {
            (Ok(()), result) => result,
            // The first error is the cause of the second.
            (Err(_), Err(first)) => Err(first),
            (Err(lost), Ok(_)) => Err(lost),
        }
    }

    /// Takes everything back and returns the connection to the pool; one that is broken or marked is closed instead.
    pub async fn rollback(mut self) {
        if self.batch("rollback").await.is_ok() {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if !self.marked.get() {
            drop(self.client.take());
        }
    }

    /// Keeps what was done.
    pub async fn commit(mut self) -> Result<(), SqlError> {
        if self.failed.get() {
            // COMMIT would say ROLLBACK, and nobody would notice.
            return Err(SqlError::new(
                "25P02",
                "nothing was committed: a statement before has failed",
            ));
        }
        self.batch("commit").await?;
        self.give_back();
        Ok(())
    }

    async fn send(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, SqlError> {
        let params = parameters(params);
        self.noted(self.client()?.query_typed(sql, &borrowed(&params)).await)
    }

    async fn send_execute(&self, sql: &str, params: &[Value]) -> Result<u64, SqlError> {
        let params = parameters(params);
        self.noted(self.client()?.execute_typed(sql, &borrowed(&params)).await)
    }

    async fn batch(&self, sql: &str) -> Result<(), SqlError> {
        self.noted(self.client()?.batch_execute(sql).await)
    }

    fn noted<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, SqlError> {
        result.map_err(|error| {
            self.failed.set(true);
            SqlError::of(&error)
        })
    }

    fn client(&self) -> Result<&Client, SqlError> {
        self.client
            .as_ref()
            .ok_or_else(|| SqlError::new("25P01", "the transaction has ended"))
    }
}

fn parameters(values: &[Value]) -> Vec<Parameter> {
    values.iter().map(Parameter::new).collect()
}

/// Each parameter with the type `unknown`, which makes PostgreSQL infer it.
fn borrowed(params: &[Parameter]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|param| (param as &(dyn ToSql + Sync), Type::UNKNOWN))
        .collect()
}

fn text(row: &Row, at: usize) -> Option<String> {
    row.try_get::<_, Option<String>>(at).ok().flatten()
}

fn text_row(row: &Row) -> Map<String, Value> {
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(at, column)| (column.name().to_owned(), text(row, at).map_or(Value::Null, Value::from)))
        .collect()
}

fn json_row(row: &Row) -> Result<Map<String, Value>, SqlError> {
    let json = text(row, 0).unwrap_or_else(|| "{}".to_owned());
    serde_json::from_str(&json).map_err(|why| SqlError::new("22032", format!("a row cannot be read as JSON: {why}")))
}
