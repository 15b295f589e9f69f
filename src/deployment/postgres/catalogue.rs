//! What a database consists of, read in one query, once a run.

use serde::{Deserialize, Serialize};

use super::{SqlError, Transaction};

/// Tables, functions, policies and roles, outside PostgreSQL's own schemas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Tables, views and foreign tables.
    pub tables: Vec<Table>,
    /// Functions and procedures, one entry an overload.
    pub functions: Vec<Function>,
    /// Installed extensions.
    pub extensions: Vec<Extension>,
    /// Row level security policies.
    pub policies: Vec<Policy>,
    /// All roles.
    pub roles: Vec<Role>,
    /// The schemas that names without one are looked up in.
    pub search_path: Vec<String>,
    /// The role of the address.
    pub current_user: String,
    /// The server's version, as it writes it.
    pub version: String,
}

/// A table, view or foreign table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `table`, `view`, `materialized view` or `foreign table`.
    pub kind: String,
    /// The role that owns it.
    pub owner: String,
    /// Row level security is enabled.
    pub rls: bool,
    /// … also for the owner.
    pub forced: bool,
    /// The planner's estimate of its rows; -1 if never analysed.
    pub rows: f64,
    /// Its columns, in order.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as `format_type` writes it: `character varying(20)`.
    pub r#type: String,
    /// NULL is allowed.
    pub nullable: bool,
    /// Its value is computed or always generated, so nothing can be written to it.
    pub generated: bool,
}

/// One overload of a function or procedure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The types of the arguments that a call passes, as `format_type` writes them.
    pub arguments: Vec<String>,
    /// How many of the last arguments have defaults.
    pub defaults: usize,
    /// What it returns: `integer`, `SETOF users`; empty for a procedure.
    pub result: String,
    /// Runs with the rights of its owner.
    pub security_definer: bool,
    /// The extension that it belongs to.
    pub extension: Option<String>,
}

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its installed version.
    pub version: String,
}

/// A row level security policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The schema of its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// `select`, `insert`, `update`, `delete` or `all`.
    pub command: String,
    /// Permissive policies add rows, restrictive ones take away.
    pub permissive: bool,
    /// Whom it is for; `public` is everybody.
    pub roles: Vec<String>,
    /// Which rows exist for them.
    pub using: Option<String>,
    /// Which rows they may write.
    pub check: Option<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Nothing is forbidden to it.
    pub superuser: bool,
    /// No policy applies to it.
    pub bypass_rls: bool,
}

impl Catalogue {
    pub(super) async fn read(transaction: &Transaction) -> Result<Self, SqlError> {
        let text = transaction.scalar(QUERY, &[]).await?.unwrap_or_default();
        serde_json::from_str(&text)
            .map_err(|why| SqlError::new("XX000", format!("the catalogue cannot be read: {why}")))
    }

    /// The table called `name` in `schema`.
    #[must_use]
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|table| table.schema == schema && table.name == name)
    }

    /// The role called `name`.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }
}

impl Table {
    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

const QUERY: &str = r"
with own as (
  select oid, nspname from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\_toast%' and nspname not like 'pg\_temp%'
)
select json_build_object(
  'current_user', current_user,
  'version', current_setting('server_version'),
  'search_path', to_json(current_schemas(false)),
  'tables', (select coalesce(json_agg(json_build_object(
      'schema', own.nspname, 'name', c.relname,
      'kind', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
      'owner', pg_get_userbyid(c.relowner), 'rls', c.relrowsecurity, 'forced', c.relforcerowsecurity, 'rows', c.reltuples,
      'columns', (select coalesce(json_agg(json_build_object(
          'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'nullable', not a.attnotnull, 'generated', a.attgenerated <> '' or a.attidentity = 'a') order by a.attnum), '[]')
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
    ) order by own.nspname, c.relname), '[]')
    from pg_class c join own on own.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f')),
  'functions', (select coalesce(json_agg(json_build_object(
      'schema', own.nspname, 'name', p.proname,
      'arguments', (select coalesce(json_agg(format_type(t.oid, null) order by t.at), '[]')
        from unnest(p.proargtypes) with ordinality as t(oid, at)),
      'defaults', p.pronargdefaults,
      'result', coalesce(pg_get_function_result(p.oid), ''), 'security_definer', p.prosecdef,
      'extension', (select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e' limit 1)
    ) order by own.nspname, p.proname, p.oid), '[]')
    from pg_proc p join own on own.oid = p.pronamespace),
  'extensions', (select coalesce(json_agg(json_build_object('name', extname, 'version', extversion) order by extname), '[]')
    from pg_extension),
  'policies', (select coalesce(json_agg(json_build_object(
      'schema', schemaname, 'table', tablename, 'name', policyname, 'command', lower(cmd),
      'permissive', permissive = 'PERMISSIVE', 'roles', to_json(roles), 'using', qual, 'check', with_check
    ) order by schemaname, tablename, policyname), '[]') from pg_policies),
  'roles', (select coalesce(json_agg(json_build_object(
      'name', rolname, 'superuser', rolsuper, 'bypass_rls', rolbypassrls) order by rolname), '[]') from pg_roles)
)";
