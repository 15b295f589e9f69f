//! `rls`: row level security, on paper and in fact.

mod attempt;
mod judge;
mod observe;
mod policies;
mod seen;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, Problem, Spanned};

use super::Kind;
use seen::Seen;

/// Row level security: it is enabled, its policies are the right ones, and they do what they should.
///
/// After a deploy a new table stands without row level security, a policy was widened to get something working, or a
/// policy errors on every read. The catalogue alone does not tell, so this check also tries: as an anonymous visitor and
/// as one user it reads, inserts, updates and deletes what belongs to others, in a transaction that is rolled back. It
/// needs no extension and leaves nothing behind.
///
/// ```toml
/// [rls.user_owned]
/// tables = ["images", "credit_ledger"]
/// owner = "user_id"
/// policies.images = { select = ["authenticated"], insert = ["authenticated"] }
///
/// [rls.users]
/// tables = ["users"]
/// owner = "id"
/// protected.users = ["role", "credits"]
///
/// [rls.tenants]
/// tables = ["projects"]
/// owner = "tenant_id"
/// roles = { anon = "", user = "app" }
/// set = { "app.tenant_id" = ":user" }
/// forced = true
/// ```
///
/// Keys:
///
///   tables     names of tables: row level security must be enabled on each. Required.
///   forced     true: it must also be forced, so that it holds for the tables' owner
///   policies   by table and command (select, insert, update, delete): exactly the roles that have a permissive policy
///              for it ("public" is everybody; a policy for all commands counts for each). [] means none.
///   owner      the column that holds whose row it is. With it, the behaviour for a user is tried.
///   user       whom to try: a value of that column. Without it, for each table one is picked who has rows in it.
///   roles      which roles stand for an anonymous visitor and for a user; default
///              { anon = "anon", user = "authenticated" }. "" leaves one out.
///   claims     further JWT claims besides sub and role; claims.sub itself, where `owner` holds a tenant and not the user
///   set        further settings by name: { "app.user_id" = ":user" }, where :user stands for the tried user
///   anon       "nothing" (default): an anonymous visitor sees no row; "read": sees rows, but never writes
///   others     "hidden" (default): a user sees no row of others; "readable": may see them, but never write them. Where
///              anon = "read", they are readable.
///   reads      false: not even their owner may read rows (only the server may). Default true.
///   writes     false: do not try to write. Default true: the insert of a row of another, and the update and delete of
///              rows of others, must be refused or reach no row; and no policy for writing may be always true.
///   protected  by table: columns that the owner of a row must not be able to change, such as role or credits
///   schema     where names without a schema are looked up; default "public"
///
/// It is unclear, not passed, if nothing could be examined: the table is empty, all of its rows belong to the tried user,
/// or the role does not exist or may not be assumed (`grant authenticated to ROLE`). A role to which no policy applies (a
/// superuser, one with BYPASSRLS, the owner of a table that is not forced) fails, said as such. A policy that errors
/// (infinite recursion) fails, told from one that denies. Rows whose owner is NULL belong to nobody and are not tried.
///
/// A failure:
///
///   FAILED  rls.user_owned   Users see only their own rows
///     suites/app.toml:2:11
///       edited_images                    expected: row level security enabled   seen: disabled
///       images as authenticated 7c1f…    expected: no row of others             seen: 38 of them (policy "Anyone can view")
///     try: alter table "public"."edited_images" enable row level security
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rls {
    /// Tables with row level security.
    tables: Vec<Spanned<String>>,
    /// It must also hold for the tables' owner.
    #[serde(default)]
    forced: bool,
    /// By table and command: the roles that have a policy for it.
    #[serde(default)]
    policies: Entries<Entries<Vec<String>, Command>>,
    /// The column that holds whose row it is.
    owner: Option<Spanned<String>>,
    /// Whom to try.
    user: Option<String>,
    #[serde(default)]
    roles: Roles,
    /// Further JWT claims.
    #[serde(default)]
    claims: Map<String, Value>,
    /// Further settings; `:user` stands for the tried user.
    #[serde(default)]
    set: Entries<String>,
    /// What an anonymous visitor may see.
    #[serde(default)]
    anon: Anon,
    /// What a user may see of others' rows.
    #[serde(default)]
    others: Others,
    /// Whether their owner may read rows.
    #[serde(default = "yes")]
    reads: bool,
    /// Whether to try to write.
    #[serde(default = "yes")]
    writes: bool,
    /// By table: columns that the owner of a row must not be able to change.
    #[serde(default)]
    protected: Entries<Vec<Spanned<String>>>,
    /// Where names without a schema are looked up.
    #[serde(default = "public")]
    schema: String,
}

/// Which roles stand for whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Roles {
    /// For an anonymous visitor.
    anon: String,
    /// For a user.
    user: String,
}

impl Default for Roles {
    fn default() -> Self {
        Self {
            anon: "anon".to_owned(),
            user: "authenticated".to_owned(),
        }
    }
}

/// What an anonymous visitor may see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Anon {
    /// No row.
    #[default]
    Nothing,
    /// Rows.
    Read,
}

/// What a user may see of others' rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Others {
    /// No row.
    #[default]
    Hidden,
    /// Rows.
    Readable,
}

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Command {
    Select,
    Insert,
    Update,
    Delete,
}

fn yes() -> bool {
    true
}

fn public() -> String {
    "public".to_owned()
}

impl Kind for Rls {
    const NAME: &'static str = "rls";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.tables.is_empty() {
            problems.push(Problem::whole("`tables` names no table, so nothing would be examined"));
        }
        let known = |name: &str| self.tables.iter().any(|table| table.as_str() == name);
        let named = self.policies.iter().map(|(table, value)| (table, value.span()));
        let named = named.chain(self.protected.iter().map(|(table, value)| (table, value.span())));
        for (table, span) in named.filter(|(table, _)| !known(table)) {
            problems.push(Problem::at(span, format!("`{table}` is not among `tables`")));
        }
        if let (None, Some((_, columns))) = (&self.owner, self.protected.first()) {
            problems.push(
                Problem::at(
                    columns.span(),
                    "`protected` needs `owner`: who must not change the columns?",
                )
                .hint("for the table of users itself it is its key: owner = \"id\""),
            );
        }
        if self.owner.is_none() && self.user.is_some() {
            problems.push(Problem::whole(
                "`user` needs `owner`: the column that holds whose row it is",
            ));
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        let tables: Vec<&str> = self.tables.iter().map(|table| table.as_str()).collect();
        let mut steps = vec![format!(
            "read row level security and policies of {} from the catalogue",
            tables.join(", ")
        )];
        let write = if self.writes {
            ", and try to insert, update and delete"
        } else {
            ""
        };
        if let (Some(owner), false) = (&self.owner, self.roles.user.is_empty()) {
            let user = self.user.as_deref().unwrap_or("one who has rows");
            let (role, owner) = (&self.roles.user, owner.as_str());
            steps.push(format!(
                "as {role} ({owner} = {user}), read the rows of others{write} them"
            ));
        }
        for (table, columns) in self.protected.iter() {
            let columns: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
            steps.push(format!(
                "as the owner of a row of {table}, try to change {}",
                columns.join(", ")
            ));
        }
        if !self.roles.anon.is_empty() {
            steps.push(format!("as {}, read{write} rows", self.roles.anon));
        }
        steps.push("roll everything back".to_owned());
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target.postgres()?, target.timeout()).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}
