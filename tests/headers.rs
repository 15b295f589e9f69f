//! The kind `headers` against a real server: each header there once, and missing once.

mod support;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use support::{Project, Said, serve};

type Pairs = Vec<(&'static str, &'static str)>;

const PAGE: [(&str, &str); 7] = [
    ("content-type", "text/html; charset=utf-8"),
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self' 'nonce-r4nd0m'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "camera=(), microphone=()"),
    ("server", "cloudflare"),
];

fn answer(status: u16, pairs: &[(&'static str, &'static str)]) -> Response {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    (StatusCode::from_u16(status).unwrap(), headers, "hello").into_response()
}

fn site(status: u16, pairs: Pairs) -> String {
    let cookies = [
        ("set-cookie", "sid=canary-51f0; Path=/; HttpOnly; Secure; SameSite=Lax"),
        ("set-cookie", "theme=dark; Path=/"),
    ];
    let moved = get(|| async { answer(302, &[("location", "/")]) });
    let login = post(async move || answer(200, &cookies));
    serve(
        Router::new()
            .route("/", get(async move || answer(status, &pairs)))
            .route("/moved", moved)
            .route("/login", login),
    )
}

fn page(change: impl FnOnce(&mut Pairs)) -> Said {
    let mut pairs = PAGE.to_vec();
    change(&mut pairs);
    run(pairs, "[headers.page]\nget = \"/\"\nbaseline = \"page\"")
}

fn run(pairs: Pairs, suite: &str) -> Said {
    Project::http(&site(200, pairs), suite).run()
}

fn set(name: &'static str, value: &'static str) -> impl FnOnce(&mut Pairs) {
    move |pairs| {
        pairs.retain(|(key, _)| *key != name);
        pairs.push((name, value));
    }
}

#[test]
fn a_page_with_all_of_them_passes() {
    page(|_| {}).exits(0);
}

#[test]
fn each_that_is_missing_is_named() {
    for (header, part) in [
        ("content-security-policy", "csp"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "frame"),
        ("referrer-policy", "referrer"),
        ("permissions-policy", "permissions"),
        ("content-type", "type"),
    ] {
        let said = page(|pairs| pairs.retain(|(name, _)| *name != header));
        said.exits(1).says(&["suites/s.toml:3:12", &format!("{part} ")]);
    }
}

#[test]
fn values_that_protect_nobody_are_named() {
    page(set("content-security-policy", "default-src * 'unsafe-eval'"))
        .exits(1)
        .says(&["csp_scripts", "* 'unsafe-eval'"]);
    page(set("referrer-policy", "unsafe-url"))
        .exits(1)
        .says(&["referrer", "unsafe-url"]);
    page(set("server", "nginx/1.22.1"))
        .exits(1)
        .says(&["no version in Server", "server_tokens off"]);
    page(set("x-powered-by", "Next.js"))
        .exits(1)
        .says(&["X-Powered-By: Next.js"]);
    page(|pairs| pairs.push(("x-frame-options", "DENY")))
        .exits(1)
        .says(&["X-Frame-Options: SAMEORIGIN, DENY"]);
    page(|pairs| {
        set("content-security-policy", "default-src 'self'")(pairs);
        pairs.push(("content-security-policy-report-only", "default-src 'none'"));
    })
    .exits(0);
    page(|pairs| {
        pairs.retain(|(name, _)| *name != "content-security-policy");
        pairs.push(("content-security-policy-report-only", "default-src 'none'"));
    })
    .exits(1)
    .says(&["only Content-Security-Policy-Report-Only"]);
}

#[test]
fn a_suite_says_otherwise() {
    let pairs = vec![
        ("content-type", "application/json"),
        ("x-content-type-options", "nosniff"),
        ("via", "1.1 box"),
    ];
    let suite = "[headers.api]\nget = \"/\"\nbaseline = \"api\"\n";
    run(pairs.clone(), suite).exits(0);
    run(pairs.clone(), &format!("{suite}absent = [\"Via\"]"))
        .exits(1)
        .says(&["suites/s.toml:4:11", "Via", "1.1 box"]);
    run(pairs.clone(), &format!("{suite}expect.Cache-Control = \"no-store\""))
        .exits(1)
        .says(&["Cache-Control", "nothing there"]);
    run(vec![], &format!("{suite}without = [\"nosniff\"]")).exits(0);
    let asset = suite.replace("\"api\"", "\"asset\"");
    run(pairs.clone(), &asset)
        .exits(1)
        .says(&["cache ", "no Cache-Control"]);
    let kept = [pairs, vec![("cache-control", "public, max-age=31536000, immutable")]].concat();
    run(kept, &asset).exits(0);
    // What should be a script is the page that answers everything.
    let fallback = [PAGE.to_vec(), vec![("cache-control", "immutable")]].concat();
    run(fallback, &asset).exits(1).says(&["no HTML", "catch-all"]);
}

#[test]
fn cookies_have_their_flags_and_their_values_are_not_kept() {
    let suite =
        "[headers.login]\npost = \"/login\"\ncookie_flags = { secure = true, http_only = true, same_site = \"Lax\" }";
    let said = run(vec![], suite);
    said.exits(1)
        .says(&["cookie theme", "not HttpOnly", "not Secure", "no SameSite"]);
    assert!(!said.stdout.contains("cookie sid"), "{}", said.stdout);
    let of_sid = suite.replace(" }", ", of = [\"sid\"] }");
    let project = Project::http(&site(200, vec![]), &of_sid);
    project.smoke(&["run", "prod", "--report", "json=run.json"]).exits(0);
    assert!(!project.read("run.json").contains("canary-51f0"));
    let none = suite.replace("post = \"/login\"", "get = \"/\"");
    run(vec![], &none).exits(3).says(&["the answer sets none"]);
}

#[test]
fn another_answer_is_not_judged_instead() {
    let suite = "[headers.page]\nget = \"/\"\nbaseline = \"page\"\n";
    Project::http(&site(503, PAGE.to_vec()), suite)
        .run()
        .exits(1)
        .says(&["status", "503"]);
    let answered = Project::http(&site(401, PAGE.to_vec()), &format!("{suite}status = 401"));
    answered.run().exits(0);
    let moved = suite.replace("\"/\"", "\"/moved\"");
    run(PAGE.to_vec(), &moved).exits(1).says(&["follow = true"]);
    run(PAGE.to_vec(), &format!("{moved}follow = true")).exits(0);
}

#[test]
fn what_only_https_can_show_is_unclear_over_http() {
    run(PAGE.to_vec(), "[headers.page]\nget = \"/\"\nhsts_min = \"180d\"")
        .exits(3)
        .says(&["hsts", "asked over http"]);
}

#[test]
fn a_table_that_expects_nothing_is_refused() {
    let said = Project::http("http://127.0.0.1:9", "[headers.page]\nget = \"/\"").run();
    said.exits(2);
}
