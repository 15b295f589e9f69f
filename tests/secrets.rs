//! The canary: a secret that a careless server throws back in every form appears in nothing that leaves the process.

mod support;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use support::{Project, serve};

const CANARY: &str = "k4n4rý/+\"s3cret\" with=space&amp";
const TOKEN: &str = "tok-5f0c9a77e1";

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Every form in which a server may throw a secret back.
fn leaks() -> Vec<String> {
    let jwt = |claims: &str| format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    [CANARY, TOKEN]
        .iter()
        .flat_map(|secret| {
            [
                (*secret).to_owned(),
                serde_json::to_string(secret).unwrap(),
                percent(secret),
                percent(secret).to_lowercase(),
                url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
                STANDARD.encode(secret),
                URL_SAFE_NO_PAD.encode(secret),
                STANDARD.encode(format!("u:{secret}")),
                STANDARD.encode(format!("user:{secret}:more")),
                format!("Authorization: Bearer {secret}"),
                format!("postgres://app:{}@db:5432/app", percent(secret)),
                jwt(&format!("{{\"sub\":\"{secret}\"}}")),
                format!("{{\"sub\":\"{secret}\"}}"),
                format!("{secret:?}"),
            ]
        })
        .collect()
}

fn careless() -> Router {
    let body = || leaks().join("\n");
    Router::new()
        .route("/token", get(|| async { format!("{{\"token\":\"{TOKEN}\"}}") }))
        .route(
            "/leak",
            any(move |_: Request| async move { (StatusCode::INTERNAL_SERVER_ERROR, body()) }),
        )
        .route(
            "/json",
            get(move || async move { serde_json::json!({ "leaks": leaks() }).to_string() }),
        )
}

const SUITE: &str = r#"
[http.token]
get = "/token"
expect.status = 200
capture.value = { json = "$.token", secret = true }

[http.leak]
title = "never {{ env.SMOKE_CANARY }}"
get = "/leak?key={{ env.SMOKE_CANARY }}"
bearer = "{{ token.value }}"
expect.status = 200
expect.body = "{{ env.SMOKE_CANARY }}"
expect.headers.x-key = "{{ token.value }}"

[http.json]
get = "/json"
needs = ["token"]
expect.json."$.leaks" = { len = 0 }
retry = { times = 1, every = "1ms" }

[http.refused]
get = "http://127.0.0.1:1/{{ env.SMOKE_CANARY }}"
expect.status = 200
"#;

#[test]
fn the_canary_stays_in_the_cage() {
    let url = serve(careless());
    let project = Project::http(&url, SUITE).env("SMOKE_CANARY", CANARY);
    let mut outputs = Vec::new();
    let reports = ["--report", "junit=junit.xml", "--report", "json=run.json"];
    let run = project.smoke(&[&["run", "prod"], &reports[..]].concat());
    run.exits(1);
    outputs.push(("stdout", run.stdout.clone()));
    outputs.push(("stderr", run.stderr.clone()));
    outputs.push(("junit", project.read("junit.xml")));
    outputs.push(("json", project.read("run.json")));
    for args in [
        &["list", "prod"][..],
        &["explain", "prod", "http.leak"],
        &["libtest", "prod"],
    ] {
        let said = project.smoke(args);
        outputs.push((args[0], format!("{}{}", said.stdout, said.stderr)));
    }
    // What was said is about the leak, so the test has looked at something.
    assert!(
        run.stdout.contains("***") && run.stdout.contains("FAILED  http.leak"),
        "{}",
        run.stdout
    );
    for (name, output) in outputs {
        for leak in leaks() {
            assert!(!output.contains(&leak), "{name} has {leak:?}:\n{output}");
        }
    }
}

/// Tokens that nothing marks as such, and that no check captures.
#[test]
fn sessions_are_not_written_down() {
    let login = || async {
        let cookie = [("set-cookie", "sid=opaque-cookie-77; HttpOnly")];
        (
            cookie,
            r#"{"access": "opaque-first-11", "refresh": "opaque-refresh-22"}"#,
        )
    };
    let refresh = || async { r#"{"access": "opaque-second-33", "refresh": "opaque-refresh-44"}"# };
    let router = Router::new()
        .route("/login", post(login))
        .route("/refresh", post(refresh));
    let suite = r#"
[login.user]
post = "/login"
json = { email = "ann@example.com", password = "correct horse" }
token = "$.access"
refresh_token = "$.refresh"
refresh = { post = "/refresh" }
"#;
    let project = Project::http(&serve(router), suite);
    project.smoke(&["run", "prod", "--report", "json=run.json"]).exits(1);
    let written = project.read("run.json");
    assert!(written.contains("sid=…; HttpOnly"), "{written}");
    for token in ["cookie-77", "first-11", "refresh-22", "second-33", "refresh-44"] {
        assert!(!written.contains(token), "{token} in {written}");
    }
}

#[test]
fn the_address_of_a_site_is_no_secret_but_one_that_opens_something_is() {
    let asks = "[http.hook]\npost = \"{{ env.HOOK }}\"\neffect = \"read\"\nexpect.status = 200\n";
    let site = "http://127.0.0.1:1";
    let said = Project::http(site, asks).env("HOOK", site).run();
    said.says(&["refused by 127.0.0.1:1"]);
    for hook in [
        "http://127.0.0.1:1/services/T024/B7Q9",
        "http://127.0.0.1:1/?key=B7Q9",
        "http://key:B7Q9@127.0.0.1:1",
    ] {
        let said = Project::http(site, asks)
            .env("HOOK", hook)
            .smoke(&["explain", "prod", "hook"]);
        said.says(&["***"]);
        assert!(!said.stdout.contains("B7Q9"), "{}", said.stdout);
    }
}
