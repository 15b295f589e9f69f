//! `schema`: tables, columns and their types, functions, extensions, and what belongs to tables.

mod objects;
mod types;
mod wanted;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::postgres::{Catalogue, Extension, Function, Mode, Table};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, Spanned, did_you_mean};

use super::Kind;
use objects::Objects;
use types::same;
use wanted::{Name, WantedExtension, WantedFunction, signature};

/// What must be in the database: tables, columns, functions, extensions, triggers, constraints, indexes, enums.
///
/// A deploy brings code that needs a migration; whether the migration was applied, and to this database, nothing else
/// tells before the first user does. A migration that stopped half way leaves some of it.
///
/// ```toml
/// [schema.credit_system]
/// tables = ["users", "credit_ledger", "audit.events"]
/// columns.users = { id = "uuid", credits = "integer", email = "varchar(255)", tags = "text[]" }
/// functions = [
///   "atomic_charge_credits(uuid, text, integer, text, jsonb, uuid)",
///   "refund_credits",
///   "balance(uuid) -> integer",
/// ]
/// extensions = ["vector", "pgcrypto >= 1.3"]
/// triggers = ["credit_ledger_append_only on credit_ledger"]
/// constraints = ["users_credits_non_negative on users"]
/// indexes = ["rate_limits_identifier_kind_key"]
/// enums.job_status = ["pending", "processing", "completed", "failed"]
/// foreign_keys_indexed = true
/// valid = true
/// ```
///
/// Keys (at least one besides schema):
///
///   tables      names of tables or views
///   columns     columns of a table, with their types. Other names for a type are understood (int, int4, integer;
///               varchar; timestamptz; decimal; bool), and what is left open may be anything: varchar is any length. The
///               type "any" asks for the column only.
///   functions   "f": there is one of that name. "f(uuid, text)": with exactly these arguments (names of arguments may
///               stand before the types). "f(uuid) -> integer", "f -> setof users": also what it returns.
///   extensions  "vector", or with a version: "pgcrypto >= 1.3" (also <=, >, <, =)
///   views       names that must be views, not tables
///   triggers    "touch", or "touch on users". One that is disabled is as good as none.
///   constraints "positive on users". One that is not valid was never checked for the rows there were.
///   indexes     "users_email_key on users". One that is invalid (`concurrently` that failed) is not used.
///   enums       the values of an enum, all of them, in their order
///   foreign_keys_indexed   true: every foreign key of the schema has an index that begins with its columns. Without,
///               each delete or update of the row that it points to reads the whole table.
///   valid       true: no index or constraint of the schema is invalid, no trigger disabled
///   schema      where names without a schema are looked up; default "public"
///
/// That a function is there does not mean that it works: `call` calls it. The catalogue is read once for a database and
/// a run, whatever the number of checks.
///
/// A failure:
///
///   FAILED  schema.credit_system
///     suites/app.toml:5:3
///       refund_credits   expected: a function   seen: none of that name
///       users.credits    expected: integer      seen: bigint
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemaCheck {
    /// Names of tables or views.
    #[serde(default)]
    tables: Vec<Spanned<String>>,
    /// Columns of a table, with their types.
    #[serde(default)]
    columns: Entries<Entries<String>>,
    /// Functions, with or without arguments and result.
    #[serde(default)]
    functions: Vec<Spanned<WantedFunction>>,
    /// Extensions, with or without a version.
    #[serde(default)]
    extensions: Vec<Spanned<WantedExtension>>,
    /// Names that must be views.
    #[serde(default)]
    views: Vec<Spanned<String>>,
    /// Triggers that fire.
    #[serde(default)]
    triggers: Vec<Spanned<String>>,
    /// Constraints that hold of every row.
    #[serde(default)]
    constraints: Vec<Spanned<String>>,
    /// Indexes that are used.
    #[serde(default)]
    indexes: Vec<Spanned<String>>,
    /// The values of enums.
    #[serde(default)]
    enums: Entries<Vec<String>>,
    /// Every foreign key has an index.
    foreign_keys_indexed: Option<Spanned<bool>>,
    /// No index or constraint is invalid, no trigger disabled.
    valid: Option<Spanned<bool>>,
    /// Where names without a schema are looked up.
    #[serde(default = "public")]
    schema: String,
}

fn public() -> String {
    "public".to_owned()
}

/// The part of the catalogue that was asked for, and the names of all else, to suggest from.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    tables: Vec<Table>,
    functions: Vec<Function>,
    extensions: Vec<Extension>,
    #[serde(default)]
    objects: Objects,
}

impl Kind for SchemaCheck {
    const NAME: &'static str = "schema";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn expects_nothing(&self) -> bool {
        let columns = self.columns.iter().all(|(_, columns)| columns.is_empty());
        let named = self.tables.is_empty() && self.views.is_empty() && self.functions.is_empty();
        named && columns && self.extensions.is_empty() && !self.asks_for_objects()
    }

    fn steps(&self) -> Vec<String> {
        let mut asked = Vec::new();
        let mut add = |what: &str, names: Vec<String>| {
            if !names.is_empty() {
                asked.push(format!("look for {what} {}", names.join(", ")));
            }
        };
        add(
            "tables",
            self.tables.iter().map(|table| table.as_str().to_owned()).collect(),
        );
        add(
            "columns of",
            self.columns.iter().map(|(table, _)| table.clone()).collect(),
        );
        add(
            "functions",
            self.functions.iter().map(|function| function.text.clone()).collect(),
        );
        add(
            "extensions",
            self.extensions.iter().map(|extension| extension.name.clone()).collect(),
        );
        add(
            "views",
            self.views.iter().map(|view| view.as_str().to_owned()).collect(),
        );
        for (sort, wanted) in [
            ("triggers", &self.triggers),
            ("constraints", &self.constraints),
            ("indexes", &self.indexes),
        ] {
            add(sort, wanted.iter().map(|name| name.as_str().to_owned()).collect());
        }
        add("enums", self.enums.iter().map(|(name, _)| name.clone()).collect());
        if self.foreign_keys_indexed.is_some() {
            asked.push("look for an index on every foreign key".to_owned());
        }
        if self.valid.is_some() {
            asked.push("look for indexes and constraints that are invalid, triggers that are disabled".to_owned());
        }
        let mut steps =
            vec!["read the catalogue, once for all checks of the run, in a read-only transaction".to_owned()];
        steps.extend(asked);
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let database = target.postgres()?;
        let mut seen = self.part_of(database.catalogue(target.timeout()).await?);
        if self.asks_for_objects() {
            let transaction = database.transaction(Mode::ReadOnly, target.timeout()).await?;
            let objects = Objects::read(&transaction).await;
            transaction.rollback().await;
            seen.objects = objects?;
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = Vec::new();
        for wanted in &self.tables {
            findings.push(self.judge_table(wanted, seen).at(wanted.span()));
        }
        for (wanted, columns) in self.columns.iter() {
            match self.table(wanted, seen) {
                Some(table) => findings.extend(
                    columns
                        .iter()
                        .map(|(name, wanted)| judge_column(table, name, wanted).at(wanted.span())),
                ),
                None => findings.push(self.judge_table(wanted, seen).at(columns.span())),
            }
        }
        for wanted in &self.functions {
            findings.push(self.judge_function(wanted, seen).at(wanted.span()));
        }
        for wanted in &self.extensions {
            findings.push(judge_extension(wanted, seen).at(wanted.span()));
        }
        for wanted in &self.views {
            findings.push(self.judge_view(wanted, seen).at(wanted.span()));
        }
        findings.extend(self.judge_objects(seen));
        findings
    }
}

impl SchemaCheck {
    fn part_of(&self, catalogue: &Catalogue) -> Seen {
        let asked = |table: &Table| {
            self.columns
                .iter()
                .any(|(name, _)| self.means(&Name::read(name), &table.schema, &table.name))
        };
        let tables = catalogue.tables.iter().map(|table| Table {
            columns: if asked(table) {
                table.columns.clone()
            } else {
                Vec::new()
            },
            ..table.clone()
        });
        // An extension can bring a thousand functions: they matter only by name.
        let wanted = |function: &&Function| {
            function.extension.is_none() || self.functions.iter().any(|wanted| wanted.name.name == function.name)
        };
        Seen {
            tables: tables.collect(),
            functions: catalogue.functions.iter().filter(wanted).cloned().collect(),
            extensions: catalogue.extensions.clone(),
            objects: Objects::default(),
        }
    }

    fn means(&self, wanted: &Name, schema: &str, name: &str) -> bool {
        wanted.name == name && wanted.schema.as_ref().unwrap_or(&self.schema) == schema
    }

    fn table<'a>(&self, wanted: &str, seen: &'a Seen) -> Option<&'a Table> {
        let wanted = Name::read(wanted);
        seen.tables
            .iter()
            .find(|table| self.means(&wanted, &table.schema, &table.name))
    }

    fn judge_table(&self, wanted: &str, seen: &Seen) -> Finding {
        let expected = "a table or view";
        if let Some(table) = self.table(wanted, seen) {
            return Finding::passed(wanted, expected, &table.kind);
        }
        let name = Name::read(wanted);
        let finding = Finding::failed(wanted, expected, "none of that name");
        let elsewhere = seen.tables.iter().find(|table| table.name == name.name);
        let schema = name.schema.as_ref().unwrap_or(&self.schema);
        let here = seen
            .tables
            .iter()
            .filter(|table| table.schema == *schema)
            .map(|table| table.name.as_str());
        match (elsewhere, did_you_mean(&name.name, here)) {
            (Some(table), _) => finding.hint(format!("there is `{}.{}`", table.schema, table.name)),
            (None, Some(near)) => {
                finding.hint(format!("did you mean `{near}`? or was the migration not applied here?"))
            }
            (None, None) => finding.hint("was the migration applied to this database?"),
        }
    }

    fn judge_view(&self, wanted: &str, seen: &Seen) -> Finding {
        match self.table(wanted, seen) {
            Some(table) => Finding::expect(table.kind.ends_with("view"), wanted, "a view", &table.kind),
            None => self.judge_table(wanted, seen),
        }
    }

    fn judge_function(&self, wanted: &WantedFunction, seen: &Seen) -> Finding {
        let named: Vec<&Function> = seen
            .functions
            .iter()
            .filter(|function| self.means(&wanted.name, &function.schema, &function.name))
            .collect();
        let what = &wanted.text;
        if named.is_empty() {
            return self.no_such_function(wanted, seen);
        }
        let taking: Vec<&&Function> = named.iter().filter(|function| wanted.takes(function)).collect();
        let Some(first) = taking.first() else {
            let overloads: Vec<String> = named.iter().map(|function| signature(function)).collect();
            return Finding::failed(what, "these arguments", overloads.join(", "))
                .hint("a call with the old arguments fails: which side was deployed without the other?");
        };
        if let Some(function) = taking.iter().find(|function| wanted.returns(function)) {
            return Finding::passed(what, "a function", signature(function));
        }
        let expected = format!("returns {}", wanted.result.as_deref().unwrap_or_default());
        let procedure = first.result.is_empty();
        let result = if procedure {
            "nothing: it is a procedure"
        } else {
            &first.result
        };
        Finding::failed(what, expected, format!("returns {result}"))
    }

    fn no_such_function(&self, wanted: &WantedFunction, seen: &Seen) -> Finding {
        let name = &wanted.name;
        let finding = Finding::failed(&wanted.text, "a function", "none of that name");
        let elsewhere = seen.functions.iter().find(|function| function.name == name.name);
        let schema = name.schema.as_ref().unwrap_or(&self.schema);
        let here = seen.functions.iter().filter(|function| function.schema == *schema);
        match (
            elsewhere,
            did_you_mean(&name.name, here.map(|function| function.name.as_str())),
        ) {
            (Some(function), _) => finding.hint(format!("there is `{}.{}`", function.schema, signature(function))),
            (None, Some(near)) => {
                finding.hint(format!("did you mean `{near}`? or was the migration not applied here?"))
            }
            (None, None) => finding.hint("was the migration applied to this database?"),
        }
    }
}

fn judge_column(table: &Table, name: &str, wanted: &str) -> Finding {
    let what = format!("{}.{name}", table.name);
    let Some(column) = table.column(name) else {
        let finding = Finding::failed(what, wanted, "no such column");
        let near = did_you_mean(name, table.columns.iter().map(|column| column.name.as_str()));
        return match near {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding.hint("was the migration applied to this database?"),
        };
    };
    Finding::expect(
        wanted == "any" || same(wanted, &column.r#type),
        what,
        wanted,
        &column.r#type,
    )
}

fn judge_extension(wanted: &WantedExtension, seen: &Seen) -> Finding {
    match seen.extensions.iter().find(|extension| extension.name == wanted.name) {
        Some(extension) => {
            let finding = Finding::expect(
                wanted.accepts(&extension.version),
                format!("extension {}", wanted.name),
                wanted.to_string(),
                format!("installed, {}", extension.version),
            );
            finding.hint(format!("alter extension \"{}\" update", wanted.name))
        }
        None => Finding::failed(
            format!("extension {}", wanted.name),
            wanted.to_string(),
            "not installed",
        )
        .hint(format!("create extension \"{}\"", wanted.name)),
    }
}

#[cfg(test)]
mod tests;
