//! What answers say about the limit, in the dialects that are about: express-rate-limit (drafts 6, 7 and 8 of the IETF), slowapi and
//! the many others with `X-RateLimit-*`, whose reset is seconds, a time of day in seconds or milliseconds, or a date.

use std::time::Duration;

use jiff::Timestamp;

use crate::deployment::http::Response;

/// So many requests are let through in a window.
pub(super) fn limit(answer: &Response) -> Option<u64> {
    let plain = first(answer, &["ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"]);
    plain
        .and_then(leading_number)
        .or_else(|| parameter(answer, "limit"))
        .or_else(|| policy(answer))
}

/// So many are left of them.
pub(super) fn remaining(answer: &Response) -> Option<u64> {
    let names = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];
    let plain = first(answer, &names).and_then(leading_number);
    plain
        .or_else(|| parameter(answer, "remaining"))
        .or_else(|| parameter(answer, "r"))
}

/// How long until there are more, at `now`.
pub(super) fn wait(answer: &Response, now: Timestamp) -> Option<Duration> {
    if let Some(seconds) = answer.header("retry-after").and_then(leading_number) {
        return Some(Duration::from_secs(seconds));
    }
    let names = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
    match first(answer, &names) {
        Some(reset) => until(reset, now),
        None => parameter(answer, "reset")
            .or_else(|| parameter(answer, "t"))
            .map(Duration::from_secs),
    }
}

fn first<'a>(answer: &'a Response, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| answer.header(name))
}

/// `100`, `100, 100;w=60`, `100;w=60`.
fn leading_number(value: &str) -> Option<u64> {
    let value = value.trim();
    let end = value.find(|char: char| !char.is_ascii_digit()).unwrap_or(value.len());
    let rest = value[end..].trim_start();
    let fits = rest.is_empty() || rest.starts_with([',', ';', '.']);
    fits.then(|| value[..end].parse().ok()).flatten()
}

/// `RateLimit: limit=10, remaining=9, reset=60` and `RateLimit: "default";r=9;t=60`.
fn parameter(answer: &Response, name: &str) -> Option<u64> {
    parameter_of(answer.header("ratelimit")?, name)
}

/// `RateLimit-Policy: "default";q=10;w=60`.
fn policy(answer: &Response) -> Option<u64> {
    parameter_of(answer.header("ratelimit-policy")?, "q")
}

fn parameter_of(value: &str, name: &str) -> Option<u64> {
    let parts = value.split([',', ';']).filter_map(|part| part.trim().split_once('='));
    parts
        .filter(|(key, _)| *key == name)
        .find_map(|(_, value)| value.trim().parse().ok())
}

fn until(reset: &str, now: Timestamp) -> Option<Duration> {
    let left = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
    if let Ok(date) = reset.parse::<Timestamp>() {
        return Some(left(date));
    }
    let number = leading_number(reset)?;
    let signed = i64::try_from(number).ok()?;
    match number {
        0..1_000_000_000 => Some(Duration::from_secs(number)),
        1_000_000_000..1_000_000_000_000 => Timestamp::from_second(signed).ok().map(left),
        _ => Timestamp::from_millisecond(signed).ok().map(left),
    }
}
