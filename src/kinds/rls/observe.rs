//! Looks at row level security: the catalogue first, then the behaviour, in transactions that are rolled back.

use std::cell::Cell;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::seen::{ENOUGH, Exempt, RoleSeen, Sample, Seen, TableSeen, Tried, Visible};
use super::{Command, Rls};
use crate::deployment::Unobserved;
use crate::deployment::postgres::{Catalogue, Database, Identity, Mode, SqlError, Table, Transaction, identifier};

/// How many tables are tried at once, each on a connection of its own.
const AT_ONCE: usize = 3;

/// How often a table is tried whose rows are changed by others while it is.
const TRIES: u32 = 8;

/// The pause after the first try; each is longer by as much.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn observe(rls: &Rls, database: &Database, timeout: Duration) -> Result<Seen, Unobserved> {
    let catalogue = database.catalogue(timeout).await?;
    let mut seen = Seen {
        current_user: catalogue.current_user.clone(),
        ..Seen::default()
    };
    let tried = [(&rls.roles.user, rls.owner.is_some()), (&rls.roles.anon, true)];
    let tried: Vec<&String> = tried
        .into_iter()
        .filter(|(role, asked)| *asked && !role.is_empty())
        .map(|(role, _)| role)
        .collect();
    if !tried.is_empty() {
        let transaction = database.transaction(Mode::RolledBack, timeout).await?;
        for role in tried {
            seen.roles
                .insert(role.clone(), assume(catalogue, &transaction, role).await);
        }
        transaction.rollback().await;
    }
    let roles = &seen.roles;
    seen.tables = stream::iter(&rls.tables)
        .map(async |name| {
            let Some(table) = find(catalogue, rls, name) else {
                return Ok(None);
            };
            let mut facts = facts(rls, catalogue, table, name);
            if facts.kind == "table" && facts.enabled && facts.missing.is_empty() && !roles.is_empty() {
                let transaction = database.transaction(Mode::RolledBack, timeout).await?;
                let trial = Trial {
                    rls,
                    table,
                    asked: name,
                    transaction: &transaction,
                    moved: Cell::new(false),
                };
                let tried = trial
                    .settle(&mut facts, |role| matches!(roles.get(role), Some(RoleSeen::Ready)))
                    .await;
                transaction.rollback().await;
                tried?;
            }
            Ok::<_, Unobserved>(Some(facts))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(seen)
}

async fn assume(catalogue: &Catalogue, transaction: &Transaction, role: &str) -> RoleSeen {
    if catalogue.role(role).is_none() {
        return RoleSeen::Missing;
    }
    let identity = Identity {
        role: Some(role.to_owned()),
        ..Identity::default()
    };
    match transaction.undone(async || transaction.act_as(&identity).await).await {
        Ok(()) => RoleSeen::Ready,
        Err(error) => RoleSeen::Closed(error),
    }
}

fn find<'a>(catalogue: &'a Catalogue, rls: &Rls, name: &str) -> Option<&'a Table> {
    let (schema, name) = name.split_once('.').unwrap_or((&rls.schema, name));
    catalogue.table(schema, name)
}

fn facts(rls: &Rls, catalogue: &Catalogue, table: &Table, asked: &str) -> TableSeen {
    let policies = catalogue.policies.iter();
    let protected = rls
        .protected
        .iter()
        .filter(|(name, _)| name == asked)
        .flat_map(|(_, columns)| columns.iter());
    let named = rls.owner.iter().chain(protected).map(|column| column.as_str());
    TableSeen {
        schema: table.schema.clone(),
        name: table.name.clone(),
        kind: table.kind.clone(),
        owner: table.owner.clone(),
        enabled: table.rls,
        forced: table.forced,
        policies: policies
            .filter(|policy| policy.schema == table.schema && policy.table == table.name)
            .cloned()
            .collect(),
        missing: named
            .filter(|column| table.column(column).is_none())
            .map(str::to_owned)
            .collect(),
        ..TableSeen::default()
    }
}

/// The trial of one table.
pub(super) struct Trial<'a> {
    pub(super) rls: &'a Rls,
    pub(super) table: &'a Table,
    /// The table's name as the suite writes it.
    asked: &'a str,
    pub(super) transaction: &'a Transaction,
    /// Somebody else changed a row before it could be reached: that it was not says nothing.
    pub(super) moved: Cell<bool>,
}

/// A row, by its place and with its content.
#[derive(Deserialize)]
pub(super) struct RowSeen {
    pub(super) ctid: String,
    pub(super) tableoid: String,
    pub(super) content: Map<String, Value>,
}

/// The rows that the trial is made with.
#[derive(Deserialize)]
struct Rows {
    partial: bool,
    own: Option<RowSeen>,
    other: Option<RowSeen>,
    owned: u64,
    others: u64,
}

/// What a role may do with the table at all.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "one row of the catalogue")]
pub(super) struct Rights {
    superuser: bool,
    bypass_rls: bool,
    owns: bool,
    pub(super) selects: bool,
    /// A trigger may change a row before it is inserted.
    pub(super) stamped: bool,
    pub(super) insertable: Vec<String>,
    pub(super) updatable: Vec<String>,
}

impl Trial<'_> {
    /// Tries until nobody else changes the rows meanwhile.
    async fn settle(&self, facts: &mut TableSeen, ready: impl Fn(&str) -> bool) -> Result<(), Unobserved> {
        for tried in 0..TRIES {
            tokio::time::sleep(PAUSE * tried).await;
            self.moved.set(false);
            self.run(facts, &ready).await?;
            if !self.moved.get() {
                return Ok(());
            }
        }
        Err(Unobserved::new(format!(
            "{} cannot be tried: others changed its rows meanwhile, {TRIES} times in a row",
            self.asked
        )))
    }

    async fn run(&self, facts: &mut TableSeen, ready: impl Fn(&str) -> bool) -> Result<(), Unobserved> {
        let user = match (&self.rls.owner, &self.rls.user) {
            (Some(_), Some(user)) => Some(user.clone()),
            (Some(owner), None) => self.pick(owner).await?,
            (None, _) => None,
        };
        let rows = self.rows(user.as_deref()).await?;
        let roles = &self.rls.roles;
        if let Some(user) = user.as_deref().filter(|_| ready(&roles.user)) {
            let identity = self.identity(&roles.user, Some(user));
            facts.user = Some(self.try_role(&identity, &rows).await?);
        }
        if ready(&roles.anon) {
            let identity = self.identity(&roles.anon, None);
            facts.anon = Some(self.try_role(&identity, &rows).await?);
        }
        facts.sample = Some(Sample {
            user,
            partial: rows.partial,
            own: rows.owned,
            others: rows.others,
        });
        Ok(())
    }

    fn identity(&self, role: &str, user: Option<&str>) -> Identity {
        // A visitor has no user: what would name one is not set at all.
        let set = self
            .rls
            .set
            .iter()
            .filter(|(_, value)| user.is_some() || !value.contains(":user"));
        Identity {
            role: Some(role.to_owned()),
            user: user.map(str::to_owned),
            claims: if user.is_some() {
                self.rls.claims.clone()
            } else {
                Map::new()
            },
            settings: set
                .map(|(name, value)| (name.clone(), value.replace(":user", user.unwrap_or_default())))
                .collect(),
        }
    }

    /// The table's name for SQL.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", identifier(&self.table.schema), identifier(&self.table.name))
    }

    /// Somebody who has a row. Any will do: finding one must not read the whole table.
    async fn pick(&self, owner: &str) -> Result<Option<String>, Unobserved> {
        let (table, owner) = (self.name(), identifier(owner));
        let query = format!("select {owner} from {table} where {owner} is not null limit 1");
        Ok(self.transaction.scalar(&query, &[]).await?)
    }

    async fn rows(&self, user: Option<&str>) -> Result<Rows, Unobserved> {
        let table = self.name();
        let (own, other) = match (&self.rls.owner, user) {
            (Some(owner), Some(_)) => {
                let owner = identifier(owner);
                (format!("{owner} = $1"), format!("{owner} <> $1"))
            }
            // Nobody's rows: all count as those of others.
            _ => ("false and $1::text is null".to_owned(), "true".to_owned()),
        };
        let first = |which: &str| {
            format!(
                "(select row_to_json(found) from (select ctid::text, tableoid::text, row_to_json(smoke_row) as content \
                 from {table} smoke_row where {which} limit 1) found)"
            )
        };
        let count =
            |which: &str| format!("(select count(*) from (select 1 from {table} where {which} limit {ENOUGH}) c)");
        let query = format!(
            "select row_security_active($2::text::regclass) as partial, {} as own, {} as other, {} as owned, {} as others",
            first(&own),
            first(&other),
            count(&own),
            count(&other)
        );
        self.one(&query, &[user.into(), table.clone().into()]).await
    }

    async fn rights(&self, role: &str) -> Result<Rights, Unobserved> {
        let columns = |right: &str| {
            format!(
                "(select coalesce(json_agg(a.attname), '[]') from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 \
                 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a' and has_column_privilege(r.oid, c.oid, a.attnum, '{right}'))"
            )
        };
        let query = format!(
            "select r.rolsuper as superuser, r.rolbypassrls as bypass_rls, pg_has_role(r.oid, c.relowner, 'usage') as owns, \
             has_table_privilege(r.oid, c.oid, 'select') as selects, \
             exists (select from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal and g.tgtype & 7 = 7) as stamped, {} as insertable, {} as updatable \
             from pg_roles r, pg_class c where c.oid = $1::text::regclass and r.rolname = $2",
            columns("insert"),
            columns("update")
        );
        self.one(&query, &[self.name().into(), role.into()]).await
    }

    async fn one<T: DeserializeOwned>(&self, query: &str, params: &[Value]) -> Result<T, Unobserved> {
        let row = self
            .transaction
            .rows(query, params)
            .await?
            .into_iter()
            .next()
            .unwrap_or_default();
        serde_json::from_value(Value::Object(row))
            .map_err(|why| Unobserved::new(format!("{} cannot be tried: {why}", self.asked)))
    }

    async fn try_role(&self, identity: &Identity, rows: &Rows) -> Result<Tried, Unobserved> {
        let rights = self.rights(identity.role.as_deref().unwrap_or_default()).await?;
        let exempt = match () {
            () if rights.superuser => Some(Exempt::Superuser),
            () if rights.bypass_rls => Some(Exempt::BypassRls),
            () if rights.owns && !self.table.forced => Some(Exempt::Owner),
            () => None,
        };
        let mut tried = Tried {
            exempt,
            ..Tried::default()
        };
        if exempt.is_some() {
            return Ok(tried);
        }
        tried.sees = Some(self.look(identity).await?);
        let as_user = identity.user.is_some();
        // To an anonymous visitor every row is another's.
        let target = rows.other.as_ref().or(rows.own.as_ref().filter(|_| !as_user));
        if let Some(target) = target.filter(|_| self.rls.writes) {
            tried.insert = Some(self.insert(identity, &rights, target).await?);
            tried.update = Some(self.update(identity, &rights, target).await?);
            tried.delete = Some(
                self.attempt(identity, Command::Delete, "", &rights, target, &[])
                    .await?,
            );
        }
        if as_user {
            for column in self.protected() {
                let attempt = match &rows.own {
                    Some(own) => self.change(identity, &rights, own, column).await?,
                    None => None,
                };
                tried.protected.push((column.to_owned(), attempt));
            }
        }
        Ok(tried)
    }

    fn protected(&self) -> impl Iterator<Item = &str> {
        let columns = self.rls.protected.iter().filter(|(table, _)| table == self.asked);
        columns.flat_map(|(_, columns)| columns.iter().map(|column| column.as_str()))
    }

    async fn look(&self, identity: &Identity) -> Result<Result<Visible, SqlError>, Unobserved> {
        let table = self.name();
        let counts = match (&self.rls.owner, &identity.user) {
            (Some(owner), Some(_)) => {
                let owner = identifier(owner);
                format!(
                    "(select count(*) from (select 1 from {table} where {owner} = $1 limit {ENOUGH}) c) as own, \
                     (select count(*) from (select 1 from {table} where {owner} <> $1 limit {ENOUGH}) c) as others"
                )
            }
            _ => format!(
                "0 as own, (select count(*) from (select 1 from {table} limit {ENOUGH}) c) as others, $1::text as none"
            ),
        };
        let params = [identity.user.clone().into()];
        let ran = self
            .transaction
            .probe(identity, &format!("select {counts}"), &params)
            .await;
        Ok(match ran {
            Ok(ran) => {
                let number = |name: &str| {
                    ran.rows
                        .first()
                        .and_then(|row| row.get(name)?.as_u64())
                        .unwrap_or_default()
                };
                Ok(Visible {
                    own: number("own"),
                    others: number("others"),
                })
            }
            Err(error) => Err(told(error)?),
        })
    }
}

/// Being denied is an answer here; being cut off, too slow or on a replica is not.
pub(super) fn told(error: SqlError) -> Result<SqlError, Unobserved> {
    if error.is_denied() {
        Ok(error)
    } else {
        error.or_unobserved()
    }
}
