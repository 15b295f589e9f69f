//! Judges what a role may do against what the suite says of it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::observe::{Attempt, FunctionSeen, Object, RoleSeen, Seen};
use super::rights::{Attribute, Future, Right, Rights, words};
use super::{Privileges, is_pattern};
use crate::deployment::postgres::identifier;
use crate::outcome::Finding;
use crate::suite::{Entries, Spanned, did_you_mean};

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

    fn judge_objects<R: Right>(
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

    fn judge_function(&self, wanted: &str, must: bool, seen: &Seen) -> Finding {
        let what = format!("{}: execute {wanted}", seen.name);
        let overloads = self.overloads(wanted, seen);
        if overloads.is_empty() {
            return no_function(what, must);
        }
        let wrong: Vec<String> = overloads
            .iter()
            .filter(|it| it.held != must)
            .map(|it| it.signature())
            .collect();
        let (expected, told) = (sides(must).0, sides(!must).1);
        if wrong.is_empty() {
            return Finding::passed(what, expected, sides(must).1);
        }
        let open = overloads
            .iter()
            .any(|it| it.granted.iter().any(|role| role == "public"));
        let from = if open { "public" } else { &seen.name };
        let verb = if must { "grant" } else { "revoke" };
        let to = if must {
            format!("to {}", identifier(&seen.name))
        } else {
            format!("from {}", grantee(from))
        };
        Finding::failed(what, expected, format!("{told}: {}", wrong.join(", ")))
            .hint(format!("{verb} execute on function {} {to}", wrong.join(", ")))
    }

    fn overloads<'a>(&self, wanted: &str, seen: &'a Seen) -> Vec<&'a FunctionSeen> {
        let (schema, name) = self.named(wanted);
        let all = seen.functions.iter();
        all.filter(|function| function.schema == schema && function.name == name)
            .collect()
    }

    /// Exactly the roles named execute each overload.
    fn judge_executors(&self, name: &str, wanted: &Spanned<Vec<String>>, seen: &Seen) -> Vec<Finding> {
        let overloads = self.overloads(name, seen);
        let what = |function: &FunctionSeen| format!("who may execute {}", function.signature());
        if overloads.is_empty() {
            return vec![no_function(format!("who may execute {name}"), true).at(wanted.span())];
        }
        let open = wanted.iter().any(|role| role == "public");
        let unknown: Vec<&str> = wanted
            .iter()
            .filter(|role| *role != "public" && !seen.known.contains(role))
            .map(String::as_str)
            .collect();
        let expected = if wanted.is_empty() {
            "nobody but its owner".to_owned()
        } else {
            wanted.join(", ")
        };
        let judged = overloads.iter().map(|function| {
            let beyond: Vec<&str> = function
                .granted
                .iter()
                .filter(|role| !open && !wanted.contains(role))
                .map(String::as_str)
                .collect();
            let public = function.granted.iter().any(|role| role == "public");
            let lacking: Vec<&str> = wanted
                .iter()
                .filter(|role| {
                    if *role == "public" {
                        !public
                    } else {
                        !function.may.contains(role)
                    }
                })
                .map(String::as_str)
                .collect();
            let mut told = Vec::new();
            let mut tries = Vec::new();
            if !beyond.is_empty() {
                told.push(format!(
                    "also {}",
                    beyond.iter().map(|role| everybody(role)).collect::<Vec<_>>().join(", ")
                ));
                let from: Vec<String> = beyond.iter().map(|role| grantee(role)).collect();
                tries.push(format!(
                    "revoke execute on function {} from {}",
                    function.signature(),
                    from.join(", ")
                ));
            }
            if !unknown.is_empty() {
                told.push(format!("there is no role {}", unknown.join(", ")));
            }
            let without: Vec<&str> = lacking.into_iter().filter(|role| !unknown.contains(role)).collect();
            if !without.is_empty() {
                told.push(format!("not {}", without.join(", ")));
                let to: Vec<String> = without.iter().map(|role| grantee(role)).collect();
                tries.push(format!(
                    "grant execute on function {} to {}",
                    function.signature(),
                    to.join(", ")
                ));
            }
            let finding = if told.is_empty() {
                Finding::passed(what(function), &expected, &expected)
            } else {
                Finding::failed(what(function), &expected, told.join("; "))
            };
            if tries.is_empty() {
                finding
            } else {
                finding.hint(tries.join("; "))
            }
            .at(wanted.span())
        });
        judged.collect()
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

impl FunctionSeen {
    fn signature(&self) -> String {
        format!("{}({})", self.name, self.arguments)
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

fn judge_superuser(role: &RoleSeen) -> Finding {
    let superuser = role.attributes.iter().any(|attribute| attribute == "superuser");
    let told = if superuser {
        "a superuser: nothing is forbidden to it"
    } else {
        "not one"
    };
    Finding::expect(!superuser, format!("role {}", role.name), "not a superuser", told).hint(format!(
        "connect as another role, or: alter role {} nosuperuser",
        identifier(&role.name)
    ))
}

fn judge_attribute(role: &RoleSeen, attribute: Attribute, must: bool) -> Finding {
    let word = attribute.word();
    let has = |role: &RoleSeen| role.attributes.iter().any(|attribute| attribute == word);
    let name = identifier(&role.name);
    let what = format!("role {}", role.name);
    if must {
        return Finding::expect(
            has(role),
            what,
            word,
            if has(role) {
                word.to_owned()
            } else {
                format!("no {word}")
            },
        )
        .hint(format!("alter role {name} {word}"));
    }
    let through: Vec<&str> = role
        .member_of
        .iter()
        .filter(|above| has(above))
        .map(|above| above.name.as_str())
        .collect();
    // Only what a member can do by becoming the other role; to be able to log in is no such thing.
    let through = if attribute == Attribute::Login {
        Vec::new()
    } else {
        through
    };
    let expected = format!("no {word}");
    if has(role) {
        return Finding::failed(what, expected, word).hint(format!("alter role {name} no{word}"));
    }
    if !through.is_empty() {
        return Finding::failed(what, expected, format!("{word}, by becoming {}", through.join(", ")))
            .hint(format!("revoke {} from {name}", identifier(through[0])));
    }
    Finding::passed(what, &expected, &expected)
}

fn judge_membership(role: &RoleSeen, wanted: &str, must: bool) -> Finding {
    let member = role.member_of.iter().any(|above| above.name == wanted);
    let told = |member: bool| format!("{} of {wanted}", if member { "a member" } else { "no member" });
    let verb = if must { "grant" } else { "revoke" };
    let to = if must { "to" } else { "from" };
    Finding::expect(member == must, format!("role {}", role.name), told(must), told(member)).hint(format!(
        "{verb} {} {to} {}",
        identifier(wanted),
        identifier(&role.name)
    ))
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

fn judge_future(future: &Spanned<Future>, must: bool, seen: &Seen, schema: &str, findings: &mut Vec<Finding>) {
    let by: Vec<_> = seen
        .future
        .iter()
        .filter(|seen| future.by.as_ref().is_none_or(|by| by.contains(&seen.by)))
        .collect();
    if by.is_empty() {
        let told = format!("no table in {schema}, so that nobody is known who creates any");
        findings.push(
            Finding::unclear(format!("{}: future", seen.name), "roles that create tables", told)
                .at(future.span())
                .hint("name them: `by = [\"migration_user\"]`"),
        );
    }
    for creator in by {
        let kinds: [(&str, Vec<&str>, &[String]); 3] = [
            (
                "tables",
                future.tables.iter().map(|it| it.word()).collect(),
                &creator.tables,
            ),
            (
                "sequences",
                future.sequences.iter().map(|it| it.word()).collect(),
                &creator.sequences,
            ),
            (
                "functions",
                future.functions.iter().map(|it| it.word()).collect(),
                &creator.functions,
            ),
        ];
        for (kind, wanted, held) in kinds.into_iter().filter(|(_, wanted, _)| !wanted.is_empty()) {
            let what = format!("{}: future {kind} of {}", seen.name, creator.by);
            let expected = if must {
                wanted.join(", ")
            } else {
                format!("no {}", wanted.join(", no "))
            };
            if !creator.exists {
                findings.push(Finding::failed(what, expected, "no role of that name").at(future.span()));
                continue;
            }
            let wrong = |right: &&str| held.iter().any(|held| held == right) != must;
            let wrong: Vec<&str> = wanted.iter().copied().filter(|right| wrong(right)).collect();
            let no = if must { "no " } else { "" };
            let told = if wrong.is_empty() {
                expected.clone()
            } else {
                format!("{no}{}", wrong.join(", "))
            };
            let (verb, to) = if must { ("grant", "to") } else { ("revoke", "from") };
            let hint = format!(
                "alter default privileges for role {} in schema {} {verb} {} on {kind} {to} {}",
                identifier(&creator.by),
                identifier(schema),
                wrong.join(", "),
                identifier(&seen.name)
            );
            findings.push(
                Finding::expect(wrong.is_empty(), what, expected, told)
                    .hint(hint)
                    .at(future.span()),
            );
        }
    }
}

fn no_function(what: String, must: bool) -> Finding {
    let told = "no function of that name";
    let hint = "was the migration applied to this database?";
    if must {
        Finding::failed(what, "a function", told).hint(hint)
    } else {
        Finding::unclear(what, sides(false).0, format!("{told}, so this proves nothing")).hint(hint)
    }
}

/// What is expected, and what is seen, of something that can be done or not.
fn sides(can: bool) -> (&'static str, &'static str) {
    if can {
        ("allowed", "allowed")
    } else {
        ("refused", "refused")
    }
}

fn grantee(role: &str) -> String {
    if role == "public" {
        role.to_owned()
    } else {
        identifier(role)
    }
}

fn everybody(role: &str) -> &str {
    if role == "public" { "public (everybody)" } else { role }
}
