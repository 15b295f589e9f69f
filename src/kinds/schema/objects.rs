//! What belongs to tables: triggers, constraints, indexes; and enum types.

use serde::{Deserialize, Serialize};

use super::wanted::Name;
use super::{SchemaCheck, Seen};
use crate::deployment::Unobserved;
use crate::deployment::postgres::Transaction;
use crate::outcome::Finding;
use crate::suite::{Spanned, did_you_mean};

/// Everything of this sort that the database has.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Objects {
    triggers: Vec<Part>,
    constraints: Vec<Part>,
    indexes: Vec<Part>,
    enums: Vec<Enum>,
    foreign_keys: Vec<ForeignKey>,
}

/// A trigger, a constraint or an index.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    schema: String,
    table: String,
    name: String,
    /// A trigger fires, a constraint was checked for the rows there are, an index is used.
    valid: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Enum {
    schema: String,
    name: String,
    labels: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ForeignKey {
    schema: String,
    table: String,
    columns: Vec<String>,
    indexed: bool,
}

impl Objects {
    pub(super) async fn read(transaction: &Transaction) -> Result<Self, Unobserved> {
        let text = transaction.scalar(QUERY, &[]).await?.unwrap_or_default();
        serde_json::from_str(&text).map_err(|why| Unobserved::new(format!("the catalogue cannot be read: {why}")))
    }
}

impl SchemaCheck {
    /// Whether anything is asked that the common catalogue does not tell.
    pub(super) fn asks_for_objects(&self) -> bool {
        !(self.triggers.is_empty() && self.constraints.is_empty() && self.indexes.is_empty() && self.enums.is_empty())
            || self.foreign_keys_indexed.is_some()
            || self.valid.is_some()
    }

    pub(super) fn judge_objects(&self, seen: &Seen) -> Vec<Finding> {
        let objects = &seen.objects;
        let mut findings = Vec::new();
        let sorts = [
            ("trigger", &self.triggers, &objects.triggers, "disabled"),
            (
                "constraint",
                &self.constraints,
                &objects.constraints,
                "not valid: older rows may break it",
            ),
            (
                "index",
                &self.indexes,
                &objects.indexes,
                "invalid: it was not built to its end, and is not used",
            ),
        ];
        for (sort, wanted, parts, broken) in sorts {
            findings.extend(
                wanted
                    .iter()
                    .map(|wanted| self.judge_part(sort, wanted, parts, broken).at(wanted.span())),
            );
        }
        for (name, labels) in self.enums.iter() {
            findings.push(self.judge_enum(name, labels, &objects.enums).at(labels.span()));
        }
        if let Some(wanted) = self.foreign_keys_indexed.as_ref().filter(|wanted| ***wanted) {
            findings.extend(
                self.judge_foreign_keys(&objects.foreign_keys)
                    .into_iter()
                    .map(|it| it.at(wanted.span())),
            );
        }
        if let Some(wanted) = self.valid.as_ref().filter(|wanted| ***wanted) {
            findings.extend(self.judge_validity(objects).into_iter().map(|it| it.at(wanted.span())));
        }
        findings
    }

    fn judge_part(&self, sort: &str, wanted: &Spanned<String>, parts: &[Part], broken: &str) -> Finding {
        let (name, table) = match wanted.split_once(" on ") {
            Some((name, table)) => (name.trim(), Some(Name::read(table))),
            None => (wanted.trim(), None),
        };
        let name = name.trim_matches('"');
        let what = format!("{sort} {}", wanted.as_str());
        let here = |part: &&Part| match &table {
            Some(table) => self.means(table, &part.schema, &part.table),
            None => part.schema == self.schema,
        };
        let mut found = parts.iter().filter(here).filter(|part| part.name == name);
        if let Some(part) = found.next() {
            return Finding::expect(part.valid, what, "there", if part.valid { "there" } else { broken });
        }
        let finding = Finding::failed(what, "there", "none of that name");
        if let Some(other) = parts.iter().find(|part| part.name == name) {
            return finding.hint(format!("there is one on {}.{}", other.schema, other.table));
        }
        match did_you_mean(name, parts.iter().filter(here).map(|part| part.name.as_str())) {
            Some(near) => finding.hint(format!("did you mean `{near}`? or was the migration not applied here?")),
            None => finding.hint("was the migration applied to this database?"),
        }
    }

    fn judge_enum(&self, name: &str, wanted: &[String], enums: &[Enum]) -> Finding {
        let what = format!("enum {name}");
        let expected = wanted.join(", ");
        let meant = Name::read(name);
        let Some(seen) = enums.iter().find(|seen| self.means(&meant, &seen.schema, &seen.name)) else {
            let finding = Finding::failed(what, expected, "no enum of that name");
            return match did_you_mean(&meant.name, enums.iter().map(|seen| seen.name.as_str())) {
                Some(near) => finding.hint(format!("did you mean `{near}`?")),
                None => finding.hint("was the migration applied to this database?"),
            };
        };
        let missing: Vec<&String> = wanted.iter().filter(|label| !seen.labels.contains(label)).collect();
        let hint = match missing.first() {
            Some(label) => format!("alter type {name} add value '{label}'"),
            None => "does the code know the values that were added, and their order?".to_owned(),
        };
        Finding::expect(seen.labels == wanted, what, expected, seen.labels.join(", ")).hint(hint)
    }

    fn judge_foreign_keys(&self, keys: &[ForeignKey]) -> Vec<Finding> {
        let what = "indexes on foreign keys";
        let keys: Vec<&ForeignKey> = keys.iter().filter(|key| key.schema == self.schema).collect();
        if keys.is_empty() {
            let told = format!("there is no foreign key in {}, so this proves nothing", self.schema);
            return vec![Finding::unclear(what, "one each", told)];
        }
        let bare = keys.iter().filter(|key| !key.indexed);
        let mut findings: Vec<Finding> = bare
            .map(|key| {
                let columns = key.columns.join(", ");
                Finding::failed(format!("{what}: {} ({columns})", key.table), "an index", "none")
                    .hint(format!("create index concurrently on {} ({columns})", key.table))
            })
            .collect();
        let indexed = keys.iter().filter(|key| key.indexed).count();
        if indexed > 0 {
            findings.push(Finding::passed(
                what,
                "one each",
                format!("{indexed} of {} have one", keys.len()),
            ));
        }
        findings
    }

    fn judge_validity(&self, objects: &Objects) -> Vec<Finding> {
        let sorts = [
            ("index", &objects.indexes),
            ("constraint", &objects.constraints),
            ("trigger", &objects.triggers),
        ];
        let mut examined = 0;
        let mut findings = Vec::new();
        for (sort, parts) in sorts {
            for part in parts.iter().filter(|part| part.schema == self.schema) {
                examined += 1;
                if !part.valid {
                    let (told, hint) = match sort {
                        "index" => ("invalid", format!("reindex index concurrently {}", part.name)),
                        "constraint" => (
                            "not valid",
                            format!("alter table {} validate constraint {}", part.table, part.name),
                        ),
                        _ => (
                            "disabled",
                            format!("alter table {} enable trigger {}", part.table, part.name),
                        ),
                    };
                    let what = format!("{sort} {} on {}", part.name, part.table);
                    findings.push(Finding::failed(what, "valid", told).hint(hint));
                }
            }
        }
        if examined == 0 {
            let told = format!("nothing of these in {}, so this proves nothing", self.schema);
            findings.push(Finding::unclear("validity", "indexes, constraints, triggers", told));
        } else if findings.is_empty() {
            findings.push(Finding::passed(
                "validity",
                "nothing invalid",
                format!("all {examined} are valid"),
            ));
        }
        findings
    }
}

const QUERY: &str = r"
with tables as (
  select c.oid, n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname not like 'pg\_toast%' and n.nspname not like 'pg\_temp%'
)
select json_build_object(
  'triggers', (select coalesce(json_agg(json_build_object('schema', nspname, 'table', relname, 'name', tgname,
      'valid', tgenabled <> 'D') order by nspname, relname, tgname), '[]')
    from pg_trigger t join tables on tables.oid = t.tgrelid where not tgisinternal),
  'constraints', (select coalesce(json_agg(json_build_object('schema', nspname, 'table', relname, 'name', conname,
      'valid', convalidated) order by nspname, relname, conname), '[]')
    from pg_constraint c join tables on tables.oid = c.conrelid),
  'indexes', (select coalesce(json_agg(json_build_object('schema', nspname, 'table', tables.relname, 'name', i.relname,
      'valid', x.indisvalid and x.indisready) order by nspname, tables.relname, i.relname), '[]')
    from pg_index x join tables on tables.oid = x.indrelid join pg_class i on i.oid = x.indexrelid),
  'enums', (select coalesce(json_agg(json_build_object('schema', nspname, 'name', typname,
      'labels', (select json_agg(enumlabel order by enumsortorder) from pg_enum e where e.enumtypid = t.oid))), '[]')
    from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype = 'e'),
  'foreign_keys', (select coalesce(json_agg(json_build_object('schema', nspname, 'table', relname,
      'columns', (select json_agg(attname order by at) from unnest(c.conkey) with ordinality k(num, at)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num),
      'indexed', exists (select from pg_index x where x.indrelid = c.conrelid and x.indisvalid and x.indpred is null
        and (x.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)) order by nspname, relname, conname), '[]')
    from pg_constraint c join tables on tables.oid = c.conrelid where c.contype = 'f')
)";
