//! `env`, through the binary: files, programs and the process itself; no value leaves it.

mod support;

use std::fs;

use support::{Project, Said};

const FILE: &str = "\
NODE_ENV=production
JWT_SECRET=kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA
DATABASE_URL=postgresql://app_user:q8Zk2mVxPqRt@db.fra.io:5432/app?sslmode=require
STRIPE_WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
GOOGLE_CLIENT_ID=912837465-q8zk2mvx.apps.googleusercontent.com
META_ACCESS_TOKEN=
";

const CHECK: &str = r#"
[env.backend]
file = ".env.production"
absent = ["META_ACCESS_TOKEN", "SHADOW_DATABASE_URL"]
required.NODE_ENV = "production"
required.JWT_SECRET = { min_length = 32, entropy = 100 }
required.DATABASE_URL = { url = "postgres", user = "app_user", tls = true }
required.STRIPE_WEBHOOK_SECRET = { prefix = "whsec_" }
required.GOOGLE_CLIENT_ID = { suffix = ".apps.googleusercontent.com" }
"#;

fn project(file: &str, suite: &str) -> Project {
    let project = Project::new("[env.prod]\nsuites = [\"s\"]\n").suite("s", suite);
    fs::write(project.file(".env.production"), file).unwrap();
    project
}

fn run(file: &str) -> Said {
    project(file, CHECK).run()
}

#[test]
fn a_whole_configuration_passes() {
    run(FILE).exits(0);
}

#[test]
fn each_broken_promise_is_found_at_its_line() {
    for (from, to, line, says) in [
        (
            "kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA",
            "your-random-jwt-secret-min-32-chars",
            6,
            "it says \"your-…\"",
        ),
        ("kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA", "kP9vX2", 6, "6 characters"),
        ("JWT_SECRET", "JWT_SECRETS", 6, "did you mean that?"),
        ("=production", "=development", 5, "another value"),
        ("app_user:", "postgres:", 7, "another user"),
        ("?sslmode=require", "", 7, "does not ask for TLS"),
        ("db.fra.io", "localhost", 7, "a URL of localhost"),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_your_webhook_secret",
            8,
            "an example",
        ),
        ("whsec_", "sk_live_", 8, "it begins otherwise"),
        (
            "912837465-q8zk2mvx.apps.googleusercontent.com",
            "912837465-q8zk2mvx",
            9,
            "it ends otherwise",
        ),
        (
            "META_ACCESS_TOKEN=",
            "META_ACCESS_TOKEN=EAAGq8Zk2mVx",
            4,
            "expected: not set",
        ),
    ] {
        assert!(FILE.contains(from));
        let place = format!("suites/s.toml:{line}:");
        run(&FILE.replacen(from, to, 1))
            .exits(1)
            .says(&["FAILED  env.backend", &place, says]);
    }
}

#[test]
fn no_source_no_verdict() {
    let suite = CHECK.replace(".env.production", ".env.missing");
    project(FILE, &suite)
        .run()
        .exits(3)
        .says(&["UNCLEAR", ".env.missing cannot be read"]);
    run("# nothing\n").exits(3).says(&["none at all: this proves nothing"]);
}

#[test]
fn a_program_prints_them_as_json_or_names_alone() {
    let suite = |expect: &str| format!("[env.x]\ncommand = [\"/bin/sh\", \"print\"]\n{expect}");
    let run = |prints: &str, expect: &str| {
        let project = project("", &suite(expect));
        fs::write(project.file("print"), prints).unwrap();
        project.run()
    };
    let railway = "echo '{\"JWT_SECRET\":\"kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA\"}'";
    run(railway, "required.JWT_SECRET = { min_length = 32 }").exits(0);
    run(railway, "required.JWT_SECRET = { min_length = 64 }")
        .exits(1)
        .says(&["32 characters"]);
    let fly = "echo '[{\"Name\":\"JWT_SECRET\",\"Digest\":\"4be1\"}]'";
    run(fly, "present = [\"JWT_SECRET\"]").exits(0);
    run(fly, "present = [\"STRIPE_KEY\"]").exits(1).says(&["not set"]);
    run(fly, "required.JWT_SECRET = { min_length = 32 }")
        .exits(3)
        .says(&["UNCLEAR", "no values"]);
    let lost = run("echo JWT_SECRET=hunter2hunter2; exit 1", "present = [\"JWT_SECRET\"]");
    lost.exits(3).says(&["ended with code 1 instead of printing variables"]);
    assert!(!lost.stdout.contains("hunter2"), "{}", lost.stdout);
}

#[test]
fn without_a_source_it_is_the_process() {
    let suite = "[env.x]\nrequired.SMOKE_TEST_KEY = { prefix = \"sk-\" }";
    project("", suite)
        .env("SMOKE_TEST_KEY", "sk-q8Zk2mVxPqRt")
        .run()
        .exits(0);
    project("", suite)
        .env("SMOKE_TEST_KEY", "sk-...")
        .run()
        .exits(1)
        .says(&["it says \"...\""]);
    project("", suite)
        .run()
        .exits(1)
        .says(&["not set in the environment of smoke"]);
    // The same secret in two services: compared, never shown.
    let suite = "[env.x]\nfile = \".env.production\"\nrequired.JWT_SECRET = \"{{ env.SMOKE_JWT }}\"";
    let equal = project(FILE, suite).env("SMOKE_JWT", "kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA");
    equal.run().exits(0);
    let other = project(FILE, suite).env("SMOKE_JWT", "canary-in-the-coal-mine").run();
    other.exits(1).says(&["another value"]);
    assert!(!other.stdout.contains("canary"), "{}", other.stdout);
}

/// Values that break every rule there is, so that each has a finding; none of it is a value.
#[test]
fn no_value_leaves_it() {
    let canaries = [
        "c4nary-one-5b1c",
        "c4nary-two-77de",
        "c4nary-your-key-3",
        "http://c4nary.example.com/4",
    ];
    let file = format!(
        "ONE={}\nTWO={}\nTHREE=\"{}\"\nFOUR={}\nFIVE=eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYzRuYXJ5In0.c2ln\n",
        canaries[0], canaries[1], canaries[2], canaries[3]
    );
    let suite = r#"
[env.x]
file = ".env.production"
absent = ["ONE"]
different = [["ONE", "TWO"]]
same = [["ONE", "TWO"]]
required.TWO = { min_length = 90, length = 91, entropy = 900, prefix = "x", suffix = "x", matches = "^x", one_of = ["x"], fernet = true, jwt_role = "anon" }
required.THREE = "x"
required.FOUR = { url = "postgres", user = "x", tls = true }
required.FIVE = { jwt_role = "anon" }
"#;
    let project = project(&file, suite);
    let reports = ["--report", "junit=junit.xml", "--report", "json=run.json"];
    let said = project.smoke(&[&["run", "prod"], &reports[..]].concat());
    said.exits(1)
        .says(&["another role", "it begins otherwise", "they differ"]);
    let explained = project.smoke(&["explain", "prod", "env.x"]);
    let (junit, json) = (project.read("junit.xml"), project.read("run.json"));
    for text in [&said.stdout, &said.stderr, &junit, &json, &explained.stdout] {
        assert!(!text.contains("c4nary"), "{text}");
    }
}
