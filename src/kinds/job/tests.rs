use super::super::testing::{kind, lines, mistakes};
use super::*;

const CHECK: &str = "post = \"/jobs\"\nid = \"$.id\"\npoll = \"/jobs/{id}\"\nexpect.json.\"$.words\" = 5\n";

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        body: body.to_owned(),
        ..Response::default()
    }
}

fn went(states: &[(&str, u64)], last: &str) -> Seen {
    let step = |(state, at_millis): &(&str, u64)| Step {
        state: (*state).to_owned(),
        at_millis: *at_millis,
    };
    Seen {
        submitted: response(202, "{\"id\":7}"),
        id: Some("7".to_owned()),
        states: states.iter().map(step).collect(),
        last: Some(response(200, last)),
        took_millis: 900,
        ..Seen::default()
    }
}

fn judged(seen: &Seen) -> String {
    lines(&kind::<Job>(CHECK).judge(seen))
}

#[test]
fn done_with_the_right_result_and_how_long_it_took() {
    let seen = went(
        &[("queued", 10), ("processing", 200), ("Completed", 900)],
        "{\"words\":5}",
    );
    let said = judged(&seen);
    assert!(
        said.contains("seen queued for 200 ms, processing for 700 ms, Completed after 900 ms"),
        "{said}"
    );
    assert!(!said.contains("failed"), "{said}");
}

#[test]
fn done_is_not_success() {
    let said = judged(&went(&[("completed", 900)], "{\"words\":null}"));
    assert!(
        said.contains("failed $.words: expected 5, seen null (try: the job is done, and"),
        "{said}"
    );
}

#[test]
fn never_taken_is_told_from_never_finished_failed_and_refused() {
    assert!(
        judged(&went(&[("queued", 1)], "{}")).contains("seen queued for 900 ms, and still is (try: nobody took it")
    );
    let stuck = judged(&went(&[("queued", 1), ("active", 5)], "{}"));
    assert!(stuck.contains("(try: it was taken and not finished"), "{stuck}");
    assert!(
        judged(&went(&[("failed", 9)], "{\"error\":\"no key\"}")).contains("failed after 9 ms: {\"error\":\"no key\"}")
    );
    let mut refused = went(&[], "");
    refused.submitted.status = 503;
    assert!(judged(&refused).starts_with("failed submission: expected 2xx, seen 503"));
    let mut lost = went(&[("queued", 1)], "");
    lost.error = Some("connection refused".to_owned());
    assert!(judged(&lost).contains("unclear end of the job"));
}

#[test]
fn mistakes_say_what_to_write() {
    let wrong = |from: &str, to: &str| mistakes::<Job>(&CHECK.replace(from, to));
    assert!(wrong("", "").is_empty());
    assert_eq!(wrong("/{id}", ""), ["the path does not say where the job's id goes"]);
    assert_eq!(wrong("id = \"$.id\"\n", "").len(), 1);
    let of_another = CHECK.replace("id = \"$.id\"\n", "").replace("/{id}", "/sync");
    assert!(mistakes::<Job>(&of_another).is_empty());
    assert_eq!(
        wrong("expect.json.\"$.words\" = 5", "expect.status = 200"),
        ["that a job has ended says nothing of what it did"]
    );
}
