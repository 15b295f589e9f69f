//! The kind `rate_limit` against a real limiter: each promise kept once and broken once.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use support::{Project, Said, serve};

const WINDOW: Duration = Duration::from_millis(800);

/// A fixed-window limiter of five requests, and what is wrong with it.
#[derive(Clone, Copy)]
struct Limiter {
    limit: u32,
    status: u16,
    retry_after: bool,
    headers: bool,
    trusts_forwarded_for: bool,
    one_for_all: bool,
    ends: bool,
    /// How many instances count for themselves.
    instances: u32,
}

const GOOD: Limiter = Limiter {
    limit: 5,
    status: 429,
    retry_after: true,
    headers: false,
    trusts_forwarded_for: false,
    one_for_all: false,
    ends: true,
    instances: 1,
};

type Counts = Arc<Mutex<HashMap<String, (u32, Instant)>>>;

impl Limiter {
    fn serve(self) -> String {
        let answer =
            move |State(counts): State<Counts>, request: Request| async move { self.answer(&counts, &request) };
        serve(Router::new().fallback(answer).with_state(Counts::default()))
    }

    fn answer(self, counts: &Counts, request: &Request) -> Response {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let mut key = if self.one_for_all {
            String::new()
        } else {
            header("authorization").to_owned()
        };
        if self.trusts_forwarded_for {
            key += header("x-forwarded-for");
        }
        let mut counts = counts.lock().unwrap();
        let entry = counts.entry(key).or_insert((0, Instant::now()));
        if self.ends && entry.1.elapsed() >= WINDOW {
            *entry = (0, Instant::now());
        }
        entry.0 += 1;
        let allowed = self.limit * self.instances;
        let refused = entry.0 > allowed;
        let status = StatusCode::from_u16(if refused { self.status } else { 200 }).unwrap();
        let mut response = (status, "{\"error\":\"too many\"}").into_response();
        let mut set = |name: &'static str, value: u32| response.headers_mut().insert(name, value.into());
        if self.retry_after && refused {
            set("retry-after", 1);
        }
        if self.headers {
            set("ratelimit-limit", self.limit);
            set("ratelimit-remaining", allowed.saturating_sub(entry.0));
        }
        response
    }

    fn try_it(self, more: &str) -> Said {
        let suite = format!(
            "[rate_limit.tried]\npost = \"/generate\"\nbearer = \"alice\"\nlimit = 5\nper = \"800ms\"\nburst = 4\n\
             other = {{ bearer = \"bob\" }}\nexpect.headers.Retry-After = \"1\"\nexpect.json.\"$.error\" = \"too many\"\n{more}"
        );
        Project::http(&self.serve(), &suite).run()
    }
}

#[test]
fn a_limit_that_holds() {
    GOOD.try_it("").exits(0);
    Limiter { headers: true, ..GOOD }.try_it("").exits(0);
}

#[test]
fn one_that_trips_too_late_too_early_or_never() {
    Limiter { limit: 6, ..GOOD }
        .try_it("")
        .exits(1)
        .says(&["5 requests", "6 requests, then 429", "one too many"]);
    Limiter { limit: 4, ..GOOD }
        .try_it("")
        .exits(1)
        .says(&["4 requests, then 429"]);
    Limiter { limit: 1000, ..GOOD }
        .try_it("")
        .exits(1)
        .says(&["no 429 in 10 requests"]);
}

#[test]
fn each_instance_counts_for_itself() {
    let said = Limiter { instances: 2, ..GOOD }.try_it("");
    said.exits(1).says(&["no 429 in 10 requests"]);
}

#[test]
fn the_refusal_is_as_documented() {
    Limiter { status: 503, ..GOOD }
        .try_it("")
        .exits(1)
        .says(&["no server error under the burst"]);
    Limiter {
        retry_after: false,
        ..GOOD
    }
    .try_it("")
    .exits(1)
    .says(&["header Retry-After", "nothing there"]);
}

#[test]
fn a_rotating_forwarded_for_does_not_escape_it() {
    let said = Limiter {
        trusts_forwarded_for: true,
        ..GOOD
    }
    .try_it("");
    said.exits(1)
        .says(&["with made-up values of X-Forwarded-For", "3 of 3 let through"]);
    Limiter {
        trusts_forwarded_for: true,
        ..GOOD
    }
    .try_it("spoof = []\n")
    .exits(0);
}

#[test]
fn another_identity_is_not_affected_and_the_window_ends() {
    Limiter {
        one_for_all: true,
        ..GOOD
    }
    .try_it("")
    .exits(1)
    .says(&["somebody else, meanwhile"]);
    Limiter { ends: false, ..GOOD }
        .try_it("")
        .exits(1)
        .says(&["let through again", "does the counter have a time to live?"]);
}

#[test]
fn what_earlier_checks_spent_is_counted() {
    let suite = r#"
[http.first]
post = "/generate"
bearer = "alice"
expect.status = 200
[http.someone_else]
post = "/generate"
bearer = "bob"
expect.status = 200
[rate_limit.tried]
post = "/generate"
bearer = "alice"
limit = 5
per = "800ms"
recovers = false
"#;
    let said = Project::http(&GOOD.serve(), suite).run();
    said.exits(0);
    // The same budget, all of it spent before.
    let first: String = (0..5)
        .map(|n| format!("[http.c{n}]\npost = \"/generate\"\nbearer = \"alice\"\nexpect.status = 200\n"))
        .collect();
    let limit = "[rate_limit.tried]\npost = \"/generate\"\nbearer = \"alice\"\nlimit = 5\nper = \"800ms\"\n";
    Project::http(&GOOD.serve(), &format!("{first}{limit}"))
        .run()
        .exits(3)
        .says(&["the run had sent 5 requests"]);
}

#[test]
fn load_needs_leave() {
    let url = GOOD.serve();
    let suite =
        "[rate_limit.tried]\nget = \"/\"\nlimit = 5\nper = \"800ms\"\n[http.a]\nget = \"/\"\nexpect.status = 200\n";
    let project = Project::new(&format!("[env.prod]\nsuites = [\"s\"]\nhttp = {url:?}\n")).suite("s", suite);
    project
        .run()
        .exits(0)
        .says(&["that this environment does not allow: rate_limit.tried (load)"]);
}
