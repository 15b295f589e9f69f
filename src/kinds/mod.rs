//! The ways to verify a deployment: one file or folder each, and the registry of them all.
//!
//! A kind is two functions: [`Kind::observe`] touches the deployment and returns plain data, [`Kind::judge`] is pure.
//! Kinds know nothing of names, retries, templates, secrets or reports.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the doc comment of a kind is its page in the manual, printed as it is"
)]

mod check;

use std::time::Duration;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Group, Node, Problem, Spanned, Subject};

pub use check::{Captured, Check, Examination, Read};

// A new kind: its file, and these two lists.
mod attest;
mod authorization;
mod call;
mod command;
mod connections;
mod cors;
mod env;
mod headers;
mod http;
mod job;
mod leak;
mod load;
mod login;
mod logs;
mod migrations;
mod oauth;
mod port;
mod privileges;
mod queue;
mod rate_limit;
mod ready;
mod reconcile;
mod redis;
mod rls;
mod schema;
mod sql;
mod tls;
mod webhook;

/// Every kind, in the order of the manual.
pub const KINDS: &[Entry] = &[
    Entry::of::<ready::Ready>(),
    Entry::of::<http::Http>(),
    Entry::of::<login::Login>(),
    Entry::of::<authorization::Authorization>(),
    Entry::of::<oauth::Oauth>(),
    Entry::of::<cors::Cors>(),
    Entry::of::<headers::Headers>(),
    Entry::of::<tls::Tls>(),
    Entry::of::<port::Port>(),
    Entry::of::<leak::Leak>(),
    Entry::of::<env::Env>(),
    Entry::of::<command::Command>(),
    Entry::of::<schema::SchemaCheck>(),
    Entry::of::<migrations::Migrations>(),
    Entry::of::<rls::Rls>(),
    Entry::of::<privileges::Privileges>(),
    Entry::of::<call::Call>(),
    Entry::of::<sql::Sql>(),
    Entry::of::<reconcile::Reconcile>(),
    Entry::of::<connections::Connections>(),
    Entry::of::<redis::Redis>(),
    Entry::of::<queue::Queue>(),
    Entry::of::<job::Job>(),
    Entry::of::<webhook::Webhook>(),
    Entry::of::<rate_limit::RateLimit>(),
    Entry::of::<load::Load>(),
    Entry::of::<logs::Logs>(),
    Entry::of::<attest::Attest>(),
];

/// One way to verify a deployment. The TOML table of a check deserialises into the implementing type, whose doc comment
/// is the kind's page in the manual.
pub trait Kind: DeserializeOwned + JsonSchema + 'static {
    /// The name in a suite's header.
    const NAME: &'static str;
    /// What kind of address it talks to; none where it needs no endpoint of the environment.
    const SPEAKS: Option<Protocol>;
    /// Keys that stand flat in the table and are one field here.
    const GROUPS: &'static [Group] = &[];
    /// Keys by which a step of `finally` is known as one of this kind.
    const CLEANS_BY: &'static [&'static str] = &[];
    /// Whether it looks at what the other checks have left behind, and so runs after all of them.
    const LAST: bool = false;
    /// What `observe` saw: plain data, so that it can be stored, replayed, mutated and compared.
    type Seen: Serialize + DeserializeOwned + 'static;

    /// What it does to the deployment.
    fn effect(&self) -> Effect {
        Effect::Read
    }

    /// How much longer than the check's timeout an attempt may take, where waiting is part of it.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// What is wrong with the table beyond its types, all of it.
    fn mistakes(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// Whether the table states no expectation: then the check could not fail, and the plan refuses it.
    fn expects_nothing(&self) -> bool {
        false
    }

    /// For a kind that everything else waits for: how long to keep looking.
    fn gate(&self) -> Option<Gate> {
        None
    }

    /// The check whose cookies this one starts with.
    fn cookies_of(&self) -> Option<&Spanned<String>> {
        None
    }

    /// Names that later checks may use as `{{ check.name }}`.
    fn exports(&self) -> &'static [&'static str] {
        &[]
    }

    /// The values of those names, as far as they were seen.
    fn export(&self, _seen: &Self::Seen) -> Vec<Export> {
        Vec::new()
    }

    /// What was seen and must not appear in any output, besides exports that are secret.
    fn secrets(&self, _seen: &Self::Seen) -> Vec<String> {
        Vec::new()
    }

    /// What `capture` looks into.
    fn subject<'a>(&self, _seen: &'a Self::Seen) -> Subject<'a> {
        Subject::default()
    }

    /// What `observe` would do, one line a step.
    fn steps(&self) -> Vec<String>;

    /// Looks at the deployment. The only function that touches it.
    #[expect(async_fn_in_trait, reason = "polled on one thread: no bound on the future is wanted")]
    async fn observe(&self, target: &Target<'_>) -> Result<Self::Seen, Unobserved>;

    /// Compares what was seen with what is expected: at least one finding.
    fn judge(&self, seen: &Self::Seen) -> Vec<Finding>;
}

/// A value that a kind hands to later checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// Whether it must not appear in any output.
    pub secret: bool,
}

/// How long everything else waits for a check, and what it must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// How long to keep looking.
    pub window: Duration,
    /// The pause between two looks.
    pub every: Duration,
    /// So many consecutive successes (a rolling deploy answers in turns).
    pub stable: u32,
}

/// A kind in the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name in a suite's header.
    pub name: &'static str,
    /// What kind of address it talks to; none where it needs no endpoint of the environment.
    pub speaks: Option<Protocol>,
    /// Whether it runs after all others.
    pub last: bool,
    /// Keys that stand flat in the table.
    pub groups: &'static [Group],
    /// Keys by which a step of `finally` is known as one of this kind.
    pub cleans_by: &'static [&'static str],
    /// The JSON Schema of its table; the description is its page in the manual.
    pub schema: fn() -> Schema,
    /// Reads a rendered table whose groups are gathered, and judges whether it makes sense.
    pub read: fn(&Node) -> Read,
}

impl Entry {
    const fn of<K: Kind>() -> Self {
        Self {
            name: K::NAME,
            speaks: K::SPEAKS,
            last: K::LAST,
            groups: K::GROUPS,
            cleans_by: K::CLEANS_BY,
            schema: || schemars::schema_for!(K),
            read: check::read::<K>,
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|entry| entry.name == name)
    }

    /// Its page in the manual.
    #[must_use]
    pub fn manual(&self) -> String {
        let schema = (self.schema)();
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        text.to_owned()
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
