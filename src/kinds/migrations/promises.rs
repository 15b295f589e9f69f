//! What plain SQL promises to be there after it was run.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};

/// Something that a statement creates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Promise {
    /// `table`, `policy`, `column`, …
    pub(super) kind: String,
    /// Its schema, where the statement names one.
    pub(super) schema: Option<String>,
    pub(super) name: String,
    /// The table that it belongs to.
    pub(super) on: Option<String>,
}

impl fmt::Display for Promise {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.on {
            Some(table) => write!(out, "{} {} on {table}", self.kind, self.name),
            None => write!(out, "{} {}", self.kind, self.name),
        }
    }
}

impl Promise {
    /// Whether it is among what exists: lines `kind|schema|name|table`.
    pub(super) fn is_among(&self, existing: &[String]) -> bool {
        existing.iter().any(|line| {
            let mut parts = line.split('|');
            let (kind, schema, name) = (parts.next(), parts.next(), parts.next());
            kind == Some(self.kind.as_str())
                && name == Some(self.name.as_str())
                && self.schema.as_deref().is_none_or(|wanted| schema == Some(wanted))
                && self.on.as_deref().is_none_or(|table| parts.next() == Some(table))
        })
    }
}

const NAME: &str = r#"(?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))?"#;

static STATEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let kinds =
        r"table|view|materialized\s+view|function|procedure|type|sequence|extension|policy|trigger|(?:unique\s+)?index";
    let create = format!(
        r"create\s+(?:or\s+replace\s+)?(?:unlogged\s+|foreign\s+|constraint\s+)?(?P<created>{kinds})\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?(?P<name>{NAME})(?P<rest>[^;]*)"
    );
    let drop = format!(
        r"drop\s+(?P<dropped>{kinds})\s+(?:concurrently\s+)?(?:if\s+exists\s+)?(?P<gone>{NAME})(?:\s+on\s+(?P<gone_on>{NAME}))?"
    );
    let alter = format!(r"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<altered>{NAME})(?P<changes>[^;]*)");
    Regex::new(&format!(r"(?is)\b(?:{create}|{drop}|{alter})")).ok()
});

static ON: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"(?is)\bon\s+(?:only\s+)?(?P<on>{NAME})")).ok());

static CHANGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let what = format!(
        r"(?is)\b(?P<verb>add|drop)\s+(?P<kind>column\s+|constraint\s+)?(?:if\s+(?:not\s+)?exists\s+)?(?P<name>{NAME})"
    );
    Regex::new(&what).ok()
});

static RENAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?is)^\s*rename\b").ok());

/// What all of `texts`, run one after the other, leave behind.
pub(super) fn of(texts: &[String]) -> Vec<Promise> {
    let mut promises = Vec::new();
    for text in texts {
        let text = bare(text);
        let Some(statement) = STATEMENT.as_ref() else { continue };
        for found in statement.captures_iter(&text) {
            apply(&found, &mut promises);
        }
    }
    promises
}

fn apply(found: &Captures<'_>, promises: &mut Vec<Promise>) {
    let group = |name: &str| found.name(name).map(|found| found.as_str());
    if let (Some(kind), Some(name)) = (group("created"), group("name")) {
        let kind = plain(kind);
        let rest = group("rest").unwrap_or_default();
        if kind == "index" && name.eq_ignore_ascii_case("on") {
            return; // PostgreSQL chooses its name.
        }
        let attached = matches!(kind.as_str(), "policy" | "trigger");
        let on = ON.as_ref().filter(|_| attached).and_then(|on| on.captures(rest));
        let on = on.map(|on| split(&on["on"]).1);
        put(promises, promise(&kind, name, on));
    } else if let (Some(kind), Some(name)) = (group("dropped"), group("gone")) {
        let on = group("gone_on").map(|table| split(table).1);
        let gone = promise(&plain(kind), name, on);
        let table = gone.kind == "table";
        promises.retain(|kept| {
            let same = kept.kind == gone.kind && kept.name == gone.name && (gone.on.is_none() || kept.on == gone.on);
            !(same || table && kept.on.as_deref() == Some(gone.name.as_str()))
        });
    } else if let (Some(table), Some(changes)) = (group("altered"), group("changes")) {
        let (schema, table) = split(table);
        if RENAME.as_ref().is_some_and(|rename| rename.is_match(changes)) {
            promises.retain(|kept| kept.name != table && kept.on.as_deref() != Some(table.as_str()));
            return;
        }
        for change in CHANGE.iter().flat_map(|change| change.captures_iter(changes)) {
            let kind = change
                .name("kind")
                .map_or("column".to_owned(), |kind| plain(kind.as_str()));
            let name = split(&change["name"]).1;
            let unnamed = [
                "primary",
                "unique",
                "foreign",
                "check",
                "exclude",
                "constraint",
                "not",
                "default",
                "value",
            ];
            if change.name("kind").is_none() && unnamed.contains(&name.to_lowercase().as_str()) {
                continue;
            }
            let meant = Promise {
                kind,
                schema: schema.clone(),
                name,
                on: Some(table.clone()),
            };
            if change["verb"].eq_ignore_ascii_case("add") {
                put(promises, meant);
            } else {
                promises.retain(|kept| (&kept.kind, &kept.name, &kept.on) != (&meant.kind, &meant.name, &meant.on));
            }
        }
    }
}

fn put(promises: &mut Vec<Promise>, promise: Promise) {
    if !promises.contains(&promise) {
        promises.push(promise);
    }
}

fn promise(kind: &str, name: &str, on: Option<String>) -> Promise {
    let (schema, name) = split(name);
    // A trigger's or a policy's schema is its table's.
    Promise {
        kind: kind.to_owned(),
        schema,
        name,
        on,
    }
}

/// `unique index` is an index, a procedure is a function, a materialized view is a view.
fn plain(kind: &str) -> String {
    let kind = kind.split_whitespace().last().unwrap_or_default().to_lowercase();
    if kind == "procedure" {
        "function".to_owned()
    } else {
        kind
    }
}

/// Schema and name as PostgreSQL keeps them: in lower case unless quoted.
fn split(text: &str) -> (Option<String>, String) {
    let part = |part: &str| match part.trim().strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').to_owned(),
        None => part.trim().to_lowercase(),
    };
    match text
        .split_once('.')
        .filter(|_| !text.starts_with('"') || text.contains("\"."))
    {
        Some((schema, name)) => (Some(part(schema)), part(name)),
        None => (None, part(text)),
    }
}

/// `sql` without comments, texts and the bodies of functions: what they hold is not run. The body of a `do` is.
fn bare(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(char) = rest.chars().next() {
        if rest.starts_with("--") {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |at| &rest[at + 2..]);
        } else if char == '\'' {
            rest = rest[1..].find('\'').map_or("", |at| &rest[at + 2..]);
            out.push_str("''");
        } else if let Some(tag) = dollar_tag(rest) {
            let body = &rest[tag.len()..];
            let end = body.find(tag).unwrap_or(body.len());
            let run = out.trim_end().rsplit(|char: char| !char.is_alphanumeric()).next();
            if run.is_some_and(|word| word.eq_ignore_ascii_case("do")) {
                out.push_str("; ");
                out.push_str(&bare(&body[..end]));
            }
            rest = body.get(end + tag.len()..).unwrap_or_default();
        } else {
            out.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    out
}

/// `$$` or `$name$` at the start of `text`.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text.strip_prefix('$')?.find('$')?;
    let name = &text[1..=end];
    let fine = name.chars().all(|char| char.is_alphanumeric() || char == '_')
        && !name.starts_with(|char: char| char.is_ascii_digit());
    fine.then(|| &text[..end + 2])
}

/// Everything that exists outside PostgreSQL's own schemas, a line each.
pub(super) const EXISTING: &str = r"
with own as (
  select oid, nspname from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\_toast%' and nspname not like 'pg\_temp%'
), relations as (
  select c.oid, own.nspname, c.relname, c.relkind, c.reltype from pg_class c join own on own.oid = c.relnamespace
)
select json_agg(concat_ws('|', kind, nspname, name, coalesce(at, ''))) from (
  select case relkind when 'v' then 'view' when 'm' then 'view' when 'S' then 'sequence' when 'i' then 'index'
      when 'I' then 'index' when 'c' then 'type' else 'table' end as kind, nspname, relname as name, null as at from relations
  union all select 'column', nspname, attname, relname from pg_attribute a join relations r on r.oid = a.attrelid
    where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'f')
  union all select 'function', nspname, proname, null from pg_proc p join own on own.oid = p.pronamespace
  union all select 'type', nspname, typname, null from pg_type t join own on own.oid = t.typnamespace where typtype in ('e', 'd', 'r')
  union all select 'policy', nspname, polname, relname from pg_policy p join relations r on r.oid = p.polrelid
  union all select 'trigger', n.nspname, tgname, c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace where not tgisinternal
  union all select 'constraint', nspname, conname, relname from pg_constraint c join relations r on r.oid = c.conrelid
  union all select 'extension', nspname, extname, null from pg_extension e join pg_namespace n on n.oid = e.extnamespace
) existing";
