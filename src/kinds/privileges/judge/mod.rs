//! Judges what a role may do against what the suite says of it.

mod functions;
mod future;
mod objects;
mod roles;

use super::Privileges;
use super::observe::{Attempt, RoleSeen, Seen};
use super::rights::{Attribute, Right, Rights, words};
use crate::deployment::postgres::identifier;
use crate::outcome::Finding;
use future::judge_future;
use roles::{judge_attribute, judge_membership, judge_superuser};

impl Privileges {
    pub(super) fn judge_all(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = Vec::new();
        let asked = !self.must.is_empty() || !self.must_not.is_empty();
        let Some(role) = &seen.role else {
            let finding = Finding::failed(format!("role {}", seen.name), "a role", "none of that name")
                .hint("was the script that creates the roles run on this server?");
            return vec![match &self.role {
                Some(name) => finding.at(name.span()),
                None => finding,
            }];
        };
        if asked && !self.names(Attribute::Superuser) {
            findings.push(self.placed(judge_superuser(role)));
        }
        self.judge_rights(&self.must, true, role, seen, &mut findings);
        self.judge_rights(&self.must_not, false, role, seen, &mut findings);
        for (name, roles) in self.functions.iter() {
            findings.extend(self.judge_executors(name, roles, seen));
        }
        findings.extend(
            seen.attempts
                .iter()
                .map(|attempt| self.placed(attempt.judge(&seen.name))),
        );
        if self.attempts && seen.attempts.is_empty() {
            findings.push(
                self.placed(
                    Finding::unclear(
                        "attempts",
                        "something that can be tried",
                        "nothing: no table to read, nothing to refuse",
                    )
                    .hint("name tables in `must`, or schemas in `must_not`"),
                ),
            );
        }
        findings
    }

    fn names(&self, attribute: Attribute) -> bool {
        let both = [&self.must, &self.must_not];
        both.iter()
            .filter_map(|rights| rights.attributes.as_ref())
            .any(|named| named.contains(&attribute))
    }

    fn placed(&self, finding: Finding) -> Finding {
        match &self.role {
            Some(role) => finding.at(role.span()),
            None => finding,
        }
    }

    fn judge_rights(&self, rights: &Rights, must: bool, role: &RoleSeen, seen: &Seen, findings: &mut Vec<Finding>) {
        if let Some(attributes) = &rights.attributes {
            findings.extend(
                attributes
                    .iter()
                    .map(|it| judge_attribute(role, *it, must).at(attributes.span())),
            );
        }
        for wanted in &rights.roles {
            findings.push(judge_membership(role, wanted, must).at(wanted.span()));
        }
        if let Some(wanted) = &rights.database {
            findings.push(judge_database(wanted, must, seen).at(wanted.span()));
        }
        self.judge_objects("schema", &rights.schemas, &seen.schemas, must, seen, findings);
        self.judge_objects("table", &rights.tables, &seen.tables, must, seen, findings);
        self.judge_objects("sequence", &rights.sequences, &seen.sequences, must, seen, findings);
        for wanted in &rights.functions {
            findings.push(self.judge_function(wanted, must, seen).at(wanted.span()));
        }
        if let Some(wanted) = &rights.create_extension {
            let (expected, told) = (sides(must).0, sides(seen.creates_extension).1);
            let finding = Finding::expect(
                seen.creates_extension == must,
                format!("{}: create an extension", seen.name),
                expected,
                told,
            );
            let database = "create on the database";
            let hint = if must {
                format!("grant {database}, or create it as another role")
            } else {
                format!("revoke {database}")
            };
            findings.push(finding.hint(hint).at(wanted.span()));
        }
        if let Some(future) = &rights.future {
            judge_future(future, must, seen, &self.schema, findings);
        }
    }
}

impl Attempt {
    fn judge(&self, role: &str) -> Finding {
        let what = format!("as {role}: {}", self.what);
        if let (true, Some(error)) = (self.not_the_role, &self.error) {
            return Finding::unclear(what, "possible", error.sentence())
                .hint("grant the role to the one of the endpoint's address, or name an endpoint of its own with `on`");
        }
        match (&self.error, self.must) {
            (None, true) => Finding::passed(what, "works", "works"),
            (None, false) => Finding::failed(what, "refused", "done (and rolled back)"),
            (Some(error), false) if error.is_denied() => Finding::passed(what, "refused", error.sentence()),
            (Some(error), true) if error.is_denied() => Finding::failed(what, "works", error.sentence()),
            // Another reason than the one that counts: a lock, a missing file of the extension.
            (Some(error), must) => Finding::unclear(what, if must { "works" } else { "refused" }, error.sentence()),
        }
    }
}

fn judge_database<R: Right>(wanted: &[R], must: bool, seen: &Seen) -> Finding {
    let wrong = |right: &&R| seen.database.iter().any(|held| held == right.word()) != must;
    let wrong: Vec<&str> = wanted.iter().filter(wrong).map(|right| right.word()).collect();
    let expected = if must {
        words(wanted)
    } else {
        format!("no {}", words(wanted))
    };
    let no = if must { "no " } else { "" };
    let told = if wrong.is_empty() {
        expected.clone()
    } else {
        format!("{no}{}", wrong.join(", "))
    };
    let hint = if must {
        format!("grant it to {}", identifier(&seen.name))
    } else {
        "revoke it, also from public".to_owned()
    };
    Finding::expect(wrong.is_empty(), format!("{}: database", seen.name), expected, told).hint(hint)
}

/// What is expected, and what is seen, of something that can be done or not.
fn sides(can: bool) -> (&'static str, &'static str) {
    if can {
        ("allowed", "allowed")
    } else {
        ("refused", "refused")
    }
}
