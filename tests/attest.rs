//! `attest`, through the binary.

mod support;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use support::{Project, Said};

fn run(check: &str) -> Said {
    let suite = format!("[attest.restore]\ntitle = \"A backup was restored\"\n{check}");
    Project::new("[env.prod]\nsuites = [\"s\"]\n").suite("s", &suite).run()
}

/// The day `days` ago.
fn ago(days: i64) -> String {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    today.checked_sub(days.days()).unwrap().to_string()
}

#[test]
fn it_passes_while_it_counts() {
    run(&format!("by = \"Ana\"\nverified = {}\nvalid_for = \"90d\"", ago(10))).exits(0);
    run(&format!(
        "by = \"Ana\"\nverified = \"{}\"\nuntil = {}",
        ago(10),
        ago(-1)
    ))
    .exits(0);
}

#[test]
fn expired_it_fails_and_unverified_it_is_unclear() {
    let check = format!("by = \"Ana\"\nverified = {}\nvalid_for = \"90d\"", ago(100));
    run(&check).exits(1).says(&[
        "FAILED  attest.restore",
        "suites/s.toml:4",
        "by Ana on",
        "expired 10 days ago",
        "verify it again",
    ]);
    run("by = \"\"\nverified = \"\"\nvalid_for = \"90d\"")
        .exits(3)
        .says(&["UNCLEAR", "nobody has verified this"]);
    let check = format!("by = \"Ana\"\nverified = {}\nvalid_for = \"90d\"", ago(-3));
    run(&check).exits(1).says(&["yet to come"]);
}

#[test]
fn a_date_must_be_one_and_an_end_there_must_be() {
    let said = run("by = \"Ana\"\nverified = \"last week\"\nvalid_for = \"90d\"");
    said.exits(2);
    assert!(said.stderr.contains("bad date \"last week\""), "{}", said.stderr);
    let said = run("by = \"Ana\"\nverified = 2026-11-01");
    said.exits(2);
    assert!(said.stderr.contains("valid_for = \"90d\""), "{}", said.stderr);
}
