//! Judges what was seen of row level security.

use crate::deployment::postgres::{SqlError, identifier};
use crate::outcome::Finding;

use super::seen::{Attempt, ENOUGH, Exempt, RoleSeen, Sample, Seen, TableSeen, Tried};
use super::{Anon, Command, Others, Rls};

pub(super) fn judge(rls: &Rls, seen: &Seen) -> Vec<Finding> {
    let mut findings: Vec<Finding> = seen
        .roles
        .iter()
        .filter_map(|(role, state)| role_finding(role, state, &seen.current_user))
        .collect();
    for (name, table) in rls.tables.iter().zip(&seen.tables) {
        let judged = match table {
            Some(table) => OneTable { rls, name, table, seen }.judge(),
            None => vec![Finding::failed(name.as_str(), "a table", "none of that name").hint(
                "was the migration applied to this database? (a name without a schema is looked up in `schema`)",
            )],
        };
        findings.extend(judged.into_iter().map(|finding| match finding.span {
            Some(_) => finding,
            None => finding.at(name.span()),
        }));
    }
    if findings.is_empty() {
        findings.push(Finding::unclear("tables", "at least one", "none"));
    }
    findings
}

fn role_finding(role: &str, state: &RoleSeen, current_user: &str) -> Option<Finding> {
    let (what, expected) = (format!("role {role}"), "can be tried");
    match state {
        RoleSeen::Ready => None,
        RoleSeen::Missing => Some(Finding::unclear(what, expected, "there is no such role").hint(
            "name the roles of this database: roles = { anon = \"web_anon\", user = \"app\" }; \"\" leaves one out",
        )),
        RoleSeen::Closed(error) => Some(Finding::unclear(what, expected, error.sentence()).hint(format!(
            "grant {} to {}",
            identifier(role),
            identifier(current_user)
        ))),
    }
}

pub(super) struct OneTable<'a> {
    pub(super) rls: &'a Rls,
    pub(super) name: &'a str,
    pub(super) table: &'a TableSeen,
    seen: &'a Seen,
}

impl OneTable<'_> {
    fn judge(&self) -> Vec<Finding> {
        let table = self.table;
        if table.kind != "table" {
            return vec![Finding::failed(self.name, "a table", format!("a {}", table.kind)).hint(
                "row level security belongs to tables; a view reads with its owner's rights unless it is created \
                     with (security_invoker = true)",
            )];
        }
        let mut findings = self.judge_facts();
        for column in &table.missing {
            findings.push(Finding::failed(
                self.name,
                format!("a column {column}"),
                "no such column",
            ));
        }
        self.judge_policies(&mut findings);
        if table.enabled && table.missing.is_empty() {
            self.judge_behaviour(&mut findings);
        }
        findings
    }

    fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.table.schema), identifier(&self.table.name))
    }

    fn judge_facts(&self) -> Vec<Finding> {
        let table = self.table;
        let say = |on: bool, yes: &str, no: &str| if on { yes.to_owned() } else { no.to_owned() };
        let enabled = say(table.enabled, "enabled", "disabled");
        let mut findings = vec![
            Finding::expect(table.enabled, self.name, "row level security enabled", enabled)
                .hint(format!("alter table {} enable row level security", self.quoted())),
        ];
        if self.rls.forced {
            let forced = say(table.forced, "forced", "not forced");
            findings.push(
                Finding::expect(table.forced, self.name, "row level security forced", forced)
                    .hint(format!("alter table {} force row level security", self.quoted())),
            );
        }
        findings
    }

    fn judge_behaviour(&self, findings: &mut Vec<Finding>) {
        let (Some(sample), table) = (&self.table.sample, self.table) else {
            return;
        };
        if let Some(tried) = &table.user {
            self.judge_user(tried, sample, findings);
        }
        if let Some(tried) = &table.anon {
            self.judge_anon(tried, sample, findings);
        }
        if table.user.is_none() && sample.user.is_none() && self.rls.owner.is_some() && !self.rls.roles.user.is_empty()
        {
            findings.push(self.nothing_there(sample, &format!("{} as {}", self.name, self.rls.roles.user)));
        }
    }

    fn nothing_there(&self, sample: &Sample, what: &str) -> Finding {
        if sample.partial {
            let role = &self.seen.current_user;
            return Finding::unclear(what, "rows to try it on", format!("no row that {role} itself may see"))
                .hint("connect as the tables' owner or a role with BYPASSRLS, which sees all rows");
        }
        Finding::unclear(what, "rows to try it on", "the table is empty, so nothing was examined")
            .hint("try it where there are rows of at least two users")
    }

    fn judge_user(&self, tried: &Tried, sample: &Sample, findings: &mut Vec<Finding>) {
        let user = sample.user.as_deref().unwrap_or_default();
        let role = &self.rls.roles.user;
        let what = format!("{} as {role} {user}", self.name);
        if let Some(exempt) = tried.exempt {
            findings.push(self.exempt(role, exempt));
            return;
        }
        match &tried.sees {
            // What cannot even be read says the same of every write.
            Some(Err(error)) if !error.is_denied() => return findings.push(errs(&what, error)),
            Some(seen) => {
                let own = seen.as_ref().map_or(0, |visible| visible.own);
                let others = seen.as_ref().map_or(0, |visible| visible.others);
                let denied = seen.as_ref().err();
                findings.push(self.judge_own(&what, own, denied, sample));
                findings.push(match sample.others {
                    0 => unclear_others(&what, user),
                    _ => self.judge_others(&what, role, others, denied, sample.others),
                });
            }
            None => {}
        }
        self.judge_writes(&what, role, "others", tried, findings);
        for (column, attempt) in &tried.protected {
            findings.push(self.judge_protected(&what, column, attempt.as_ref()));
        }
    }

    fn judge_own(&self, what: &str, own: u64, denied: Option<&SqlError>, sample: &Sample) -> Finding {
        let seen = match denied {
            Some(error) => error.to_string(),
            None => format!("{} of {}", counted(own), counted(sample.own)),
        };
        if sample.own == 0 {
            return Finding::unclear(
                what,
                "sees rows of their own",
                "there are none, so nothing was examined",
            )
            .hint("leave `user` out: for each table one is picked who has rows in it");
        }
        if !self.rls.reads {
            return Finding::expect(own == 0, what, "sees no row, not even their own", seen);
        }
        let finding = Finding::expect(own > 0, what, "sees rows of their own", seen);
        if denied.is_some() {
            return finding.hint(format!(
                "grant select on {} to {}",
                self.quoted(),
                identifier(&self.rls.roles.user)
            ));
        }
        finding.hint(if self.rls.set.is_empty() {
            "no policy lets them read their rows (reads = false says that this is meant)"
        } else {
            "no policy lets them read their rows: are the settings in `set` those that the policies read?"
        })
    }

    fn judge_others(&self, what: &str, role: &str, others: u64, denied: Option<&SqlError>, there: u64) -> Finding {
        if self.rls.others == Others::Readable || self.rls.anon == Anon::Read {
            let seen = denied.map_or_else(
                || format!("{} of {}", counted(others), counted(there)),
                ToString::to_string,
            );
            return Finding::passed(what, "may see rows of others", seen);
        }
        let expected = "sees no row of others";
        match denied {
            Some(error) => Finding::passed(what, expected, error.to_string()),
            None if others == 0 => Finding::passed(what, expected, format!("0 of {}", counted(there))),
            None => Finding::failed(
                what,
                expected,
                format!(
                    "{} of {}{}",
                    counted(others),
                    counted(there),
                    self.blame(Command::Select, role)
                ),
            ),
        }
    }

    fn judge_anon(&self, tried: &Tried, sample: &Sample, findings: &mut Vec<Finding>) {
        let role = &self.rls.roles.anon;
        let what = format!("{} as {role}", self.name);
        if let Some(exempt) = tried.exempt {
            findings.push(self.exempt(role, exempt));
            return;
        }
        if sample.own + sample.others == 0 {
            findings.push(self.nothing_there(sample, &what));
            return;
        }
        match &tried.sees {
            Some(Err(error)) if !error.is_denied() => return findings.push(errs(&what, error)),
            Some(seen) => {
                let rows = seen.as_ref().map_or(0, |visible| visible.others);
                let text = match seen {
                    Ok(_) => format!("{} of {}", counted(rows), counted(sample.own + sample.others)),
                    Err(error) => error.to_string(),
                };
                findings.push(match self.rls.anon {
                    Anon::Read => Finding::expect(rows > 0, what.as_str(), "sees rows", text),
                    Anon::Nothing if rows == 0 => Finding::passed(what.as_str(), "sees no row", text),
                    Anon::Nothing => {
                        Finding::failed(what.as_str(), "sees no row", text + &self.blame(Command::Select, role))
                    }
                });
            }
            None => {}
        }
        self.judge_writes(&what, role, "anybody", tried, findings);
    }

    fn judge_writes(&self, what: &str, role: &str, whose: &str, tried: &Tried, findings: &mut Vec<Finding>) {
        for command in Command::WRITES {
            let attempt = match command {
                Command::Insert => &tried.insert,
                Command::Update => &tried.update,
                _ => &tried.delete,
            };
            let Some(attempt) = attempt else { continue };
            let expected = format!("cannot {} a row of {whose}", command.name());
            findings.push(judge_attempt(what, expected, attempt, || self.blame(command, role)));
        }
    }

    fn judge_protected(&self, what: &str, column: &str, attempt: Option<&Attempt>) -> Finding {
        let expected = format!("cannot change {column} of their own row");
        let Some(attempt) = attempt else {
            return Finding::unclear(
                what,
                expected,
                "there was no row of their own, or no other value, to try it with",
            );
        };
        let finding = judge_attempt(what, expected, attempt, String::new);
        let role = identifier(&self.rls.roles.user);
        finding.hint(format!(
            "revoke update on {0} from {role}; grant update (the columns that they may change) on {0} to {role}",
            self.quoted()
        ))
    }

    fn exempt(&self, role: &str, exempt: Exempt) -> Finding {
        let name = identifier(role);
        let (seen, hint) = match exempt {
            Exempt::Superuser => (
                "it is a superuser, to whom no policy applies".to_owned(),
                format!("alter role {name} nosuperuser"),
            ),
            Exempt::BypassRls => (
                "it has BYPASSRLS, so no policy applies to it".to_owned(),
                format!("alter role {name} nobypassrls"),
            ),
            Exempt::Owner => (
                "it owns the table (or is a member of its owner), so no policy applies to it".to_owned(),
                format!(
                    "alter table {} force row level security, or let the application connect as another role",
                    self.quoted()
                ),
            ),
        };
        Finding::failed(format!("{} as {role}", self.name), "policies apply to the role", seen).hint(hint)
    }
}

fn unclear_others(what: &str, user: &str) -> Finding {
    Finding::unclear(
        what,
        "sees no row of others",
        format!("all rows belong to {user}, so nothing was examined"),
    )
    .hint("try it where there are rows of at least two users")
}

/// A policy that errors is not one that denies.
fn errs(what: &str, error: &SqlError) -> Finding {
    error.advise(Finding::failed(
        what,
        "policies that can be evaluated",
        format!("they error: {}", error.sentence()),
    ))
}

fn counted(rows: u64) -> String {
    if rows >= ENOUGH {
        format!("at least {ENOUGH}")
    } else {
        rows.to_string()
    }
}

fn judge_attempt(what: &str, expected: String, attempt: &Attempt, blame: impl FnOnce() -> String) -> Finding {
    match attempt {
        Attempt::NoRight => Finding::passed(what, expected, "no right to"),
        // Making such a row one's own is what a trigger that stamps the owner is for.
        Attempt::Stamped => Finding::passed(what, expected, "a trigger may change the row before it is inserted"),
        Attempt::Wrote(0) => Finding::passed(what, expected, "0 rows reached"),
        Attempt::Wrote(rows) => Finding::failed(what, expected, format!("{rows} row written{}", blame())),
        Attempt::Stopped(error) if attempt.passed_the_policies() => {
            let seen = format!(
                "the policies let it pass; only a constraint stopped it: {error}{}",
                blame()
            );
            Finding::failed(what, expected, seen)
        }
        Attempt::Stopped(error) if error.is_denied() => Finding::passed(what, expected, error.to_string()),
        Attempt::Stopped(error) => match error.code.get(..2).unwrap_or_default() {
            // The value that was tried did not fit the column: nothing is known about the policies.
            "22" => Finding::unclear(what, expected, error.sentence()),
            "42" | "54" => errs(what, error),
            // Raised by a trigger.
            _ => Finding::passed(what, expected, error.to_string()),
        },
    }
}
