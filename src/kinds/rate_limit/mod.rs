//! `rate_limit`: a limit that trips where it should, and for whom it should.

mod judge;
mod observe;
#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Expect, Request, Response, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Entries, Group, Period, Problem, Spanned};

use super::Kind;

/// A rate limit: it trips after exactly N requests, and does not let anyone around it.
///
/// A limiter that is misconfigured after a deploy fails in silence: its store is away and it lets everything through, each of
/// three machines counts for itself, or a made-up `X-Forwarded-For` gives a fresh budget. Only a burst tells. The check sends
/// requests, several at a time, until one is refused, and counts how many were let through; what the run itself has spent of
/// the budget before is taken off, and so is what the server's own headers say that others have. It runs after everything
/// else and alone, needs an environment that allows `load`, and never sends more than the limit and a few.
///
/// ```toml
/// [rate_limit.per_user]
/// title = "A user generates ten images a minute, and not eleven"
/// post = "/api/generate"
/// bearer = "a-token"
/// limit = 10
/// per = "1m"
/// expect.headers.Retry-After = { matches = '^\d+$' }
/// expect.json."$.error" = { contains = "too quickly" }
/// other = { bearer = "another-token" }
/// ```
///
/// It takes a request as `http` does (see `smoke kinds http`: get, head, options, post, put, patch, delete, query, headers,
/// json, form, body, bearer, basic, cookies, follow, max_body, http2), and
///
///   limit      how many requests are let through
///   per        in how long: "1m"
///   by         who is counted: "identity" (the credentials; the default where the request has any) or "address"
///   scope      the start of the paths that share the budget: "/api/v1"; without it, the request's own path
///   burst      how many requests are under way at a time: 8 unless given
///   accepted   the statuses that count as let through: any but a refusal and 5xx unless given (401 counts: many
///              limiters come before authentication)
///   expect     what a refusal looks like, as in `http`; its status is 429 unless given
///   spoof      headers that must not give a fresh budget: X-Forwarded-For unless given; an empty list tries none
///   other      credentials of somebody who must not be affected: { bearer = "…" } or { basic = { … } }
///   turns      who asks in turn, each with bearer, basic or headers, where addresses are counted and one user alone would
///              meet his own limit first
///   fresh      true: wait before the burst until what the run itself has spent is forgotten
///   recovers   whether to wait for the window to pass and see that a request is let through again: true for windows up
///              to 15 s unless given
///
/// A failure:
///
///   FAILED  rate_limit.per_user   A user generates ten images a minute, and not eleven
///     suites/api.toml:5:9
///     5 │ limit = 10
///       │         ^^
///       let through   expected: 10 requests   seen: 30 requests, then 429
///     try: 3 × the limit: does each instance count for itself? Share the counter, in Redis for instance
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    #[schemars(flatten)]
    request: Request,
    /// How many requests are let through.
    limit: Spanned<u32>,
    /// In how long.
    per: Spanned<Period>,
    /// Who is counted.
    by: Option<By>,
    /// The start of the paths that share the budget.
    scope: Option<String>,
    /// How many requests are under way at a time.
    #[serde(default = "eight")]
    burst: usize,
    /// The statuses that count as let through.
    accepted: Option<Statuses>,
    /// What a refusal looks like.
    #[serde(default)]
    expect: Expect,
    /// Headers that must not give a fresh budget.
    #[serde(default = "forwarded_for")]
    spoof: Vec<String>,
    /// Somebody who must not be affected.
    other: Option<Spanned<Other>>,
    /// Who asks in turn.
    #[serde(default)]
    turns: Vec<Turn>,
    /// Whether to wait for what the run has spent to be forgotten.
    #[serde(default)]
    fresh: bool,
    /// Whether to wait for the window to pass.
    recovers: Option<bool>,
}

/// The credentials of one of those who ask in turn.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Turn {
    bearer: Option<String>,
    basic: Option<crate::deployment::http::Basic>,
    headers: Entries<String>,
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    /// Whoever the credentials belong to.
    Identity,
    /// The client's address, whatever the credentials.
    Address,
}

/// Somebody else's credentials.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Other {
    bearer: Option<String>,
    basic: Option<crate::deployment::http::Basic>,
}

fn eight() -> usize {
    8
}

fn forwarded_for() -> Vec<String> {
    vec!["X-Forwarded-For".to_owned()]
}

/// Windows up to this long are waited for unless the suite says otherwise.
const SHORT: Duration = Duration::from_secs(15);

/// What the burst and what came after it showed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Requests of the run that counted against the budget before.
    spent: usize,
    /// Every answer of the burst, in the order of sending.
    answers: Vec<Answer>,
    /// How long the burst took, in milliseconds.
    burst_millis: u64,
    /// The first refusal, whole.
    refusal: Option<Response>,
    /// For each header of `spoof`, the statuses that made-up values got.
    spoofed: Vec<(String, Vec<u16>)>,
    /// The status that the request as it is got after those.
    control: Option<u16>,
    /// The status that the other identity got.
    other: Option<u16>,
    /// After the window.
    recovery: Option<Recovery>,
}

/// One answer of the burst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    status: u16,
    /// The limit, by the server's headers.
    limit: Option<u32>,
    /// How many requests are left, by the server's headers.
    remaining: Option<u32>,
}

/// What came after the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Recovery {
    waited_millis: u64,
    status: u16,
}

impl RateLimit {
    /// The statuses of a refusal.
    fn refused(&self, status: u16) -> bool {
        self.expect
            .status
            .as_ref()
            .map_or(status == 429, |wanted| wanted.contains(status))
    }

    fn let_through(&self, status: u16) -> bool {
        match &self.accepted {
            Some(accepted) => accepted.contains(status),
            None => !self.refused(status) && status != 429 && status < 500,
        }
    }

    fn waits(&self) -> bool {
        self.recovers.unwrap_or(self.per.0 <= SHORT)
    }

    fn by(&self) -> By {
        let request = &self.request;
        let known = request.bearer.is_some() || request.basic.is_some() || request.cookies.is_some();
        self.by.unwrap_or(if known { By::Identity } else { By::Address })
    }

    fn path(&self) -> &str {
        let (_, path) = self.request.method_and_path();
        self.scope.as_deref().unwrap_or(path.split('?').next().unwrap_or(path))
    }

    /// The request as whoever's turn it is sends it.
    fn request_of(&self, at: usize) -> Request {
        let mut request = self.request.clone();
        if let Some(turn) = self.turns.get(at % self.turns.len().max(1)) {
            request.bearer.clone_from(&turn.bearer);
            request.basic.clone_from(&turn.basic);
            for (name, value) in turn.headers.iter() {
                request = request.with_header(name, value);
            }
        }
        request
    }

    /// No more than these are sent, whatever happens.
    fn most(&self) -> usize {
        *self.limit as usize + self.burst.max(5)
    }
}

impl Kind for RateLimit {
    const NAME: &'static str = "rate_limit";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        Effect::Load
    }

    fn patience(&self) -> Duration {
        let burst = Duration::from_millis(100) * *self.limit;
        let windows = u32::from(self.waits()) + u32::from(self.fresh);
        burst + (self.per.0 + Duration::from_secs(2)) * windows
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        problems.extend(self.expect.mistakes());
        if !(1..=10_000).contains(&*self.limit) {
            problems.push(Problem::at(self.limit.span(), "a limit from 1 to 10000 can be tried"));
        }
        if self.per.0.is_zero() {
            problems.push(Problem::at(self.per.span(), "`per` is longer than nothing"));
        }
        if !(1..=100).contains(&self.burst) {
            problems.push(Problem::whole("`burst` is from 1 to 100"));
        }
        if self.turns.len() == 1 || (!self.turns.is_empty() && self.by() == By::Identity) {
            problems.push(
                Problem::whole("`turns` names several who ask in turn, where their address is counted")
                    .hint("say by = \"address\""),
            );
        }
        if let Some(other) = &self.other {
            if other.bearer.is_none() && other.basic.is_none() {
                problems.push(Problem::at(other.span(), "`other` takes bearer or basic"));
            }
            if self.by() == By::Address {
                problems.push(
                    Problem::at(
                        other.span(),
                        "where addresses are counted, another identity from here shares the budget",
                    )
                    .hint("leave out `other`, or say by = \"identity\""),
                );
            }
        }
        problems
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        if self.fresh {
            steps.push(format!(
                "waits up to {}, until what was sent before is forgotten",
                *self.per
            ));
        }
        steps.extend(self.request.steps());
        steps.push(format!(
            "again, {} at a time, until one is refused; {} times at most",
            self.burst,
            self.most()
        ));
        for header in &self.spoof {
            steps.push(format!(
                "{} times more with made-up values of {header}",
                observe::SPOOFS
            ));
        }
        if self.other.is_some() {
            steps.push("once as somebody else".to_owned());
        }
        if self.waits() {
            steps.push(format!("waits up to {}, then once more", *self.per));
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}
