//! What may be said of a value: facts that do not give it away.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::suite::{Spanned, did_you_mean};

use super::rule::{Rule, Words};
use super::source::{Held, Variables};
use super::{Compared, Env, Seen, entropy, placeholder};

/// What is known of one variable.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Fact {
    pub(super) state: State,
    /// A name nearby, where this one is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) near: Option<String>,
    /// Characters.
    pub(super) length: usize,
    /// Bits, rounded down.
    pub(super) entropy: u32,
    /// Why it is an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) example: Option<String>,
    /// Whether quotes or blanks stand around it.
    pub(super) wrapped: bool,
    /// How the value stands to each rule.
    pub(super) tests: BTreeMap<String, Test>,
}

/// Whether a variable is there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// It is not.
    #[default]
    Absent,
    /// It is, with nothing but blanks.
    Empty,
    /// It is, but only its name was told.
    Named,
    /// It is, with a value.
    Set,
}

/// How a value stands to a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Test {
    pub(super) holds: bool,
    /// In words that do not give the value away.
    pub(super) seen: String,
}

impl Seen {
    /// What `check` needs to know of `variables`.
    pub(super) fn of(check: &Env, source: String, variables: &Variables) -> Self {
        let plain = |names: &[Spanned<String>]| {
            let facts = names.iter().map(|name| Fact::of(name, &Rule::default(), variables));
            facts.collect()
        };
        let compare = |groups: &[Spanned<Vec<String>>]| {
            let compared = groups.iter().map(|names| Compared::of(names, variables));
            compared.collect()
        };
        let required = check
            .required
            .iter()
            .map(|(name, rule)| Fact::of(name, rule, variables));
        Self {
            source,
            count: variables.len(),
            present: plain(&check.present),
            absent: plain(&check.absent),
            required: required.collect(),
            same: compare(&check.same),
            different: compare(&check.different),
        }
    }
}

impl Compared {
    fn of(names: &[String], variables: &Variables) -> Self {
        let mut compared = Self::default();
        let mut by_value: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for name in names {
            match variables.get(name) {
                Some(Held::Value(value)) if !value.trim().is_empty() => {
                    by_value.entry(value).or_default().push(name.clone());
                }
                _ => compared.unknown.push(name.clone()),
            }
        }
        compared.equal = by_value.into_values().filter(|names| names.len() > 1).collect();
        compared.equal.sort();
        compared
    }
}

impl Fact {
    fn of(name: &str, rule: &Rule, variables: &Variables) -> Self {
        let value = match variables.get(name) {
            None => {
                let near = did_you_mean(name, variables.keys().map(String::as_str));
                return Self {
                    near: near.map(str::to_owned),
                    ..Self::default()
                };
            }
            Some(Held::NameOnly) => {
                return Self {
                    state: State::Named,
                    ..Self::default()
                };
            }
            Some(Held::Value(value)) => value,
        };
        let trimmed = value.trim();
        if trimmed.is_empty() {
            return Self {
                state: State::Empty,
                ..Self::default()
            };
        }
        let quoted = ['"', '\'']
            .iter()
            .any(|quote| trimmed.len() > 1 && trimmed.starts_with(*quote) && trimmed.ends_with(*quote));
        // A value that the suite itself names is no example.
        let allowed = rule.example
            || rule.equals.as_deref() == Some(value)
            || rule.one_of.as_ref().is_some_and(|values| values.contains(value));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bits of a text in memory"
        )]
        let entropy = entropy::bits(value) as u32;
        Self {
            state: State::Set,
            near: None,
            length: value.chars().count(),
            entropy,
            example: placeholder::reason(name, value).filter(|_| !allowed).map(str::to_owned),
            wrapped: quoted || trimmed.len() != value.len(),
            tests: tests(rule, value),
        }
    }
}

/// How `value` stands to each rule but those that are judged by its length and entropy.
fn tests(rule: &Rule, value: &str) -> BTreeMap<String, Test> {
    let mut tests = BTreeMap::new();
    let mut test = |name: &str, holds: bool, otherwise: &str| {
        let seen = if holds { "it does" } else { otherwise };
        let seen = seen.to_owned();
        tests.insert(name.to_owned(), Test { holds, seen });
    };
    let any = |words: &Words, holds: &dyn Fn(&str) -> bool| words.0.iter().any(|word| holds(word));
    if let Some(wanted) = &rule.equals {
        test("equals", wanted == value, "another value");
    }
    if let Some(words) = &rule.prefix {
        test(
            "prefix",
            any(words, &|word| value.starts_with(word)),
            "it begins otherwise",
        );
    }
    if let Some(words) = &rule.suffix {
        test("suffix", any(words, &|word| value.ends_with(word)), "it ends otherwise");
    }
    if let Some(pattern) = &rule.matches {
        test("matches", pattern.0.is_match(value), "it does not match");
    }
    if let Some(values) = &rule.one_of {
        test("one_of", values.iter().any(|one| one == value), "none of these");
    }
    if let Some(values) = &rule.not_one_of {
        test("not_one_of", values.iter().all(|one| one != value), "one of these");
    }
    let url = Url::parse(value.trim()).ok().filter(|_| value.contains("://"));
    if let Some(words) = &rule.url {
        let (holds, seen) = judge_url(url.as_ref(), words, rule.local);
        test("url", holds, seen);
    }
    if let Some(user) = &rule.user {
        let holds = url.as_ref().is_some_and(|url| url.username() == user.as_str());
        test(
            "user",
            holds,
            if url.is_some() {
                "another user, or none"
            } else {
                "not a URL"
            },
        );
    }
    if rule.tls.is_some() {
        test("tls", url.as_ref().is_some_and(asks_for_tls), "it does not ask for TLS");
    }
    if rule.fernet.is_some() {
        let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('='));
        let whole = value.len() == 44 && bytes.is_ok_and(|bytes| bytes.len() == 32);
        test("fernet", whole, "not 32 bytes in URL-safe base64 (44 characters)");
    }
    if let Some(role) = &rule.jwt_role {
        let (holds, seen) = judge_role(value, role);
        test("jwt_role", holds, seen);
    }
    tests
}

fn judge_url(url: Option<&Url>, schemes: &Words, local: bool) -> (bool, &'static str) {
    let Some(url) = url else { return (false, "not a URL") };
    let same = |wanted: &str| wanted == url.scheme() || wanted == "postgres" && url.scheme() == "postgresql";
    if !schemes.0.iter().any(|scheme| same(scheme.trim_end_matches("://"))) {
        return (false, "a URL of another scheme");
    }
    let host = url.host_str().unwrap_or_default();
    let this_machine = ["localhost", "[::1]", "0.0.0.0", "::1", "host.docker.internal"].contains(&host)
        || host.starts_with("127.")
        || host.ends_with(".localhost");
    match host {
        "" => (false, "a URL without a host"),
        _ if this_machine && !local => (false, "a URL of localhost"),
        _ => (true, ""),
    }
}

fn asks_for_tls(url: &Url) -> bool {
    let secure = ["https", "rediss", "wss", "amqps", "mongodb+srv"].contains(&url.scheme());
    let strict = [
        "require",
        "required",
        "verify-ca",
        "verify-full",
        "verify_ca",
        "verify_identity",
        "true",
        "1",
    ];
    let names = ["sslmode", "ssl-mode", "ssl_mode", "ssl", "tls"];
    secure
        || url.query_pairs().any(|(name, value)| {
            names.contains(&name.to_lowercase().as_str()) && strict.contains(&value.to_lowercase().as_str())
        })
}

fn judge_role(value: &str, wanted: &str) -> (bool, &'static str) {
    let newer = match value {
        _ if value.starts_with("sb_publishable_") => Some("anon"),
        _ if value.starts_with("sb_secret_") => Some("service_role"),
        _ => None,
    };
    if let Some(role) = newer {
        return (role == wanted, told(role));
    }
    let Some(claims) = claims(value) else {
        return (false, "not a JWT");
    };
    let expired = claims["exp"]
        .as_i64()
        .is_some_and(|end| end < Timestamp::now().as_second());
    match claims["role"].as_str() {
        Some(role) if role != wanted => (false, told(role)),
        Some(_) if expired => (false, "it has expired"),
        Some(_) => (true, ""),
        None => (false, "a JWT without a role"),
    }
}

/// A role that everybody knows may be named.
fn told(role: &str) -> &'static str {
    match role {
        "anon" => "the role anon",
        "service_role" => "the role service_role: it may do everything",
        "authenticated" => "the role authenticated",
        _ => "another role",
    }
}

/// The payload of a JWT, its signature unverified.
pub(super) fn claims(value: &str) -> Option<Value> {
    let mut parts = value.trim().split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
}
