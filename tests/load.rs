//! The kind `load` against a real server that can be slow, break or refuse when several come at once.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use support::{Project, Said, nobody, serve};

/// Answers after `millis`; with `status` once more than `room` are under way, or after `plan` requests in all.
#[derive(Clone, Copy)]
struct Server {
    millis: u64,
    room: usize,
    plan: usize,
    status: u16,
}

const GOOD: Server = Server {
    millis: 5,
    room: 100,
    plan: 1000,
    status: 503,
};

impl Server {
    fn serve(self) -> String {
        let counts: Arc<(AtomicUsize, AtomicUsize)> = Arc::default();
        serve(Router::new().fallback(move || {
            let counts = Arc::clone(&counts);
            async move {
                let under_way = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
                let all = counts.1.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_millis(self.millis)).await;
                counts.0.fetch_sub(1, Ordering::SeqCst);
                let refused = under_way > self.room || all > self.plan;
                StatusCode::from_u16(if refused { self.status } else { 200 }).unwrap()
            }
        }))
    }

    fn try_it(self, how: &str) -> Said {
        Project::http(&self.serve(), &format!("[load.tried]\nget = \"/\"\n{how}\n")).run()
    }
}

const MANY: &str = "requests = 60\nconcurrency = 6\nexpect = { errors = 0.0, p95 = \"2s\", throughput = 5 }";

#[test]
fn a_server_that_holds() {
    GOOD.try_it(MANY).exits(0);
    GOOD.try_it("rate = 50\nfor = \"300ms\"\nexpect.p99 = \"2s\"").exits(0);
}

#[test]
fn one_that_breaks_when_several_come_at_once() {
    Server { room: 2, ..GOOD }
        .try_it(MANY)
        .exits(1)
        .says(&["failed requests", "of 60", "× 503"]);
    // One at a time it holds.
    Server { room: 2, ..GOOD }.try_it(&MANY.replace('6', "1")).exits(0);
}

#[test]
fn one_that_is_slow() {
    let slow = Server { millis: 120, ..GOOD };
    slow.try_it("requests = 6\nexpect = { p50 = \"100ms\", throughput = 5000 }")
        .exits(1)
        .says(&["p50", "at most 100ms", "throughput", "at least 5000 a second"]);
    // At a rate it cannot keep up with, waiting counts: from when a request was due.
    slow.try_it("requests = 6\nconcurrency = 1\nrate = 100\nexpect.p95 = \"400ms\"")
        .exits(1)
        .says(&["p95"]);
    slow.try_it("requests = 500\nfor = \"200ms\"\nconcurrency = 2\nexpect.p95 = \"5s\"")
        .exits(3)
        .says(&["then the time was over"]);
}

#[test]
fn the_limit_of_a_plan_is_met() {
    let plan = "requests = 50\nconcurrency = 5\nexpect.refused = { status = [402, 403, 429], at_least = 1 }";
    Server {
        plan: 40,
        status: 402,
        ..GOOD
    }
    .try_it(plan)
    .exits(0);
    GOOD.try_it(plan).exits(1).says(&[
        "refused",
        "at least 1 with 402 or 403 or 429",
        "is the limit of this plan in force?",
    ]);
}

#[test]
fn nobody_there_is_unclear_and_load_needs_leave() {
    let suite = format!("[load.tried]\nget = \"/\"\n{MANY}\n");
    Project::http(&nobody(), &suite).run().exits(3);
    let project = Project::new(&format!("[env.prod]\nsuites = [\"s\"]\nhttp = {:?}\n", GOOD.serve()));
    project.suite("s", &suite).run().says(&["load.tried (load)"]);
}
