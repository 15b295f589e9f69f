//! `port`, through the binary, on ports of loopback.

mod support;

use std::net::TcpListener;

use support::{Project, Said};

fn run(check: &str) -> Said {
    let suite = format!("[port.perimeter]\n{check}");
    Project::new("[env.prod]\nsuites = [\"s\"]\n").suite("s", &suite).run()
}

fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// An address at which nobody listens.
fn deserted() -> String {
    listening().1
}

#[test]
fn what_must_be_open_is_and_what_must_not_is_not() {
    let ((_open, address), closed) = (listening(), deserted());
    run(&format!("open = [{address:?}]\nclosed = [{closed:?}]")).exits(0);
    let url = format!("postgres://app:hunter2@{address}/app");
    run(&format!("open = [{url:?}]")).exits(0);
}

#[test]
fn a_database_that_the_world_reaches_is_found() {
    let ((_api, api), (_db, db)) = (listening(), listening());
    let url = format!("postgres://app:hunter2hunter2@{db}/app");
    let suite = format!("[port.perimeter]\nopen = [{api:?}]\nclosed = [\"{{{{ env.SMOKE_DB }}}}\"]");
    let project = Project::new("[env.prod]\nsuites = [\"s\"]\n").suite("s", &suite);
    let said = project.env("SMOKE_DB", &url).run();
    said.exits(1).says(&[
        "FAILED  port.perimeter",
        "suites/s.toml:3",
        &db,
        "expected: closed",
        "127.0.0.1 takes connections",
        "bind the server to a private address",
    ]);
    assert!(!said.stdout.contains("hunter2"), "{}", said.stdout);
}

#[test]
fn a_server_that_is_down_is_found_and_without_it_nothing_is_proved() {
    let (api, db) = (deserted(), deserted());
    let said = run(&format!("open = [{api:?}]\nclosed = [{db:?}]"));
    said.exits(1).says(&[
        "refuses: nothing listens there",
        "start the server",
        "this proves nothing",
    ]);
}

#[test]
fn a_name_that_does_not_resolve_is_unclear() {
    let said = run("open = [\"nobody.invalid:443\"]");
    said.exits(3).says(&["UNCLEAR", "nobody.invalid:443"]);
}

#[test]
fn closed_needs_its_control() {
    let said = run("closed = [\"db.example.com:5432\"]");
    said.exits(2);
    assert!(
        said.stderr.contains("proves nothing without an `open`"),
        "{}",
        said.stderr
    );
}
