//! Finds secrets where there must be none: in what is served to everyone, in logs, in sources.
//!
//! The same beginnings as for masking, but what is only shaped like a secret is let go: a mask too many costs nothing, a
//! false alarm costs the trust in a check. What was found is described, never repeated.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::forms::{self, Form};
use super::{decode, generic};

/// Where one looks: what may stand there differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A page, a script, an answer: keys that are made to be published may stand there.
    Public,
    /// A log or a source: neither a session's token nor any key.
    Private,
}

/// A secret that stands where it must not; what it is, not the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaked {
    /// What it is: `a Stripe secret key`.
    pub what: String,
    /// How it begins, and how long it is.
    pub shown: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Which of the values that were given it is; none for one that was known by its form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<usize>,
}

/// A given value shorter than this would be found by chance.
const SHORTEST_GIVEN: usize = 8;
/// So many characters of a key are shown, its kind's prefix aside.
const SHOWN: usize = 4;
/// A longer text is unescaped only once.
const LARGE: usize = 256 << 10;

/// What to look for: credentials by their form, and values that were given.
#[derive(Debug)]
pub struct Sought {
    by_form: bool,
    place: Place,
    given: Vec<Vec<(Form, bool)>>,
}

impl Sought {
    /// Looks for what has the form of a credential, if `by_form`, and for the `given` values however they are written.
    pub fn new<'v>(place: Place, by_form: bool, given: impl IntoIterator<Item = &'v str>) -> Self {
        Self {
            by_form,
            place,
            given: given.into_iter().map(written).collect(),
        }
    }

    /// Whether a given value is long enough to be looked for.
    #[must_use]
    pub fn is_telling(value: &str) -> bool {
        value.trim().chars().count() >= SHORTEST_GIVEN
    }

    /// What of it stands in `text`, in its order; a value that stands there more often is told once. What has the form of
    /// a secret and is `allowed` is let go.
    #[must_use]
    pub fn find_in(&self, text: &str, allowed: impl Fn(&str) -> bool) -> Vec<Leaked> {
        let mut found: Vec<(Range<usize>, Leaked)> = Vec::new();
        for (index, forms) in self.given.iter().enumerate() {
            found.extend(find_given(forms, text).map(|(range, encoded)| {
                let shown = if encoded { "encoded" } else { "as it is" };
                let leaked = Leaked {
                    what: "a value that must not be there".to_owned(),
                    shown: shown.to_owned(),
                    line: line(text, range.start),
                    given: Some(index),
                };
                (range, leaked)
            }));
        }
        if self.by_form {
            let mut by_form = Vec::new();
            self.by_form(text, &mut by_form);
            for (range, what) in by_form {
                let known = found
                    .iter()
                    .any(|(other, _)| other.start < range.end && range.start < other.end);
                if !known && !allowed(&text[range.clone()]) {
                    found.push((range.clone(), describe(text, &range, what)));
                }
            }
        }
        found.sort_by_key(|(range, _)| range.start);
        let mut told: Vec<&str> = Vec::new();
        found
            .iter()
            .filter(|(range, _)| {
                let new = !told.contains(&&text[range.clone()]);
                told.push(&text[range.clone()]);
                new
            })
            .map(|(_, leaked)| leaked.clone())
            .collect()
    }

    fn by_form(&self, text: &str, found: &mut Vec<(Range<usize>, &'static str)>) {
        static STARTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
            let starts = generic::STARTS.iter().map(|(start, _)| *start);
            AhoCorasick::new(starts.chain([
                "T3BlbkFJ",
                "ws_secret_access_key",
                "WS_SECRET_ACCESS_KEY",
                "ecretAccessKey",
            ]))
            .ok()
        });
        let bytes = text.as_bytes();
        for hit in STARTS.iter().flat_map(|starts| starts.find_overlapping_iter(bytes)) {
            let Some((start, scan)) = generic::STARTS.get(hit.pattern().as_usize()) else {
                found.extend(if &text[hit.range()] == "T3BlbkFJ" {
                    openai(bytes, hit.range())
                } else {
                    aws_secret(bytes, hit.range())
                });
                continue;
            };
            let Some(body) = scan(bytes, hit.range()).filter(|body| text.is_char_boundary(body.end)) else {
                continue;
            };
            if let Some(what) = self.kind(start, &text[body.clone()]) {
                // The mask leaves the prefix; here it is part of the secret.
                found.push((hit.start()..body.end, what));
            }
        }
        generic::url_passwords(bytes, |range| {
            let boundaries = text.is_char_boundary(range.start) && text.is_char_boundary(range.end);
            if boundaries && !is_stand_in(&text[range.clone()]) && !is_word_for_password(&text[range.clone()]) {
                found.push((range, "the password of an address"));
            }
        });
        // The token of a header is told as what it is.
        found.sort_by_key(|(range, what)| (range.start, *what == TOKEN));
        let mut kept: Vec<(Range<usize>, &'static str)> = Vec::new();
        for (range, what) in found.drain(..) {
            let inside = |(other, name): &(Range<usize>, &str)| {
                *name != TOKEN && other.start < range.end && range.start < other.end
            };
            if !kept.iter().any(inside) {
                kept.retain(|(other, name)| *name != TOKEN || other.end <= range.start);
                kept.push((range, what));
            }
        }
        *found = kept;
    }

    fn kind(&self, start: &str, body: &str) -> Option<&'static str> {
        let private = self.place == Place::Private;
        let digit = body.bytes().any(|byte| byte.is_ascii_digit());
        let plain = body.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let what = match start {
            _ if start.starts_with("eyJ") => return jwt(body, private),
            "Bearer " | "bearer " | "BEARER " => (private && digit).then_some(TOKEN),
            "Basic " | "basic " | "BASIC " => (private && is_pair(body)).then_some("a user and password"),
            "sk_live_" | "rk_live_" => Some("a Stripe secret key"),
            "sk_test_" | "rk_test_" => Some("a Stripe test key"),
            "whsec_" => Some("a webhook's secret"),
            "sb_secret_" => Some("a Supabase secret key"),
            "sbp_" => (digit && plain).then_some("a Supabase access token"),
            "ghp_" | "gho_" | "ghs_" | "ghu_" | "ghr_" => plain.then_some("a GitHub token"),
            "github_pat_" => Some("a GitHub token"),
            "glpat-" => Some("a GitLab token"),
            "xoxb-" | "xoxp-" => Some("a Slack token"),
            "shpat_" | "shpss_" => Some("a Shopify token"),
            "npg_" => (digit && plain).then_some("a Neon password"),
            "rnd_" => (digit && plain && body.len() >= 24).then_some("a Render key"),
            "sk-ant-" => Some("an Anthropic key"),
            "sk-proj-" | "sk-svcacct-" => Some("an OpenAI key"),
            "GOCSPX-" => Some("a Google OAuth secret"),
            // A browser's key for maps or Firebase is made to be published.
            "AIza" => (private && body.len() == 35).then_some("a Google API key"),
            "AKIA" | "ASIA" => {
                let id = body.len() == 16
                    && body
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
                id.then_some("an AWS access key")
            }
            "-----BEGIN " => Some("a private key"),
            _ => None,
        };
        what.filter(|_| !is_stand_in(body))
    }
}

const TOKEN: &str = "a bearer token";

/// A service role's key opens everything; an anonymous one is made to be published; any other token is somebody's session.
fn jwt(token: &str, private: bool) -> Option<&'static str> {
    let payload = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    match claims.get("role").and_then(Value::as_str) {
        Some("service_role") => Some("a Supabase service_role key"),
        Some("anon") => None,
        _ => private.then_some("a JWT"),
    }
}

fn is_pair(body: &str) -> bool {
    let decoded = base64::engine::general_purpose::STANDARD.decode(body);
    decoded.is_ok_and(|pair| pair.contains(&b':') && pair.iter().all(u8::is_ascii_graphic))
}

/// An OpenAI key of the older form has this word in its middle.
fn openai(text: &[u8], word: Range<usize>) -> Option<(Range<usize>, &'static str)> {
    let key = |byte: &&u8| byte.is_ascii_alphanumeric();
    let before = text[..word.start].iter().rev().take_while(key).count();
    let start = word.start.checked_sub(before + 3)?;
    let end = word.end + text[word.end..].iter().take_while(key).count();
    (text[start..].starts_with(b"sk-") && before >= 16).then_some((start..end, "an OpenAI key"))
}

/// `aws_secret_access_key = …`: 40 characters without a mark of their own.
fn aws_secret(text: &[u8], name: Range<usize>) -> Option<(Range<usize>, &'static str)> {
    let gap = text[name.end..]
        .iter()
        .take(6)
        .take_while(|byte| b"\"' =:".contains(byte))
        .count();
    let start = name.end + gap;
    let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let length = text[start..].iter().take_while(belongs).count();
    let key = str::from_utf8(&text[start..start + length]).ok()?;
    (gap > 0 && length == 40 && !is_stand_in(key)).then_some((start..start + length, "an AWS secret key"))
}

/// What guides write where a secret is to be put, and templates where one will be.
fn is_stand_in(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "your",
        "example",
        "placeholder",
        "changeme",
        "change-me",
        "change_me",
        "replace",
        "dummy",
        "redacted",
        "xxxx",
        "****",
        "...",
        "…",
        "${",
        "{{",
        "$(",
        "<",
        "[",
    ];
    let lower = value.to_ascii_lowercase();
    let first = lower.chars().next();
    WORDS.iter().any(|word| lower.contains(word))
        || lower.starts_with(['$', '{', '%'])
        || lower.chars().all(|char| Some(char) == first)
}

fn is_word_for_password(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["password", "passwd", "pass", "pwd", "secret", "token"].contains(&lower.as_str())
}

/// How a given value may be written, and whether that is encoded: itself, hex, base64; of a JWT also the signature, of an
/// address the password.
fn written(value: &str) -> Vec<(Form, bool)> {
    let value = value.trim();
    let whole = value.len();
    let signature = value.starts_with("eyJ").then(|| value.rsplit('.').next()).flatten();
    let address = value.contains("://");
    let parts = forms::derived(value);
    let parts = parts.iter().map(String::as_str).filter(|part| {
        *part == value || Some(*part) == signature || (address && Sought::is_telling(part) && part.len() < whole)
    });
    parts
        .flat_map(|part| {
            let forms = forms::of(part).into_iter();
            forms.map(|form| {
                let encoded = &*form.bytes != part.as_bytes();
                (form, encoded)
            })
        })
        .collect()
}

/// Where a given value stands first.
fn find_given(forms: &[(Form, bool)], text: &str) -> Option<(Range<usize>, bool)> {
    let bytes = text.as_bytes();
    for (form, encoded) in forms {
        if let Some(at) = position(bytes, &form.bytes) {
            return Some((boundaries(text, at..at + form.bytes.len()), *encoded));
        }
    }
    let mut found = None;
    let rounds = if text.len() <= LARGE { decode::ROUNDS - 1 } else { 1 };
    decode::each_view(bytes, rounds, &mut |view| {
        for (form, _) in forms {
            if found.is_none()
                && let Some(at) = position(&view.bytes, &form.bytes)
            {
                found = Some(boundaries(text, view.original(at..at + form.bytes.len())));
            }
        }
    });
    found.map(|range| (range, true))
}

fn boundaries(text: &str, range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

fn line(text: &str, at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count()
}

fn describe(text: &str, range: &Range<usize>, what: &str) -> Leaked {
    let secret = &text[range.clone()];
    let prefix = generic::STARTS
        .iter()
        .filter(|(start, _)| !start.starts_with("eyJ") && secret.starts_with(start))
        .map(|(start, _)| start.len())
        .max();
    let length = secret.chars().count();
    let shown = match prefix {
        Some(_) if what == "a private key" => format!("{length} characters"),
        Some(prefix) => {
            let beginning: String = secret.chars().take(prefix + SHOWN).collect();
            format!("{beginning}…, {length} characters")
        }
        None if what == "a JWT" || what.contains("service_role") => format!("eyJ…, {length} characters"),
        // Without a mark of its own every character shown is one to guess less.
        None => format!("{length} characters"),
    };
    Leaked {
        what: what.to_owned(),
        shown,
        line: line(text, range.start),
        given: None,
    }
}

#[cfg(test)]
mod tests;
