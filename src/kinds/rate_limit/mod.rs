//! `rate_limit`: the limit trips after exactly so many requests, for the one who sent them.

mod dialects;
mod judge;
mod observe;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::deployment::http::{Basic, Expect, Request, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Entries, Group, JsonPath, Matcher, Period, Problem, Spanned, Subject};

use super::Kind;

pub(super) use observe::Seen;

/// The limit trips after exactly so many requests, for the one who sent them, and ends with its window.
///
/// After a deploy a limiter may count for each instance, because the new one cannot reach Redis; may trust whatever
/// `X-Forwarded-For` says, because the proxy before it is gone; or may let everyone through, because its store fails and it
/// fails open. None of this shows in ordinary traffic. So this sends requests, several at a time, until one is refused, and counts.
///
/// ```toml
/// [rate_limit.generate]
/// title = "A user makes ten images a minute, and not eleven"
/// post = "/api/generate"
/// json = { prompt = "a lighthouse" }
/// limit = 10
/// per = "1m"
/// spoof = ["X-Forwarded-For", "X-Real-IP"]
/// other = { bearer = "token-of-another-user" }
/// recovers = true
/// expect.headers.Retry-After = { matches = "^[0-9]+$" }
/// expect.json."$.error" = { contains = "too many" }
/// ```
///
/// The request is that of `http` (get, head, options, post, put, patch, delete, query, headers, json, form, body, bearer,
/// basic, cookies, follow, max_body, http2); it is sent as it is, so it should cost little. Then:
///
///   limit     so many are let through
///   per       in this time
///   scope     requests to paths that begin so share the budget: "/api/v1". The path of the request unless given. What the run
///             has sent there before counts as spent.
///   burst     so many at the same time: 8 unless given. A limiter that reads and then writes counts those as one.
///   spoof     headers that must not help: once the limit has tripped, requests with made-up addresses in them must be refused
///             too. ["X-Forwarded-For"] unless given; [] tries none.
///   other     somebody else: { bearer = "…" }, { basic = { … } } or { headers = { … } }; must be let through
///   recovers  true: wait for the end of the window, and be let through again
///   accepted  what status means let through: 200, "2xx" or a list. Unless given, any but 429 and 5xx: an answer of 401 or 404
///             is counted by most limiters, too.
///   expect    of the refusal: status (429 unless given), headers, json, body, as in `http`
///
/// Where the answers say what the limit is (RateLimit-Limit, X-RateLimit-Limit, RateLimit), that must be `limit`.
///
/// If the count is not exact, somebody may have spent a part of the budget (this check, a minute ago), or a fixed window
/// may have ended half way. Then it waits for a window of its own (up to 2 minutes) and counts again, and only that counts. At
/// most `limit` + `burst` + 5 requests are sent in a window, four for each header to spoof, and three more.
///
/// It is load: the environment must allow it, and it runs alone, after all others. It is not for a limiter that is asked
/// about the whole world at once: other users of the same budget (all who share an address) are taken for a wrong count.
///
/// A failure:
///
///   FAILED  rate_limit.generate   A user makes ten images a minute, and not eleven
///     suites/api.toml:5:9
///     5 │ limit = 10
///       │         ^^
///       │ requests let through   expected: 10 in 1m   seen: 11, then 429
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    #[schemars(flatten)]
    request: Request,
    /// So many are let through.
    limit: Spanned<u32>,
    /// In this time.
    per: Spanned<Period>,
    /// Paths that begin so share the budget.
    scope: Option<Spanned<String>>,
    /// So many at the same time.
    burst: Option<Spanned<u32>>,
    /// Headers that must not help.
    spoof: Option<Spanned<Vec<String>>>,
    /// Somebody else.
    other: Option<Spanned<Other>>,
    /// Whether to wait for the end of the window.
    recovers: Option<Spanned<bool>>,
    /// What status means let through.
    accepted: Option<Spanned<Statuses>>,
    /// Of the refusal.
    #[serde(default)]
    expect: RefusalExpect,
}

/// Who else to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Other {
    /// A token for `Authorization: Bearer`.
    bearer: Option<String>,
    /// User and password.
    basic: Option<Basic>,
    /// Headers in the place of the request's own.
    #[serde(default)]
    headers: Entries<String>,
}

/// What is expected of the refusal.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RefusalExpect {
    /// `429`, or another one.
    status: Option<Spanned<Statuses>>,
    /// Values of headers.
    headers: Entries<Matcher>,
    /// Values by JSONPath.
    json: Entries<Matcher, JsonPath>,
    /// The body as text.
    body: Option<Spanned<Matcher>>,
}

/// What an answer means for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Accepted,
    Refused,
    /// Neither: an error, or a refusal that does not look as it should.
    Odd,
}

const BURST: u32 = 8;
/// More requests than this are no smoke test.
const MOST: u32 = 5_000;
/// How many requests more than the limit are sent before it counts as absent.
const BEYOND: u32 = 5;
/// How long a second count may be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Clocks tick apart, and `Retry-After` is in whole seconds.
const SLACK: Duration = Duration::from_secs(1);

impl Kind for RateLimit {
    const NAME: &'static str = "rate_limit";
    const SPEAKS: Protocol = Protocol::Http;
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        Effect::Load
    }

    /// A second count, and the end of the window.
    fn patience(&self) -> Duration {
        let window = self.per.0 + 2 * SLACK;
        let again = if self.can_count_again() { window } else { Duration::ZERO };
        let recovery = if self.waits_for_recovery() {
            2 * window
        } else {
            Duration::ZERO
        };
        again + recovery
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        if !(1..=MOST).contains(&*self.limit) {
            problems.push(
                Problem::at(self.limit.span(), format!("`limit` is between 1 and {MOST}"))
                    .hint("each of them is a request; try a large limit with load tests, on staging"),
            );
        }
        if self.per.0.is_zero() {
            problems.push(Problem::at(self.per.span(), "`per` is longer than nothing"));
        }
        if let Some(burst) = self.burst.as_ref().filter(|burst| !(1..=200).contains(&***burst)) {
            problems.push(Problem::at(burst.span(), "`burst` is between 1 and 200"));
        }
        if let Some(scope) = self.scope.as_ref().filter(|scope| !scope.starts_with('/')) {
            problems.push(Problem::at(
                scope.span(),
                "`scope` is the beginning of a path, and starts with `/`",
            ));
        }
        if let Some(other) = &self.other
            && other.bearer.is_none()
            && other.basic.is_none()
            && other.headers.is_empty()
        {
            problems
                .push(Problem::at(other.span(), "`other` says nobody else").hint("give it bearer, basic or headers"));
        }
        problems
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        seen.refusal().map_or_else(Subject::default, |refusal| Subject {
            json: refusal.json().ok().map(std::borrow::Cow::Owned),
            headers: &refusal.headers,
            cookies: &refusal.cookies,
            text: &refusal.body,
        })
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        steps.push(format!(
            "again, {} at a time, until one is refused: at most {} requests",
            self.burst(),
            self.most()
        ));
        for header in self.spoofed() {
            steps.push(format!(
                "three more with made-up addresses in {header}, and one without: refused"
            ));
        }
        if self.other.is_some() {
            steps.push("the same request as somebody else: let through".to_owned());
        }
        if self.waits_for_recovery() {
            steps.push(format!(
                "wait for the window of {}, and once more: let through",
                *self.per
            ));
        }
        if self.can_count_again() {
            steps.push(format!(
                "if the count was not exact: wait {}, and count again",
                *self.per
            ));
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

impl RateLimit {
    fn burst(&self) -> u32 {
        self.burst.as_ref().map_or(BURST, |burst| **burst)
    }

    /// Requests in one count.
    fn most(&self) -> u32 {
        *self.limit + self.burst() + BEYOND
    }

    fn spoofed(&self) -> Vec<&str> {
        match &self.spoof {
            Some(headers) => headers.iter().map(String::as_str).collect(),
            None => vec!["X-Forwarded-For"],
        }
    }

    fn waits_for_recovery(&self) -> bool {
        self.recovers.as_ref().is_some_and(|recovers| **recovers)
    }

    fn can_count_again(&self) -> bool {
        self.per.0 <= LONGEST_WAIT
    }

    fn meaning(&self, status: u16) -> Meaning {
        let refused = match &self.expect.status {
            Some(wanted) => wanted.contains(status),
            None => status == 429,
        };
        let accepted = match &self.accepted {
            Some(accepted) => accepted.contains(status),
            None => status != 429 && status < 500,
        };
        match (refused, accepted) {
            (true, _) => Meaning::Refused,
            (false, true) => Meaning::Accepted,
            (false, false) => Meaning::Odd,
        }
    }

    /// What `http` expects of the refusal.
    fn expected(&self) -> Expect {
        let status = || Spanned::new(self.limit.span(), Statuses::of(&[429]));
        Expect {
            status: Some(self.expect.status.clone().unwrap_or_else(status)),
            headers: self.expect.headers.clone(),
            json: self.expect.json.clone(),
            body: self.expect.body.clone(),
            ..Expect::default()
        }
    }
}

#[cfg(test)]
mod tests;
