//! `authorization`: routes, identities, and who gets in where.

mod judge;
mod observe;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Basic, Request, Response};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Entries, Problem, Spanned, one_of};

use super::Kind;
use table::{Cell, Route, Routes};

/// Who gets in where: every route is asked as every identity, and the table says what each must be answered.
///
/// Guards are lost one route at a time: a router that is mounted before its middleware, a new endpoint without a role, a
/// query that forgot the tenant. The application works as before for whoever tests it as the right user. So ask as the
/// others, too: without a token, as a user where an administrator is wanted, as one tenant for what belongs to another.
///
/// ```toml
/// [authorization.admin]
/// title = "The administration is for administrators"
/// identities.admin = { bearer = "token-of-admin" }
/// identities.user  = { bearer = "token-of-user" }
/// identities.none  = {}
/// expect = { admin = 200, user = 403, none = 401 }
///
/// [authorization.admin.routes]
/// "GET /api/admin/dashboard" = {}
/// "GET /api/admin/users"     = {}
/// "POST /api/admin/users"    = { json = {}, admin = 422 }
/// "GET /api/me"              = { user = 200 }
///
/// [authorization.tenants]
/// title = "A tenant does not reach another's bots"
/// identities.acme  = { bearer = "token-of-acme" }
/// identities.rival = { headers = { X-Api-Key = "key-of-rival" } }
/// routes."GET /api/bots/17" = { acme = 200, rival = { status = [403, 404], body = { lacks = "Acme" } } }
/// ```
///
///   identities  who asks, by name: bearer, basic = { user, password }, headers = { … }, cookies = { name = "value" };
///               {} is nobody
///   routes      method and path, and what each identity is answered there: a status (200, "2xx", [403, 404]) or a table
///               of expectations as in `http` (status, headers, json, body, redirect, …). A route may also have query,
///               headers, and a body: json, form or body. A list of routes will do where `expect` says everything:
///               routes = ["GET /api/a", "GET /api/b"]. Routes may hold values of other checks: "GET /bots/{{ bot.id }}".
///   expect      what identities are answered on every route that does not say otherwise
///
/// An identity that neither the route nor `expect` names is not asked. A refusal proves nothing on a route that refuses
/// everyone, or does not exist: each needs somebody who gets in (2xx; or 400, 409, 413, 415, 422, which come after the
/// guard). Where nobody may be let in, for it would do damage, the route says `control = false`, and a 404 is then no
/// refusal. All identities of a route that only reads are asked at the same time; where one writes, those who must be
/// refused come first.
///
/// The check reads, or writes where a route is no GET, HEAD or OPTIONS (`effect = "read"` declares that those do nothing).
///
/// A failure:
///
///   FAILED  authorization.admin   The administration is for administrators
///     suites/api.toml:6:33
///     6 │ expect = { admin = 200, user = 403, none = 401 }
///       │                                ^^^
///       GET /api/admin/users as user   expected: 403   seen: 200
///     try: the route lets in whom it should refuse: is its guard registered, and does it look at the role?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    /// Who asks.
    identities: Entries<Identity>,
    /// Method and path, and what each identity is answered there.
    routes: Routes,
    /// What identities are answered on every route that does not say otherwise.
    #[serde(default)]
    expect: Entries<Cell>,
}

/// The credentials of somebody; none of them is nobody.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Identity {
    /// A token for `Authorization: Bearer`.
    bearer: Option<String>,
    /// User and password for `Authorization: Basic`.
    basic: Option<Basic>,
    /// Headers, such as an API key.
    headers: Entries<String>,
    /// Cookies, names and values as the server wrote them.
    cookies: Entries<String>,
}

impl Identity {
    fn is_nobody(&self) -> bool {
        self.bearer.is_none() && self.basic.is_none() && self.headers.is_empty() && self.cookies.is_empty()
    }

    /// `request` as this identity would send it.
    fn sends(&self, request: &Request) -> Request {
        let mut request = request.clone();
        for (name, value) in self.headers.iter() {
            request = request.with_header(name, value);
        }
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={}", **value));
        let cookies: Vec<String> = cookies.collect();
        if !cookies.is_empty() {
            request = request.with_header("Cookie", &cookies.join("; "));
        }
        request.bearer.clone_from(&self.bearer);
        request.basic.clone_from(&self.basic);
        request
    }
}

/// One route asked as one identity.
struct Asked<'a> {
    route: &'a str,
    identity: &'a str,
    expect: &'a Spanned<Cell>,
}

/// Every answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    answers: Vec<Answer>,
}

/// What one identity was answered on one route.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    route: String,
    identity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    /// Why there is no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Authorization {
    /// What the route asks, in the order of the suite.
    fn cells<'a>(&'a self, name: &'a str, route: &'a Route) -> Vec<Asked<'a>> {
        let own = route.cells.iter();
        let others = self
            .expect
            .iter()
            .filter(|(who, _)| route.cells.iter().all(|(named, _)| named != who));
        let asked = |(identity, expect): &'a (String, Spanned<Cell>)| Asked {
            route: name,
            identity,
            expect,
        };
        own.chain(others).map(asked).collect()
    }

    fn identity(&self, name: &str) -> Option<&Identity> {
        let found = self.identities.iter().find(|(known, _)| known == name);
        found.map(|(_, identity)| &**identity)
    }

    fn is_safe(&self) -> bool {
        let mut routes = self.routes.iter();
        routes.all(|(name, route)| route.request(name).is_none_or(|request| request.is_safe()))
    }

    fn all_cells(&self) -> impl Iterator<Item = Asked<'_>> {
        self.routes.iter().flat_map(|(name, route)| self.cells(name, route))
    }

    fn route_mistakes(&self, name: &str, route: &Spanned<Route>) -> Vec<Problem> {
        let Some(request) = route.request(name) else {
            let problem = Problem::at(route.span(), format!("`{name}` is no method and path"));
            return vec![problem.hint("write for instance \"GET /api/users\"")];
        };
        let mut problems = request.mistakes();
        let cells = self.cells(name, route);
        if cells.is_empty() {
            let problem = Problem::at(route.span(), format!("nobody is expected to be answered on `{name}`"));
            problems.push(problem.hint("name identities and statuses, such as { admin = 200, none = 401 }"));
            return problems;
        }
        let someone = cells.iter().any(|cell| cell.expect.lets_in());
        if !someone && route.control {
            problems.push(
                Problem::at(
                    route.span(),
                    format!("nobody gets in on `{name}`, so a refusal would prove nothing"),
                )
                .hint(
                    "add an identity that is answered with 2xx, or 422; or control = false, where that would do damage",
                ),
            );
        }
        if !someone && !route.control {
            let lax = cells.iter().filter(|cell| cell.expect.accepts(404));
            problems.extend(lax.map(|cell| {
                Problem::at(cell.expect.span(), "404 is no refusal where nobody gets in")
                    .hint("a route that does not exist would pass")
            }));
        }
        problems
    }

    /// Whether a cell tells a refused user from one whose credentials are not valid any more.
    fn dead_credentials(&self) -> Vec<Problem> {
        let known = self.identities.iter().filter(|(_, identity)| !identity.is_nobody());
        known
            .filter_map(|(name, _)| {
                let cells: Vec<Asked<'_>> = self.all_cells().filter(|cell| cell.identity == name).collect();
                if cells.iter().any(|cell| cell.expect.lets_in()) {
                    return None;
                }
                let mut doubtful = cells.iter();
                let cell = doubtful.find(|cell| cell.expect.accepts(401) && cell.expect.accepts(403))?;
                let problem = format!("whether the credentials of `{name}` are valid at all would not show");
                Some(
                    Problem::at(cell.expect.span(), problem)
                        .hint("expect 403 alone, or add a route that lets this identity in"),
                )
            })
            .collect()
    }
}

impl Kind for Authorization {
    const NAME: &'static str = "authorization";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    type Seen = Seen;

    fn effect(&self) -> Effect {
        if self.is_safe() { Effect::Read } else { Effect::Write }
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(200) * u32::try_from(self.all_cells().count()).unwrap_or(u32::MAX)
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, route) in self.routes.iter() {
            problems.extend(self.route_mistakes(name, route));
        }
        let known = || self.identities.iter().map(|(name, _)| name.as_str());
        let cells = || {
            let of_routes = self.routes.iter().flat_map(|(_, route)| route.cells.iter());
            self.expect.iter().chain(of_routes)
        };
        for (who, cell) in cells() {
            problems.extend(cell.0.mistakes());
            if self.identity(who).is_none() {
                problems.push(
                    Problem::at(cell.span(), format!("there is no identity `{who}`")).maybe_hint(one_of(who, known())),
                );
            }
        }
        for (name, identity) in self.identities.iter() {
            if identity.bearer.is_some() && identity.basic.is_some() {
                problems.push(Problem::at(identity.span(), "give one of bearer and basic"));
            }
            if table::RESERVED.contains(&name.as_str()) {
                let problem = format!("an identity cannot be called `{name}`, for a route has a key of that name");
                problems.push(Problem::at(identity.span(), problem));
            } else if !cells().any(|(who, _)| who == name) {
                problems.push(Problem::at(identity.span(), format!("no route is asked as `{name}`")));
            }
        }
        problems.extend(self.dead_credentials());
        problems
    }

    fn expects_nothing(&self) -> bool {
        self.all_cells().next().is_none()
    }

    fn steps(&self) -> Vec<String> {
        let step = |cell: Asked<'_>| {
            format!(
                "{} as {}, who must get {}",
                cell.route,
                cell.identity,
                cell.expect.statuses()
            )
        };
        self.all_cells().map(step).collect()
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}
