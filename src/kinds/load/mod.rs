//! `load`: many requests, and how they were answered.

mod judge;
mod observe;
/// A count as a number that can be divided: none here is near the 2^53 from which on that loses precision.
fn count(number: impl TryInto<u32>) -> f64 {
    number.try_into().map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Request, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Group, Period, Problem, Spanned};

use super::Kind;

/// Many requests, several at a time or at a rate: how many fail, how long they take, how many a second are answered.
///
/// One request after a deploy says that a route works, not that it holds: a pool of one connection, a missing index, a
/// limit of the new plan show only when several come at once. It is a smoke test and no benchmark: ten thousand requests
/// at most. It runs after everything else and alone, and needs an environment that allows `load`.
///
/// ```toml
/// [load.messages]
/// title = "A hundred messages, ten at a time, are answered within a second"
/// post = "/api/test-message"
/// bearer = "a-token"
/// json = { text = "hello" }
/// requests = 100
/// concurrency = 10
/// expect = { errors = 0.01, p95 = "1s", throughput = 20 }
/// ```
///
/// It takes a request as `http` does (get, head, options, post, put, patch, delete, query, headers, json, form, body,
/// bearer, basic, cookies, follow, max_body, http2), and
///
///   requests     how many are sent
///   concurrency  how many are under way at a time: 10 unless given
///   rate         how many are started a second, whether or not earlier ones are answered; each is then measured from when
///                it was due, so that a server that stalls does not hide it
///   for          how long requests are sent: "10s". At least one of requests and for; with both, what ends first.
///   expect       at least one of
///     errors       the share that may fail: 0.01. None may unless given. Failed is what is neither success nor refused.
///     p50, p95, p99  how long the quickest half, 95 %, 99 % of the successes may take
///     throughput   how many successes a second there must be at least
///     status       what counts as success: any 2xx unless given
///     refused      what is refused on purpose, by a plan or a limit: { status = [402, 429], at_least = 1 }
///
/// A failure:
///
///   FAILED  load.messages   A hundred messages, ten at a time, are answered within a second
///     suites/api.toml:8:32
///     8 │ expect = { errors = 0.01, p95 = "1s", throughput = 20 }
///       │                                 ^^^^
///       p95   expected: at most 1s   seen: 2310 ms
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    #[schemars(flatten)]
    request: Request,
    /// How many requests are sent.
    requests: Option<Spanned<usize>>,
    /// How many are under way at a time.
    concurrency: Option<Spanned<usize>>,
    /// How many are started a second.
    rate: Option<Spanned<f64>>,
    /// How long requests are sent.
    r#for: Option<Spanned<Period>>,
    /// What is expected of them.
    #[serde(default)]
    expect: Expect,
}

/// What is expected of all answers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    /// The share that may fail.
    errors: Option<Spanned<f64>>,
    /// How long the quickest half may take.
    p50: Option<Spanned<Period>>,
    /// How long the quickest 95 % may take.
    p95: Option<Spanned<Period>>,
    /// How long the quickest 99 % may take.
    p99: Option<Spanned<Period>>,
    /// How many successes a second there must be at least.
    throughput: Option<Spanned<f64>>,
    /// What counts as success.
    status: Option<Statuses>,
    /// What is refused on purpose.
    refused: Option<Spanned<Refused>>,
}

/// What is refused on purpose.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Refused {
    /// The statuses of a refusal.
    status: Statuses,
    /// How many refusals there must be at least.
    #[serde(default)]
    at_least: usize,
}

/// No more than these are sent, whatever happens.
const MOST: usize = 10_000;

/// Requests are not sent for longer than this unless `for` says so.
const LONGEST: Duration = Duration::from_secs(60);

/// Every answer, in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    answers: Vec<Answer>,
    /// From the first request to the last answer.
    took_micros: u64,
    /// Requests that were due and not sent, since the time was over.
    #[serde(default)]
    unsent: usize,
}

/// One answer: its status, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    micros: u64,
}

impl Load {
    fn most(&self) -> usize {
        self.requests.as_ref().map_or(MOST, |requests| (**requests).min(MOST))
    }

    fn abreast(&self) -> usize {
        self.concurrency.as_ref().map_or(10, |concurrency| **concurrency)
    }

    fn window(&self) -> Duration {
        self.r#for.as_ref().map_or(LONGEST, |window| window.0)
    }
}

impl Kind for Load {
    const NAME: &'static str = "load";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        Effect::Load
    }

    fn patience(&self) -> Duration {
        // The last request may start as the window ends, and has its own time.
        self.window() + Duration::from_secs(1)
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        if self.requests.is_none() && self.r#for.is_none() {
            problems.push(Problem::whole("how many requests?").hint("requests = 100, or for = \"10s\""));
        }
        if let Some(requests) = self.requests.as_ref().filter(|count| !(1..=MOST).contains(&***count)) {
            problems.push(Problem::at(requests.span(), format!("`requests` is from 1 to {MOST}")));
        }
        if let Some(abreast) = self.concurrency.as_ref().filter(|count| !(1..=200).contains(&***count)) {
            problems.push(Problem::at(abreast.span(), "`concurrency` is from 1 to 200"));
        }
        if let Some(rate) = self.rate.as_ref().filter(|rate| !(0.1..=1000.0).contains(&***rate)) {
            problems.push(Problem::at(rate.span(), "`rate` is from 0.1 to 1000 a second"));
        }
        if let Some(window) = self.r#for.as_ref().filter(|window| window.0.is_zero()) {
            problems.push(Problem::at(window.span(), "`for` is longer than nothing"));
        }
        if let Some(errors) = self
            .expect
            .errors
            .as_ref()
            .filter(|share| !(0.0..1.0).contains(&***share))
        {
            problems.push(Problem::at(
                errors.span(),
                "a share from 0 to less than 1: 0.01 is one in a hundred",
            ));
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        let Expect {
            errors,
            p50,
            p95,
            p99,
            throughput,
            refused,
            ..
        } = &self.expect;
        errors.is_none()
            && throughput.is_none()
            && refused.is_none()
            && [p50, p95, p99].iter().all(|limit| limit.is_none())
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        let pace = match &self.rate {
            Some(rate) => format!("{} a second, {} at a time at most", **rate, self.abreast()),
            None => format!("{} at a time", self.abreast()),
        };
        let (most, window) = (self.most(), Period(self.window()));
        steps.push(format!("{most} times at most, {pace}, for {window} at most"));
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}
