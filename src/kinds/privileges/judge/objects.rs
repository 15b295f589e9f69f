//! Rights on schemas, tables and sequences.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::observe::{Object, Seen};
use super::super::rights::Right;
use super::super::{Privileges, is_pattern};
use crate::deployment::postgres::identifier;
use crate::outcome::Finding;
use crate::suite::{Entries, did_you_mean};

/// A line of the suite: what it is about, and the rights it names.
struct Line<'a> {
    /// `tables users`.
    what: String,
    kind: &'static str,
    name: &'a str,
    rights: Vec<&'static str>,
    span: Range<usize>,
}

impl Privileges {
    pub(super) fn judge_objects<R: Right>(
        &self,
        kind: &'static str,
        lines: &Entries<Vec<R>>,
        objects: &[Object],
        must: bool,
        seen: &Seen,
        findings: &mut Vec<Finding>,
    ) {
        let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
        for (name, rights) in lines.iter().filter(|(_, rights)| !rights.is_empty()) {
            let line = Line {
                what: format!(
                    "{}: {kind}{} {name}",
                    seen.name,
                    if is_pattern(name) { "s" } else { "" }
                ),
                kind,
                name,
                rights: rights.iter().map(|right| right.word()).collect(),
                span: rights.span(),
            };
            let matching: Vec<&Object> = if kind == "schema" {
                objects.iter().filter(|object| object.name == *name).collect()
            } else {
                self.matching(name, &names, objects)
            };
            findings.push(if matching.is_empty() {
                line.nothing(must, objects, self.named(name).1)
            } else if must {
                line.must(&matching, &seen.name, &self.schema)
            } else {
                line.must_not(&matching, &seen.name, &self.schema)
            });
        }
    }
}

impl Line<'_> {
    fn must(&self, objects: &[&Object], role: &str, schema: &str) -> Finding {
        let closed: Vec<String> = objects
            .iter()
            .filter(|it| !it.reachable)
            .map(|it| it.schema.clone())
            .collect();
        let mut lacking: BTreeMap<usize, Vec<&Object>> = BTreeMap::new();
        for object in objects {
            for (at, right) in self.rights.iter().enumerate() {
                if !object.holds(right) {
                    lacking.entry(at).or_default().push(object);
                }
            }
        }
        let expected = self.expected(objects.len());
        if let Some(closed) = closed.first() {
            return Finding::failed(
                &self.what,
                expected,
                format!("no usage of the schema {closed}, so no right counts"),
            )
            .at(self.span.clone())
            .hint(format!(
                "grant usage on schema {} to {}",
                identifier(closed),
                identifier(role)
            ));
        }
        if lacking.is_empty() {
            return Finding::passed(&self.what, expected, self.held(objects.len())).at(self.span.clone());
        }
        let told = lacking.iter().map(|(at, objects)| {
            let partly = objects
                .iter()
                .any(|object| object.partly.iter().any(|right| right == self.rights[*at]));
            let only = if partly { " (on some columns only)" } else { "" };
            format!("no {}{}{only}", self.rights[*at], self.on(objects, schema))
        });
        let told: Vec<String> = told.collect();
        Finding::failed(&self.what, expected, told.join("; "))
            .at(self.span.clone())
            .hint(self.grant(&lacking, role, schema))
    }

    fn must_not(&self, objects: &[&Object], role: &str, schema: &str) -> Finding {
        let mut held: BTreeMap<usize, Vec<&Object>> = BTreeMap::new();
        for object in objects {
            for (at, right) in self.rights.iter().enumerate() {
                if object.holds(right) || object.partly.iter().any(|partly| partly == right) {
                    held.entry(at).or_default().push(object);
                }
            }
        }
        let expected = format!("no {}", self.rights.join(", no "));
        if held.is_empty() {
            let of = if is_pattern(self.name) {
                format!(" on {} {}s", objects.len(), self.kind)
            } else {
                String::new()
            };
            return Finding::passed(&self.what, expected, format!("none{of}")).at(self.span.clone());
        }
        let told = held.iter().map(|(at, objects)| {
            let partly = objects.iter().all(|object| !object.holds(self.rights[*at]));
            let only = if partly { " (on some columns)" } else { "" };
            format!("{}{}{only}", self.rights[*at], self.on(objects, schema))
        });
        let told: Vec<String> = told.collect();
        let own = held.keys().any(|at| self.rights[*at] == "own");
        let hint = if own {
            format!(
                "give them to another role: `alter table … owner to …`; {} may be a member of the owner",
                identifier(role)
            )
        } else {
            format!(
                "revoke it from {}, from the roles it is a member of, and from public",
                identifier(role)
            )
        };
        Finding::failed(&self.what, expected, told.join("; "))
            .at(self.span.clone())
            .hint(hint)
    }

    /// No object is meant: of a name that must be there that is wrong, otherwise nothing was examined.
    fn nothing(&self, must: bool, objects: &[Object], name: &str) -> Finding {
        let expected = if must {
            self.expected(0)
        } else {
            format!("no {}", self.rights.join(", no "))
        };
        let finding = if is_pattern(self.name) {
            Finding::unclear(
                &self.what,
                expected,
                format!("no {} matches, so this proves nothing", self.kind),
            )
        } else if must {
            Finding::failed(&self.what, expected, format!("no {} of that name", self.kind))
        } else {
            Finding::unclear(
                &self.what,
                expected,
                format!("no {} of that name, so this proves nothing", self.kind),
            )
        };
        let near = did_you_mean(name, objects.iter().map(|object| object.name.as_str()));
        finding.at(self.span.clone()).hint(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "was the migration applied to this database?".to_owned(),
        })
    }

    fn expected(&self, count: usize) -> String {
        let rights = self.rights.join(", ");
        if is_pattern(self.name) {
            format!("{rights} on each of {count}")
        } else {
            rights
        }
    }

    fn held(&self, count: usize) -> String {
        if is_pattern(self.name) {
            format!("held on {count} {}s", self.kind)
        } else {
            "held".to_owned()
        }
    }

    /// ` on a, b`, where the line itself does not name it.
    fn on(&self, objects: &[&Object], schema: &str) -> String {
        if !is_pattern(self.name) {
            return String::new();
        }
        let names: Vec<String> = objects.iter().map(|object| object.shown(schema)).collect();
        format!(" on {}", names.join(", "))
    }

    fn grant(&self, lacking: &BTreeMap<usize, Vec<&Object>>, role: &str, schema: &str) -> String {
        let statements = lacking.iter().map(|(at, objects)| {
            let right = self.rights[*at];
            if right == "own" {
                return "alter table … owner to …".to_owned();
            }
            let names: Vec<String> = objects.iter().map(|object| object.shown(schema)).collect();
            let kind = match self.kind {
                "table" => String::new(),
                kind => format!("{kind} "),
            };
            format!("grant {right} on {kind}{} to {}", names.join(", "), identifier(role))
        });
        statements.collect::<Vec<_>>().join("; ")
    }
}
