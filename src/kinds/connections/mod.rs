//! `connections`: who is connected to the database, and how.

mod judge;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::deployment::postgres::{Mode, Plain};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Matcher, Period, Problem, Spanned};

use super::{Export, Kind};
use judge::{judge_absent, judge_headroom, judge_plain, judge_ssl, judge_waiting, names, unknown_role};

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
/// check is unclear. So are `ssl` and `idle_in_transaction_max` where nobody is connected: then there is nothing to look at.
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
mod tests;
