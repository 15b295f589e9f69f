//! The named baselines, and what each of their parts asks for.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Finding;
use crate::suite::Period;

use super::csp::Policies;
use super::{Seen, days};

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Baseline {
    /// HTML that a person looks at.
    Page,
    /// Data for a program.
    Api,
    /// A file with a hash in its name.
    Asset,
}

/// One part of a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Item {
    Hsts,
    Csp,
    CspScripts,
    Nosniff,
    Frame,
    Referrer,
    Permissions,
    Server,
    PoweredBy,
    Cache,
    Type,
}

impl Baseline {
    /// What must be there.
    pub(super) fn items(self) -> &'static [Item] {
        match self {
            Self::Page => &[
                Item::Type,
                Item::Hsts,
                Item::Csp,
                Item::CspScripts,
                Item::Nosniff,
                Item::Frame,
                Item::Referrer,
                Item::Permissions,
                Item::Server,
                Item::PoweredBy,
            ],
            Self::Api => &[Item::Type, Item::Hsts, Item::Nosniff, Item::Server, Item::PoweredBy],
            Self::Asset => &[
                Item::Type,
                Item::Hsts,
                Item::Nosniff,
                Item::Cache,
                Item::Server,
                Item::PoweredBy,
            ],
        }
    }
}

const CSP: &str = "Content-Security-Policy";
const POWERED: [&str; 3] = ["X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version"];

/// How long a file with a hash in its name is to be kept at least.
const LONG: u64 = 30 * 86_400;

impl Item {
    /// What the suite calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hsts => "hsts",
            Self::Csp => "csp",
            Self::CspScripts => "csp_scripts",
            Self::Nosniff => "nosniff",
            Self::Frame => "frame",
            Self::Referrer => "referrer",
            Self::Permissions => "permissions",
            Self::Server => "server",
            Self::PoweredBy => "powered_by",
            Self::Cache => "cache",
            Self::Type => "type",
        }
    }

    /// The headers that it is about.
    pub(super) fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Hsts => &["Strict-Transport-Security"],
            Self::Csp | Self::CspScripts => &[CSP],
            Self::Nosniff => &["X-Content-Type-Options"],
            Self::Frame => &["X-Frame-Options"],
            Self::Referrer => &["Referrer-Policy"],
            Self::Permissions => &["Permissions-Policy"],
            Self::Server => &["Server"],
            Self::PoweredBy => &POWERED,
            Self::Cache => &["Cache-Control"],
            Self::Type => &["Content-Type"],
        }
    }

    /// What is to be said of it; nothing where another part says it.
    pub(super) fn judge(self, seen: &Seen, baseline: Option<Baseline>, hsts_min: Period) -> Option<Finding> {
        let value = self.headers().first().and_then(|name| seen.header(name));
        let value = value.as_deref();
        let says = |holds: bool, expected: &str| {
            let absent = || format!("no {}", self.headers()[0]);
            Finding::expect(holds, self.name(), expected, value.map_or_else(absent, str::to_owned))
        };
        Some(match self {
            Self::Hsts => return Some(judge_hsts(seen, value, hsts_min)),
            Self::Csp => judge_csp(seen, value),
            Self::CspScripts => return judge_scripts(value?),
            Self::Nosniff => {
                let first = value.and_then(|value| value.split(',').next());
                let holds = first.is_some_and(|first| first.trim().eq_ignore_ascii_case("nosniff"));
                says(holds, "X-Content-Type-Options: nosniff")
            }
            Self::Frame => judge_frame(seen, value),
            Self::Referrer => says(refers_with_care(value), "a Referrer-Policy other than unsafe-url"),
            Self::Permissions => {
                let holds = value.is_some_and(|value| value.contains('='));
                says(holds, "a Permissions-Policy").hint("Permissions-Policy: camera=(), microphone=(), geolocation=()")
            }
            Self::Server => {
                let versioned = value.is_some_and(|value| value.contains(|c: char| c.is_ascii_digit()));
                says(!versioned, "no version in Server").hint("nginx: server_tokens off; uvicorn: --no-server-header")
            }
            Self::PoweredBy => {
                let there = POWERED.iter().find_map(|name| Some((name, seen.header(name)?)));
                let shown = there.map(|(name, value)| format!("{name}: {value}"));
                let holds = shown.is_none();
                Finding::expect(
                    holds,
                    self.name(),
                    "no X-Powered-By",
                    shown.unwrap_or_else(|| "none".to_owned()),
                )
                .hint("Express: app.disable(\"x-powered-by\"), or helmet; Next.js: poweredByHeader: false")
            }
            Self::Cache => says(
                is_kept(value),
                "Cache-Control: immutable, or max-age of 30 days or more",
            )
            .hint("Cache-Control: public, max-age=31536000, immutable"),
            Self::Type => {
                let html = value.is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("text/html"));
                if baseline == Some(Baseline::Page) {
                    says(html, "HTML")
                } else {
                    says(!html, "no HTML")
                        .hint("the path is answered with a page: is it right, or does a catch-all answer?")
                }
            }
        })
    }
}

fn judge_hsts(seen: &Seen, value: Option<&str>, min: Period) -> Finding {
    let expected = format!("Strict-Transport-Security for at least {}", days(min));
    if !seen.https {
        // Where the suite asks for it by name, that is unclear, and said elsewhere.
        let why = "asked over http, where browsers ignore it";
        return Finding::passed("hsts", "only over https", why);
    }
    let seconds = value.and_then(|value| {
        let directives = value.split([';', ',']).filter_map(|part| part.split_once('='));
        let mut named = directives.filter(|(name, _)| name.trim().eq_ignore_ascii_case("max-age"));
        named.next()?.1.trim().trim_matches('"').parse::<u64>().ok()
    });
    let shown = match (value, seconds) {
        (None, _) => "no Strict-Transport-Security".to_owned(),
        (Some(value), None) => format!("{value} (no max-age)"),
        (Some(value), Some(seconds)) => format!("{value} ({})", days(Period(Duration::from_secs(seconds)))),
    };
    let holds = seconds.is_some_and(|seconds| seconds >= min.0.as_secs());
    Finding::expect(holds, "hsts", expected, shown)
        .hint("Strict-Transport-Security: max-age=31536000; includeSubDomains")
}

fn judge_csp(seen: &Seen, value: Option<&str>) -> Finding {
    let holds = value.is_some_and(|value| Policies::read(value).restricts_scripts());
    let reported = seen.header("Content-Security-Policy-Report-Only").is_some();
    let shown = match value {
        Some(value) => value,
        None if reported => "only Content-Security-Policy-Report-Only, which forbids nothing",
        None => "no Content-Security-Policy",
    };
    Finding::expect(
        holds,
        "csp",
        "Content-Security-Policy with default-src or script-src",
        shown,
    )
}

fn judge_scripts(value: &str) -> Option<Finding> {
    let policies = Policies::read(value);
    let holes = policies.holes();
    let shown = if holes.is_empty() {
        "none".to_owned()
    } else {
        holes.join(" ")
    };
    policies.restricts_scripts().then(|| {
        Finding::expect(
            holes.is_empty(),
            "csp_scripts",
            "nothing that lets foreign scripts in",
            shown,
        )
        .hint("give your own scripts a nonce or a hash, and name hosts; or leave it out: without = [\"csp_scripts\"]")
    })
}

/// `frame-ancestors` is obeyed instead of X-Frame-Options where there are both.
fn judge_frame(seen: &Seen, options: Option<&str>) -> Finding {
    let expected = "frame-ancestors, or X-Frame-Options: DENY or SAMEORIGIN";
    let csp = seen.header(CSP);
    if let Some(strict) = csp.as_deref().and_then(|csp| Policies::read(csp).frames()) {
        return Finding::expect(strict, "frame", expected, csp.unwrap_or_default());
    }
    let parts: Vec<String> = options
        .unwrap_or_default()
        .split(',')
        .map(|part| part.trim().to_ascii_uppercase())
        .collect();
    let known = matches!(parts[0].as_str(), "DENY" | "SAMEORIGIN");
    let holds = known && parts.iter().all(|part| *part == parts[0]);
    let shown = options.map_or("neither".to_owned(), |options| format!("X-Frame-Options: {options}"));
    Finding::expect(holds, "frame", expected, shown)
}

/// The last word that is a policy counts.
fn refers_with_care(value: Option<&str>) -> bool {
    const CAREFUL: [&str; 7] = [
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
    ];
    let words = value
        .unwrap_or_default()
        .split(',')
        .map(|word| word.trim().to_ascii_lowercase());
    let mut known = words.filter(|word| word == "unsafe-url" || CAREFUL.contains(&word.as_str()));
    known.next_back().is_some_and(|word| word != "unsafe-url")
}

fn is_kept(value: Option<&str>) -> bool {
    let lower = value.unwrap_or_default().to_ascii_lowercase();
    let words: Vec<&str> = lower.split(',').map(str::trim).collect();
    let seconds = words
        .iter()
        .find_map(|word| word.strip_prefix("max-age=")?.parse::<u64>().ok());
    let forgotten = words.iter().any(|word| matches!(*word, "no-store" | "no-cache"));
    !forgotten && (words.contains(&"immutable") || seconds.is_some_and(|seconds| seconds >= LONG))
}
