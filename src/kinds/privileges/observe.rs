//! Reads what a role may do, and tries it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::rights::{OnSchema, OnTable};
use super::{Privileges, is_pattern};
use crate::deployment::postgres::{Identity, Mode, SqlError, Transaction, identifier};
use crate::deployment::{Target, Unobserved};

/// What was seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::kinds) struct Seen {
    /// The role that was asked for, or that of the address.
    pub(super) name: String,
    /// None where there is no such role.
    pub(super) role: Option<RoleSeen>,
    pub(super) database: Vec<String>,
    pub(super) schemas: Vec<Object>,
    pub(super) tables: Vec<Object>,
    pub(super) sequences: Vec<Object>,
    pub(super) functions: Vec<FunctionSeen>,
    /// Of the roles that the suite names, those that exist.
    pub(super) known: Vec<String>,
    pub(super) future: Vec<FutureSeen>,
    pub(super) creates_extension: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attempts: Vec<Attempt>,
}

/// What a role is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RoleSeen {
    pub(super) name: String,
    pub(super) attributes: Vec<String>,
    /// The roles it is a member of, at any distance.
    #[serde(default)]
    pub(super) member_of: Vec<RoleSeen>,
}

/// A schema, table or sequence, and what the role may do with it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) schema: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: String,
    pub(super) held: Vec<String>,
    /// Rights on some of its columns only.
    #[serde(default)]
    pub(super) partly: Vec<String>,
    /// Without usage of its schema no right on it counts.
    pub(super) reachable: bool,
}

/// One overload of a function.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct FunctionSeen {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) arguments: String,
    /// The role may execute it.
    pub(super) held: bool,
    /// Who was granted it; `public` is everybody.
    pub(super) granted: Vec<String>,
    /// Of the roles that the suite names, those that may execute it, however they came to it.
    pub(super) may: Vec<String>,
}

/// What the role may do with what another will create.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct FutureSeen {
    pub(super) by: String,
    pub(super) exists: bool,
    /// Whether it owns tables in the schema.
    pub(super) owner: bool,
    pub(super) tables: Vec<String>,
    pub(super) sequences: Vec<String>,
    pub(super) functions: Vec<String>,
}

/// One thing that was tried as the role.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) what: String,
    /// Whether it must work, or must be refused.
    pub(super) must: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<SqlError>,
    /// The address's role could not become the role, so nothing was tried.
    #[serde(default)]
    pub(super) not_the_role: bool,
}

/// What there is, besides: the extension to try.
#[derive(Debug, Deserialize)]
struct Read {
    #[serde(flatten)]
    seen: Seen,
    own_role: bool,
    extension: Option<String>,
}

impl Privileges {
    pub(super) async fn look(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let database = target.postgres()?;
        let transaction = database.transaction(Mode::ReadOnly, target.timeout()).await?;
        let text = transaction.scalar(QUERY, &self.parameters()).await;
        transaction.rollback().await;
        let read: Read = serde_json::from_str(&text?.unwrap_or_default())
            .map_err(|why| Unobserved::new(format!("the rights cannot be read: {why}")))?;
        let mut seen = Seen { ..read.seen };
        if self.attempts && seen.role.is_some() {
            let transaction = database.transaction(Mode::RolledBack, target.timeout()).await?;
            let identity = Identity {
                role: (!read.own_role).then(|| seen.name.clone()),
                ..Identity::default()
            };
            let attempts = self
                .try_all(&transaction, &identity, &seen, read.extension.as_deref())
                .await;
            transaction.rollback().await;
            seen.attempts = attempts?;
        }
        Ok(seen)
    }

    fn parameters(&self) -> [Value; 5] {
        let both = [&self.must, &self.must_not];
        let mut functions: Vec<&str> = self.functions.iter().map(|(name, _)| self.named(name).1).collect();
        let named = both.iter().flat_map(|rights| rights.functions.iter());
        functions.extend(named.map(|name| self.named(name).1));
        let roles: Vec<&String> = self.functions.iter().flat_map(|(_, roles)| roles.iter()).collect();
        let by = both.iter().filter_map(|rights| rights.future.as_ref());
        let by: Vec<&String> = by.filter_map(|future| future.by.as_ref()).flatten().collect();
        [
            self.role.as_ref().map_or(Value::Null, |role| role.as_str().into()),
            json!(functions),
            json!(roles),
            json!(by),
            self.schema.as_str().into(),
        ]
    }

    async fn try_all(
        &self,
        transaction: &Transaction,
        identity: &Identity,
        seen: &Seen,
        extension: Option<&str>,
    ) -> Result<Vec<Attempt>, Unobserved> {
        let become_it = transaction.undone(async || transaction.act_as(identity).await).await;
        if let Err(error) = become_it {
            return Ok(vec![Attempt {
                what: format!("act as {}", seen.name),
                must: true,
                error: Some(error),
                not_the_role: true,
            }]);
        }
        let mut attempts = Vec::new();
        for (what, must, statement) in self.statements(seen, extension) {
            let error = transaction.probe(identity, &statement, &[]).await.err();
            if let Some(lost) = error.as_ref().filter(|error| error.code.starts_with("08")) {
                return Err(lost.clone().into());
            }
            attempts.push(Attempt {
                what,
                must,
                error,
                not_the_role: false,
            });
        }
        Ok(attempts)
    }

    /// What is tried. A table is only dropped where the catalogue says that this will be refused, as the lock that
    /// it would take holds everybody up.
    fn statements(&self, seen: &Seen, extension: Option<&str>) -> Vec<(String, bool, String)> {
        let mut all = Vec::new();
        for table in self.covered(&self.must, seen, OnTable::Select) {
            let name = table.shown(&self.schema);
            all.push((
                format!("select from {name}"),
                true,
                format!("select 1 from {} limit 0", table.quoted()),
            ));
        }
        for (schema, rights) in self.must_not.schemas.iter() {
            if rights.contains(&OnSchema::Create) && seen.schemas.iter().any(|object| object.name == *schema) {
                let statement = format!("create table {}.smoke_attempt (id integer)", identifier(schema));
                all.push((format!("create a table in {schema}"), false, statement));
            }
        }
        let owned = |table: &&&Object| table.kind == "table" && !table.holds("own");
        if let Some(table) = self.covered(&self.must_not, seen, OnTable::Own).iter().find(owned) {
            let what = format!("drop the table {}", table.shown(&self.schema));
            all.push((what, false, format!("drop table {}", table.quoted())));
        }
        if let (Some(_), Some(extension)) = (&self.must_not.create_extension, extension) {
            let statement = format!("create extension {}", identifier(extension));
            all.push((format!("create the extension {extension}"), false, statement));
        }
        all
    }

    fn covered<'a>(&self, rights: &super::Rights, seen: &'a Seen, right: OnTable) -> Vec<&'a Object> {
        let names: Vec<&str> = rights.tables.iter().map(|(name, _)| name.as_str()).collect();
        let mut covered = Vec::new();
        for (name, _) in rights.tables.iter().filter(|(_, rights)| rights.contains(&right)) {
            covered.extend(self.matching(name, &names, &seen.tables));
        }
        covered
    }

    /// The objects that the line `name` is about: of a pattern, those that have no line of their own.
    pub(super) fn matching<'a>(&self, name: &str, lines: &[&str], objects: &'a [Object]) -> Vec<&'a Object> {
        let (schema, wanted) = self.named(name);
        let here = objects.iter().filter(|object| object.schema == schema);
        if !is_pattern(name) {
            return here.filter(|object| object.name == wanted).collect();
        }
        let pattern = glob::Pattern::new(wanted).ok();
        let own_line = |object: &Object| {
            lines
                .iter()
                .any(|line| self.named(line) == (object.schema.as_str(), object.name.as_str()))
        };
        here.filter(|object| pattern.as_ref().is_some_and(|pattern| pattern.matches(&object.name)))
            .filter(|object| !own_line(object))
            .collect()
    }
}

impl Object {
    pub(super) fn holds(&self, right: &str) -> bool {
        self.held.iter().any(|held| held == right)
    }

    /// Its name, with the schema where it is another one.
    pub(super) fn shown(&self, schema: &str) -> String {
        if self.schema == schema {
            self.name.clone()
        } else {
            format!("{}.{}", self.schema, self.name)
        }
    }

    pub(super) fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

/// $1 the role, $2 names of functions, $3 roles that may execute them, $4 who creates in future, $5 the schema.
const QUERY: &str = r"
with recursive all_roles as (
  select oid, rolname, array_remove(array[
      case when rolsuper then 'superuser' end, case when rolbypassrls then 'bypassrls' end,
      case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
      case when rolreplication then 'replication' end, case when rolcanlogin then 'login' end], null) as attributes
  from pg_roles
), me as (
  select * from all_roles where rolname = coalesce($1::text, current_user)
), above(oid) as (
  select m.roleid from pg_auth_members m join me on m.member = me.oid
  union select m.roleid from pg_auth_members m join above on m.member = above.oid
), own as (
  select oid, nspname from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\_toast%' and nspname not like 'pg\_temp%'
), creators as (
  select name, bool_or(owner) as owner from (
    select unnest($4::text[]) as name, false as owner
    union all select pg_get_userbyid(c.relowner), true from pg_class c join own on own.oid = c.relnamespace
      where own.nspname = $5::text and c.relkind in ('r', 'p')) n group by name
)
select json_build_object(
  'name', coalesce($1::text, current_user),
  'own_role', coalesce($1::text, current_user) = session_user,
  'role', (select json_build_object('name', rolname, 'attributes', attributes, 'member_of',
      (select coalesce(json_agg(json_build_object('name', r.rolname, 'attributes', r.attributes) order by r.rolname), '[]')
        from above join all_roles r on r.oid = above.oid)) from me),
  'database', array(select lower(p) from me, unnest(array['CONNECT', 'CREATE', 'TEMPORARY']) p
      where has_database_privilege(me.oid, current_database(), p)),
  'schemas', (select coalesce(json_agg(json_build_object('schema', nspname, 'name', nspname, 'reachable', true,
      'held', array(select lower(p) from unnest(array['USAGE', 'CREATE']) p where has_schema_privilege(me.oid, own.oid, p)))
      order by nspname), '[]') from own, me),
  'tables', (select coalesce(json_agg(json_build_object('schema', own.nspname, 'name', c.relname,
      'kind', case when c.relkind in ('r', 'p') then 'table' else 'view' end,
      'held', array(select lower(p)
          from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
          where has_table_privilege(me.oid, c.oid, p))
        || case when pg_has_role(me.oid, c.relowner, 'MEMBER') then array['own'] else '{}' end,
      'partly', array(select lower(p) from unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
          where has_any_column_privilege(me.oid, c.oid, p) and not has_table_privilege(me.oid, c.oid, p)),
      'reachable', has_schema_privilege(me.oid, own.oid, 'USAGE')) order by own.nspname, c.relname), '[]')
    from pg_class c join own on own.oid = c.relnamespace, me where c.relkind in ('r', 'p', 'v', 'm', 'f')),
  'sequences', (select coalesce(json_agg(json_build_object('schema', s.nspname, 'name', s.relname,
      'held', array(select lower(p) from unnest(array['USAGE', 'SELECT', 'UPDATE']) p
          where has_sequence_privilege(me.oid, s.oid, p)),
      'reachable', has_schema_privilege(me.oid, s.schema, 'USAGE')) order by s.nspname, s.relname), '[]')
    from (select c.oid, c.relname, own.oid as schema, own.nspname from pg_class c join own on own.oid = c.relnamespace
      where c.relkind = 'S' offset 0) s, me),
  'functions', (select coalesce(json_agg(json_build_object('schema', own.nspname, 'name', p.proname,
      'arguments', pg_get_function_identity_arguments(p.oid), 'held', has_function_privilege(me.oid, p.oid, 'EXECUTE'),
      'granted', array(select distinct case a.grantee when 0 then 'public' else r.rolname end
          from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
          where a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner and not coalesce(r.rolsuper, false) order by 1),
      'may', array(select r.rolname from pg_roles r
          where r.rolname = any($3::text[]) and has_function_privilege(r.oid, p.oid, 'EXECUTE') order by 1)
    ) order by own.nspname, p.proname, p.oid), '[]')
    from pg_proc p join own on own.oid = p.pronamespace, me where p.proname = any($2::text[])),
  'known', array(select rolname from pg_roles where rolname = any($3::text[])),
  'future', (select coalesce(json_agg(json_build_object('by', n.name, 'exists', o.oid is not null, 'owner', n.owner,
      'tables', array(select distinct lower(a.privilege_type) from me, lateral (
            select e.* from aclexplode(coalesce((select defaclacl from pg_default_acl
              where defaclrole = o.oid and defaclnamespace = 0 and defaclobjtype = 'r'), acldefault('r', o.oid))) e
            union all select e.* from pg_default_acl d join own on own.oid = d.defaclnamespace, aclexplode(d.defaclacl) e
              where d.defaclrole = o.oid and own.nspname = $5::text and d.defaclobjtype = 'r') a
          where a.grantee = 0 or pg_has_role(me.oid, a.grantee, 'USAGE')),
      'sequences', array(select distinct lower(a.privilege_type) from me, lateral (
            select e.* from aclexplode(coalesce((select defaclacl from pg_default_acl
              where defaclrole = o.oid and defaclnamespace = 0 and defaclobjtype = 'S'), acldefault('s', o.oid))) e
            union all select e.* from pg_default_acl d join own on own.oid = d.defaclnamespace, aclexplode(d.defaclacl) e
              where d.defaclrole = o.oid and own.nspname = $5::text and d.defaclobjtype = 'S') a
          where a.grantee = 0 or pg_has_role(me.oid, a.grantee, 'USAGE')),
      'functions', array(select distinct lower(a.privilege_type) from me, lateral (
            select e.* from aclexplode(coalesce((select defaclacl from pg_default_acl
              where defaclrole = o.oid and defaclnamespace = 0 and defaclobjtype = 'f'), acldefault('f', o.oid))) e
            union all select e.* from pg_default_acl d join own on own.oid = d.defaclnamespace, aclexplode(d.defaclacl) e
              where d.defaclrole = o.oid and own.nspname = $5::text and d.defaclobjtype = 'f') a
          where a.grantee = 0 or pg_has_role(me.oid, a.grantee, 'USAGE'))
    ) order by n.name), '[]') from creators n left join pg_roles o on o.rolname = n.name),
  'creates_extension', coalesce((select 'superuser' = any(me.attributes)
      or has_database_privilege(me.oid, current_database(), 'CREATE') from me), false),
  'extension', (select v.name from pg_available_extension_versions v
      where not exists (select from pg_extension e where e.extname = v.name) and v.requires is null
      order by (to_jsonb(v) ->> 'trusted')::boolean desc nulls last, v.name limit 1)
)";
