//! `smoke libtest`: suites as tests of a Rust project, for `cargo test` and nextest.

mod support;

use std::fs;
use std::process::Command;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use support::{Project, serve};

const SUITE: &str = r#"
[http.token]
get = "/"
expect.status = 200
capture.id = "$.id"

[http.good]
get = "/?{{ token.id }}"
expect.json."$.id" = 7

[http.bad]
get = "/"
expect.json."$.id" = 8

[http.after_bad]
get = "/"
needs = ["bad"]
expect.status = 200

[http.later]
skip = "not yet"
get = "/"
expect.status = 200
"#;

fn project() -> Project {
    let router = Router::new().route("/", get(|| async { Json(json!({ "id": 7 })) }));
    Project::http(&serve(router), SUITE)
}

#[test]
fn lists_filters_and_runs() {
    let project = project();
    let said = project.smoke(&["libtest", "prod", "--", "--list", "--format", "terse"]);
    said.exits(0);
    assert_eq!(
        said.stdout,
        "s::http.token: test\ns::http.good: test\ns::http.bad: test\ns::http.after_bad: test\ns::http.later: test\n"
    );
    project
        .smoke(&["libtest", "prod", "--", "--exact", "s::http.good"])
        .exits(0)
        .says(&["1 passed"]);
    let said = project.smoke(&["libtest", "prod"]);
    said.exits(101).says(&[
        "2 passed; 2 failed; 1 ignored",
        "expected: 8",
        "seen: 7",
        "needs http.bad",
    ]);
}

#[test]
fn a_mistake_is_told_as_everywhere() {
    let said = Project::http("http://127.0.0.1:1", "[http.a]\nget = \"/\"\n").smoke(&["libtest", "prod"]);
    said.exits(2);
    assert!(said.stderr.contains("cannot fail"), "{}", said.stderr);
}

/// The `tests/smoke.rs` of the README in a project of its own, run by the real nextest.
#[test]
fn nextest_runs_a_suite() {
    if !Command::new("cargo")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("nextest is not installed here");
        return;
    }
    let project = project();
    let readme = include_str!("../README.md");
    let block = |start: &str| {
        let rest = readme
            .split(start)
            .nth(1)
            .unwrap_or_else(|| panic!("README has no {start}"));
        rest.split("```").next().unwrap().to_owned()
    };
    fs::create_dir_all(project.file("tests")).unwrap();
    fs::write(
        project.file("tests/smoke.rs"),
        format!("// tests/smoke.rs{}", block("```rust\n// tests/smoke.rs")),
    )
    .unwrap();
    let manifest =
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n";
    fs::write(
        project.file("Cargo.toml"),
        format!("{manifest}{}", block("```toml\n# Cargo.toml")),
    )
    .unwrap();
    fs::write(project.file("lib.rs"), "").unwrap();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_smoke")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = Command::new("cargo")
        .args(["nextest", "run", "--offline", "--no-fail-fast", "--color=never"])
        .current_dir(project.path())
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", project.file("target"))
        .env_remove("NEXTEST")
        .env_remove("NEXTEST_PROFILE")
        .env_remove("NEXTEST_RUN_ID")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("PASS") && said.contains("app::smoke s::http.good"),
        "{said}"
    );
    assert!(said.contains("4 tests run: 2 passed, 2 failed, 1 skipped"), "{said}");
}
