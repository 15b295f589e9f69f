//! The kind `job` against a real server whose worker can be dead, stuck, or lie.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use support::{Project, Said, serve};

#[derive(Clone, Copy, PartialEq)]
enum Worker {
    Good,
    Dead,
    /// It was done long ago, and is never done again.
    Retired,
    Stuck,
    Lies,
    Fails,
}

/// A job is queued for 100 ms, and worked on for 100 ms more.
fn api(worker: Worker) -> String {
    let submitted: Arc<Mutex<Option<Instant>>> = Arc::default();
    let clock = Arc::clone(&submitted);
    let submit = move || async move {
        *clock.lock().unwrap() = Some(Instant::now());
        let location = [(header::LOCATION, "/jobs/7")];
        (StatusCode::ACCEPTED, location, "{\"job\":{\"id\":7}}")
    };
    let show = move |uri: Uri| async move { shown(worker, &uri, *submitted.lock().unwrap()) };
    serve(
        Router::new()
            .route("/jobs", post(submit))
            .route("/jobs/{*rest}", get(show)),
    )
}

fn shown(worker: Worker, uri: &Uri, submitted: Option<Instant>) -> Response {
    let age = submitted.map(|at| at.elapsed()).unwrap_or_default();
    let state = match worker {
        Worker::Dead => "queued",
        Worker::Retired => "completed",
        _ if age < Duration::from_millis(100) => "queued",
        Worker::Stuck => "processing",
        _ if age < Duration::from_millis(200) => "processing",
        Worker::Fails => "failed",
        Worker::Good | Worker::Lies => "completed",
    };
    let words = if matches!(worker, Worker::Good | Worker::Retired) && state == "completed" {
        "5"
    } else {
        "null"
    };
    match uri.path() {
        "/jobs/7" => format!("{{\"status\":\"{state}\",\"words\":{words}}}").into_response(),
        "/jobs/7/result" => format!("[{words}]").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn try_it(worker: Worker, more: &str) -> Said {
    let suite = format!(
        "[job.count]\npost = \"/jobs\"\njson = {{ text = \"a b c d e\" }}\nsubmit = 202\nevery = \"20ms\"\nwithin = \"600ms\"\n{more}"
    );
    Project::http(&api(worker), &suite).run()
}

const POLL: &str = "id = \"$.job.id\"\npoll = \"/jobs/{id}\"\nexpect.json.\"$.words\" = 5\n";

#[test]
fn a_job_that_is_done_with_the_right_result() {
    try_it(Worker::Good, POLL).exits(0);
    // By the Location header, and with a result of its own; a later check uses the id.
    try_it(Worker::Good, "expect.json.\"$.words\" = 5\n").exits(0);
    let result = "id = \"$.job.id\"\npoll = \"/jobs/{id}\"\nresult = \"/jobs/{id}/result\"\nexpect.json.\"$[0]\" = 5\n\
                  [http.later]\nget = \"/jobs/{{ count.id }}\"\nexpect.status = 200\n";
    try_it(Worker::Good, result).exits(0);
}

#[test]
fn a_dead_worker_a_stuck_one_a_failing_one_and_one_that_lies() {
    try_it(Worker::Dead, POLL).exits(1).says(&[
        "end of the job",
        "done within 600ms",
        "and still is",
        "nobody took it",
    ]);
    try_it(Worker::Stuck, POLL)
        .exits(1)
        .says(&["processing for", "it was taken and not finished"]);
    try_it(Worker::Fails, POLL).exits(1).says(&["failed after"]);
    try_it(Worker::Lies, POLL)
        .exits(1)
        .says(&["$.words", "seen: null", "the job is done"]);
}

#[test]
fn an_end_from_before_the_submission_is_none() {
    let of_resource = "poll = \"/jobs/7\"\nexpect.json.\"$.words\" = 5\n";
    try_it(Worker::Good, of_resource).exits(0);
    try_it(Worker::Retired, of_resource)
        .exits(3)
        .says(&["the answer is still the one from before the submission"]);
}

#[test]
fn credentials_stay_with_the_host_that_they_are_for() {
    let other = serve(Router::new().route(
        "/jobs/7",
        get(|headers: HeaderMap| async move {
            format!(
                "{{\"status\":\"done\",\"knows\":{}}}",
                headers.contains_key(header::AUTHORIZATION)
            )
        }),
    ));
    let away = format!("{other}/jobs/7");
    let submit = move || async move { (StatusCode::ACCEPTED, [(header::LOCATION, away)]) };
    let suite = "[job.away]\npost = \"/jobs\"\nbearer = \"a-token\"\nexpect.json.\"$.knows\" = false\n";
    Project::http(&serve(Router::new().route("/jobs", post(submit))), suite)
        .run()
        .exits(0);
}

#[test]
fn an_answer_without_what_was_promised() {
    try_it(Worker::Good, &POLL.replace("$.job.id", "$.id"))
        .exits(1)
        .says(&["id of the job, $.id"]);
    try_it(Worker::Good, &POLL.replace("/jobs/{id}", "/tasks/{id}"))
        .exits(1)
        .says(&["asked for the job: 404"]);
    try_it(Worker::Good, &format!("state = \"$.state\"\n{POLL}"))
        .exits(1)
        .says(&["no state at $.state"]);
}

#[test]
fn done_alone_is_not_enough_and_it_needs_leave_to_write() {
    let said = try_it(
        Worker::Good,
        &POLL.replace("expect.json.\"$.words\" = 5", "expect.status = 200"),
    );
    said.exits(2);
    assert!(said.stderr.contains("says nothing of what it did"), "{}", said.stderr);
    let suite = format!("[job.count]\npost = \"/jobs\"\n{POLL}");
    let project = Project::new(&format!(
        "[env.prod]\nsuites = [\"s\"]\nhttp = {:?}\n",
        api(Worker::Good)
    ));
    project.suite("s", &suite).run().says(&["job.count (write)"]);
}
