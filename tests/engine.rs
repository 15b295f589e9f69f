//! How checks are run: order, attempts, deadlines, gates, clean-up, interrupts, exit codes.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use insta::assert_snapshot;
use serde_json::{Value, json};
use support::{Project, Said, has_ended, nobody, serve, until};

/// Standard output without what differs from run to run: times, ports, and which check was the slowest.
fn stable(said: &Said) -> String {
    let time = regex::Regex::new(r"\d+(\.\d+)? (ms|s)\b").unwrap();
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let slowest = regex::Regex::new(r"(?m)^slowest .*$").unwrap();
    let text = time.replace_all(&said.stdout, "TIME");
    let text = port.replace_all(&text, "HOST");
    slowest.replace_all(&text, "slowest …").into_owned()
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn captures_flow_and_a_failed_check_skips_what_needs_it() {
    let router = Router::new()
        .route(
            "/token",
            get(|| async { Json(json!({ "data": { "token": "t-123", "ids": [7, 8] } })) }),
        )
        .route(
            "/item/{id}",
            get(|Path(id): Path<u32>| async move { Json(json!({ "id": id })) }),
        )
        .route("/broken", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "boom") }));
    let suite = r#"
title = "Items"
[http.token]
title = "There is a token"
get = "/token"
expect.json."$.data.ids" = { len = 2 }
capture.first = "$.data.ids[0]"

[http.item]
title = "The first item is there"
get = "/item/{{ token.first }}"
expect.json."$.id" = "{{ token.first }}"

[http.broken]
title = "The list of items"
get = "/broken"
expect.status = 200
capture.id = "$.id"

[http.after]
get = "/item/{{ broken.id }}"
expect.status = 200

[http.after_that]
get = "/item/1"
needs = ["after"]
expect.status = 200
"#;
    let said = Project::http(&serve(router), suite).run();
    said.exits(1);
    assert_snapshot!(stable(&said));
}

#[test]
fn a_retry_is_recorded_and_passing_late_is_flaky() {
    let counter = Counter::default();
    let answer = |State(counter): State<Counter>| async move {
        if counter.next() < 3 {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        }
    };
    let router = Router::new().route("/", get(answer)).with_state(counter.clone());
    let suite = "[http.late]\nget = \"/\"\nexpect.status = 200\nretry = { times = 5, every = \"10ms\" }\n";
    let project = Project::http(&serve(router), suite);
    let said = project.run();
    said.exits(0).says(&["1 passed", "flaky"]);
    assert_eq!(counter.count(), 3);
    assert!(
        project.read("reports/prod/junit.xml").contains("attempt 2"),
        "{}",
        project.read("reports/prod/junit.xml")
    );
}

#[test]
fn refused_connections_are_retried_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let suite = "[http.late]\nget = \"/\"\nexpect.status = 200\nretry = { for = \"20s\", every = \"50ms\" }\n";
    let project = Project::http(&format!("http://{address}"), suite);
    let child = project
        .command(&["run", "prod"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It may try once or more before anyone listens; if it gave up at the first refusal it would fail.
    let listener = std::net::TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming().take(3) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
}

#[test]
fn what_cannot_be_observed_is_unclear() {
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\n";
    let said = Project::http(&nobody(), suite).run();
    said.exits(3);
    assert_snapshot!(stable(&said));
}

#[test]
fn a_server_that_hangs_is_given_up_after_the_timeout() {
    let router = Router::new().route("/", get(|| async { std::future::pending::<()>().await }));
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\ntimeout = \"100ms\"\n";
    let said = Project::http(&serve(router), suite).run();
    said.exits(3).says(&["no answer within 100ms"]);
}

#[test]
fn the_deadline_of_the_run_ends_everything() {
    let router = Router::new().route("/", get(|| async { std::future::pending::<()>().await }));
    let suite =
        "[http.a]\nget = \"/\"\nexpect.status = 200\n[http.b]\nget = \"/\"\nneeds = [\"a\"]\nexpect.status = 200\n";
    let project = Project::http(&serve(router), suite);
    let begun = Instant::now();
    let said = project.smoke(&["run", "prod", "--deadline", "200ms"]);
    said.exits(3).says(&["the run's deadline"]);
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "the timeout of the check is 10 s"
    );
}

#[test]
fn the_deadline_of_the_run_ends_a_load_too() {
    let router = Router::new().route("/", get(|| async { "ok" }));
    let suite = "[load.long]\nget = \"/\"\nrate = 20\nfor = \"60s\"\nexpect.errors = 0.5\n";
    let begun = Instant::now();
    let said = Project::http(&serve(router), suite).smoke(&["run", "prod", "--deadline", "300ms"]);
    said.exits(3).says(&["the run's deadline"]);
    assert!(begun.elapsed() < Duration::from_secs(30), "the load would last 60 s");
}

/// Answers with the old and the new version in turns, `turns` times, then with the new one.
fn rolling(turns: usize) -> Router {
    let answer = move |State(counter): State<Counter>| async move {
        let n = counter.next();
        let version = if n <= turns && n % 2 == 1 { "old" } else { "new" };
        Json(json!({ "version": version }))
    };
    Router::new()
        .route("/health", get(answer))
        .with_state(Counter::default())
}

#[test]
fn the_gate_waits_until_the_new_release_is_stable() {
    let suite = r#"
[ready.api]
get = "/health"
expect.json."$.version" = "new"
for = "10s"
every = "5ms"
stable = 3
[http.version]
get = "/health"
expect.json."$.version" = "new"
"#;
    Project::http(&serve(rolling(9)), suite)
        .run()
        .exits(0)
        .says(&["2 passed"]);
}

#[test]
fn a_gate_that_stays_shut_skips_everything_and_exits_3() {
    let suite = r#"
[ready.api]
get = "/health"
expect.json."$.version" = "new"
for = "60ms"
every = "10ms"
stable = 3
[http.a]
get = "/health"
expect.status = 200
[http.b]
get = "/health"
needs = ["a"]
expect.status = 200
"#;
    let said = Project::http(&serve(rolling(100_000)), suite).run();
    said.exits(3).says(&["UNCLEAR ready.api", "2 skipped"]);
}

/// Items that can be made and removed; tells how many there are.
fn items() -> (Router, Counter, Counter) {
    let (made, removed) = (Counter::default(), Counter::default());
    let make = |State((made, _)): State<(Counter, Counter)>| async move { Json(json!({ "id": made.next() })) };
    let remove = |State((_, removed)): State<(Counter, Counter)>, Path(_): Path<u32>| async move {
        removed.next();
        StatusCode::NO_CONTENT
    };
    let router = Router::new()
        .route("/items", post(make))
        .route("/items/{id}", get(|| async { "x" }).delete(remove))
        .route("/hang", get(|| async { std::future::pending::<()>().await }))
        .with_state((made.clone(), removed.clone()));
    (router, made, removed)
}

const ITEM: &str = r#"
[http.item]
post = "/items"
expect.status = 200
capture.id = "$.id"
finally = [{ delete = "/items/{{ item.id }}" }]

[http.used]
get = "/items/{{ item.id }}"
expect.body = "y"
"#;

#[test]
fn what_a_check_creates_it_removes_also_after_a_failure() {
    let (router, made, removed) = items();
    let said = Project::http(&serve(router), ITEM).run();
    said.exits(1).says(&["http.item finally 1"]);
    assert_eq!((made.count(), removed.count()), (1, 1));
}

#[test]
fn an_environment_that_allows_reads_only_is_not_written_to() {
    let (router, made, removed) = items();
    let url = serve(router);
    let project = Project::new(&format!("[env.prod]\nsuites = [\"s\"]\nhttp = {url:?}\n")).suite("s", ITEM);
    let said = project.run();
    said.exits(4);
    assert_eq!((made.count(), removed.count()), (0, 0));
    assert_snapshot!(stable(&said));
}

#[cfg(unix)]
#[test]
fn an_interrupt_cleans_up_writes_the_reports_and_exits_130() {
    let (router, _, removed) = items();
    let suite =
        format!("{ITEM}\n[http.hang]\nget = \"/hang\"\nneeds = [\"item\"]\ntimeout = \"60s\"\nexpect.status = 200\n");
    let project = Project::http(&serve(router), &suite);
    let mut child = project
        .command(&["run", "prod"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The line of `http.item` is printed once it is done; then `http.hang` is under way.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    lines
        .find(|line| line.as_ref().unwrap().contains("http.used"))
        .unwrap()
        .unwrap();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert_eq!(removed.count(), 1);
    assert!(project.read("reports/prod/junit.xml").contains("http"));
}

/// A program that runs until it is ended, and writes the id of what it has started.
const ENDLESS: &str =
    "[command.tool]\nrun = [\"sh\", \"-c\", \"sleep 60 & echo $! > started; wait\"]\ntimeout = \"60s\"\n";

/// Asks smoke to end until it does; what its check has started ends with it. The exit code is that of an interrupt.
fn interrupted_ends_the_program(arguments: &[&str]) {
    let project = Project::prod("", ENDLESS);
    let mut smoke = project
        .command(arguments)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let started = project.file("started");
    until("the program starts", || {
        std::fs::read_to_string(&started).is_ok_and(|id| id.ends_with('\n'))
    });
    until("smoke ends", || {
        let id = smoke.id().to_string();
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap();
        smoke.try_wait().unwrap().is_some()
    });
    assert_eq!(smoke.wait().unwrap().code(), Some(130));
    until("the program ends", || has_ended(&started));
}

#[test]
fn a_second_interrupt_ends_at_once_with_the_programs_that_run() {
    interrupted_ends_the_program(&["run", "prod"]);
}

#[test]
fn an_interrupt_ends_the_harness_with_the_programs_that_run() {
    interrupted_ends_the_program(&["libtest", "prod"]);
}

#[test]
fn fail_fast_starts_nothing_after_a_failure() {
    let counter = Counter::default();
    let answer = |State(counter): State<Counter>| async move {
        counter.next();
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let router = Router::new().route("/", get(answer)).with_state(counter.clone());
    let checks: Vec<String> = (0..9)
        .map(|n| format!("[http.c{n}]\nget = \"/\"\nexpect.status = 200\n"))
        .collect();
    let project = Project::http(&serve(router), &checks.concat());
    project
        .smoke(&["run", "prod", "--fail-fast", "--jobs", "1"])
        .exits(1)
        .says(&["1 failed", "8 skipped"]);
    assert_eq!(counter.count(), 1);
}

#[test]
fn checks_run_side_by_side_up_to_the_number_of_jobs() {
    let (now, most) = (Counter::default(), Counter::default());
    let answer = |State((now, most)): State<(Counter, Counter)>| async move {
        let here = now.next();
        most.0.fetch_max(here, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(30)).await;
        now.0.fetch_sub(1, Ordering::SeqCst);
    };
    let router = Router::new().route("/", get(answer)).with_state((now, most.clone()));
    let checks: Vec<String> = (0..20)
        .map(|n| format!("[http.c{n}]\nget = \"/\"\nexpect.status = 200\n"))
        .collect();
    let project = Project::http(&serve(router), &checks.concat());
    project.smoke(&["run", "prod", "--jobs", "4"]).exits(0);
    assert_eq!(most.count(), 4);
}

#[test]
fn each_makes_one_check_per_value() {
    let router = Router::new().route(
        "/{w}/{h}",
        get(|Path((w, h)): Path<(u32, u32)>| async move { Json(json!({ "w": w, "h": h })) }),
    );
    let suite = r#"
[http.size]
title = "Size {{ size.w }} by {{ size.h }}"
each.size = [{ w = 832, h = 1216, name = "portrait" }, { w = 1024, h = 1024, name = "square" }]
get = "/{{ size.w }}/{{ size.h }}"
expect.json."$.w" = "{{ size.w }}"
expect.json."$.h" = { ge = "{{ size.h }}" }
"#;
    let said = Project::http(&serve(router), suite).run();
    said.exits(0).says(&[
        "http.size[portrait]   Size 832 by 1216",
        "http.size[square]     Size 1024 by 1024",
    ]);
}

#[test]
fn when_skip_and_severity() {
    let router = Router::new().route("/", get(|| async { Json(json!({ "billing": false })) }));
    let suite = r#"
vars.late = false
[http.flags]
get = "/"
expect.status = 200
capture.billing = "$.billing"
[http.old]
when = "{{ late }}"
get = "/"
expect.status = 200
[http.later]
when = "{{ flags.billing }}"
get = "/"
expect.status = 200
[http.not_yet]
skip = "waits for the new provider"
get = "/"
expect.status = 200
[http.slow]
severity = "warn"
get = "/"
expect.status = 201
"#;
    let said = Project::http(&serve(router), suite).run();
    said.exits(0);
    assert_snapshot!(stable(&said));
}

#[test]
fn what_a_check_needs_is_not_run_where_the_check_is_left_out() {
    let router = Router::new().route("/", get(|| async { "ok" }));
    let suite = "[login.user]\npost = \"/\"\njson = { email = \"a\", password = \"b\" }\nexpect.status = 200\n\
                 [http.a]\nneeds = [\"user\"]\nget = \"/\"\nexpect.status = 200\n";
    let said = Project::http(&serve(router), suite).smoke(&["run", "prod", "--only", "http.*", "--skip", "http.*"]);
    said.exits(4).says(&["1 check: 1 skipped", "nothing was verified"]);
}

#[test]
fn what_only_warns_stops_nothing_that_needs_it() {
    let router = Router::new().route("/", get(|| async { r#"{"id": 7}"# })).route(
        "/things/{id}",
        get(|Path(id): Path<String>| async move { format!("thing {id}") }),
    );
    let suite = r#"
[http.first]
severity = "warn"
get = "/"
expect.status = 201
capture.id = "$.id"
[http.second]
get = "/things/{{ first.id }}"
expect.body = "thing 7"
[http.nothing]
severity = "warn"
get = "/things/1"
expect.status = 200
capture.id = "$.id"
[http.third]
get = "/things/{{ nothing.id }}"
expect.body = "thing 7"
"#;
    let said = Project::http(&serve(router), suite).run();
    said.exits(3).says(&[
        "warning  http.first",
        "passed   http.second",
        "unclear  http.third",
        "nothing.id",
    ]);
}

#[test]
fn a_report_that_cannot_be_written_is_not_green() {
    let router = Router::new().route("/", get(|| async { "ok" }));
    let project = Project::http(&serve(router), "[http.a]\nget = \"/\"\nexpect.status = 200\n");
    std::fs::write(project.file("taken"), "").unwrap();
    let said = project.smoke(&[
        "run",
        "prod",
        "--report",
        "junit=taken/junit.xml",
        "--report",
        "json=run.json",
    ]);
    said.exits(2);
    assert!(said.stderr.contains("taken/junit.xml"), "{}", said.stderr);
    let run: Value = serde_json::from_str(&project.read("run.json")).unwrap();
    assert_eq!(run["counts"]["passed"], 1);
}

#[test]
fn json_holds_the_whole_run() {
    let router = Router::new().route("/", get(|| async { "hello" }));
    let project = Project::http(&serve(router), "[http.a]\nget = \"/\"\nexpect.body = \"hell\"\n");
    project.smoke(&["run", "prod", "--report", "json"]).exits(1);
    let run: Value = serde_json::from_str(&project.read("reports/prod/run.json")).unwrap();
    let outcome = &run["run"]["outcomes"][0];
    assert_eq!(outcome["verdict"], "failed");
    assert_eq!(outcome["observation"]["response"]["body"], "hello");
    assert_eq!(outcome["findings"][1]["place"]["line"], 3);
}
