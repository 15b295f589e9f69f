//! `http`: one exchange with the deployment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Expect, Request, Response};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding, Verdict};
use crate::suite::{Group, Problem, Spanned, Subject};

use super::Kind;

/// One exchange: send a request, look at the answer.
///
/// After a deploy this is the first question: does the new release answer, on the route that matters, with what it
/// should say? Assert something that only the right answer can contain: a status alone is met by any error page that
/// comes with 200.
///
/// ```toml
/// [http.health]
/// title = "The API answers and says it is healthy"
/// get = "/health"
/// expect.status = 200
/// expect.json."$.status" = "healthy"
/// expect.json."$.uptime" = { gt = 0 }
/// expect.headers.content-type = { starts_with = "application/json" }
/// expect.within = "800ms"
/// control = "/nonsense"
/// ```
///
/// The request:
///
///   get, head, options, post, put, patch, delete
///                 the path, below the environment's address; or a whole URL. Exactly one of them.
///   query         parameters: query = { page = 2 }
///   headers       headers: headers = { "X-Api-Version" = "2" }
///   json          a JSON body; form: a form body; body: a body as it is. At most one of them.
///   bearer        a token for `Authorization: Bearer`; basic = { user = "…", password = "…" }
///   cookies       the name of a check whose cookies this one starts with (and waits for)
///   follow        true, or how many redirects to follow. Without it none is followed.
///   max_body      how much of the body is read: "1MiB" unless given. A finding says when it was cut.
///   http2         true: speak HTTP/2 to a plain http:// server. Over TLS it is negotiated.
///
/// What is expected (at least one, or `control` says nothing):
///
///   expect.status     200, "2xx" or [200, 204]. Without it any 2xx is expected.
///   expect.json       values by JSONPath: expect.json."$.data[0].id" = { type = "uuid" }
///   expect.headers    values of headers; expect.cookies: values of cookies that are set. Bodies are asked for packed, and
///                     unpacked: expect.headers.Content-Encoding = "br" with headers.Accept-Encoding = "br"
///   expect.body       the body as text; expect.size: its bytes, decompressed
///   expect.redirect   the Location header, of a redirect that is not followed
///   expect.within     how long the exchange may take: "800ms"
///   expect.schema     a JSON Schema, as a table
///   expect.version    "HTTP/1.1" or "HTTP/2.0"
///   control           a path where the same expectations must NOT all hold. A server that answers 200 to every path
///                     is not healthy; this tells.
///
/// `capture` takes a JSONPath, { header = "…" }, { cookie = "…" } or { text = "regex" }.
///
/// A GET, HEAD or OPTIONS request reads; any other one writes, and needs an environment that allows it
/// (`effect = "read"` declares a POST that only asks).
///
/// A failure:
///
///   FAILED  http.health   The API answers and says it is healthy
///     suites/api.toml:4:28
///     4 │ expect.json."$.status" = "healthy"
///       │                          ^^^^^^^^^
///       $.status   expected: "healthy"   seen: "degraded"
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    #[schemars(flatten)]
    request: Request,
    #[serde(default)]
    expect: Expect,
    /// A path where the same expectations must not all hold.
    control: Option<Spanned<String>>,
}

/// What came back, and what came back from the control.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    response: Response,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    control: Option<Response>,
}

impl Kind for Http {
    const NAME: &'static str = "http";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    const CLEANS_BY: &'static [&'static str] = &["get", "post", "put", "patch", "delete"];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        self.request.effect()
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        problems.extend(self.expect.mistakes());
        if let Some(control) = self.control.as_ref().filter(|control| !control.starts_with('/')) {
            problems.push(Problem::at(control.span(), "`control` is a path, and starts with `/`"));
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        self.expect.is_empty()
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        seen.response.subject()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        if let Some(control) = &self.control {
            steps.push(format!(
                "{}, where the expectations must not all hold",
                self.request.at(control).line()
            ));
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let response = target.send(&self.request).await?;
        let control = match &self.control {
            Some(path) => Some(target.send(&self.request.at(path)).await?),
            None => None,
        };
        Ok(Seen { response, control })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = self.expect.judge(&seen.response);
        if let (Some(path), Some(response)) = (&self.control, &seen.control) {
            findings.push(self.judge_control(path, response));
        }
        findings
    }
}

impl Http {
    fn judge_control(&self, path: &Spanned<String>, response: &Response) -> Finding {
        let untimed = Expect {
            within: None,
            ..self.expect.clone()
        };
        let differs = untimed
            .judge(response)
            .iter()
            .any(|finding| finding.verdict == Verdict::Failed);
        let seen = if differs {
            format!("{}", response.status)
        } else {
            format!("the same answer, {}", response.status)
        };
        Finding::expect(
            differs,
            format!("control {}", path.as_str()),
            "another answer than the real route gives",
            seen,
        )
        .at(path.span())
        .hint("the server answers every path alike, so the check proves nothing: is a catch-all in front of the app?")
    }
}
