//! The kind `logs` on real files and programs: whole, and each promise broken once.

mod support;

use std::fs;

use axum::Router;
use axum::routing::post;
use support::{Project, Said, serve};

/// Joined here, so that no key stands in this file.
fn stripe_key() -> String {
    ["sk_live", "51HxAbCdEfGhIjKlMnOpQrSt"].join("_")
}

const SUITE: &str = r#"
[logs.server]
files = ["log/*.log"]
fresh = "10m"
lacks = ["UnhandledPromise"]
contains = ["Redis client connected"]
keys = ["level", "ts"]
error_rate = 0.2
never = ["correct horse & battery"]
"#;

const WHOLE: &str = r#"{"level":"info","ts":1,"msg":"Redis client connected"}
{"level":"info","ts":2,"msg":"ready"}
"#;

fn run(suite: &str, files: &[(&str, &str)]) -> Said {
    let project = Project::prod("", suite);
    for (name, text) in files {
        let path = project.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    project.run()
}

#[track_caller]
fn fails(line: &str, parts: &[&str]) -> Said {
    let said = run(SUITE, &[("log/a.log", &format!("{WHOLE}{line}\n"))]);
    said.exits(1).says(parts);
    assert_eq!(said.stdout.matches("expected:").count(), 1, "{}", said.stdout);
    said
}

#[test]
fn a_whole_log_passes() {
    run(SUITE, &[("log/a.log", WHOLE)]).exits(0);
}

#[test]
fn a_password_in_a_log_is_found_and_never_shown() {
    let line = r#"{"level":"info","ts":3,"msg":"REDIS_URL=redis://default:hunter2hunter2@cache:6379"}"#;
    let said = fails(
        line,
        &["log/a.log, line 3", "the password of an address (14 characters)"],
    );
    assert!(!said.stdout.contains("hunter2"), "{}", said.stdout);
}

#[test]
fn a_given_value_is_found_however_it_is_written() {
    for written in [
        "correct horse & battery",
        "Y29ycmVjdCBob3JzZSAmIGJhdHRlcnk=",
        "correct%20horse%20%26%20battery",
    ] {
        fails(
            &format!(r#"{{"level":"info","ts":3,"msg":"{written}"}}"#),
            &["line 3", "a value that must not be there"],
        );
    }
}

#[test]
fn each_promise_of_a_log_is_kept() {
    fails(
        r#"{"level":"info","ts":3,"msg":"UnhandledPromise"}"#,
        &["lacks \"UnhandledPromise\"", "log/a.log, line 3"],
    );
    fails(
        "Server listening",
        &["each a JSON object", "log/a.log, line 3: Server listening"],
    );
    fails(r#"{"level":"info"}"#, &["key ts", "in each line"]);
    fails(
        r#"{"level":"error","ts":3}"#,
        &["lines that are errors", "33.33 % (1 of 3 lines)"],
    );
    fails(r#"{"level":50,"ts":3}"#, &["lines that are errors"]);
    let said = run(SUITE, &[("log/a.log", r#"{"level":"info","ts":2,"msg":"ready"}"#)]);
    said.exits(1)
        .says(&["contains \"Redis client connected\"", "some line"]);
}

#[test]
fn a_log_that_is_empty_or_missing_is_unclear() {
    run(SUITE, &[("log/a.log", "")]).exits(3);
    run(SUITE, &[]).exits(3).says(&["log/*.log"]);
}

#[test]
fn a_log_that_nobody_writes_any_more_fails() {
    let project = Project::prod("", SUITE);
    fs::create_dir(project.file("log")).unwrap();
    fs::write(project.file("log/a.log"), WHOLE).unwrap();
    let file = fs::File::options().write(true).open(project.file("log/a.log")).unwrap();
    let hour = std::time::Duration::from_secs(3600);
    file.set_modified(std::time::SystemTime::now() - hour).unwrap();
    project.run().exits(1).says(&["written within 10m", "1h"]);
}

#[test]
fn sources_are_looked_through_and_what_others_made_is_not() {
    let suite = "[logs.repository]\nfiles = [\"**/*\"]\n";
    let key = format!("let key = \"{}\"\n", stripe_key());
    let example = "let url = \"postgres://user:password@localhost/app\"; let key = \"sk_live_your_key_goes_here\"\n";
    let fine = [
        ("src/main.rs", example),
        ("node_modules/x/y.js", key.as_str()),
        ("src/logo.png", &format!("\0{key}")),
    ];
    run(suite, &fine).exits(0);
    let said = run(suite, &[("src/deep/down/pay.rs", &key)]);
    said.exits(1).says(&[
        "src/deep/down/pay.rs, line 1",
        "a Stripe secret key (sk_live_51Hx…, 32 characters)",
    ]);
    assert!(!said.stdout.contains("51HxAbCd"), "{}", said.stdout);
    run(
        "[logs.repository]\nfiles = [\"**/*\"]\nallow = [\"let key\"]\n",
        &[("src/pay.rs", &key)],
    )
    .exits(0);
}

#[test]
fn files_are_those_of_the_project_wherever_smoke_is_started() {
    let key = format!("let key = \"{}\"\n", stripe_key());
    for pattern in ["*.rs", "./*.rs", "./pay.rs", "src/../*.rs"] {
        let project = Project::prod("", &format!("[logs.sources]\nfiles = [\"{pattern}\"]\n"));
        fs::create_dir(project.file("src")).unwrap();
        fs::write(project.file("pay.rs"), &key).unwrap();
        let elsewhere = Project::prod("", "");
        let folder = project.path().display().to_string();
        let said = elsewhere.smoke(&["run", "prod", "--project", &folder]);
        said.exits(1).says(&["pay.rs, line 1   expected: no secret"]);
    }
}

#[test]
fn what_the_other_checks_leave_in_a_log_is_looked_at() {
    let project = Project::prod("", "");
    let log = project.file("app.log");
    fs::write(&log, WHOLE).unwrap();
    let login = move || async move {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        fs::write(&log, format!("{WHOLE}password: hunter2hunter2\n")).unwrap();
    };
    let url = serve(Router::new().route("/login", post(login)));
    let suite = "[logs.app]\nfiles = [\"app.log\"]\nnever = [\"hunter2hunter2\"]\n\n\
        [http.login]\npost = \"/login\"\neffect = \"read\"\nexpect.status = 200\n";
    fs::write(
        project.file("smoke.toml"),
        format!("[env.prod]\nsuites = [\"s\"]\nhttp = \"{url}\"\n"),
    )
    .unwrap();
    fs::write(project.file("suites/s.toml"), suite).unwrap();
    project.run().exits(1).says(&["app.log, line 3   expected: no secret"]);
}

#[test]
fn what_a_platform_puts_before_our_lines_is_cut_off() {
    let suite = r#"[logs.app]
command = ["printf", '%b', """
2026-10-18T10:00:00Z proxy[a1] \\033[32mfra\\033[0m [\\033[34minfo\\033[0m]Starting machine\\n\
2026-10-18T10:00:01Z app[a1] \\033[32mfra\\033[0m [\\033[34minfo\\033[0m]LINE\\n"""]
prefix = '^\S+ app\[\w+\] \w+ \[\w+\] ?'
keys = ["level"]
"#;
    let with = |line: &str| run(&suite.replace("LINE", line), &[]);
    with(r#"{\"level\":\"info\"}"#).exits(0);
    with("listening")
        .exits(1)
        .says(&["each a JSON object", "1 of 1 lines are none; printf, line 2: listening"]);
    let none = suite.replace("app\\[", "web\\[").replace("LINE", "x");
    run(&none, &[]).exits(3).says(&["0 lines (2 lines without the prefix)"]);
}

#[test]
fn the_output_of_a_program_is_looked_through() {
    let suite = |word: &str| {
        format!(
            "[logs.names]\ncommand = [\"printf\", 'src/main.rs\\n{word}\\n']\nlacks = [{{ matches = '(^|/)\\.env$' }}]\n"
        )
    };
    run(&suite("README"), &[]).exits(0);
    run(&suite("api/.env"), &[])
        .exits(1)
        .says(&["printf, line 2: api/.env"]);
    run("[logs.names]\ncommand = [\"false\"]\n", &[])
        .exits(3)
        .says(&["exit code 1"]);
}

#[test]
fn what_happened_before_is_left_out() {
    let suite = "[logs.lately]\nfiles = [\"a.log\"]\nsince = \"1h\"\nerror_rate = 0.01\nlacks = [\"crashed\"]\n";
    let at = |seconds: i64| {
        jiff::Timestamp::now()
            .checked_sub(jiff::SignedDuration::from_secs(seconds))
            .unwrap()
    };
    let old = format!("{} INFO ready\n", at(7200)).repeat(900);
    let long_ago = format!("{} ERROR crashed\n  at main\n", at(7200));
    let now = format!("{} INFO ready\n", at(60));
    run(suite, &[("a.log", &format!("{old}{long_ago}{now}"))]).exits(0);
    let failing = format!("{} ERROR worker\n", at(30));
    run(suite, &[("a.log", &format!("{old}{now}{failing}"))])
        .exits(1)
        .says(&["50.00 % (1 of 2 lines)"]);
    run(suite, &[("a.log", "INFO ready\n")])
        .exits(3)
        .says(&["lines that say when they were written", "none does"]);
}
