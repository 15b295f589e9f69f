//! `cors`: the sites that may call this API from a browser can, and no other.

mod judge;
mod origins;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Jar, Request, Response};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{ByteSize, Problem, Spanned};

use super::Kind;

/// The sites that may call this API from a browser can, and no other.
///
/// A deploy to a new domain forgets its own front end, and a list of origins that is compared by "contains" or by a
/// regular expression lets in whoever registers a name that looks like it. Curl sees neither: only a browser asks. So
/// this asks as a browser would: for every origin a preflight, and the request itself.
///
/// ```toml
/// [cors.api]
/// path = "/api/v1/workflows"
/// allowed = ["https://app.example.com", "https://*.preview.example.com"]
/// refused = ["https://old.example.com"]
/// credentials = true
/// method = "PUT"
/// request_headers = ["Content-Type", "Authorization"]
///
/// [cors.prices]
/// path = "/api/v1/prices"
/// public = true
/// ```
///
/// Keys:
///
///   allowed          origins that must be allowed: scheme, host, and port where it is not the usual one. A `*` stands
///                    for any name: "https://*.preview.example.com" is tried as https://smoke.preview.example.com.
///   refused          origins that must not be allowed, besides those that are always tried (below)
///   path             what is asked for; default "/"
///   method           what the front end does there; default "GET". The request itself is sent for GET and HEAD only, since
///                    any other one might write; for the others there is the preflight.
///   request_headers  headers that the front end sends, which the preflight must grant
///   credentials      true: the browser may send cookies; false: it may not; without it, either
///   bearer           a token for the request itself (a preflight never has one)
///   public           true: every site may read this, as with `Access-Control-Allow-Origin: *`, but without credentials.
///                    Excludes the keys allowed, refused, none, credentials.
///   none             true: no origin at all may be allowed (there is no front end elsewhere)
///
/// Always tried, unless it is in `allowed`: https://evil.example, `null`, a developer's http://localhost:3000, names that
/// only contain localhost, and for each allowed origin its twin over http, another port, and names that only start with
/// it, end with it, stand below it, or differ in a dot.
///
/// Whether an origin is allowed is told by `Access-Control-Allow-Origin` alone: servers refuse with 200, 204, 400 or 500.
/// An allowed one must be named there exactly (`*` only with `public`), its preflight answered with 2xx, or the browser
/// stops; the method and the headers must be granted; and where the answer depends on the origin it must say
/// `Vary: Origin`, or a cache hands the answer for one site to another.
///
/// A failure:
///
///   FAILED  cors.api
///     suites/api.toml:3:11
///       https://evil-localhost.example   expected: not allowed   seen: allowed, with credentials (request)
///       try: compare whole origins with a list, not parts of them
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cors {
    /// What is asked for.
    #[serde(default = "root")]
    path: Spanned<String>,
    /// What the front end does there.
    #[serde(default)]
    method: Method,
    /// Headers that the front end sends.
    #[serde(default)]
    request_headers: Vec<String>,
    /// Origins that must be allowed.
    #[serde(default)]
    allowed: Vec<Spanned<String>>,
    /// Further origins that must not be allowed.
    #[serde(default)]
    refused: Vec<Spanned<String>>,
    /// Whether the browser may send cookies.
    credentials: Option<Spanned<bool>>,
    /// A token for the request itself.
    bearer: Option<String>,
    /// Every site may read this.
    public: Option<Spanned<bool>>,
    /// No origin may be allowed.
    none: Option<Spanned<bool>>,
}

fn root() -> Spanned<String> {
    Spanned::new(0..0, "/".to_owned())
}

/// What a browser would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(clippy::upper_case_acronyms, reason = "the names of the methods")]
enum Method {
    #[default]
    GET,
    HEAD,
    POST,
    PUT,
    PATCH,
    DELETE,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::GET => "GET",
            Self::HEAD => "HEAD",
            Self::POST => "POST",
            Self::PUT => "PUT",
            Self::PATCH => "PATCH",
            Self::DELETE => "DELETE",
        }
    }

    /// A browser asks no leave for these.
    fn is_simple(self) -> bool {
        matches!(self, Self::GET | Self::HEAD | Self::POST)
    }
}

/// What was answered to each origin.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    probes: Vec<Probe>,
}

/// What was answered to one origin.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Probe {
    origin: String,
    preflight: Answer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actual: Option<Answer>,
}

/// The part of an answer that a browser decides by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Answer {
    status: u16,
    /// Repeated headers joined as browsers do it, which makes them wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credentials: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    methods: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    headers: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vary: Option<String>,
}

impl Answer {
    fn of(response: &Response) -> Self {
        let joined = |name: &str| {
            let values = response.headers.iter().filter(|(key, _)| key == name);
            let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
            (!values.is_empty()).then(|| values.join(", "))
        };
        Self {
            status: response.status,
            origin: joined("access-control-allow-origin"),
            credentials: joined("access-control-allow-credentials"),
            methods: joined("access-control-allow-methods"),
            headers: joined("access-control-allow-headers"),
            vary: joined("vary"),
        }
    }
}

/// How many origins are tried at a time.
const AT_ONCE: usize = 6;

impl Kind for Cors {
    const NAME: &'static str = "cors";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.path.starts_with('/') {
            problems.push(Problem::at(self.path.span(), "`path` is a path, and starts with `/`"));
        }
        for origin in self.allowed.iter().chain(&self.refused) {
            problems.extend(origins::mistake(origin));
        }
        problems.extend(self.refused.iter().filter_map(|origin| {
            let both = self.allows(origin);
            both.then(|| Problem::at(origin.span(), format!("`{}` is also in `allowed`", origin.as_str())))
        }));
        let on = |key: &Option<Spanned<bool>>| key.as_ref().filter(|on| ***on).map(Spanned::span);
        if let Some(span) = on(&self.public) {
            let narrows = !self.allowed.is_empty() || !self.refused.is_empty() || self.credentials.is_some();
            if narrows || on(&self.none).is_some() {
                let message = "`public` lets every site in: it excludes allowed, refused, none and credentials";
                problems.push(Problem::at(span, message));
            }
        } else if let Some(span) = on(&self.none) {
            if !self.allowed.is_empty() || self.credentials.is_some() {
                let message = "with `none` no origin is allowed: it excludes allowed and credentials";
                problems.push(Problem::at(span, message));
            }
        } else if self.allowed.is_empty() {
            problems.push(
                Problem::whole("no origin is allowed, so nothing would show that CORS works at all")
                    .hint("give allowed = [\"https://…\"]; or public = true, or none = true"),
            );
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        let path = self.path.as_str();
        let mut what = format!("OPTIONS {path} for {}", self.method.name());
        if self.request(None).is_some() {
            what += &format!(", {} {path}", self.method.name());
        }
        let origins = self.origins();
        let step = |(origin, wanted): &(String, bool)| {
            let wanted = if *wanted { "allowed" } else { "refused" };
            format!("{what}, from {origin}, which must be {wanted}")
        };
        origins.iter().map(step).collect()
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let probes = stream::iter(self.origins())
            .map(|(origin, _)| self.probe(target, origin))
            .buffered(AT_ONCE);
        Ok(Seen {
            probes: probes.try_collect().await?,
        })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}

impl Cors {
    fn is_public(&self) -> bool {
        self.public.as_ref().is_some_and(|public| **public)
    }

    fn allows(&self, origin: &str) -> bool {
        self.allowed.iter().any(|pattern| origins::matches(pattern, origin))
    }

    /// Every origin that is tried, and whether it must be allowed.
    fn origins(&self) -> Vec<(String, bool)> {
        if self.is_public() {
            return vec![(origins::FOREIGN.to_owned(), true)];
        }
        let mut all: Vec<(String, bool)> = Vec::new();
        let wanted = self.allowed.iter().map(|pattern| (origins::example(pattern), true));
        let given = self.refused.iter().map(|origin| (origin.as_str().to_owned(), false));
        let usual = origins::always().into_iter();
        let similar = self.allowed.iter().flat_map(|pattern| origins::lookalikes(pattern));
        let hostile = usual.chain(similar).filter(|origin| !self.allows(origin));
        for probe in wanted.chain(given).chain(hostile.map(|origin| (origin, false))) {
            if !all.iter().any(|(origin, _)| *origin == probe.0) {
                all.push(probe);
            }
        }
        all
    }

    /// The request itself, where it only reads.
    fn request(&self, origin: Option<&str>) -> Option<Request> {
        let path = Some(self.path.clone());
        let request = match self.method {
            Method::GET => Request {
                get: path,
                ..Request::default()
            },
            Method::HEAD => Request {
                head: path,
                ..Request::default()
            },
            _ => return None,
        };
        let request = Request {
            bearer: self.bearer.clone(),
            max_body: Some(ByteSize(1 << 16)),
            ..request
        };
        Some(match origin {
            Some(origin) => request.with_header("Origin", origin),
            None => request,
        })
    }

    async fn probe(&self, target: &Target<'_>, origin: String) -> Result<Probe, Unobserved> {
        let mut preflight = Request {
            options: Some(self.path.clone()),
            ..Request::default()
        }
        .with_header("Origin", &origin)
        .with_header("Access-Control-Request-Method", self.method.name());
        if !self.request_headers.is_empty() {
            // Browsers send them sorted and in lower case.
            let mut names: Vec<String> = self.request_headers.iter().map(|name| name.to_lowercase()).collect();
            names.sort();
            preflight = preflight.with_header("Access-Control-Request-Headers", &names.join(","));
        }
        let preflight = Answer::of(&target.beside(Jar::default()).send(&preflight).await?);
        let actual = match self.request(Some(&origin)) {
            Some(request) => Some(Answer::of(&target.beside(Jar::default()).send(&request).await?)),
            None => None,
        };
        Ok(Probe {
            origin,
            preflight,
            actual,
        })
    }
}

#[cfg(test)]
mod tests;
