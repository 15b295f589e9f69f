//! `privileges`: what a role can do, and what it cannot.

mod judge;
mod observe;
mod rights;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, Problem, Spanned};

use super::Kind;
use observe::Seen;
use rights::{OnTable, Rights};

/// What a database role can do, and what it must not be able to do.
///
/// The application connects as a role. One that can too little breaks a page that nobody opened after the deploy: the
/// table of the last migration belongs to the migration's role, and nobody granted it. One that can too much turns an
/// injected query into the loss of the database. And a function that runs with its owner's rights is open to everybody
/// unless that is taken back.
///
/// ```toml
/// [privileges.app]
/// role = "app_user"
/// must.tables = { "*" = ["select", "insert", "update", "delete"], "_prisma_migrations" = [] }
/// must.sequences = { "*" = ["usage"] }
/// must.schemas = { public = ["usage"] }
/// must.future = { by = ["migration_user"], tables = ["select", "insert", "update", "delete"] }
/// must_not.attributes = ["superuser", "bypassrls", "createrole", "createdb"]
/// must_not.schemas = { public = ["create"] }
/// must_not.tables = { "*" = ["own", "truncate"] }
/// must_not.create_extension = true
/// attempts = true
///
/// [privileges.functions]
/// functions.refund_credits = ["service_role"]
/// functions.atomic_charge_credits = ["service_role", "authenticated"]
/// ```
///
/// Keys (at least one of must, must_not and functions):
///
///   role        the role; by default the one of the endpoint's address. That it is no superuser is always looked at:
///               a superuser may do everything, so that nothing else would say anything.
///   must        rights that it has
///   must_not    rights that it does not have, be it by a grant, as a member of another role or as everybody has them
///   functions   who may execute a function, all its overloads: exactly these roles, its owner and superusers aside.
///               "public" is everybody; [] is nobody.
///   schema      where names without a schema are looked up; default "public"
///   attempts    also try it, as the role, in a transaction that is rolled back: read every table that must be readable;
///               create a table, drop one, create an extension where that must be refused. The role of the address
///               must be able to become the role. Default false.
///
/// Keys of must and must_not:
///
///   attributes        superuser, bypassrls, createrole, createdb, replication, login; in must_not also those of the
///                     roles that it can become (`set role`)
///   roles             roles that it is a member of
///   database          connect, create, temporary: on the database of the address
///   schemas           by name: usage, create
///   tables            by name: select, insert, update, delete, truncate, references, trigger, and own (to be the owner
///                     or a member of it, and so to alter and drop). Views are tables. A right on one column is a right
///                     that must not be there, but not one that must. "*", "log_*" and "audit.*" stand for every table
///                     that matches and has no line of its own.
///   sequences         by name: usage, select, update
///   functions         names of functions that it executes, all their overloads
///   create_extension  true: it can create an extension (in must_not: it cannot)
///   future            tables, sequences, functions: rights on what will be created in the schema (`alter default
///                     privileges`); `by` the roles that will create it, by default those that own tables there
///
/// A failure:
///
///   FAILED  privileges.app
///     suites/app.toml:3:24
///       app_user: tables *   expected: select, insert on each of 44   seen: no insert on audit_logs
///     try: grant insert on "audit_logs" to "app_user"
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Privileges {
    /// The role; by default the one of the endpoint's address.
    role: Option<Spanned<String>>,
    /// Rights that it has.
    #[serde(default)]
    must: Rights,
    /// Rights that it does not have.
    #[serde(default)]
    must_not: Rights,
    /// Who may execute a function: exactly these roles.
    #[serde(default)]
    functions: Entries<Vec<String>>,
    /// Where names without a schema are looked up.
    #[serde(default = "public")]
    schema: String,
    /// Also try it, in a transaction that is rolled back.
    #[serde(default)]
    attempts: bool,
}

fn public() -> String {
    "public".to_owned()
}

impl Kind for Privileges {
    const NAME: &'static str = "privileges";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for rights in [&self.must, &self.must_not] {
            for (name, wanted) in rights.tables.iter().filter(|(name, _)| is_pattern(name)) {
                if wanted.is_empty() {
                    problems.push(Problem::at(wanted.span(), format!("no right is named on `{name}`")));
                }
            }
            let future = rights.future.as_ref();
            if let Some(future) =
                future.filter(|it| it.tables.is_empty() && it.sequences.is_empty() && it.functions.is_empty())
            {
                problems.push(Problem::at(
                    future.span(),
                    "`future` names no right on tables, sequences or functions",
                ));
            }
            if let Some(own) = future.filter(|future| future.tables.contains(&OnTable::Own)) {
                problems.push(Problem::at(own.span(), "`own` cannot be granted for the future"));
            }
            if let Some(create) = rights.create_extension.as_ref().filter(|create| !***create) {
                problems.push(
                    Problem::at(create.span(), "`create_extension` is true where it is named")
                        .hint("`must_not.create_extension = true` says that the role cannot"),
                );
            }
        }
        for (name, wanted) in self.must.tables.iter() {
            let denied = self.must_not.tables.iter().find(|(denied, _)| denied == name);
            let both = denied.and_then(|(_, denied)| wanted.iter().find(|right| denied.contains(right)));
            if let Some(right) = both {
                let word = rights::Right::word(*right);
                problems.push(Problem::at(
                    wanted.span(),
                    format!("{word} on `{name}` is in `must` and in `must_not`"),
                ));
            }
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        self.must.is_empty() && self.must_not.is_empty() && self.functions.is_empty()
    }

    fn steps(&self) -> Vec<String> {
        let role = self
            .role
            .as_ref()
            .map_or("the role of the address", |role| role.as_str());
        let mut steps = vec![format!(
            "read from the catalogue what {role} may do, in a read-only transaction"
        )];
        let names: Vec<&str> = self.functions.iter().map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            steps.push(format!("read who may execute {}", names.join(", ")));
        }
        if self.attempts {
            steps.push(format!("try it as {role}, in a transaction that is rolled back"));
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        self.look(target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        self.judge_all(seen)
    }
}

impl Privileges {
    /// Schema and name of what the suite calls `text`.
    fn named<'a>(&'a self, text: &'a str) -> (&'a str, &'a str) {
        text.split_once('.').unwrap_or((&self.schema, text))
    }
}

/// Whether `name` stands for several.
fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests;
