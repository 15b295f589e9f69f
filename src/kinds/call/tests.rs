//! What is said of calls, from made-up observations.

use serde_json::json;

use super::super::testing::{kind, lines, mistakes};
use super::*;

fn error(code: &str, message: &str) -> SqlError {
    SqlError {
        code: code.to_owned(),
        message: message.to_owned(),
        detail: None,
        hint: None,
    }
}

fn ended(rows: Value) -> Ended {
    Ended {
        rows: serde_json::from_value(rows).unwrap(),
        ..Ended::default()
    }
}

fn refused(code: &str, message: &str) -> Ended {
    Ended {
        error: Some(error(code, message)),
        ..Ended::default()
    }
}

fn calls(calls: Vec<Ended>) -> Seen {
    Seen {
        calls,
        ..Seen::default()
    }
}

#[test]
fn a_call_must_succeed_unless_an_error_is_expected() {
    let plain: Call = kind("call = 'select f()'");
    assert_eq!(
        lines(&plain.judge(&calls(vec![ended(json!([{ "f": 1 }]))]))),
        "passed call: expected no error, seen 1 row: [{\"f\":1}]\n"
    );
    let broken = refused("42702", "column reference \"window_end\" is ambiguous");
    assert_eq!(
        lines(&plain.judge(&calls(vec![broken]))),
        "failed call: expected no error, seen column reference \"window_end\" is ambiguous (42702)\n"
    );
    let refusing: Call = kind("call = 'select f()'\nexpect.error = { contains = 'insufficient' }");
    assert_eq!(
        lines(&refusing.judge(&calls(vec![refused("P0001", "insufficient credits")]))),
        "passed error: expected containing \"insufficient\", seen \"P0001 insufficient credits\"\n"
    );
    assert_eq!(
        lines(&refusing.judge(&calls(vec![ended(json!([{ "f": -1 }]))]))),
        "failed error: expected containing \"insufficient\", seen no error, but 1 row: [{\"f\":-1}]\n"
    );
}

#[test]
fn expectations_hold_for_the_last_call_only() {
    let twice: Call = kind("call = 'select f()'\ntimes = 2\nexpect.error = 'P0001 no'");
    let good = || ended(json!([{ "f": 1 }]));
    assert!(lines(&twice.judge(&calls(vec![good(), refused("P0001", "no")]))).starts_with("passed error"));
    assert_eq!(
        lines(&twice.judge(&calls(vec![refused("P0001", "no")]))),
        "failed call 1 of 2: expected no error before the last call, seen no (P0001)\n"
    );
}

#[test]
fn what_the_call_changed_is_looked_at() {
    let call: Call = kind("call = 'select f()'\nthen.'select 1' = 2\nthen.'select 2' = 2\nthen.'select 3' = 3");
    let seen = Seen {
        calls: vec![ended(json!([]))],
        then: vec![
            After::Value(json!(5)),
            After::Rows(0),
            After::Error(error("42P01", "no such table")),
        ],
        ..Seen::default()
    };
    assert_eq!(
        lines(&call.judge(&seen)),
        "passed call: expected no error, seen 0 rows: []\n\
         failed select 1: expected 2, seen 5\n\
         failed select 2: expected 2, seen 0 rows instead of one\n\
         failed select 3: expected 3, seen no such table (42P01) (try: was the migration applied to this database?)\n"
    );
}

#[test]
fn a_failing_arrangement_proves_nothing() {
    let call: Call = kind("given = ['insert into t values (1)']\ncall = 'select f()'");
    let seen = Seen {
        given_failed: Some((0, error("23505", "duplicate key"))),
        ..Seen::default()
    };
    assert_eq!(
        lines(&call.judge(&seen)),
        "unclear given: expected arranges what the call needs, seen duplicate key (23505)\n"
    );
}

#[test]
fn an_error_excludes_a_value() {
    assert_eq!(
        mistakes::<Call>("call = 'select f()'\nexpect.error = 'x'\nexpect.value = 1").len(),
        1
    );
    assert_eq!(
        mistakes::<Call>("call = 'select f()'\ntimes = 0"),
        ["`times` must be at least 1"]
    );
}
