//! The attempts to write, each as one role, each taken back at once.

use serde_json::Value;

use super::Command;
use super::observe::{Rights, RowSeen, Trial, told};
use super::seen::Attempt;
use crate::deployment::Unobserved;
use crate::deployment::postgres::{Identity, identifier};

impl Trial<'_> {
    /// Inserts a copy of a row of another. Policies are checked before any constraint is, so that a key that exists
    /// already proves that they let it pass.
    pub(super) async fn insert(
        &self,
        identity: &Identity,
        rights: &Rights,
        row: &RowSeen,
    ) -> Result<Attempt, Unobserved> {
        let owner = self.rls.owner.as_ref().filter(|_| identity.user.is_some());
        if rights.insertable.is_empty() || owner.is_some_and(|owner| !rights.insertable.contains(&**owner)) {
            return Ok(Attempt::NoRight);
        }
        let columns: Vec<String> = rights.insertable.iter().map(|column| identifier(column)).collect();
        let (table, columns) = (self.name(), columns.join(", "));
        let statement = format!(
            "insert into {table} ({columns}) overriding system value \
             select {columns} from json_populate_record(null::{table}, $1::json)"
        );
        let row = Value::Object(row.content.clone()).to_string();
        let attempt = self.write(identity, &statement, &[row.into()]).await?;
        Ok(if rights.stamped && attempt.passed_the_policies() {
            Attempt::Stamped
        } else {
            attempt
        })
    }

    /// Tries to take over a row of another, and if that is refused to touch it.
    pub(super) async fn update(
        &self,
        identity: &Identity,
        rights: &Rights,
        row: &RowSeen,
    ) -> Result<Attempt, Unobserved> {
        let owner = self.rls.owner.as_ref().map(|owner| owner.as_str());
        let mut attempt = Attempt::NoRight;
        if let (Some(owner), Some(user)) = (owner, &identity.user)
            && rights.updatable.iter().any(|column| column == owner)
        {
            let taken = format!("set {} = $1", identifier(owner));
            attempt = self
                .attempt(identity, Command::Update, &taken, rights, row, &[user.clone().into()])
                .await?;
        }
        let other = rights.updatable.iter().find(|column| Some(column.as_str()) != owner);
        if let Some(column) = other.filter(|_| !attempt.passed_the_policies()) {
            let value = self.written(row, column);
            let touched = format!("set {} = $1", identifier(column));
            attempt = self
                .attempt(identity, Command::Update, &touched, rights, row, &[value])
                .await?;
        }
        Ok(attempt)
    }

    /// Tries to give a protected column of an own row another value.
    pub(super) async fn change(
        &self,
        identity: &Identity,
        rights: &Rights,
        row: &RowSeen,
        column: &str,
    ) -> Result<Option<Attempt>, Unobserved> {
        if !rights.updatable.iter().any(|updatable| updatable == column) {
            return Ok(Some(Attempt::NoRight));
        }
        let kind = self.table.column(column).map_or("", |column| column.r#type.as_str());
        let now = row.content.get(column).cloned().unwrap_or_default();
        let Some(value) = self.another(kind, now).await else {
            return Ok(None);
        };
        let changed = format!("set {} = $1", identifier(column));
        self.attempt(identity, Command::Update, &changed, rights, row, &[value])
            .await
            .map(Some)
    }

    /// A value of the type `kind` that is not `now`.
    async fn another(&self, kind: &str, now: Value) -> Option<Value> {
        let text = |one: &str, two: &str| Some(Value::from(if now == one { two } else { one }));
        match kind.split('(').next().unwrap_or_default().trim() {
            _ if kind.ends_with("[]") => text("{}", "{NULL}"),
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" => Some(match now.as_f64() {
                Some(1.0) => Value::from(2),
                _ => Value::from(1),
            }),
            "boolean" => Some(Value::from(now != Value::Bool(true))),
            "text" | "character varying" | "character" | "citext" | "name" => text("a", "b"),
            "uuid" => text(
                "00000000-0000-4000-8000-000000000000",
                "00000000-0000-4000-8000-000000000001",
            ),
            "json" | "jsonb" => Some(Value::from("{\"smoke\": true}")),
            kind if kind.starts_with("timestamp") || kind == "date" => text("2000-01-01", "2000-01-02"),
            _ => {
                let query = format!(
                    "select e::text from unnest(enum_range(null::{kind})) e where e::text <> coalesce($1, '') limit 1"
                );
                let labels = self
                    .transaction
                    .undone(async || self.transaction.scalar(&query, &[now]).await)
                    .await;
                labels.ok().flatten().map(Value::from)
            }
        }
    }

    /// The value of `column` in `row`, as a parameter.
    fn written(&self, row: &RowSeen, column: &str) -> Value {
        let value = row.content.get(column).cloned().unwrap_or_default();
        let json = self
            .table
            .column(column)
            .is_some_and(|column| column.r#type.starts_with("json"));
        // Elsewhere a list is an array.
        if json && !value.is_null() {
            value.to_string().into()
        } else {
            value
        }
    }

    pub(super) async fn attempt(
        &self,
        identity: &Identity,
        command: Command,
        change: &str,
        rights: &Rights,
        row: &RowSeen,
        values: &[Value],
    ) -> Result<Attempt, Unobserved> {
        let verb = if command == Command::Delete {
            "delete from"
        } else {
            "update"
        };
        let mut params = values.to_vec();
        let next = params.len() + 1;
        // The row's place needs the right to read the whole table; else its owner must do.
        let place = match &self.rls.owner {
            Some(owner) if !rights.selects => {
                params.push(self.written(row, owner));
                format!("{} = ${next}", identifier(owner))
            }
            _ => {
                params.extend([row.ctid.clone().into(), row.tableoid.clone().into()]);
                format!("ctid = ${next}::tid and tableoid = ${}::oid", next + 1)
            }
        };
        let statement = format!("{verb} {} {change} where {place}", self.name());
        let attempt = self.write(identity, &statement, &params).await?;
        if matches!(attempt, Attempt::Wrote(0)) && !self.is_there(row).await? {
            self.moved.set(true);
        }
        Ok(attempt)
    }

    /// Whether `row` is where it was: a row that is updated gets another place.
    async fn is_there(&self, row: &RowSeen) -> Result<bool, Unobserved> {
        let query = format!(
            "select 1 from {} where ctid = $1::tid and tableoid = $2::oid",
            self.name()
        );
        let place = [row.ctid.clone().into(), row.tableoid.clone().into()];
        Ok(!self.transaction.rows(&query, &place).await?.is_empty())
    }

    async fn write(&self, identity: &Identity, statement: &str, params: &[Value]) -> Result<Attempt, Unobserved> {
        match self.transaction.probe(identity, statement, params).await {
            Ok(ran) => Ok(Attempt::Wrote(ran.affected)),
            Err(error) => Ok(Attempt::Stopped(told(error)?)),
        }
    }
}
