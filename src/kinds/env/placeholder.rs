//! Values that a guide wrote and nobody replaced.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

use crate::deployment::secrets::is_guessed;

/// What an example looks like, and how to say so without repeating it. Of the lower-cased value.
const LOOKS: &[(&str, &str)] = &[
    (r"<[a-z][^<>]{1,60}>", "it stands in <…>"),
    (
        r"\[[a-z][a-z _-]*(your|password|key|token|ref|project)[a-z _-]*\]|\[your[^\]]*\]",
        "it stands in […]",
    ),
    (
        r"(^|[^a-z0-9])your([-_.]|(own|domain|secret|password|key|app|api|token|project|company|site|name|host|user)([^a-z]|$))",
        "it says \"your-…\"",
    ),
    (r"\.\.\.|…", "it says \"...\""),
    (
        r"\$\(|\$\{|\{\{|^\$[a-z_][a-z0-9_]*$|^%[a-z_]+%$|^`.*`$",
        "a variable or a command that nobody filled in",
    ),
    (
        r"change[-_ ]?(me|this|it)([^a-z]|$)|change[-_ ]?in[-_ ]?prod|replace[-_ ]?(me|with|this)([^a-z]|$)",
        "it says \"change me\"",
    ),
    (r"(^|[^a-z0-9])x{3,}([^a-z0-9]|$)|x{6,}", "it says \"xxx\""),
    (
        r"(^|[^a-z0-9])(placeholder|dummy|fixme|todo|insert|goes)([^a-z0-9]|$)|[-_ ]here$|fill[-_ ]?(me|in)([^a-z]|$)",
        "it says that something is to be put here",
    ),
    (
        r"(^|[^a-z0-9])example([^a-z0-9]|$)|[a-z0-9]{12}example(key)?$",
        "it says \"example\"",
    ),
    (
        r"-with-at-least-\d+-characters|-min-\d+-chars",
        "it says how long it should be",
    ),
];

static REGEXES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let compiled = LOOKS
        .iter()
        .filter_map(|(look, why)| Some((Regex::new(look).ok()?, *why)));
    compiled.collect()
});

/// What stands where no value is known yet.
const NOTHING: &[&str] = &["tbd", "n/a", "null", "undefined", "none", "value", "string"];

/// Why `value` of the variable `name` is an example, without repeating it.
pub(super) fn reason(name: &str, value: &str) -> Option<&'static str> {
    let lower = value.trim().to_lowercase();
    if NOTHING.contains(&lower.as_str()) {
        return Some("a word for nothing");
    }
    if let Some((_, why)) = REGEXES.iter().find(|(look, _)| look.is_match(&lower)) {
        return Some(why);
    }
    if secret_by_name(name) && is_guessed(&lower) {
        return Some("one that everybody tries first");
    }
    if counts_or_repeats(&lower) {
        return Some("one character over and over, or counting");
    }
    if demo_token(value) {
        return Some("the key of everybody's local Supabase");
    }
    in_url(&lower)
}

fn secret_by_name(name: &str) -> bool {
    let name = name.to_uppercase();
    ["SECRET", "PASS", "KEY", "TOKEN"]
        .iter()
        .any(|part| name.contains(part))
}

fn counts_or_repeats(value: &str) -> bool {
    let letters: Vec<char> = value.chars().collect();
    let step = |pair: &[char]| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]));
    letters.len() >= 8
        && [0, 1].iter().any(|wanted| {
            let wraps = |pair: &[char]| *wanted == 1 && pair == ['9', '0'];
            letters.windows(2).all(|pair| step(pair) == *wanted || wraps(pair))
        })
}

/// The anon and service keys that `supabase start` prints are the same for all.
fn demo_token(value: &str) -> bool {
    super::facts::claims(value).is_some_and(|claims| claims["iss"] == "supabase-demo")
}

/// What an example URL has that a real one has not.
fn in_url(lower: &str) -> Option<&'static str> {
    let (_, rest) = lower.split_once("://")?;
    // `host:port` is no URL at all.
    if rest
        .split(['/', '?'])
        .next()
        .is_some_and(|authority| authority.ends_with(":port"))
    {
        return Some("it says \"host:port\"");
    }
    let url = Url::parse(lower).ok()?;
    let host = url.host_str().unwrap_or_default();
    let example = ["example", "test", "invalid"]
        .iter()
        .any(|end| host.rsplit('.').next() == Some(*end));
    if example
        || [
            "example.com",
            "example.org",
            "example.net",
            "host",
            "hostname",
            "server",
        ]
        .contains(&host)
    {
        return Some("its host is an example");
    }
    let password = url.password().unwrap_or_default();
    is_guessed(password).then_some("the password in it is one that everybody tries first")
}
