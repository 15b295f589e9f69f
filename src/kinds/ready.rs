//! `ready`: the gate that everything else waits for.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::deployment::http::{Expect, Request, Response};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Group, Period, Problem, Spanned};

use super::{Gate, Kind};

/// The gate: before anything else, is the new release serving?
///
/// Right after a deploy the old release may still answer, or both in turns. A `ready` check asks again and again until
/// what it expects has held several times in a row; only then do the other checks of all suites start. If that never
/// comes, they are skipped, and the run exits 3: the deployment was not verified.
///
/// ```toml
/// [ready.api]
/// get = "/health"
/// expect.json."$.version" = "1.4.0"
/// for = "3m"
/// every = "2s"
/// stable = 3
/// ```
///
/// It takes the request and the `expect` of `http` (see `smoke kinds http`: get, head, options, post, put, patch,
/// delete, query, headers, json, form, body, bearer, basic, cookies, follow, max_body, http2), and
///
///   for       how long to keep asking: "3m" unless given
///   every     the pause between two requests: "2s" unless given
///   stable    so many consecutive successes: 1 unless given
///
/// A gate that does not open:
///
///   UNCLEAR ready.api
///     suites/api.toml:3:29
///     3 │ expect.json."$.version" = "1.4.0"
///       │                           ^^^^^^^
///       $.version   expected: "1.4.0"   seen: "1.3.9"
///     after 91 attempts in 3m
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ready {
    #[schemars(flatten)]
    request: Request,
    #[serde(default)]
    expect: Expect,
    /// How long to keep asking.
    #[serde(rename = "for", default = "three_minutes")]
    window: Spanned<Period>,
    /// The pause between two requests.
    #[serde(default = "two_seconds")]
    every: Spanned<Period>,
    /// So many consecutive successes.
    #[serde(default = "once")]
    stable: Spanned<NonZeroU32>,
}

fn three_minutes() -> Spanned<Period> {
    Spanned::new(0..0, Period(Duration::from_secs(180)))
}

fn two_seconds() -> Spanned<Period> {
    Spanned::new(0..0, Period(Duration::from_secs(2)))
}

fn once() -> Spanned<NonZeroU32> {
    Spanned::new(0..0, NonZeroU32::MIN)
}

impl Ready {
    /// Pauses without end, or more of them than there is time for.
    fn impossible(&self) -> Option<Problem> {
        if self.every.0.is_zero() {
            return Some(Problem::at(
                self.every.span(),
                "without a pause between two requests this is a flood",
            ));
        }
        let pauses = self.stable.get() - 1;
        let needed = self.every.0.saturating_mul(pauses);
        if needed <= self.window.0 && !self.window.0.is_zero() {
            return None;
        }
        let spans = [self.window.span(), self.stable.span(), self.every.span()];
        let said = spans.into_iter().find(|span| !span.is_empty()).unwrap_or_default();
        let message = format!(
            "{} answers in a row, {} apart, do not fit into {}",
            *self.stable, *self.every, *self.window
        );
        Some(Problem::at(said, message).hint(format!("for = \"{}\" or more", Period(needed.max(self.every.0)))))
    }
}

impl Kind for Ready {
    const NAME: &'static str = "ready";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Response;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        problems.extend(self.expect.mistakes());
        problems.extend(self.impossible());
        problems
    }

    fn expects_nothing(&self) -> bool {
        self.expect.is_empty()
    }

    fn gate(&self) -> Option<Gate> {
        Some(Gate {
            window: self.window.0,
            every: self.every.0,
            stable: self.stable.get(),
        })
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        steps.push(format!(
            "again every {} for up to {}, until it holds {} in a row",
            *self.every, *self.window, *self.stable
        ));
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Response, Unobserved> {
        target.send(&self.request).await
    }

    fn judge(&self, seen: &Response) -> Vec<Finding> {
        self.expect.judge(seen)
    }
}
