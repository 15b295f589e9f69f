//! `schema`: tables, columns and their types, functions, extensions.

mod types;
mod wanted;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::postgres::{Catalogue, Extension, Function, Table};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, Spanned, did_you_mean};

use super::Kind;
use types::same;
use wanted::{Name, WantedExtension, WantedFunction, signature};

/// What must be in the database: tables, columns with their types, functions with their arguments, extensions.
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
/// ```
///
/// Keys (at least one of the first four):
///
///   tables      names of tables or views
///   columns     columns of a table, with their types. Other names for a type are understood (int, int4, integer;
///               varchar; timestamptz; decimal; bool), and what is left open may be anything: varchar is any length. The
///               type "any" asks for the column only.
///   functions   "f": there is one of that name. "f(uuid, text)": with exactly these arguments (names of arguments may
///               stand before the types). "f(uuid) -> integer", "f -> setof users": also what it returns.
///   extensions  "vector", or with a version: "pgcrypto >= 1.3" (also <=, >, <, =)
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
}

impl Kind for SchemaCheck {
    const NAME: &'static str = "schema";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn expects_nothing(&self) -> bool {
        let columns = self.columns.iter().all(|(_, columns)| columns.is_empty());
        self.tables.is_empty() && columns && self.functions.is_empty() && self.extensions.is_empty()
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
        let mut steps =
            vec!["read the catalogue, once for all checks of the run, in a read-only transaction".to_owned()];
        steps.extend(asked);
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        Ok(self.part_of(target.postgres()?.catalogue(target.timeout()).await?))
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
mod tests {
    use serde_json::json;

    use super::super::testing::{kind, lines};
    use super::*;

    fn seen() -> Seen {
        let table = |schema: &str, name: &str, columns: serde_json::Value| {
            json!({ "schema": schema, "name": name, "kind": "table", "owner": "app", "rls": false, "forced": false,
                    "rows": 1.0, "columns": columns })
        };
        let column =
            |name: &str, r#type: &str| json!({ "name": name, "type": r#type, "nullable": true, "generated": false });
        let function = |name: &str, arguments: &[&str], result: &str| {
            json!({ "schema": "public", "name": name, "arguments": arguments, "defaults": 0, "result": result,
                    "security_definer": false, "extension": null })
        };
        serde_json::from_value(json!({
            "tables": [
                table("public", "users", json!([column("id", "uuid"), column("credits", "bigint")])),
                table("audit", "events", json!([])),
            ],
            "functions": [function("charge", &["uuid", "integer"], "integer"), function("charge", &["uuid"], "void")],
            "extensions": [{ "name": "vector", "version": "0.7.4" }],
        }))
        .unwrap()
    }

    fn judged(table: &str) -> String {
        lines(&kind::<SchemaCheck>(table).judge(&seen()))
    }

    #[test]
    fn a_missing_table_is_told_with_what_could_be_meant() {
        assert_eq!(
            judged("tables = ['users', 'user', 'events', 'audit.events', 'ledger']"),
            "passed users: expected a table or view, seen table\n\
             failed user: expected a table or view, seen none of that name \
             (try: did you mean `users`? or was the migration not applied here?)\n\
             failed events: expected a table or view, seen none of that name (try: there is `audit.events`)\n\
             passed audit.events: expected a table or view, seen table\n\
             failed ledger: expected a table or view, seen none of that name \
             (try: was the migration applied to this database?)\n"
        );
    }

    #[test]
    fn columns_have_types() {
        assert_eq!(
            judged(
                "columns.users = { id = 'uuid', credits = 'int', credit = 'any' }\ncolumns.nothing = { id = 'uuid' }"
            ),
            "passed users.id: expected uuid, seen uuid\n\
             failed users.credits: expected int, seen bigint\n\
             failed users.credit: expected any, seen no such column (try: did you mean `credits`?)\n\
             failed nothing: expected a table or view, seen none of that name \
             (try: was the migration applied to this database?)\n"
        );
    }

    #[test]
    fn functions_have_overloads() {
        assert_eq!(
            judged(
                "functions = ['charge', 'charge(uuid, int) -> int', 'charge(text)', 'charge(uuid) -> int', 'refund']"
            ),
            "passed charge: expected a function, seen charge(uuid, integer)\n\
             passed charge(uuid, int) -> int: expected a function, seen charge(uuid, integer)\n\
             failed charge(text): expected these arguments, seen charge(uuid, integer), charge(uuid) \
             (try: a call with the old arguments fails: which side was deployed without the other?)\n\
             failed charge(uuid) -> int: expected returns int, seen returns void\n\
             failed refund: expected a function, seen none of that name (try: was the migration applied to this database?)\n"
        );
    }

    #[test]
    fn extensions_have_versions() {
        assert_eq!(
            judged("extensions = ['vector', 'vector >= 0.8', 'pgcrypto']"),
            "passed extension vector: expected installed, seen installed, 0.7.4\n\
             failed extension vector: expected installed, >= 0.8, seen installed, 0.7.4 \
             (try: alter extension \"vector\" update)\n\
             failed extension pgcrypto: expected installed, seen not installed (try: create extension \"pgcrypto\")\n"
        );
    }

    #[test]
    fn nothing_asked_is_a_mistake() {
        assert!(kind::<SchemaCheck>("").expects_nothing());
    }
}
