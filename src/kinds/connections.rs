//! `connections`: who is connected to the database, and how.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::deployment::postgres::{Mode, Plain};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Matcher, Period, Problem, Spanned, did_you_mean};

use super::{Export, Kind};

/// The sessions of the database: encrypted, few enough, none that holds its transaction open, none of a stranger.
///
/// A pool that is too large, or one that leaks, shows hours after the deploy, when the server has no connection left. A
/// transaction that was never ended keeps its locks, and keeps the database from cleaning up. A connection that fell
/// back to plain text carries passwords and rows for all to read, and nothing else shows it.
///
/// ```toml
/// [connections.app]
/// users = ["app_user"]
/// ssl = true
/// sessions = { ge = 1, le = 20 }
/// headroom = "20%"
/// idle_in_transaction_max = "30s"
/// roles_absent = ["migration_user"]
/// plain = false
///
/// [connections.after_the_load]
/// users = ["app_user"]
/// sessions = { le = "{{ app.sessions }}" }
/// ```
///
/// Keys (at least one besides users):
///
///   users                    count only sessions of these roles; by default of all, this tool's own aside
///   ssl                      true: every session (those on a local socket aside) is encrypted
///   sessions                 how many there are
///   headroom                 how much of the server's connections, of all its databases, must be free: "20%"
///   idle_in_transaction_max  how long a session may wait inside a transaction: "30s"
///   roles_absent             roles of which nobody is connected: those of migrations, of a person
///   plain                    false: the server refuses a connection without encryption. One is tried, with the
///                            credentials of the endpoint's address, which have just served for an encrypted one.
///
/// Only sessions of the same database count, for `headroom` and `roles_absent` those of the whole server. `sessions` is
/// handed on as {{ app.sessions }}, so that a later check can tell whether a load left connections behind.
///
/// How a session of another role is encrypted and what it does is shown to members of pg_monitor only; without that the
/// check is unclear. So it is where nobody is connected: then there is nothing to look at.
///
/// A failure:
///
///   FAILED  connections.app
///     suites/app.toml:3:7
///       encrypted   expected: every session   seen: 2 of 9 are not: app_user (node)
///     try: sslmode=require in the application's address
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Connections {
    /// Count only sessions of these roles.
    users: Option<Spanned<Vec<String>>>,
    /// Every session is encrypted.
    ssl: Option<Spanned<bool>>,
    /// How many sessions there are.
    sessions: Option<Spanned<Matcher>>,
    /// How much of the server's connections must be free.
    headroom: Option<Spanned<Share>>,
    /// How long a session may wait inside a transaction.
    idle_in_transaction_max: Option<Spanned<Period>>,
    /// Roles of which nobody is connected.
    #[serde(default)]
    roles_absent: Vec<Spanned<String>>,
    /// `false`: a connection without encryption is refused.
    plain: Option<Spanned<bool>>,
}

/// `"20%"`.
#[derive(Debug, Clone, Copy)]
struct Share(f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text
            .strip_suffix('%')
            .and_then(|number| number.trim().parse::<f64>().ok());
        match number {
            Some(number) if (0.0..100.0).contains(&number) => Ok(Self(number)),
            _ => Err(D::Error::custom(format!("bad share \"{text}\": write \"20%\""))),
        }
    }
}

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["20%"] })
    }
}

/// Who is connected.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Connections that the server has for ordinary roles.
    limit: f64,
    /// Connections in use, of all databases.
    used: f64,
    sessions: Vec<Session>,
    /// Of the roles that the suite names, those that exist.
    known: Vec<String>,
    /// All roles, to suggest from, where one does not.
    #[serde(default)]
    roles: Vec<String>,
    /// What became of a connection without encryption, where one was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plain: Option<Plain>,
}

/// One session, this tool's own aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Session {
    user: String,
    application: String,
    /// Of the database of the address.
    here: bool,
    /// The server shows what it does.
    shown: bool,
    /// On a socket of the server's own machine.
    local: bool,
    ssl: bool,
    /// For how long it has been waiting inside a transaction.
    waits: Option<f64>,
}

impl Kind for Connections {
    const NAME: &'static str = "connections";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn expects_nothing(&self) -> bool {
        self.ssl.is_none()
            && self.sessions.is_none()
            && self.headroom.is_none()
            && self.idle_in_transaction_max.is_none()
            && self.roles_absent.is_empty()
            && self.plain.is_none()
    }

    fn mistakes(&self) -> Vec<Problem> {
        let asked = self.plain.iter().filter(|plain| ***plain);
        asked
            .map(|plain| {
                Problem::at(
                    plain.span(),
                    "that a server takes connections without encryption is no promise",
                )
                .hint("`plain = false`: it refuses them")
            })
            .collect()
    }

    fn exports(&self) -> &'static [&'static str] {
        &["sessions"]
    }

    fn export(&self, seen: &Seen) -> Vec<Export> {
        vec![Export {
            name: "sessions",
            value: self.counted(seen).len().into(),
            secret: false,
        }]
    }

    fn steps(&self) -> Vec<String> {
        let plain = self
            .plain
            .iter()
            .map(|_| "try to connect without encryption".to_owned());
        std::iter::once(
            "read pg_stat_activity, pg_stat_ssl and the server's limits, in a read-only transaction".to_owned(),
        )
        .chain(plain)
        .collect()
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let transaction = target.postgres()?.transaction(Mode::ReadOnly, target.timeout()).await?;
        let named: Vec<&str> = self.roles_absent.iter().map(|role| role.as_str()).collect();
        let users = self.users.iter().flat_map(|users| users.iter()).map(String::as_str);
        let named: Vec<&str> = named.into_iter().chain(users).collect();
        let text = transaction.scalar(QUERY, &[json!(named)]).await;
        transaction.rollback().await;
        let mut seen: Seen = serde_json::from_str(&text?.unwrap_or_default())
            .map_err(|why| Unobserved::new(format!("the sessions cannot be read: {why}")))?;
        if self.plain.is_some() {
            seen.plain = Some(target.postgres()?.plain(target.timeout()).await?);
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(users) = &self.users {
            let unknown = users.iter().filter(|user| !seen.known.contains(user));
            findings.extend(unknown.map(|user| unknown_role(user, seen).at(users.span())));
        }
        let counted = self.counted(seen);
        if let Some(ssl) = &self.ssl {
            findings.push(judge_ssl(**ssl, &counted).at(ssl.span()));
        }
        if let Some(sessions) = &self.sessions {
            findings.push(
                sessions
                    .judge("sessions", Some(&counted.len().into()))
                    .hint(format!("there are: {}", names(&counted))),
            );
        }
        if let Some(headroom) = &self.headroom {
            findings.push(judge_headroom(headroom.0, seen).at(headroom.span()));
        }
        if let Some(limit) = &self.idle_in_transaction_max {
            findings.push(judge_waiting(**limit, &counted).at(limit.span()));
        }
        for role in &self.roles_absent {
            findings.push(judge_absent(role, seen).at(role.span()));
        }
        if let (Some(wanted), Some(plain)) = (&self.plain, &seen.plain) {
            findings.push(judge_plain(plain).at(wanted.span()));
        }
        findings
    }
}

impl Connections {
    /// The sessions that count.
    fn counted<'a>(&self, seen: &'a Seen) -> Vec<&'a Session> {
        let wanted =
            |session: &&Session| session.here && self.users.as_ref().is_none_or(|users| users.contains(&session.user));
        seen.sessions.iter().filter(wanted).collect()
    }
}

fn judge_ssl(wanted: bool, sessions: &[&Session]) -> Finding {
    let (what, expected) = ("encrypted", if wanted { "every session" } else { "no session" });
    let remote: Vec<&Session> = sessions
        .iter()
        .copied()
        .filter(|session| session.shown && !session.local)
        .collect();
    let wrong: Vec<&Session> = remote.iter().copied().filter(|session| session.ssl != wanted).collect();
    if !wrong.is_empty() {
        let not = if wanted { "are not" } else { "are" };
        let told = format!("{} of {} {not}: {}", wrong.len(), remote.len(), names(&wrong));
        return Finding::failed(what, expected, told)
            .hint("`sslmode=require` in the application's address, and `hostssl` only in the server's pg_hba.conf");
    }
    hidden(what, expected, sessions)
        .or_else(|| remote.is_empty().then(|| nobody(what, expected)))
        .unwrap_or_else(|| Finding::passed(what, expected, format!("all {}", remote.len())))
}

fn judge_waiting(limit: Period, sessions: &[&Session]) -> Finding {
    let what = "idle in transaction";
    let expected = format!("at most {limit}");
    let waits = |session: &Session| session.waits.unwrap_or_default();
    let late: Vec<&&Session> = sessions
        .iter()
        .filter(|session| waits(session) > limit.0.as_secs_f64())
        .collect();
    if !late.is_empty() {
        let told: Vec<String> = late
            .iter()
            .map(|session| format!("{} for {:.0} s", name(session), waits(session)))
            .collect();
        return Finding::failed(what, expected, told.join(", ")).hint(
            "a transaction that is never ended holds locks: does an error leave it open? set idle_in_transaction_session_timeout",
        );
    }
    hidden(what, &expected, sessions)
        .or_else(|| sessions.is_empty().then(|| nobody(what, &expected)))
        .unwrap_or_else(|| {
            let longest = sessions.iter().map(|session| waits(session)).fold(0.0, f64::max);
            Finding::passed(
                what,
                &expected,
                format!("{longest:.0} s at most, of {} sessions", sessions.len()),
            )
        })
}

fn judge_headroom(wanted: f64, seen: &Seen) -> Finding {
    let free = 100.0 * (seen.limit - seen.used) / seen.limit.max(1.0);
    let told = format!("{free:.0} %: {} of {} are in use", seen.used, seen.limit);
    Finding::expect(free >= wanted, "free connections", format!("at least {wanted} %"), told)
        .hint("are the pools of all instances together larger than the server allows? connect through a pooler")
}

fn judge_absent(role: &str, seen: &Seen) -> Finding {
    let sessions: Vec<&Session> = seen.sessions.iter().filter(|session| session.user == role).collect();
    let what = format!("sessions of {role}");
    if !sessions.is_empty() {
        return Finding::failed(what, "none", format!("{}: {}", sessions.len(), names(&sessions)))
            .hint("what runs with the rights of this role, and should have ended?");
    }
    if !seen.known.iter().any(|known| known == role) {
        return unknown_role(role, seen);
    }
    Finding::passed(what, "none", "none")
}

fn judge_plain(plain: &Plain) -> Finding {
    let (what, expected) = ("a connection without encryption", "refused");
    match plain {
        Plain::Refused(why) => Finding::passed(what, expected, format!("refused: {why}")),
        Plain::Accepted => Finding::failed(what, expected, "accepted").hint(
            "only `hostssl` lines in the server's pg_hba.conf; at Supabase, switch on \"Enforce SSL on incoming connections\"",
        ),
    }
}

fn unknown_role(role: &str, seen: &Seen) -> Finding {
    let finding = Finding::unclear(
        format!("role {role}"),
        "a role",
        "none of that name, so this proves nothing",
    );
    match did_you_mean(role, seen.roles.iter().map(String::as_str)) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")),
        None => finding,
    }
}

/// The server does not show everything.
fn hidden(what: &str, expected: &str, sessions: &[&Session]) -> Option<Finding> {
    let hidden = sessions.iter().filter(|session| !session.shown).count();
    (hidden > 0).then(|| {
        Finding::unclear(
            what,
            expected,
            format!("{hidden} of {} sessions are hidden from this role", sessions.len()),
        )
        .hint("grant pg_monitor to the role of the endpoint's address")
    })
}

fn nobody(what: &str, expected: &str) -> Finding {
    Finding::unclear(what, expected, "nobody else is connected, so this proves nothing")
        .hint("is the application running, and on this database? name its role in `users`")
}

fn name(session: &Session) -> String {
    if session.application.is_empty() {
        session.user.clone()
    } else {
        format!("{} ({})", session.user, session.application)
    }
}

/// `app (node) 3, worker`.
fn names(sessions: &[&Session]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for session in sessions {
        let name = name(session);
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    let told: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| {
            if count == 1 {
                name
            } else {
                format!("{name} {count} times")
            }
        })
        .collect();
    if told.is_empty() {
        "none".to_owned()
    } else {
        told.join(", ")
    }
}

/// $1 the roles that the suite names. A session whose state is not shown belongs to a role that we may not look at.
const QUERY: &str = r"
with clients as (
  select a.*, s.ssl from pg_stat_activity a left join pg_stat_ssl s on s.pid = a.pid
  where a.datname is not null and coalesce(a.backend_type, 'client backend') = 'client backend'
)
select json_build_object(
  'limit', current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
  'used', (select count(*) from clients),
  'known', array(select rolname from pg_roles where rolname = any($1::text[])),
  'roles', array(select rolname from pg_roles where exists (
      select from unnest($1::text[]) n where not exists (select from pg_roles r where r.rolname = n)) order by 1),
  'sessions', (select coalesce(json_agg(json_build_object(
      'user', coalesce(usename, ''), 'application', coalesce(application_name, ''), 'here', datname = current_database(),
      'shown', state is not null, 'local', client_addr is null, 'ssl', coalesce(ssl, false),
      'waits', case when state like 'idle in transaction%'
          then round(extract(epoch from clock_timestamp() - state_change)::numeric, 3) end) order by usename, pid), '[]')
    from clients where pid <> pg_backend_pid()
      and not (usename = current_user and application_name = 'smoke'))
)";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{kind, lines};
    use super::*;

    fn session(user: &str, ssl: bool, waits: Option<f64>) -> Session {
        Session {
            user: user.to_owned(),
            application: "node".to_owned(),
            here: true,
            shown: true,
            local: false,
            ssl,
            waits,
        }
    }

    fn seen(sessions: Vec<Session>) -> Seen {
        Seen {
            limit: 97.0,
            used: 90.0,
            sessions,
            known: vec!["app".to_owned(), "boss".to_owned()],
            roles: vec!["app".to_owned(), "boss".to_owned()],
            plain: None,
        }
    }

    #[test]
    fn sessions_are_encrypted_short_and_few() {
        let check: Connections = kind(
            "users = ['app']\nssl = true\nsessions = { le = 1 }\nheadroom = '20%'\nidle_in_transaction_max = '30s'\n\
             roles_absent = ['boss', 'bos']",
        );
        let sessions = vec![
            session("app", true, Some(31.2)),
            session("app", false, None),
            session("boss", true, None),
        ];
        assert_eq!(
            lines(&check.judge(&seen(sessions))),
            "failed encrypted: expected every session, seen 1 of 2 are not: app (node) \
             (try: `sslmode=require` in the application's address, and `hostssl` only in the server's pg_hba.conf)\n\
             failed sessions: expected at most 1, seen 2 (try: there are: app (node) 2 times)\n\
             failed free connections: expected at least 20 %, seen 7 %: 90 of 97 are in use \
             (try: are the pools of all instances together larger than the server allows? connect through a pooler)\n\
             failed idle in transaction: expected at most 30s, seen app (node) for 31 s (try: a transaction that is never \
             ended holds locks: does an error leave it open? set idle_in_transaction_session_timeout)\n\
             failed sessions of boss: expected none, seen 1: boss (node) \
             (try: what runs with the rights of this role, and should have ended?)\n\
             unclear role bos: expected a role, seen none of that name, so this proves nothing (try: did you mean `boss`?)\n"
        );
        assert_eq!(check.export(&seen(vec![session("app", true, None)]))[0].value, json!(1));
    }

    #[test]
    fn what_is_hidden_or_not_there_proves_nothing() {
        let check: Connections = kind("ssl = true\nidle_in_transaction_max = '30s'");
        let hidden = Session {
            shown: false,
            ..session("app", false, None)
        };
        for sessions in [vec![], vec![hidden, session("app", true, None)]] {
            let said = lines(&check.judge(&seen(sessions)));
            assert!(said.lines().all(|line| line.starts_with("unclear")), "{said}");
        }
        let fine = lines(&check.judge(&seen(vec![session("app", true, Some(2.0))])));
        assert!(fine.lines().all(|line| line.starts_with("passed")), "{fine}");
    }

    #[test]
    fn a_server_that_takes_plain_connections_is_told() {
        let check: Connections = kind("plain = false");
        let tried = |plain| Seen {
            plain: Some(plain),
            ..seen(vec![])
        };
        assert_eq!(
            lines(&check.judge(&tried(Plain::Refused("no encryption".to_owned())))),
            "passed a connection without encryption: expected refused, seen refused: no encryption\n"
        );
        let told = lines(&check.judge(&tried(Plain::Accepted)));
        assert!(
            told.starts_with("failed a connection without encryption: expected refused, seen accepted"),
            "{told}"
        );
        assert_eq!(kind::<Connections>("plain = true").mistakes().len(), 1);
    }

    #[test]
    fn users_alone_expect_nothing() {
        assert!(kind::<Connections>("users = ['app']").expects_nothing());
    }
}
