//! The burst, and what comes after it.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::deployment::http::{Jar, Request, Response};
use crate::deployment::{Target, Unobserved};

use super::{Answer, By, RateLimit, Recovery, Seen};

/// Made-up values for each header.
pub(super) const SPOOFS: usize = 3;

/// Clocks of limiters tick in whole seconds at worst.
const MARGIN: Duration = Duration::from_millis(150);

pub(super) async fn observe(check: &RateLimit, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let whose = (check.by() == By::Identity)
        .then(|| target.identity(&check.request))
        .transpose()?;
    let forgotten = Instant::now() + check.per.0 + MARGIN;
    while check.fresh
        && target.http()?.spent(check.path(), check.per.0 + MARGIN, whose) > 0
        && Instant::now() < forgotten
    {
        tokio::time::sleep(MARGIN / 3).await;
    }
    let spent = target.http()?.spent(check.path(), check.per.0, whose);
    let mut seen = Seen {
        spent,
        ..Seen::default()
    };
    let begun = Instant::now();
    burst(check, target, &mut seen).await?;
    seen.burst_millis = millis(begun.elapsed());
    if seen.refusal.is_none() {
        return Ok(seen);
    }
    let refused_at = Instant::now();
    for header in &check.spoof {
        let statuses = spoof(check, target, header).await?;
        seen.spoofed.push((header.clone(), statuses));
    }
    if !check.spoof.is_empty() {
        seen.control = Some(target.send(&check.request_of(0)).await?.status);
    }
    if let Some(other) = &check.other {
        let request = Request {
            bearer: other.bearer.clone(),
            basic: other.basic.clone(),
            ..check.request.clone()
        };
        seen.other = Some(target.beside(Jar::default()).send(&request).await?.status);
    }
    if check.waits() {
        let pause = (wait_for(check, &seen) + MARGIN).saturating_sub(refused_at.elapsed());
        tokio::time::sleep(pause).await;
        let status = target.send(&check.request_of(0)).await?.status;
        seen.recovery = Some(Recovery {
            waited_millis: millis(refused_at.elapsed()),
            status,
        });
    }
    Ok(seen)
}

/// One request alone, for the headers of an untouched budget; then waves, until one of them meets a refusal.
async fn burst(check: &RateLimit, target: &Target<'_>, seen: &mut Seen) -> Result<(), Unobserved> {
    let mut width = 1;
    while seen.refusal.is_none() && seen.answers.len() < check.most() {
        let room = check.most() - seen.answers.len();
        let first = seen.answers.len();
        let wave = (first..first + width.min(room)).map(|at| check.request_of(at));
        let responses = try_join_all(wave.map(async |request| target.send(&request).await)).await?;
        for response in responses {
            seen.answers.push(Answer::of(&response, *check.limit));
            if check.refused(response.status) && seen.refusal.is_none() {
                seen.refusal = Some(response);
            }
        }
        width = check.burst;
    }
    Ok(())
}

async fn spoof(check: &RateLimit, target: &Target<'_>, header: &str) -> Result<Vec<u16>, Unobserved> {
    let mut statuses = Vec::new();
    for at in 0..SPOOFS {
        // 203.0.113.0/24 is for documentation (RFC 5737): nobody has these addresses.
        let value = format!("203.0.113.{}", 10 + at);
        let request = check.request_of(at).with_header(header, &value);
        statuses.push(target.send(&request).await?.status);
    }
    Ok(statuses)
}

/// How long to wait: what the refusal says, if it is no longer than the window; else the window.
fn wait_for(check: &RateLimit, seen: &Seen) -> Duration {
    let said = seen
        .refusal
        .as_ref()
        .and_then(|refusal| refusal.header("retry-after")?.trim().parse().ok());
    said.map(Duration::from_secs)
        .filter(|said| *said <= check.per.0)
        .unwrap_or(check.per.0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Answer {
    /// `RateLimit-*` (draft-ietf-httpapi-ratelimit-headers-06), `X-RateLimit-*`, or `RateLimit: limit=10, remaining=9`
    /// (draft 07). An answer can come through two limiters, each with headers of its own: `wanted` tells whose to read.
    fn of(response: &Response, wanted: u32) -> Self {
        let number = |text: Option<&str>| text?.trim().parse::<u32>().ok();
        let pair = |prefix: &str| {
            let header = |name: &str| number(response.header(&format!("{prefix}-{name}")));
            (header("limit"), header("remaining"))
        };
        let of_one_header = |name: &str| number(parameter(response.header("ratelimit")?, name));
        let all = [
            pair("ratelimit"),
            pair("x-ratelimit"),
            (of_one_header("limit"), of_one_header("remaining")),
        ];
        let same = all.iter().find(|(limit, _)| *limit == Some(wanted));
        let first = || all.iter().find(|(limit, left)| limit.is_some() || left.is_some());
        let (limit, remaining) = same.or_else(first).copied().unwrap_or_default();
        Self {
            status: response.status,
            limit,
            remaining,
        }
    }
}

/// `10` of `limit=10, remaining=9` for `limit`.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = header.split([',', ';']).filter_map(|part| part.trim().split_once('='));
    parts.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_limiters_the_one_that_is_asked_for_is_read() {
        let mut response = Response::default();
        let headers = [
            ("ratelimit-limit", "100"),
            ("ratelimit-remaining", "83"),
            ("x-ratelimit-limit", "10"),
            ("x-ratelimit-remaining", "1"),
        ];
        for (name, value) in headers {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        let read = |wanted| {
            let answer = Answer::of(&response, wanted);
            (answer.limit, answer.remaining)
        };
        assert_eq!(read(10), (Some(10), Some(1)));
        assert_eq!(read(100), (Some(100), Some(83)));
        assert_eq!(read(50), (Some(100), Some(83)));
    }
}
