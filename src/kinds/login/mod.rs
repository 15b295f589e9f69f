//! `login`: the right credentials open the door, and nothing else does.

mod credentials;
mod judge;
mod jwt;
mod observe;
mod refused;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::deployment::http::{Expect, Request, Response, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Entries, Group, JsonPath, Matcher, Period, Problem, Spanned, Subject};

use super::{Export, Kind};

pub(super) use observe::Seen;

/// The right credentials open the door, and nothing else does.
///
/// After a deploy a login can work and still be broken: any password is let in, the signing secret is back at its default,
/// a route forgot its guard, tokens never expire. So this logs in, hands the token to later checks, and then tries what must
/// not work: a wrong password, an unknown user, default passwords, and the protected route without a token and with forged ones.
///
/// ```toml
/// [login.admin]
/// title = "The administrator can log in, and nobody else as him"
/// post = "/api/auth/login"
/// json = { email = "admin@example.com", password = "correct horse" }
/// token = "$.data.access_token"
/// refuses = [{ password = "admin123" }, { email = "admin", password = "admin" }]
/// alike = true
/// protects = "/api/admin/dashboard"
/// expect.jwt = { expires_within = "24h", algorithm = "HS256", claims.role = "admin" }
/// ```
///
/// Default credentials that must not work, where nobody tells smoke good ones:
///
/// ```toml
/// [login.default_admin]
/// title = "The administration does not open with the password from the manual"
/// post = "/admin/login"
/// form = { username = "admin", password = "secret" }
/// refused = true
/// refuses = [{ password = "admin" }, { password = "changeme" }]
/// ```
///
/// Supabase's password grant, where every request carries the key of the project:
///
/// ```toml
/// [login.client]
/// post = "/auth/v1/token?grant_type=password"
/// headers.apikey = "the anon key"
/// json = { email = "ann@example.com", password = "correct horse" }
/// token = "$.access_token"
/// protects = "/auth/v1/user"
/// refresh_token = "$.refresh_token"
/// refresh = { post = "/auth/v1/token?grant_type=refresh_token" }
/// expect.jwt = { expires_within = "1h", claims.role = "authenticated" }
/// ```
///
/// The request is that of `http` (get, head, options, post, put, patch, delete, query, headers, json, form, body, bearer,
/// basic, cookies, follow, `max_body`, http2); its headers also go with the requests of `protects`, refresh and logout. It must carry a user and a password, in json, form or basic. Then:
///
///   token           where the answer has the token, as JSONPath
///   cookie          the name of the cookie that the answer sets instead; its value is taken as the server writes it,
///                   quotes and `Bearer ` included (`access_token="Bearer eyJ…"`), and so it is sent back. A `Secure` cookie goes
///                   back over plain http only to localhost and 127.0.0.1, as in browsers.
///   `user_field`    the fields of the request with user and password, where they are not called email, username, user,
///   `password_field` login or password, passwd, pass
///   refuses         credentials that must not log in: each is put over the request's own
///   refused         true: the request's own credentials are default ones out of a manual, and must not log in, either. What a
///                   refusal looks like is learnt from a made-up password; nothing else is tried.
///   alike           true: a wrong password and an unknown user must get the same answer, or strangers learn who has an account
///   protects        a path to GET: 2xx with the token; refused without it, with a changed one, with one that is not signed
///                   (`alg: none`), with one signed by a well-known secret, and with an expired one, where `secret` is given
///   secret          the secret that signs tokens, to make the expired one
///   `old_secrets`   secrets that sign no tokens any more, or never should: that before a rotation, the default in the source
///                   code. A token that one of them has signed must be refused, also by a service that signs none itself.
///   expect.status   of the answer to the right credentials; 2xx unless given
///   expect.json     values in it by JSONPath; expect.headers, expect.cookies, expect.within as in `http`
///   expect.jwt      the token as a JWT: `expires_within` = "24h" (it must expire, and not later), lifetime = "24h" (for so
///                   long it is made, and not shorter either), algorithm = "RS256", claims.NAME = what a claim must be
///   `refresh_token` where the answer has the refresh token, as JSONPath
///   refresh         `{ post = "/auth/refresh", field = "refresh_token", token = "$.access_token" }`: the refresh token gives a
///                   new token, and a made-up one does not. Without `refresh_token` the cookies are sent.
///   logout          a path to POST: a second login is logged out, and its token must not work any more
///
/// Later checks use `{{ admin.token }}`, `{{ admin.cookie }}` (its value), `{{ admin.refresh_token }}` and `{{ admin.claims.sub }}`, or
/// `cookies = "admin"`.
///
/// It is a handful of requests, one wrong password of the real user among them: mind a lock-out after few attempts. Where the
/// login's own rate limit answers 429, the check is unclear, and says so.
///
/// A failure:
///
///   FAILED  login.admin   The administrator can log in, and nobody else as him
///     suites/api.toml:8:12
///     8 │ protects = "/api/admin/dashboard"
///       │            ^^^^^^^^^^^^^^^^^^^^^^
///       │ GET /api/admin/dashboard without a token   expected: refused (401 or 403)   seen: 200
///     try: the route answers anyone: is its guard still registered?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    #[schemars(flatten)]
    request: Request,
    /// Where the answer has the token.
    token: Option<Spanned<JsonPath>>,
    /// The cookie that the answer sets.
    cookie: Option<Spanned<String>>,
    /// The field with the user.
    user_field: Option<Spanned<String>>,
    /// The field with the password.
    password_field: Option<Spanned<String>>,
    /// Credentials that must not log in.
    #[serde(default)]
    refuses: Vec<Spanned<BTreeMap<String, Value>>>,
    /// The request's own credentials must not log in, either.
    refused: Option<Spanned<bool>>,
    /// A wrong password and an unknown user must get the same answer.
    alike: Option<Spanned<bool>>,
    /// A path that only the token opens.
    protects: Option<Spanned<String>>,
    /// The secret that signs tokens.
    secret: Option<Spanned<String>>,
    /// Secrets that must not sign tokens.
    #[serde(default)]
    old_secrets: Vec<Spanned<String>>,
    #[serde(default)]
    expect: LoginExpect,
    /// Where the answer has the refresh token.
    refresh_token: Option<Spanned<JsonPath>>,
    /// How a refresh token becomes a token.
    refresh: Option<Spanned<Refresh>>,
    /// A path to POST that ends the session.
    logout: Option<Spanned<String>>,
}

/// What is expected of the answer to the right credentials.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct LoginExpect {
    /// `200`, `"2xx"`, or a list of those.
    status: Option<Spanned<Statuses>>,
    /// Values of headers.
    headers: Entries<Matcher>,
    /// Values by JSONPath.
    json: Entries<Matcher, JsonPath>,
    /// Values of cookies.
    cookies: Entries<Matcher>,
    /// How long the exchange may take.
    within: Option<Spanned<Period>>,
    /// What the token says.
    jwt: Option<Spanned<Jwt>>,
}

/// What a JWT must say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Jwt {
    /// It expires, and not later than this from now.
    expires_within: Option<Spanned<Period>>,
    /// From its `iat`, or from now, to its `exp` it is this.
    lifetime: Option<Spanned<Period>>,
    /// The `alg` of its header.
    algorithm: Option<Spanned<Matcher>>,
    /// Its claims.
    claims: Entries<Matcher>,
}

/// How a refresh token becomes a token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// The path.
    post: String,
    /// The field of the JSON body with the refresh token.
    #[serde(default = "refresh_token_field")]
    field: String,
    /// Where the answer has the new token; as in the answer to the login unless given.
    token: Option<JsonPath>,
}

fn refresh_token_field() -> String {
    "refresh_token".to_owned()
}

impl Kind for Login {
    const NAME: &'static str = "login";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        if let Err(problem) = self.find_fields() {
            problems.push(problem);
        }
        problems.extend(self.unknown_fields());
        if self.only_refuses() {
            problems.extend(refused::mistakes(self));
            return problems;
        }
        for path in [&self.protects, &self.logout].into_iter().flatten() {
            if !path.starts_with('/') {
                problems.push(Problem::at(path.span(), "a path starts with `/`"));
            }
        }
        if self.token.is_none() && self.cookie.is_none() {
            let needy = [
                self.protects.as_ref().map(|protects| ("protects", protects.span())),
                self.logout.as_ref().map(|logout| ("logout", logout.span())),
                self.expect.jwt.as_ref().map(|jwt| ("expect.jwt", jwt.span())),
                self.refresh.as_ref().map(|refresh| ("refresh", refresh.span())),
            ];
            problems.extend(needy.into_iter().flatten().map(|(key, span)| {
                Problem::at(span, format!("`{key}` needs a token"))
                    .hint("say where it is: token = \"$.access_token\", or cookie = \"name\"")
            }));
        }
        if let (Some(secret), None) = (&self.secret, &self.protects) {
            problems.push(
                Problem::at(
                    secret.span(),
                    "`secret` makes an expired token, and nothing to try it on is given",
                )
                .hint("add protects = \"/path\""),
            );
        }
        if let (Some(old), None) = (self.old_secrets.first(), &self.protects) {
            problems.push(
                Problem::at(
                    old.span(),
                    "`old_secrets` make forged tokens, and nothing to try them on is given",
                )
                .hint("add protects = \"/path\""),
            );
        }
        if let (Some(logout), None) = (&self.logout, &self.protects) {
            problems.push(
                Problem::at(
                    logout.span(),
                    "whether `logout` ends the session shows where the token was good for something",
                )
                .hint("add protects = \"/path\""),
            );
        }
        problems
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn exports(&self) -> &'static [&'static str] {
        if self.only_refuses() {
            return &[];
        }
        &["token", "cookie", "refresh_token", "claims"]
    }

    fn export(&self, seen: &Seen) -> Vec<Export> {
        let secret = |name, value: Option<String>| {
            value.map(|value| Export {
                name,
                value: Value::from(value),
                secret: true,
            })
        };
        let token = self.token_in(&seen.good);
        let claims = token.as_deref().and_then(jwt::parse).map(|token| Export {
            name: "claims",
            value: Value::Object(token.claims),
            secret: false,
        });
        let refresh_token = seen
            .fresh_refresh_token(self)
            .or_else(|| self.refresh_token_in(&seen.good));
        let cookie = self
            .cookie
            .as_ref()
            .and_then(|name| seen.good.cookie(name).map(str::to_owned));
        [
            secret("token", token),
            secret("cookie", cookie),
            secret("refresh_token", refresh_token),
            claims,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn secrets(&self, seen: &Seen) -> Vec<String> {
        let answers = seen.guesses.iter().map(|guess| &guess.answer);
        let answers = answers.chain([&seen.good]).chain(seen.refreshed.iter().flatten());
        let tokens = answers.flat_map(|answer| [self.token_in(answer), self.refresh_token_in(answer)]);
        tokens.flatten().collect()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        seen.good.subject()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        if self.only_refuses() {
            steps.push("refused, as the same with a made-up password is".to_owned());
        } else {
            steps.push("the same with a wrong password, and with an unknown user: refused".to_owned());
        }
        for (number, entry) in (1..).zip(&self.refuses) {
            let fields: Vec<&str> = entry.keys().map(String::as_str).collect();
            steps.push(format!(
                "the same with the {} of `refuses` {number}: refused",
                fields.join(" and ")
            ));
        }
        if let Some(path) = &self.protects {
            let old = if self.old_secrets.is_empty() {
                ""
            } else {
                " or an old one"
            };
            let expired = if self.secret.is_some() { ", an expired one" } else { "" };
            steps.push(format!("GET {} with the token: 2xx", path.as_str()));
            steps.push(format!(
                "GET {} without it, with a changed one, an unsigned one, one signed by a well-known secret{old}{expired}: refused",
                path.as_str()
            ));
        }
        if let Some(refresh) = &self.refresh {
            steps.push(format!(
                "POST {} with the refresh token: a new token; with a made-up one: refused",
                refresh.post
            ));
        }
        if let Some(path) = &self.logout {
            steps.push(format!(
                "log in again, POST {} with that token, which then is refused",
                path.as_str()
            ));
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        if self.only_refuses() {
            return refused::observe(self, target).await;
        }
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        if self.only_refuses() {
            return refused::judge(self, seen);
        }
        judge::judge(self, seen)
    }
}

impl Login {
    /// Whether nobody is to log in at all.
    fn only_refuses(&self) -> bool {
        self.refused.as_ref().is_some_and(|refused| **refused)
    }

    /// The token that an answer gives: from its JSON, or from the cookie, without what is around it.
    fn token_in(&self, answer: &Response) -> Option<String> {
        match (&self.token, &self.cookie) {
            (Some(path), _) => text_at(answer, path),
            (None, Some(name)) => answer.cookie(name).map(credentials::unwrapped),
            (None, None) => None,
        }
        .filter(|token| !token.is_empty())
    }

    fn refresh_token_in(&self, answer: &Response) -> Option<String> {
        text_at(answer, self.refresh_token.as_ref()?)
    }

    /// Whether the answer lets its sender in. A failed login may well set a cookie, or answer 200 with an error in its body, or
    /// redirect as a good one does, but to the login page.
    fn grants(&self, answer: &Response, good: Option<&Response>) -> bool {
        let status = match &self.expect.status {
            Some(wanted) => wanted.contains(answer.status),
            None => answer.is_success(),
        };
        let has_token = self.token.is_none() && self.cookie.is_none() || self.token_in(answer).is_some();
        let target = |answer: &Response| {
            answer
                .header("location")
                .map(|to| to.split(['?', '#']).next().map(str::to_owned))
        };
        let redirected_alike = good.is_none_or(|good| target(good) == target(answer));
        status && has_token && redirected_alike
    }

    /// What `http` expects of the answer to the right credentials.
    fn expected(&self) -> Expect {
        let expect = &self.expect;
        Expect {
            status: expect.status.clone(),
            headers: expect.headers.clone(),
            json: expect.json.clone(),
            cookies: expect.cookies.clone(),
            within: expect.within.clone(),
            ..Expect::default()
        }
    }
}

fn text_at(answer: &Response, path: &JsonPath) -> Option<String> {
    let document = answer.json().ok()?;
    let found = path.find(&document)?;
    found.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
