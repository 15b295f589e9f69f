//! The kind `cors` against a real server, whose rule for origins is right once and wrong in each way once.

mod support;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use support::{Project, Said, serve};

const APP: &str = "https://app.example.com";

/// What a server answers to an origin: a status, and headers.
type Rule = fn(&Method, &str) -> (u16, Vec<(&'static str, String)>);

fn site(rule: Rule) -> String {
    serve(Router::new().fallback(async move |request: Request| -> Response {
        let origin = request
            .headers()
            .get("origin")
            .map(|origin| origin.to_str().unwrap().to_owned());
        let (status, pairs) = rule(request.method(), &origin.unwrap_or_default());
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
        }
        (StatusCode::from_u16(status).unwrap(), headers).into_response()
    }))
}

fn allow(origin: &str) -> Vec<(&'static str, String)> {
    vec![
        ("access-control-allow-origin", origin.to_owned()),
        ("access-control-allow-credentials", "true".to_owned()),
        ("access-control-allow-methods", "GET,PUT,DELETE".to_owned()),
        ("access-control-allow-headers", "content-type,authorization".to_owned()),
        ("vary", "Origin".to_owned()),
    ]
}

const SUITE: &str = "[cors.api]
path = \"/api\"
allowed = [\"https://app.example.com\"]
credentials = true
request_headers = [\"Authorization\"]
";

fn run(rule: Rule, suite: &str) -> Said {
    Project::http(&site(rule), suite).run()
}

#[test]
fn a_server_with_a_list_passes_whatever_it_refuses_with() {
    let rules: [Rule; 4] = [
        |_, origin| {
            if origin == APP {
                (204, allow(origin))
            } else {
                (200, vec![])
            }
        },
        |_, origin| {
            if origin == APP {
                (200, allow(origin))
            } else {
                (400, vec![])
            }
        },
        |_, origin| {
            if origin == APP {
                (200, allow(origin))
            } else {
                (500, vec![])
            }
        },
        // One that names the only origin it allows to everybody, which browsers of others refuse.
        |_, _| (200, allow(APP)),
    ];
    for rule in rules {
        run(rule, SUITE).exits(0);
    }
    // The request itself may be refused for want of a login.
    let rule: Rule = |method, origin| match (method, origin) {
        (&Method::OPTIONS, APP) => (204, allow(origin)),
        (_, APP) => (401, allow(origin)),
        _ => (401, vec![]),
    };
    run(rule, SUITE).exits(0);
}

#[test]
fn an_origin_that_is_echoed_is_no_list() {
    run(|_, origin| (200, allow(origin)), SUITE).exits(1).says(&[
        "suites/s.toml:3:12",
        "https://evil.example",
        "allowed, with credentials (request)",
        "compare it with a list",
        "any page in a sandboxed frame",
    ]);
}

#[test]
fn a_substring_lets_lookalikes_in() {
    let rule: Rule = |_, origin| {
        let fine = origin == APP || origin.contains("localhost");
        (200, if fine { allow(origin) } else { vec![] })
    };
    let said = run(rule, SUITE);
    said.exits(1)
        .says(&["https://evil-localhost.example", "http://localhost:3000"]);
    assert!(!said.stdout.contains("https://evil.example "), "{}", said.stdout);
}

#[test]
fn only_the_request_itself_may_be_wrong() {
    // The proxy answers preflights by a list, the application echoes.
    let rule: Rule = |method, origin| match (method, origin) {
        (&Method::OPTIONS, APP) => (204, allow(origin)),
        (&Method::OPTIONS, _) => (204, vec![]),
        _ => (200, allow(origin)),
    };
    run(rule, SUITE).exits(1).says(&["allowed, with credentials (request)"]);
    // And the other way round: the front end itself does not work.
    let rule: Rule = |method, origin| match (method, origin) {
        (&Method::OPTIONS, APP) => (204, allow(origin)),
        _ => (200, vec![]),
    };
    run(rule, SUITE).exits(1).says(&[
        "https://app.example.com (request)",
        "no Access-Control-Allow-Origin, status 200",
    ]);
}

#[test]
fn the_front_end_was_forgotten() {
    run(|_, _| (204, vec![]), SUITE).exits(1).says(&[
        "https://app.example.com (preflight)",
        "is this origin in the server's list",
    ]);
    run(|_, _| (204, allow("https://old.example.com")), SUITE)
        .exits(1)
        .says(&["Access-Control-Allow-Origin: https://old.example.com"]);
}

#[test]
fn a_star_is_refused_with_credentials_and_without() {
    run(|_, _| (204, allow("*")), SUITE)
        .exits(1)
        .says(&["Access-Control-Allow-Origin: *", "allowed by `*`, with credentials"]);
}

#[test]
fn a_header_from_the_app_and_one_from_the_proxy_are_one_too_many() {
    let rule: Rule = |_, origin| match origin {
        APP => (204, [allow(origin), allow(origin)].concat()),
        _ => (204, vec![]),
    };
    run(rule, SUITE)
        .exits(1)
        .says(&["https://app.example.com, https://app.example.com", "two headers"]);
}

#[test]
fn a_preflight_behind_a_login_stops_the_browser() {
    let rule: Rule = |method, origin| match (method, origin) {
        (&Method::OPTIONS, APP) => (401, allow(origin)),
        (_, APP) => (200, allow(origin)),
        _ => (401, vec![]),
    };
    run(rule, SUITE)
        .exits(1)
        .says(&["(preflight): status", "expected: 2xx", "answer OPTIONS before"]);
}

#[test]
fn the_method_and_the_headers_must_be_granted() {
    let rule: Rule = |_, origin| (204, if origin == APP { allow(origin) } else { vec![] });
    run(rule, &format!("{SUITE}method = \"DELETE\"")).exits(0);
    run(rule, &format!("{SUITE}method = \"PATCH\""))
        .exits(1)
        .says(&["Allow-Methods", "with PATCH", "GET,PUT,DELETE"]);
    let suite = SUITE.replace("\"Authorization\"", "\"Authorization\", \"X-Workspace\"");
    run(rule, &suite).exits(1).says(&["Allow-Headers", "with X-Workspace"]);
}

#[test]
fn an_answer_that_depends_on_the_origin_must_say_so_to_caches() {
    let rule: Rule = |_, origin| {
        let mut headers = allow(origin);
        headers.pop();
        (200, if origin == APP { headers } else { vec![] })
    };
    run(rule, SUITE).exits(1).says(&["expected: Vary: Origin", "no Vary"]);
}

#[test]
fn what_is_public_carries_no_credentials() {
    let suite = "[cors.prices]\npublic = true";
    run(
        |_, _| (200, vec![("access-control-allow-origin", "*".to_owned())]),
        suite,
    )
    .exits(0);
    run(|_, _| (200, vec![]), suite).exits(1).says(&["any site (request)"]);
    run(|_, origin| (200, allow(origin)), suite)
        .exits(1)
        .says(&["any site (request): credentials", "granted"]);
}

#[test]
fn where_no_origin_is_allowed_each_one_that_is_shows() {
    let suite = "[cors.api]\nnone = true\nrefused = [\"https://old.example.com\"]";
    run(|_, _| (200, vec![]), suite).exits(0);
    let rule: Rule = |_, origin| (200, if origin.contains("old") { allow(origin) } else { vec![] });
    run(rule, suite)
        .exits(1)
        .says(&["suites/s.toml:3:12", "https://old.example.com"]);
}

#[test]
fn a_limiter_that_answers_proves_nothing() {
    let rule: Rule = |_, origin| {
        if origin == APP {
            (200, allow(origin))
        } else {
            (429, vec![])
        }
    };
    run(rule, SUITE).exits(3).says(&["the preflight was answered with 429"]);
}

#[test]
fn a_server_that_is_not_there_is_unclear() {
    Project::http(&support::nobody(), SUITE)
        .run()
        .exits(3)
        .says(&["connection refused"]);
}

#[test]
fn a_table_that_contradicts_itself_sends_nothing() {
    let said = Project::http(
        "http://127.0.0.1:9",
        "[cors.api]\nallowed = [\"https://app.example.com/\"]",
    )
    .run();
    said.exits(2);
    assert!(
        said.stderr.contains("`https://app.example.com/` is not an origin"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("without a slash"), "{}", said.stderr);
}
