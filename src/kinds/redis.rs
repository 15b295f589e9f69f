//! `redis`: a server answers, asks for its password, and holds what it should.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deployment::redis::{Count, Key, SCANNED, Stranger};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Finding, Verdict};
use crate::suite::{Entries, Match, Matcher, Problem, Spanned, did_you_mean, is_placeholder, one_of};

use super::Kind;

/// A Redis server answers, asks strangers for a password, and holds what it should.
///
/// After a deploy the queue may stand on another Redis than the worker, the password may be gone from the new instance,
/// or an eviction policy may throw jobs away. Only commands that read are sent, and none that holds the server up: keys
/// are counted with SCAN, never with KEYS.
///
/// ```toml
/// [redis.queue]
/// auth_required = true
/// keys."bull:images:wait" = { length = { lt = 100 } }
/// keys."bull:images:meta" = { type = "hash", exists = true }
/// keys."worker:heartbeat" = { ttl = { gt = 0 } }
/// count."session:*" = { ge = 1 }
/// info.maxmemory_policy = "noeviction"
/// info.used_memory = { lt = 200_000_000 }
/// ```
///
/// Keys (all optional; that the server answers PING is always checked):
///
///   auth_required  true: a connection without user and password must be refused (NOAUTH)
///   keys           what a key must be, by its name:
///                    exists  true, or false
///                    type    "string", "list", "hash", "set", "zset" or "stream"
///                    length  elements, or bytes of a string. Of a key that is not there it is 0, as an empty list is.
///                    ttl     seconds that it has left; { exists = false } for one that stays for ever
///                    value   the content: text, a list, a table for a hash (up to 1,000 elements)
///   count          how many keys match a pattern. Up to 100,000 keys are looked at; on a server with more the check is
///                  unclear.
///   info           fields of INFO, numbers as numbers
///
/// A failure:
///
///   FAILED  redis.queue
///     suites/app.toml:2:17
///       a connection without a password   expected: refused   seen: it may do as it likes
///       try: set `requirepass` (or an ACL), and bind the server to a private address
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Redis {
    /// A connection without user and password must be refused.
    auth_required: Option<Spanned<bool>>,
    /// What a key must be, by its name.
    #[serde(default)]
    keys: Entries<KeyExpect>,
    /// How many keys match a pattern.
    #[serde(default)]
    count: Entries<Matcher>,
    /// Fields of INFO.
    #[serde(default)]
    info: Entries<Matcher>,
}

/// What a key must be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyExpect {
    /// Whether it is there.
    exists: Option<Spanned<bool>>,
    /// The type of its value.
    r#type: Option<Spanned<String>>,
    /// Elements, or bytes of a string.
    length: Option<Spanned<Matcher>>,
    /// Seconds that it has left.
    ttl: Option<Spanned<Matcher>>,
    /// Its content.
    value: Option<Spanned<Matcher>>,
}

/// What the server said.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    pong: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stranger: Option<Stranger>,
    keys: Vec<Key>,
    counts: Vec<Count>,
    info: BTreeMap<String, Value>,
}

/// What TYPE answers of a key that is there.
const TYPES: [&str; 6] = ["string", "list", "set", "zset", "hash", "stream"];

impl Kind for Redis {
    const NAME: &'static str = "redis";
    const SPEAKS: Option<Protocol> = Some(Protocol::Redis);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let types = self.keys.iter().filter_map(|(_, key)| key.r#type.as_ref());
        let unknown = types.filter(|name| !TYPES.contains(&name.as_str()) && !is_placeholder(name));
        let problem = |name: &Spanned<String>| {
            let problem = Problem::at(name.span(), format!("Redis has no type `{}`", name.as_str()));
            match one_of(name, TYPES.iter().copied()) {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        };
        unknown.map(problem).collect()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = vec!["PING".to_owned()];
        if self.auth_required.is_some() {
            steps.push("PING on a connection of its own, without user and password".to_owned());
        }
        for (name, expect) in self.keys.iter() {
            let value = if expect.value.is_some() { ", content" } else { "" };
            steps.push(format!("TYPE, PTTL, length{value} of {name}"));
        }
        steps.extend(self.count.iter().map(|(pattern, _)| format!("SCAN MATCH {pattern}")));
        if !self.info.is_empty() {
            steps.push("INFO".to_owned());
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let server = target.redis()?;
        let mut seen = Seen::default();
        if self.auth_required.is_some() {
            seen.stranger = Some(server.stranger(target.timeout()).await?);
        }
        let opened = server.session(target.timeout()).await;
        if opened.is_err() && seen.open_to_all(self) {
            // A server that has lost its password refuses ours, and that is the finding.
            return Ok(seen);
        }
        let mut session = opened?;
        seen.pong = session.ping().await?;
        for (name, expect) in self.keys.iter() {
            seen.keys.push(session.key(name, expect.value.is_some()).await?);
        }
        for (pattern, _) in self.count.iter() {
            seen.counts.push(session.count(pattern).await?);
        }
        if !self.info.is_empty() {
            seen.info = session.info().await?;
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let (Some(required), Some(stranger)) = (&self.auth_required, &seen.stranger) {
            findings.push(judge_stranger(**required, stranger).at(required.span()));
        }
        if seen.pong.is_empty() && seen.open_to_all(self) {
            return findings;
        }
        findings.push(Finding::expect(seen.pong == "PONG", "PING", "PONG", &seen.pong));
        for ((name, expect), key) in self.keys.iter().zip(&seen.keys) {
            let judged = expect.judge(name, key);
            findings.extend(judged.into_iter().map(|finding| match finding.span {
                Some(_) => finding,
                None => finding.at(expect.span()),
            }));
        }
        for ((pattern, matcher), count) in self.count.iter().zip(&seen.counts) {
            findings.push(judge_count(pattern, matcher, *count));
        }
        for (field, matcher) in self.info.iter() {
            let finding = matcher.judge(format!("INFO {field}"), seen.info.get(field));
            let near = did_you_mean(field, seen.info.keys().map(String::as_str));
            findings.push(match near {
                Some(near) if !seen.info.contains_key(field) => finding.hint(format!("did you mean `{near}`?")),
                _ => finding,
            });
        }
        findings
    }
}

impl Seen {
    /// Strangers are let in where they must not be.
    fn open_to_all(&self, check: &Redis) -> bool {
        check.auth_required.as_ref().is_some_and(|required| **required) && self.stranger == Some(Stranger::Welcome)
    }
}

fn judge_stranger(required: bool, stranger: &Stranger) -> Finding {
    let what = "a connection without a password";
    let (refused, seen) = match stranger {
        Stranger::Welcome => (false, "it may do as it likes".to_owned()),
        Stranger::Refused(words) => (true, format!("refused: {words}")),
    };
    let expected = if required { "refused" } else { "let in" };
    let finding = Finding::expect(refused == required, what, expected, seen);
    if required {
        finding.hint("set `requirepass` (or an ACL), and bind the server to a private address")
    } else {
        finding
    }
}

fn judge_count(pattern: &str, matcher: &Spanned<Matcher>, count: Count) -> Finding {
    let what = format!("keys like {pattern}");
    if count.complete {
        return matcher.judge(what, Some(&count.found.into()));
    }
    let seen = format!("at least {}: only {SCANNED} keys were looked at", count.found);
    Finding::unclear(what, matcher.describe(), seen).at(matcher.span())
}

impl KeyExpect {
    fn judge(&self, name: &str, key: &Key) -> Vec<Finding> {
        let there = key.r#type.is_some();
        let mut findings = Vec::new();
        let demands = self.r#type.is_some() || self.ttl.is_some() || self.value.is_some();
        let nothing = !demands && self.length.is_none() && self.exists.is_none();
        match &self.exists {
            Some(wanted) => {
                let say = |there: bool| if there { "present" } else { "absent" };
                let finding = Finding::expect(there == **wanted, name, say(**wanted), say(there));
                findings.push(finding.at(wanted.span()));
            }
            None if demands || nothing => findings.extend((!there || nothing).then(|| {
                let seen = if there { "present" } else { "absent" };
                Finding::expect(there, name, "present", seen)
            })),
            None => {}
        }
        if let Some(matcher) = &self.length {
            let length = if there { key.length } else { Some(0) };
            findings.push(matcher.judge(format!("{name}: length"), length.map(Value::from).as_ref()));
        }
        if !there {
            return findings;
        }
        if let Some(wanted) = &self.r#type {
            let seen = key.r#type.as_deref().unwrap_or_default();
            let finding = Finding::expect(seen == wanted.as_str(), format!("{name}: type"), wanted.as_str(), seen);
            findings.push(finding.at(wanted.span()));
        }
        if let Some(matcher) = &self.ttl {
            let finding = matcher.judge(format!("{name}: ttl"), key.ttl.map(Value::from).as_ref());
            findings.push(match key.ttl {
                None if finding.verdict == Verdict::Failed => Finding {
                    seen: "it stays for ever".to_owned(),
                    ..finding
                },
                _ => finding,
            });
        }
        if let Some(matcher) = &self.value {
            findings.push(judge_value(name, matcher, key.value.as_ref()));
        }
        findings
    }
}

/// Redis knows only text: a value that is a number is also compared as one.
fn judge_value(name: &str, matcher: &Spanned<Matcher>, value: Option<&Value>) -> Finding {
    let what = format!("{name}: value");
    let number = value
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok().filter(Value::is_number));
    match &number {
        Some(number) if matcher.check(Some(number)) == Match::Holds => matcher.judge(what, Some(number)),
        _ => matcher.judge(what, value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{kind, lines};
    use super::*;

    fn list(length: i64) -> Key {
        Key {
            r#type: Some("list".to_owned()),
            length: Some(length),
            ..Key::default()
        }
    }

    fn one(table: &str, key: Key) -> String {
        let redis: Redis = kind(table);
        let seen = Seen {
            pong: "PONG".to_owned(),
            keys: vec![key],
            ..Seen::default()
        };
        lines(&redis.judge(&seen)[1..])
    }

    #[test]
    fn strangers_must_be_refused() {
        let redis: Redis = kind("auth_required = true");
        let seen = |stranger| Seen {
            pong: "PONG".to_owned(),
            stranger: Some(stranger),
            ..Seen::default()
        };
        assert_eq!(
            lines(&redis.judge(&seen(Stranger::Welcome))),
            "failed a connection without a password: expected refused, seen it may do as it likes \
             (try: set `requirepass` (or an ACL), and bind the server to a private address)\n\
             passed PING: expected PONG, seen PONG\n"
        );
        // It has lost its password, and so refuses ours.
        let lost = Seen {
            stranger: Some(Stranger::Welcome),
            ..Seen::default()
        };
        assert_eq!(lines(&redis.judge(&lost)).lines().count(), 1);
        let refused = Stranger::Refused("NOAUTH Authentication required.".to_owned());
        assert!(lines(&redis.judge(&seen(refused))).contains("passed a connection without"));
    }

    #[test]
    fn an_empty_list_is_a_key_that_is_not_there() {
        assert_eq!(
            one("keys.q.length = { lt = 100 }", Key::default()),
            "passed q: length: expected less than 100, seen 0\n"
        );
        assert_eq!(
            one("keys.q.length = { lt = 100 }", list(250)),
            "failed q: length: expected less than 100, seen 250\n"
        );
        assert_eq!(
            one("keys.q.type = 'list'", Key::default()),
            "failed q: expected present, seen absent\n"
        );
        assert_eq!(
            one("keys.q = {}", Key::default()),
            "failed q: expected present, seen absent\n"
        );
        assert_eq!(
            one("keys.q.exists = false", list(1)),
            "failed q: expected absent, seen present\n"
        );
        assert_eq!(
            one("keys.q.type = 'hash'", list(1)),
            "failed q: type: expected hash, seen list\n"
        );
    }

    #[test]
    fn a_key_without_expiry_is_said_to_stay() {
        assert_eq!(
            one("keys.q.ttl = { gt = 0 }", list(1)),
            "failed q: ttl: expected greater than 0, seen it stays for ever\n"
        );
        assert_eq!(
            one("keys.q.ttl = { exists = false }", list(1)),
            "passed q: ttl: expected absent, seen nothing there\n"
        );
    }

    #[test]
    fn a_value_is_text_or_a_number() {
        let key = || Key {
            r#type: Some("string".to_owned()),
            value: Some(json!("42")),
            ..Key::default()
        };
        assert_eq!(
            one("keys.n.value = { gt = 40 }", key()),
            "passed n: value: expected greater than 40, seen 42\n"
        );
        assert_eq!(
            one("keys.n.value = '42'", key()),
            "passed n: value: expected \"42\", seen \"42\"\n"
        );
        assert_eq!(
            one("keys.n.value = 41", key()),
            "failed n: value: expected 41, seen \"42\"\n"
        );
    }

    #[test]
    fn a_count_that_was_cut_short_proves_nothing() {
        let redis: Redis = kind("count.'s:*' = { ge = 1 }\ninfo.used_memori = 1");
        let seen = Seen {
            pong: "PONG".to_owned(),
            counts: vec![Count {
                found: 7,
                complete: false,
            }],
            info: BTreeMap::from([("used_memory".to_owned(), json!(5))]),
            ..Seen::default()
        };
        assert_eq!(
            lines(&redis.judge(&seen)[1..]),
            "unclear keys like s:*: expected at least 1, seen at least 7: only 100000 keys were looked at\n\
             failed INFO used_memori: expected 1, seen nothing there (try: did you mean `used_memory`?)\n"
        );
    }
}
