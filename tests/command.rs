//! `command`, through the binary, with small programs of our own.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use support::{Project, Said, has_ended, until};

/// A project with the program `tool`, whose suite is `suite`.
fn project(tool: &str, suite: &str) -> Project {
    let project = Project::prod("", suite);
    let path = project.file("tool");
    fs::write(&path, format!("#!/bin/sh\n{tool}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    project
}

fn run(tool: &str, check: &str) -> Said {
    project(
        tool,
        &format!("[command.tool]\nrun = [\"./tool\", \"status\", \"--json\"]\n{check}"),
    )
    .run()
}

const STARTED: &str = r#"expect.json."$.Machines[*].state" = { every = "started" }"#;

#[test]
fn a_platform_says_in_json_that_all_machines_run() {
    run(
        r#"echo '{"Machines":[{"state":"started"},{"state":"started"}]}'"#,
        STARTED,
    )
    .exits(0);
    let stopped = run(
        r#"echo '{"Machines":[{"state":"started"},{"state":"stopped"}]}'"#,
        STARTED,
    );
    stopped
        .exits(1)
        .says(&["FAILED  command.tool", r#"["started","stopped"]"#, "suites/s.toml:3"]);
    run(r#"echo '{"Machines":[]}'"#, STARTED)
        .exits(1)
        .says(&["nothing there"]);
}

#[test]
fn a_table_has_a_row_for_every_service() {
    let table = "printf 'SERVICE  STATE    FQDN\\nbackend  RUNNING  a.example\\nworker   STOPPED\\n'";
    let check = |service: &str| {
        let expect = format!("expect.json.\"$[?@.service == '{service}'].state\" = {{ every = \"RUNNING\" }}");
        run(table, &format!("output = \"table\"\n{expect}"))
    };
    check("backend").exits(0);
    check("worker").exits(1).says(&["STOPPED"]);
    check("scheduler").exits(1).says(&["nothing there"]);
}

#[test]
fn its_exit_code_and_what_it_says_count() {
    run("exit 0", "").exits(0);
    run("echo 'Error: no access token' >&2; exit 1", STARTED)
        .exits(1)
        .says(&["exit code", "expected: 0", "1: Error: no access token"]);
    run(
        "echo '{\"critical\":0}'; exit 1",
        "expect.exit = { one_of = [0, 1] }\nexpect.json.\"$.critical\" = 0",
    )
    .exits(0);
    run(
        "echo all good",
        "expect.stdout = { contains = \"good\" }\nexpect.stderr = \"\"",
    )
    .exits(0);
    run("echo oh no >&2", "expect.stderr = \"\"")
        .exits(1)
        .says(&["stderr", "oh no"]);
    run("true", "expect.stdout = { lacks = \"error\" }")
        .exits(3)
        .says(&["UNCLEAR", "it wrote nothing, so this proves nothing"]);
}

#[test]
fn it_gets_its_words_its_folder_and_its_variables_as_they_are() {
    let tool = r#"printf '%s\n' "$1" "$2" "$WHO" "${PWD##*/}""#;
    let suite = r#"
[command.tool]
run = ["../tool", "$HOME; exit 1", "*"]
dir = "suites"
env = { WHO = "{{ env.SMOKE_WHO }}" }
expect.lines = { len = 4 }
expect.stdout = { contains = "$HOME; exit 1\n*\n" }
capture.folder = { text = "(\\w+)\\s*$" }

[command.later]
run = ["../tool", "{{ tool.folder }}", ""]
dir = "suites"
expect.stdout = { starts_with = "suites" }
"#;
    project(tool, suite).env("SMOKE_WHO", "Ana").run().exits(0);
    let missing = project(tool, "[command.tool]\nrun = [\"./tool\"]\ndir = \"frontend\"").run();
    missing.exits(3).says(&["there is no folder frontend"]);
}

#[test]
fn what_cannot_run_or_does_not_end_is_unclear() {
    let missing = Project::prod("", "[command.x]\nrun = [\"flyctl-that-is-not-there\", \"status\"]").run();
    missing
        .exits(3)
        .says(&["UNCLEAR", "there is no program `flyctl-that-is-not-there` here"]);
    let stuck = run("exec sleep 60", "timeout = \"300ms\"");
    stuck.exits(3).says(&["UNCLEAR", "300ms"]);
}

#[test]
fn what_does_not_end_is_ended_with_all_that_it_has_started() {
    let tool = "sleep 60 & echo $! > child; wait";
    let stuck = project(tool, "[command.tool]\nrun = [\"./tool\"]\ntimeout = \"1s\"");
    stuck.run().exits(3).says(&["UNCLEAR", "within 1s"]);
    until("the program's child ends", || has_ended(&stuck.file("child")));
}

#[test]
fn it_counts_as_a_write_unless_the_suite_says_that_it_only_reads() {
    let run = |effect: &str| {
        let suite = format!("[command.x]\nrun = [\"true\"]\n{effect}");
        Project::new("[env.prod]\nsuites = [\"s\"]\n").suite("s", &suite).run()
    };
    run("").exits(4).says(&["SKIPPED", "write"]);
    run("effect = \"read\"").exits(0);
}

#[test]
fn a_secret_it_writes_is_not_shown() {
    let tool = "echo '[{\"name\":\"DATABASE_URL\",\"value\":\"postgres://app:hunter2hunter2@db/app\"}]'; echo $KEY";
    let suite = "[command.tool]\nrun = [\"./tool\"]\nenv.KEY = \"{{ env.SMOKE_KEY }}\"\nexpect.stdout = \"\"";
    let project = project(tool, suite).env("SMOKE_KEY", "canary-5b1c");
    let said = project.smoke(&["run", "prod", "--report", "json=run.json"]);
    let all = format!("{}{}{}", said.exits(1).stdout, said.stderr, project.read("run.json"));
    assert!(!all.contains("hunter2") && !all.contains("canary"), "{all}");
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let said = project("touch ran", "[command.tool]\nrun = [\"./tool now\"]").run();
    said.exits(2);
    assert!(said.stderr.contains("run = [\"./tool\", \"now\"]"), "{}", said.stderr);
}
