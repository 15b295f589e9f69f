use serde_json::json;

use super::super::testing::{kind, lines as shown, mistakes};
use super::*;

fn ended(stdout: &str) -> Ended {
    Ended {
        code: Some(0),
        stdout: stdout.to_owned(),
        took_ms: 40.0,
        ..Ended::default()
    }
}

fn judged(expect: &str, seen: &Ended) -> String {
    let command: Command = kind(&format!("run = ['x']\n{expect}"));
    shown(&command.judge(seen))
}

#[test]
fn without_more_the_exit_code_must_be_0() {
    assert_eq!(judged("", &ended("")), "passed exit code: expected 0, seen 0\n");
    let failed = Ended {
        code: Some(3),
        stderr: "\u{1b}[31mError: no access token\u{1b}[0m\n".to_owned(),
        ..ended("partly")
    };
    assert_eq!(
        judged("expect.json.'$.a' = 1", &failed),
        "failed exit code: expected 0, seen 3: Error: no access token\n"
    );
    assert!(judged("expect.exit = { one_of = [0, 3] }", &failed).starts_with("passed exit code"));
    let killed = Ended {
        code: None,
        ..ended("")
    };
    assert!(judged("", &killed).contains("seen a signal ended it"));
    assert!(judged("expect.exit = { lt = 2 }", &killed).starts_with("failed exit code"));
}

#[test]
fn json_is_looked_into() {
    let status = ended(r#"{ "Machines": [{ "state": "started" }, { "state": "stopped" }] }"#);
    assert_eq!(
        judged("expect.json.'$.Machines[*].state' = { every = 'started' }", &status),
        "passed exit code: expected 0, seen 0\n\
         failed $.Machines[*].state: expected every item \"started\", seen [\"started\",\"stopped\"]\n"
    );
    assert!(
        judged(
            "expect.json.'$.Machines' = { every = { exists = true } }",
            &ended(r#"{"Machines":[]}"#)
        )
        .contains("unclear")
    );
    assert!(
        judged("expect.json.'$.a' = 1", &ended("Logged in.\n"))
            .contains("failed $.a: expected a JSON document, seen no JSON")
    );
    assert!(judged("expect.json.'$.a' = 1", &ended("")).contains("seen it wrote nothing"));
}

#[test]
fn a_table_is_a_list_of_rows() {
    let command: Command = kind("run = ['x']\noutput = 'table'");
    let of = |text: &str| command.document(&ended(text));
    assert_eq!(
        of("SERVICE   STATE    LAST SEEN\nbackend   RUNNING  3 s ago\nworker             9 s ago\n").unwrap(),
        json!([
            { "service": "backend", "state": "RUNNING", "last_seen": "3 s ago" },
            { "service": "worker", "state": "", "last_seen": "9 s ago" },
        ])
    );
    assert_eq!(
        of("┌────┬───────┐\n│ ID │ STATE │\n├────┼───────┤\n│  1 │ up    │\n└────┴───────┘\n").unwrap(),
        json!([{ "id": "1", "state": "up" }])
    );
    assert_eq!(of("NAME\tAGE\nx\t5\n").unwrap(), json!([{ "name": "x", "age": "5" }]));
    assert_eq!(of("NAME  AGE\n").unwrap(), json!([]));
    assert!(of("").is_err());
    assert!(of("Error: not logged in\n").unwrap_err().contains("not logged in"));
}

#[test]
fn lines_are_a_list() {
    let seen = ended("one\n\n  two  \n");
    assert!(judged("expect.lines = { len = 2 }", &seen).contains("passed lines"));
    assert!(judged("output = 'lines'\nexpect.json.'$[1]' = '  two'", &seen).contains("passed $[1]"));
    assert!(judged("expect.lines = { every = { lacks = 'x' } }", &ended("")).contains("unclear lines"));
}

#[test]
fn silence_and_half_an_output_prove_nothing() {
    assert_eq!(
        judged("expect.stdout = { lacks = 'error' }", &ended("\n")),
        "passed exit code: expected 0, seen 0\n\
         unclear stdout: expected without \"error\", seen it wrote nothing, so this proves nothing\n"
    );
    assert!(judged("expect.lines = { lacks = 'error' }", &ended("")).contains("unclear lines"));
    assert!(judged("expect.lines = { not = { contains = 'down' } }", &ended("")).contains("unclear lines"));
    assert!(judged("expect.lines = { len = 0 }", &ended("")).contains("passed lines"));
    assert!(judged("expect.stdout = { empty = true }", &ended("")).contains("passed stdout"));
    assert!(judged("expect.stdout = ''", &ended("")).contains("passed stdout"));
    assert!(judged("expect.stdout = { contains = 'ok' }", &ended("")).contains("failed stdout"));
    let cut = Ended {
        cut: true,
        ..ended("fine")
    };
    assert!(judged("expect.stdout = { lacks = 'error' }", &cut).contains("unclear stdout"));
}

#[test]
fn it_may_take_only_so_long() {
    assert!(judged("expect.within = '40ms'", &ended("")).contains("passed time: expected within 40ms, seen 40 ms"));
    assert!(judged("expect.within = '39ms'", &ended("")).contains("failed time"));
}

#[test]
fn there_is_no_shell() {
    assert_eq!(mistakes::<Command>("run = []"), ["there is no program to run"]);
    assert_eq!(
        mistakes::<Command>("run = ['flyctl status --json']"),
        ["there is no shell that would split this"]
    );
    assert_eq!(
        mistakes::<Command>("run = ['x']\noutput = 'text'\nexpect.json.'$.a' = 1"),
        ["output = \"text\" has no JSON to look into"]
    );
    assert!(mistakes::<Command>("run = ['x']").is_empty());
}
