//! `headers`: what an answer tells browsers to be careful with.

mod baseline;
mod cookies;
mod csp;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deployment::http::{Request, Response, Statuses, without_value};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Entries, Group, Matcher, Period, Problem, Spanned, Subject};

use super::Kind;
use baseline::{Baseline, Item};
use cookies::Flags;

/// An answer carries the headers that make browsers careful, and none that help an attacker.
///
/// They are set in one place, a middleware, a proxy or a `_headers` file, and a deploy that moves the pages to another
/// host or puts a CDN before them loses all of them at once, without anybody seeing a difference. The named baselines
/// follow the OWASP Secure Headers project.
///
/// ```toml
/// [headers.page]
/// get = "/"
/// baseline = "page"
/// without = ["permissions"]
/// expect."X-Frame-Options" = "DENY"
/// absent = ["X-Debug-Token"]
///
/// [headers.script]
/// get = "/assets/app.3f9c1b.js"
/// baseline = "asset"
///
/// [headers.session]
/// post = "/auth/login"
/// json = { email = "qa@example.com", password = "{{ env.QA_PASSWORD }}" }
/// cookie_flags = { secure = true, http_only = true, same_site = ["Lax", "Strict"], of = ["sid"] }
/// ```
///
/// The request takes the keys get, head, options, post, put, patch, delete, query, headers, json, form, body, bearer,
/// basic, cookies, follow, max_body, http2, as for `http`. What is judged is the last answer.
///
///   status        the status that the answer must have: 2xx unless given, so that no error page is judged instead
///   baseline      "page", "api" or "asset": what must be there
///                   hsts         Strict-Transport-Security for hsts_min (over https; over http browsers ignore it)
///                   nosniff      X-Content-Type-Options: nosniff
///                   server       Server names no version
///                   powered_by   no X-Powered-By, X-AspNet-Version, X-AspNetMvc-Version
///                   type         HTML for a page, and no HTML for the others: a catch-all page has other headers
///                 and only for a page
///                   csp          Content-Security-Policy with default-src or script-src
///                   csp_scripts  which lets no foreign script in: no *, https: or data:, no 'unsafe-eval', and no
///                                'unsafe-inline' without a nonce or a hash
///                   frame        nobody may frame it: frame-ancestors, or X-Frame-Options DENY or SAMEORIGIN
///                   referrer     Referrer-Policy, not unsafe-url
///                   permissions  Permissions-Policy
///                 and only for an asset, a file with a hash in its name
///                   cache        Cache-Control: immutable, or max-age of 30 days or more
///   without       parts of the baseline to leave out
///   expect        values of headers, instead of what the baseline says of them, or besides
///   absent        headers that must not be there
///   hsts_min      how long browsers must insist on https; default "180d"
///   cookie_flags  flags of every cookie that the answer sets, or of those named in `of`: secure, http_only (true or
///                 false), same_site (the values that will do). An answer that sets none proves nothing: unclear.
///
/// Values of cookies are not kept.
///
/// A failure:
///
///   FAILED  headers.page
///     suites/web.toml:3:12
///       csp   expected: Content-Security-Policy with default-src or script-src   seen: no Content-Security-Policy
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Headers {
    #[schemars(flatten)]
    request: Request,
    /// The status that the answer must have.
    status: Option<Spanned<Statuses>>,
    /// What must be there.
    baseline: Option<Spanned<Baseline>>,
    /// Parts of the baseline to leave out.
    #[serde(default)]
    without: Vec<Spanned<Item>>,
    /// Values of headers.
    #[serde(default)]
    expect: Entries<Matcher>,
    /// Headers that must not be there.
    #[serde(default)]
    absent: Vec<Spanned<String>>,
    /// How long browsers must insist on https.
    hsts_min: Option<Spanned<Period>>,
    /// Flags of the cookies that the answer sets.
    cookie_flags: Option<Spanned<Flags>>,
}

/// The head of the answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Whether it came over https.
    https: bool,
    status: u16,
    /// Names in lower case; of cookies the name and the flags only.
    headers: Vec<(String, String)>,
}

impl Seen {
    /// All values of the header `name`, joined as browsers join them.
    fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self.all(name).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

/// Half a year, which is what common libraries set.
const HSTS_MIN: Duration = Duration::from_secs(180 * 86_400);

impl Kind for Headers {
    const NAME: &'static str = "headers";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        self.request.effect()
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        for item in &self.without {
            let included = self.baseline.as_ref().map(|baseline| baseline.items().contains(item));
            let why = match included {
                None => format!("there is no baseline to leave `{}` out of", item.name()),
                Some(false) => format!("the baseline has no `{}`", item.name()),
                Some(true) => continue,
            };
            problems.push(Problem::at(item.span(), why));
        }
        for name in &self.absent {
            if self.expect.iter().any(|(wanted, _)| wanted.eq_ignore_ascii_case(name)) {
                let why = format!("`{}` must be absent, and stands under `expect` too", name.as_str());
                problems.push(Problem::at(name.span(), why));
            }
        }
        if let Some(flags) = &self.cookie_flags
            && flags.is_empty()
        {
            problems.push(Problem::at(flags.span(), "`cookie_flags` asks for no flag").hint("such as secure = true"));
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        let told = !self.expect.is_empty() || !self.absent.is_empty() || self.cookie_flags.is_some();
        !told && self.items().is_empty()
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        Subject {
            headers: &seen.headers,
            ..Subject::default()
        }
    }

    fn steps(&self) -> Vec<String> {
        self.request.steps()
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let response = target.send(&self.request).await?;
        let asked = target.http()?.url(self.request.method_and_path().1)?;
        let last = response.hops.last().map(|hop| hop.location.as_str());
        let https = last.unwrap_or(asked.as_str()).starts_with("https:");
        Ok(Seen {
            https,
            status: response.status,
            headers: head(response),
        })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = vec![self.judge_status(seen)];
        let span = self.baseline.as_ref().map_or(0..0, Spanned::span);
        let hsts_min = self.hsts_min.as_ref().map_or(Period(HSTS_MIN), |min| **min);
        for item in self.items() {
            let finding = item.judge(seen, self.baseline.as_ref().map(|baseline| **baseline), hsts_min);
            let span = match &self.hsts_min {
                Some(min) if item == Item::Hsts => min.span(),
                _ => span.clone(),
            };
            findings.extend(finding.map(|finding| finding.at(span)));
        }
        if let Some(min) = &self.hsts_min
            && !seen.https
        {
            let why = "asked over http, where browsers ignore it";
            findings.push(Finding::unclear("hsts", format!("for at least {}", days(**min)), why).at(min.span()));
        }
        for (name, matcher) in self.expect.iter() {
            findings.push(matcher.judge(name, seen.header(name).map(Value::from).as_ref()));
        }
        for name in &self.absent {
            let there = seen.header(name);
            let shown = there.clone().unwrap_or_else(|| "absent".to_owned());
            findings.push(Finding::expect(there.is_none(), name.as_str(), "absent", shown).at(name.span()));
        }
        if let Some(flags) = &self.cookie_flags {
            findings.extend(flags.judge(seen).into_iter().map(|finding| finding.at(flags.span())));
        }
        findings
    }
}

impl Headers {
    /// The parts of the baseline that are judged: none that the suite says otherwise of.
    fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = self
            .baseline
            .as_ref()
            .map_or(&[][..], |baseline| baseline.items())
            .to_vec();
        if self.hsts_min.is_some() && !items.contains(&Item::Hsts) {
            items.push(Item::Hsts);
        }
        let replaced = |item: &Item| {
            let names = item.headers();
            let mut stated = self.expect.iter();
            stated.any(|(name, _)| names.iter().any(|header| name.eq_ignore_ascii_case(header)))
        };
        let asked = |item: &Item| *item == Item::Hsts && self.hsts_min.is_some();
        items.retain(|item| {
            (asked(item) || !replaced(item)) && !self.without.iter().any(|left_out| **left_out == *item)
        });
        items
    }

    fn judge_status(&self, seen: &Seen) -> Finding {
        let status = seen.status;
        let Some(wanted) = &self.status else {
            let holds = (200..300).contains(&status);
            return Finding::expect(holds, "status", "2xx", status.to_string())
                .hint("the headers of another answer prove nothing: follow = true, or status = …");
        };
        Finding::expect(
            wanted.contains(status),
            "status",
            wanted.to_string(),
            status.to_string(),
        )
        .at(wanted.span())
    }
}

fn head(response: Response) -> Vec<(String, String)> {
    let kept = response.headers.into_iter().map(|(name, value)| {
        let value = if name == "set-cookie" {
            without_value(&value)
        } else {
            value
        };
        (name, value)
    });
    kept.collect()
}

fn days(period: Period) -> String {
    match (period.0.as_secs() / 86_400, period.0.as_secs() % 86_400) {
        (1, 0) => "1 day".to_owned(),
        (days, 0) => format!("{days} days"),
        _ => period.to_string(),
    }
}

#[cfg(test)]
mod tests;
