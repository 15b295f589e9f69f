//! `migrations`: the database is where the code expects it, and nothing stopped half way.

mod files;
mod judge;
mod promises;
mod tools;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deployment::postgres::{Mode, Transaction};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Problem, Spanned};

use super::Kind;
use files::File;
use promises::Promise;
use tools::Tool;

/// Whether all migrations were applied to this database, and none failed or stopped half way.
///
/// A deploy that forgot its migrations, applied them to another database, or had one fail, starts all the same, and
/// breaks where the new code meets the old tables. The tool's own table says so; where migrations are plain SQL pasted
/// into an editor, there is no such table, and what the files promise is looked for instead.
///
/// ```toml
/// [migrations.api]
/// tool = "alembic"
/// head = "20251127_000001"
///
/// [migrations.web]
/// tool = "prisma"
/// folder = "prisma/migrations"
///
/// [migrations.supabase_editor]
/// tool = "sql"
/// files = ["supabase/migrations/*.sql"]
///
/// [migrations.own]
/// tool = "table"
/// table = "schema_migrations"
/// done = "finished_at is not null"
/// head = "6"
/// ```
///
/// Keys:
///
///   tool     alembic, prisma, supabase, sqlx, flyway: each keeps a table of its own; table: another table; sql: none
///   head     the newest migration, as the table names it. Alembic: the only row. Others: the newest that was applied.
///   folder   the tool's migrations, as a path in the project: each must have been applied, none that is not there, and
///            (prisma, sqlx) none changed since. Of Alembic the head is found from the revisions.
///   files    for `sql`: files, with * and **, in the order of their names. Every table, column (of `alter table`), view,
///            function, index, trigger, type, policy, sequence, constraint and extension that they create, and no later
///            one of them drops, must exist.
///   table    where the tool keeps its rows, if not where it usually does; for `table`: where to look
///   version  for `table`: the column with the migration's name or number; default "version"
///   done     for `table`: an SQL condition that holds of a migration that was finished; default: every row was
///
/// One of head, folder and files says what to expect; with none of them a tool's table must have rows, and none that is
/// unfinished or failed.
///
/// A failure:
///
///   FAILED  migrations.web
///     suites/app.toml:5:1
///       finished   expected: every migration   seen: 20251110_vector is unfinished since it was started
///     try: prisma migrate resolve, and deploy again
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Migrations {
    /// What applies them.
    tool: Spanned<Tool>,
    /// The newest migration.
    #[schemars(with = "Option<Value>")]
    head: Option<Spanned<Head>>,
    /// The tool's migrations on disk.
    folder: Option<Spanned<String>>,
    /// Plain SQL, with * and **.
    #[serde(default)]
    files: Vec<Spanned<String>>,
    /// Where the tool keeps its rows.
    table: Option<Spanned<String>>,
    /// The column with the migration's name or number.
    version: Option<Spanned<String>>,
    /// A condition that holds of a migration that was finished.
    done: Option<Spanned<String>>,
}

/// The newest migration: text, or a number.
#[derive(Debug)]
struct Head(String);

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            other => Err(serde::de::Error::custom(format!(
                "`head` is a text or a number, not {other}"
            ))),
        }
    }
}

/// What the database says was applied, and what the files say.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Where the rows are; none where the tool keeps none.
    table: Option<String>,
    /// Whether that table is there.
    kept: bool,
    rows: Vec<Row>,
    /// What is on disk; none where no folder is named.
    files: Option<Vec<File>>,
    /// What plain SQL promises, and whether it is there.
    promises: Vec<(Promise, bool)>,
    /// How many files of plain SQL there were.
    read: usize,
}

/// A migration as the database knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    name: String,
    done: bool,
    /// Marked as rolled back, to be applied again.
    #[serde(default)]
    undone: bool,
    #[serde(default)]
    checksum: Option<String>,
    /// Where the tool took over: everything up to it was there already.
    #[serde(default)]
    baseline: bool,
}

impl Kind for Migrations {
    const NAME: &'static str = "migrations";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let tool = *self.tool;
        let mut only = |key: Option<std::ops::Range<usize>>, holds: bool, message: &str| {
            if let Some(span) = key.filter(|_| !holds) {
                problems.push(Problem::at(span, message));
            }
        };
        let sql = tool == Tool::Sql;
        only(
            self.files.first().map(Spanned::span),
            sql,
            "`files` is for `tool = \"sql\"`; others have a `folder`",
        );
        only(
            self.folder.as_ref().map(Spanned::span),
            !sql,
            "`folder` is not for `tool = \"sql\"`, which has `files`",
        );
        only(
            self.head.as_ref().map(Spanned::span),
            !sql,
            "plain SQL keeps no head; name `files`",
        );
        let table = tool == Tool::Table;
        only(
            self.version.as_ref().map(Spanned::span),
            table,
            "`version` is for `tool = \"table\"`",
        );
        only(
            self.done.as_ref().map(Spanned::span),
            table,
            "`done` is for `tool = \"table\"`",
        );
        if sql && self.files.is_empty() {
            problems.push(Problem::at(self.tool.span(), "`files` is missing").hint("files = [\"migrations/*.sql\"]"));
        }
        if table && self.table.is_none() {
            problems.push(Problem::at(
                self.tool.span(),
                "`table` is missing: where are the migrations noted?",
            ));
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        if let Some(folder) = &self.folder {
            steps.push(format!("read the migrations in {}", folder.as_str()));
        }
        if !self.files.is_empty() {
            let files: Vec<&str> = self.files.iter().map(|file| file.as_str()).collect();
            steps.push(format!("read what {} creates", files.join(", ")));
            steps.push("look for it in the catalogue, in a read-only transaction".to_owned());
        }
        if let Some(table) = self.bookkeeping() {
            steps.push(format!("read {table}, in a read-only transaction"));
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let mut seen = Seen {
            table: self.bookkeeping(),
            files: match &self.folder {
                Some(folder) => Some(files::read(*self.tool, folder, target)?),
                None => None,
            },
            ..Seen::default()
        };
        let texts = files::texts(&self.files, target)?;
        seen.read = texts.len();
        let transaction = target.postgres()?.transaction(Mode::ReadOnly, target.timeout()).await?;
        let looked = self.look(&transaction, &texts, &mut seen).await;
        transaction.rollback().await;
        looked.map(|()| seen)
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        self.judge_all(seen)
    }
}

impl Migrations {
    fn bookkeeping(&self) -> Option<String> {
        let own = self.table.as_ref().map(|table| table.as_str().to_owned());
        own.or_else(|| self.tool.table().map(str::to_owned))
    }

    async fn look(&self, transaction: &Transaction, texts: &[String], seen: &mut Seen) -> Result<(), Unobserved> {
        if *self.tool == Tool::Sql {
            let promised = promises::of(texts);
            let there: Vec<String> = match transaction.scalar(promises::EXISTING, &[]).await? {
                Some(text) => serde_json::from_str(&text)
                    .map_err(|why| Unobserved::new(format!("the catalogue cannot be read: {why}")))?,
                None => Vec::new(),
            };
            let found = promised.into_iter().map(|promise| {
                let kept = promise.is_among(&there);
                (promise, kept)
            });
            seen.promises = found.collect();
            return Ok(());
        }
        let table = seen.table.clone().unwrap_or_default();
        let known = transaction
            .scalar("select to_regclass($1)", &[quoted(&table).into()])
            .await?;
        seen.kept = known.is_some();
        if seen.kept {
            let version = self.version.as_ref().map_or("version", |version| version.as_str());
            let done = self.done.as_ref().map_or("true", |done| done.as_str());
            let rows = transaction
                .rows(&self.tool.query(&quoted(&table), version, done), &[])
                .await?;
            let rows: Value = rows.into_iter().map(Value::Object).collect();
            seen.rows = serde_json::from_value(rows)
                .map_err(|why| Unobserved::new(format!("{table} cannot be read: {why}")))?;
        }
        Ok(())
    }
}

/// `schema.table`, each part quoted.
fn quoted(table: &str) -> String {
    let parts: Vec<String> = table.split('.').map(crate::deployment::postgres::identifier).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests;
