//! The kind `authorization` against a real server with roles and tenants: the table holds, and each hole is named.

mod support;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use support::{Project, Said, serve};

/// What is wrong with the server.
#[derive(Clone, Copy, Default)]
struct Holes {
    admin_without_role: bool,
    admin_without_login: bool,
    foreign_bots: bool,
    delete_unguarded: bool,
    no_such_route: bool,
    crashes: bool,
    limited: bool,
}

impl Holes {
    fn serve(self) -> String {
        serve(Router::new().fallback(move |request: Request| async move { self.answer(&request) }))
    }

    fn answer(self, request: &Request) -> Response {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let who = match (header("authorization"), header("x-api-key"), header("cookie")) {
            (Some("Bearer boss"), ..) => Some("admin"),
            (_, Some("key-acme"), _) => Some("acme"),
            (.., Some("theme=dark; sid=\"Bearer rival\"")) => Some("rival"),
            _ => None,
        };
        if self.limited {
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
        let status = match (request.method(), request.uri().path(), who) {
            (_, "/admin/stats", _) if self.crashes => 500,
            (_, "/admin/stats", _) if self.no_such_route => 404,
            (_, "/admin/stats", None) if !self.admin_without_login => 401,
            (_, "/admin/stats", Some("acme" | "rival")) if !self.admin_without_role => 403,
            (_, "/admin/stats", _) => 200,
            (_, "/bots", _) => return "{\"id\":17}".into_response(),
            (&Method::DELETE, "/bots/17", None) if !self.delete_unguarded => 401,
            (&Method::DELETE, "/bots/17", _) => 204,
            (_, "/bots/17", None) => 401,
            (_, "/bots/17", Some("rival")) if !self.foreign_bots => 404,
            (_, "/bots/17", _) => return "{\"name\":\"Acme's bot\"}".into_response(),
            _ => 404,
        };
        let body = if status >= 400 { "{\"error\":\"no\"}" } else { "" };
        (StatusCode::from_u16(status).unwrap(), body).into_response()
    }

    fn try_it(self) -> Said {
        Project::http(&self.serve(), SUITE).run()
    }
}

const SUITE: &str = r#"
[http.bot]
get = "/bots"
bearer = "boss"
expect.status = 200
capture.id = "$.id"

[authorization.table]
identities.admin = { bearer = "boss" }
identities.acme = { headers = { X-Api-Key = "key-acme" } }
identities.rival = { cookies = { theme = "dark", sid = '"Bearer rival"' } }
identities.none = {}
expect.none = { status = 401, json."$.error" = "no" }

[authorization.table.routes]
"GET /admin/stats" = { admin = 200, acme = 403, rival = 403 }
"GET /bots/{{ bot.id }}" = { acme = 200, rival = { status = 404, body = { lacks = "Acme" } } }
"DELETE /bots/{{ bot.id }}" = { acme = 204 }
"#;

#[test]
fn a_table_that_holds() {
    Holes::default().try_it().exits(0);
}

#[test]
fn each_hole_is_named_with_route_identity_and_both_statuses() {
    let role = Holes {
        admin_without_role: true,
        ..Holes::default()
    };
    role.try_it().exits(1).says(&[
        "GET /admin/stats as acme    expected: 403   seen: 200",
        "GET /admin/stats as rival   expected: 403   seen: 200",
        "is its guard registered",
    ]);
    let login = Holes {
        admin_without_login: true,
        ..Holes::default()
    };
    login
        .try_it()
        .exits(1)
        .says(&["GET /admin/stats as none   expected: 401   seen: 200"]);
    let tenant = Holes {
        foreign_bots: true,
        ..Holes::default()
    };
    tenant
        .try_it()
        .exits(1)
        .says(&["GET /bots/17 as rival   expected: 404   seen: 200"]);
    let delete = Holes {
        delete_unguarded: true,
        ..Holes::default()
    };
    delete
        .try_it()
        .exits(1)
        .says(&["DELETE /bots/17 as none   expected: 401   seen: 204"]);
}

#[test]
fn a_route_that_is_not_there_or_breaks_does_not_count_as_refusing() {
    let missing = Holes {
        no_such_route: true,
        ..Holes::default()
    };
    missing.try_it().exits(1).says(&[
        "GET /admin/stats as admin   expected: 200   seen: 404",
        "is the route registered",
    ]);
    let broken = Holes {
        crashes: true,
        ..Holes::default()
    };
    broken
        .try_it()
        .exits(1)
        .says(&["GET /admin/stats as none    expected: 401   seen: 500"]);
}

#[test]
fn a_rate_limit_is_no_refusal_and_nobody_there_is_unclear() {
    let limited = Holes {
        limited: true,
        ..Holes::default()
    };
    let suite = "[authorization.a]\nidentities = { admin = { bearer = \"boss\" }, none = {} }\n\
                 routes.\"GET /admin/stats\" = { admin = 200, none = [401, 403] }\n";
    Project::http(&limited.serve(), suite).run().exits(3).says(&["429"]);
    Project::http(&support::nobody(), suite).run().exits(3);
}

#[test]
fn a_table_that_could_not_fail_is_refused() {
    let suite = "[authorization.a]\nidentities = { user = { bearer = \"u\" } }\n\
                 routes.\"GET /admin/stats\" = { user = 403, usr = 403 }\n";
    let said = Project::http(&support::nobody(), suite).run();
    said.exits(2);
    for part in ["nobody gets in on `GET /admin/stats`", "did you mean `user`?"] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
}

#[test]
fn a_table_that_writes_needs_leave() {
    let url = Holes::default().serve();
    let project = Project::new(&format!("[env.prod]\nsuites = [\"s\"]\nhttp = {url:?}\n")).suite("s", SUITE);
    project.run().says(&["authorization.table (write)"]);
}
