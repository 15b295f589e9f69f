//! `rate_limit` against a small server that keeps its promises, and then breaks one at a time.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use support::{Project, Said, serve};

const WINDOW: Duration = Duration::from_secs(1);

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Never,
    OneMore,
    OneLess,
    Unavailable,
    Forbidden,
    NoRetryAfter,
    Escapes,
    NeverRecovers,
    Everyone,
    Races,
    StatesAnother,
    Broken,
}

struct Limiter {
    fault: Fault,
    counts: Mutex<HashMap<String, (u32, Instant)>>,
    requests: Mutex<u32>,
}

async fn limited(State(limiter): State<Arc<Limiter>>, uri: Uri, headers: HeaderMap) -> Response {
    let fault = limiter.fault;
    *limiter.requests.lock().unwrap() += 1;
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("nobody")
            .to_owned()
    };
    let key = match fault {
        Fault::Everyone => "all".to_owned(),
        Fault::Escapes if headers.contains_key("x-forwarded-for") => text("x-forwarded-for"),
        _ => text("authorization"),
    };
    let read = || {
        let counts = limiter.counts.lock().unwrap();
        let known = counts.get(&key).copied();
        known
            .filter(|(_, since)| fault == Fault::NeverRecovers || since.elapsed() < WINDOW)
            .unwrap_or((0, Instant::now()))
    };
    let (before, since) = if fault == Fault::Races {
        let read = read();
        tokio::time::sleep(Duration::from_millis(20)).await;
        read
    } else {
        read()
    };
    let number = before + 1;
    limiter.counts.lock().unwrap().insert(key, (number, since));
    let limit = match fault {
        Fault::Never => u32::MAX,
        Fault::OneMore => 11,
        Fault::OneLess => 9,
        _ => 10,
    };
    let stated = if fault == Fault::StatesAnother { "100" } else { "10" };
    match fault {
        Fault::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "no store").into_response(),
        _ if number <= limit => ([("X-RateLimit-Limit", stated)], uri.path().to_owned()).into_response(),
        Fault::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Forbidden => StatusCode::FORBIDDEN.into_response(),
        Fault::NoRetryAfter => StatusCode::TOO_MANY_REQUESTS.into_response(),
        _ => (StatusCode::TOO_MANY_REQUESTS, [("Retry-After", "1")], "slow down").into_response(),
    }
}

fn server(fault: Fault) -> (String, Arc<Limiter>) {
    let limiter = Arc::new(Limiter {
        fault,
        counts: Mutex::default(),
        requests: Mutex::new(0),
    });
    let router = Router::new().fallback(any(limited)).with_state(limiter.clone());
    (serve(router), limiter)
}

const SUITE: &str = r#"
[rate_limit.per_user]
get = "/api/generate"
bearer = "one"
limit = 10
per = "1s"
other = { bearer = "two" }
recovers = true
expect.headers.Retry-After = "1"
expect.body = "slow down"
"#;

fn run(fault: Fault, suite: &str) -> Said {
    Project::http(&server(fault).0, suite).run()
}

#[test]
fn a_limit_that_keeps_its_promises_passes() {
    let (url, limiter) = server(Fault::None);
    let suite = SUITE.replace(
        "recovers = true",
        "recovers = true\nspoof = [\"X-Forwarded-For\", \"X-Real-IP\"]",
    );
    Project::http(&url, &suite).run().exits(0);
    let requests = *limiter.requests.lock().unwrap();
    assert!(requests <= 10 + 8 + 5 + 2 * 4 + 3, "{requests} requests");
}

#[test]
fn every_broken_promise_is_told() {
    let cases: &[(Fault, &[&str])] = &[
        (
            Fault::Never,
            &["requests let through", "10 in 1s", "all 23 that were sent (23 × 200)"],
        ),
        (Fault::OneMore, &["requests let through", "seen: 11, then 429"]),
        (
            Fault::OneLess,
            &["requests let through", "seen: 9, then 429, in a window of its own"],
        ),
        (Fault::Unavailable, &["refusal: status", "expected: 429", "seen: 503"]),
        (Fault::Forbidden, &["requests let through", "10 × 200, 13 × 403"]),
        (Fault::NoRetryAfter, &["refusal: header Retry-After", "nothing there"]),
        (
            Fault::Escapes,
            &[
                "with made-up addresses in X-Forwarded-For",
                "200, 200, 200; without it 429",
                "trust this header",
            ],
        ),
        (
            Fault::NeverRecovers,
            &["after the window", "let through again", "429 after"],
        ),
        (
            Fault::Everyone,
            &["somebody else, at the same time", "let through", "lock all others out"],
        ),
        (
            Fault::Races,
            &["requests let through", "all 23 that were sent", "burst = 1 tells"],
        ),
        (Fault::StatesAnother, &["the limit that the answers state", "seen: 100"]),
        (Fault::Broken, &["refusal: status", "500"]),
    ];
    let runs: Vec<_> = cases
        .iter()
        .map(|(fault, said)| {
            (
                said,
                std::thread::spawn({
                    let fault = *fault;
                    move || run(fault, SUITE)
                }),
            )
        })
        .collect();
    for (said, run) in runs {
        run.join()
            .unwrap()
            .exits(1)
            .says(&["FAILED  rate_limit.per_user"])
            .says(said);
    }
}

#[test]
fn what_earlier_checks_have_spent_is_counted() {
    let suite = format!(
        "{SUITE}\n[http.one]\nget = \"/api/generate\"\nbearer = \"one\"\nexpect.status = 200\n[http.two]\nget = \"/api/generate\"\nbearer = \"one\"\nexpect.status = 200\n"
    );
    let (url, limiter) = server(Fault::None);
    Project::http(&url, &suite.replace("recovers = true", ""))
        .run()
        .exits(0);
    // Two of the checks, eight and what was under way, three and one: no second window was needed.
    let requests = *limiter.requests.lock().unwrap();
    assert!(requests < 2 + 8 + 8 + 5 + 1, "{requests} requests");
}

#[test]
fn what_nobody_knows_of_is_waited_out() {
    let project = Project::http(&server(Fault::None).0, &SUITE.replace("recovers = true", ""));
    project.run().exits(0);
    // The window of the run before is not over yet.
    project.run().exits(0).says(&["1 passed"]);
}

#[test]
fn the_budget_of_a_scope_is_shared() {
    let suite = SUITE.replace("recovers = true", "scope = \"/api\"");
    let suite = format!("{suite}\n[http.one]\nget = \"/api/other\"\nbearer = \"one\"\nexpect.status = 200\n");
    run(Fault::None, &suite).exits(0);
}

#[test]
fn without_leave_nothing_is_sent() {
    let (url, limiter) = server(Fault::None);
    let project = format!("[env.prod]\nsuites = [\"s\"]\nhttp = {url:?}\n");
    Project::new(&project)
        .suite("s", SUITE)
        .run()
        .exits(4)
        .says(&["does not allow: rate_limit.per_user (load)"]);
    assert_eq!(*limiter.requests.lock().unwrap(), 0);
}
