//! A request as a suite describes it: the keys that every kind shares which sends one of the suite's own.

use std::ops::Range;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::outcome::Effect;
use crate::suite::{ByteSize, Entries, Group, Problem, Spanned, is_placeholder};

use super::HOPS;

/// What to send. One of `get head options post put patch delete` names the path.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The path of a GET request.
    pub get: Option<Spanned<String>>,
    /// The path of a HEAD request.
    pub head: Option<Spanned<String>>,
    /// The path of an OPTIONS request.
    pub options: Option<Spanned<String>>,
    /// The path of a POST request.
    pub post: Option<Spanned<String>>,
    /// The path of a PUT request.
    pub put: Option<Spanned<String>>,
    /// The path of a PATCH request.
    pub patch: Option<Spanned<String>>,
    /// The path of a DELETE request.
    pub delete: Option<Spanned<String>>,
    /// Query parameters, added to those in the path.
    pub query: Entries<Value>,
    /// Request headers.
    pub headers: Entries<String>,
    /// A JSON body.
    pub json: Option<Spanned<Value>>,
    /// A form body (`application/x-www-form-urlencoded`).
    pub form: Entries<Value>,
    /// A body as it is.
    pub body: Option<Spanned<String>>,
    /// A token for `Authorization: Bearer`.
    pub bearer: Option<String>,
    /// User and password for `Authorization: Basic`.
    pub basic: Option<Basic>,
    /// Follow redirects: `true` for up to ten, or how many. Without it none is followed.
    pub follow: Option<Follow>,
    /// The check whose cookies this one starts with.
    pub cookies: Option<Spanned<String>>,
    /// How much of the body is read: `"1MiB"` unless given.
    pub max_body: Option<ByteSize>,
    /// Speak HTTP/2 without asking, to a plain `http://` server (over TLS it is negotiated).
    pub http2: bool,
}

/// User and password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// How many redirects to follow.
#[derive(Debug, Clone, Copy, JsonSchema)]
#[schemars(with = "u32")]
pub struct Follow(u32);

impl From<bool> for Follow {
    fn from(follow: bool) -> Self {
        Self(if follow { HOPS } else { 0 })
    }
}

impl<'de> Deserialize<'de> for Follow {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(yes) => Ok(yes.into()),
            Value::Number(number) if number.as_u64().is_some_and(|hops| hops <= 50) => Ok(Self(
                number
                    .as_u64()
                    .and_then(|hops| u32::try_from(hops).ok())
                    .unwrap_or(HOPS),
            )),
            _ => Err(serde::de::Error::custom(
                "expected true, false or a number of redirects up to 50",
            )),
        }
    }
}

/// How much of a body is read unless the suite says otherwise.
const MAX_BODY: ByteSize = ByteSize(1 << 20);

impl Request {
    /// The keys, for the kinds that take a request flat in their table.
    pub const GROUP: Group = Group {
        field: "request",
        keys: &[
            "get", "head", "options", "post", "put", "patch", "delete", "query", "headers", "json", "form", "body",
            "bearer", "basic", "follow", "cookies", "max_body", "http2",
        ],
    };

    /// A GET request of `path`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            get: Some(Spanned::new(0..0, path.into())),
            ..Self::default()
        }
    }

    /// The request that a route such as `GET /api/users` names; none where it names no method and path.
    #[must_use]
    pub fn of_route(route: &str, span: Range<usize>) -> Option<Self> {
        let (method, path) = route.split_once(' ')?;
        let path = path.trim();
        if !path.starts_with('/') && !path.starts_with("http://") && !path.starts_with("https://") {
            return None;
        }
        let mut request = Self::default();
        let target = match method {
            "GET" => &mut request.get,
            "HEAD" => &mut request.head,
            "OPTIONS" => &mut request.options,
            "POST" => &mut request.post,
            "PUT" => &mut request.put,
            "PATCH" => &mut request.patch,
            "DELETE" => &mut request.delete,
            _ => return None,
        };
        *target = Some(Spanned::new(span, path.to_owned()));
        Some(request)
    }

    fn targets(&self) -> impl Iterator<Item = (Method, &Spanned<String>)> {
        let all = [
            (Method::GET, &self.get),
            (Method::HEAD, &self.head),
            (Method::OPTIONS, &self.options),
            (Method::POST, &self.post),
            (Method::PUT, &self.put),
            (Method::PATCH, &self.patch),
            (Method::DELETE, &self.delete),
        ];
        all.into_iter()
            .filter_map(|(method, path)| path.as_ref().map(|path| (method, path)))
    }

    /// The method and the path.
    #[must_use]
    pub fn method_and_path(&self) -> (Method, &str) {
        self.targets()
            .next()
            .map_or((Method::GET, "/"), |(method, path)| (method, path.as_str()))
    }

    /// The same request to another path.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        let mut other = self.clone();
        for target in [
            &mut other.get,
            &mut other.head,
            &mut other.options,
            &mut other.post,
            &mut other.put,
            &mut other.patch,
            &mut other.delete,
        ] {
            if let Some(old) = target {
                *target = Some(Spanned::new(old.span(), path.to_owned()));
            }
        }
        other
    }

    /// The same request with another value of a header.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.remove_if(|old| old.eq_ignore_ascii_case(name));
        other.headers.put(name, value.to_owned());
        other
    }

    /// What it does to the deployment, as its method says.
    #[must_use]
    pub fn effect(&self) -> Effect {
        if self.is_safe() { Effect::Read } else { Effect::Write }
    }

    /// Whether the method only reads.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.method_and_path().0.is_safe()
    }

    /// `GET /health`.
    #[must_use]
    pub fn line(&self) -> String {
        let (method, path) = self.method_and_path();
        format!("{method} {path}")
    }

    /// What would be sent, one line a part; values of headers and credentials are left out.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        let mut line = self.line();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            line += &format!(", headers {}", names.join(", "));
        }
        if self.bearer.is_some() {
            line += ", with a bearer token";
        }
        if let Some(basic) = &self.basic {
            line += &format!(", as {}", basic.user);
        }
        if let Some(check) = &self.cookies {
            line += &format!(", with the cookies of {}", check.as_str());
        }
        let body = match (&self.json, &self.body) {
            (Some(json), _) => Some(json.to_string()),
            (None, Some(body)) => Some(body.as_str().to_owned()),
            (None, None) if !self.form.is_empty() => {
                let names: Vec<&str> = self.form.iter().map(|(name, _)| name.as_str()).collect();
                Some(format!("form with {}", names.join(", ")))
            }
            (None, None) => None,
        };
        std::iter::once(line)
            .chain(body.map(|body| format!("  body {body}")))
            .collect()
    }

    /// What is wrong beyond types.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let targets: Vec<_> = self.targets().collect();
        match targets.as_slice() {
            [] => {
                problems.push(Problem::whole("no request").hint("name a method and a path, such as get = \"/health\""));
            }
            [_] => {}
            [_, second, ..] => problems.push(
                Problem::at(second.1.span(), format!("a second method, {}", second.0))
                    .hint("one check sends one request; make it two checks"),
            ),
        }
        for (_, path) in &targets {
            // An address that an answer will name, such as that of a picture, is not known yet.
            let named_later = path.starts_with('⟨') && is_placeholder(path);
            let absolute = path.starts_with("http://") || path.starts_with("https://") || named_later;
            if !absolute && !path.starts_with('/') {
                problems.push(
                    Problem::at(path.span(), format!("`{}` is not a path", path.as_str()))
                        .hint("a path starts with `/`; a whole URL with http:// or https://"),
                );
            }
        }
        problems.extend(self.headers.iter().filter_map(|(name, value)| bad_header(name, value)));
        let bodies = [
            self.json.as_ref().map(Spanned::span),
            self.body.as_ref().map(Spanned::span),
        ];
        let bodies: Vec<_> = bodies
            .into_iter()
            .flatten()
            .chain(self.form.first().map(|(_, at)| at.span()))
            .collect();
        if let [_, second, ..] = bodies.as_slice() {
            problems.push(Problem::at(second.clone(), "a second body").hint("give one of json, form, body"));
        }
        problems
    }

    pub(super) fn hops(&self) -> u32 {
        self.follow.map_or(0, |follow| follow.0)
    }

    pub(super) fn body_bound(&self) -> ByteSize {
        self.max_body.unwrap_or(MAX_BODY)
    }

    pub(super) fn add_query(&self, url: &mut Url) {
        if !self.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in self.query.iter() {
                pairs.append_pair(name, &plain(value));
            }
        }
    }

    /// Headers of the suite; credentials only to the origin they are meant for.
    pub(super) fn add_headers(&self, mut builder: RequestBuilder, same_origin: bool) -> RequestBuilder {
        for (name, value) in self.headers.iter() {
            let private = name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie");
            if same_origin || !private {
                builder = builder.header(name.as_str(), value.as_str());
            }
        }
        match (&self.bearer, &self.basic) {
            (Some(token), _) if same_origin => builder.bearer_auth(token),
            (None, Some(basic)) if same_origin => builder.basic_auth(&basic.user, Some(&basic.password)),
            _ => builder,
        }
    }

    /// The body as it is sent, and the content type that it has unless a header says otherwise.
    #[must_use]
    pub fn payload(&self) -> Option<(String, Option<&'static str>)> {
        if let Some(json) = &self.json {
            return Some((json.to_string(), Some("application/json")));
        }
        if !self.form.is_empty() {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(self.form.iter().map(|(name, value)| (name, plain(value))));
            return Some((form.finish(), Some("application/x-www-form-urlencoded")));
        }
        self.body.as_ref().map(|body| (body.as_str().to_owned(), None))
    }

    /// The same request with `body`, byte for byte, as what it is said to be.
    #[must_use]
    pub fn with_body(&self, body: String, content_type: &str) -> Self {
        let other = Self {
            json: None,
            form: Entries::default(),
            body: Some(Spanned::new(0..0, body)),
            ..self.clone()
        };
        if other.has_header("content-type") {
            other
        } else {
            other.with_header("content-type", content_type)
        }
    }

    /// Whether the suite sets the header `name`.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    pub(super) fn add_body(&self, builder: RequestBuilder) -> RequestBuilder {
        const TYPE: &str = "content-type";
        match self.payload() {
            None => builder,
            Some((body, Some(kind))) if !self.has_header(TYPE) => builder.header(TYPE, kind).body(body),
            Some((body, _)) => builder.body(body),
        }
    }
}

/// What is wrong with a header, if something is. Its value may be a secret: it is not repeated.
fn bad_header(name: &str, value: &Spanned<String>) -> Option<Problem> {
    if !is_placeholder(name) && HeaderName::from_bytes(name.as_bytes()).is_err() {
        let problem = Problem::at(value.span(), format!("`{name}` is no name for a header"));
        return Some(problem.hint("letters, digits and dashes, such as X-Api-Version"));
    }
    let sendable = is_placeholder(value) || HeaderValue::from_str(value).is_ok();
    (!sendable).then(|| {
        Problem::at(value.span(), format!("the header `{name}` cannot have this value"))
            .hint("printable ASCII on one line")
    })
}

/// A value as it stands in a query or a form.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
