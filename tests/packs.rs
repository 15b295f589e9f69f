//! Packs through the binary: what `[use.NAME]` brings in, and what is said where it cannot.

mod support;

use std::fs;

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use insta::assert_snapshot;
use serde_json::{Value, json};
use support::{Project, Said, nobody, serve};

/// A pack of the project's own.
const PROBE: &str = r#"
title = "A page and its detail"
about = "Looks at a page, and at what it leads to."

[params.path]
about = "the page"
example = "/a"

[params.status]
about = "its status"
default = 200

[params.token]
about = "who asks for the detail"
type = "text"
optional = true

[http.page]
title = "{{ path }} answers"
get = "{{ path }}"
query = { as = "{{ token }}" }
expect.status = "{{ status }}"
capture.id = "$.id"

[http.detail]
title = "What {{ path }} leads to answers"
when = "{{ token }}"
get = "{{ path }}/{{ page.id }}"
needs = ["page"]
expect.status = 200
"#;

fn project(url: &str, suite: &str) -> Project {
    let project = Project::http(url, suite);
    fs::create_dir(project.file("checks")).unwrap();
    fs::write(project.file("checks/probe.toml"), PROBE).unwrap();
    project
}

/// `/a`, `/b` and `/c` exist, and what is below them under 7; each answer has an id.
fn pages() -> String {
    let answer = || async { Json(json!({ "id": 7, "next": "b" })) };
    let page = async |Path(page): Path<String>| {
        ["a", "b", "c"]
            .contains(&page.as_str())
            .then(|| Json(json!({ "id": 7, "next": "b" })))
            .ok_or(axum::http::StatusCode::NOT_FOUND)
    };
    serve(
        Router::new()
            .route("/{page}", get(page))
            .route("/{page}/7", get(answer)),
    )
}

/// Ids and verdicts, in order.
fn verdicts(said: &Said) -> Vec<String> {
    let lines = said.stdout.lines().skip(1).take_while(|line| !line.is_empty());
    lines
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn a_use_brings_its_checks_under_its_name() {
    let suite = r#"
[use.short]
pack = "probe"
with.path = "/a"

[use.whole]
pack = "probe"
with = { path = "/{{ short.page.next }}", token = "{{ short.page.next }}" }
needs = ["short"]

[http.after]
get = "/c/{{ whole.page.id }}"
needs = ["whole.detail"]
expect.status = 200
"#;
    let project = project(&pages(), suite);
    // `needs = ["short"]` means what `short` does check, not what it leaves out for want of a token.
    let pack = PROBE.replace(
        "capture.id = \"$.id\"",
        "capture = { id = \"$.id\", next = \"$.next\" }",
    );
    fs::write(project.file("checks/probe.toml"), pack).unwrap();
    let said = project.smoke(&["run", "prod", "--report", "json=run.json", "--report", "junit=run.xml"]);
    assert_eq!(
        verdicts(said.exits(0)),
        [
            "passed http.short.page",
            "skipped http.short.detail",
            "passed http.whole.page",
            "passed http.whole.detail",
            "passed http.after",
        ]
    );
    said.says(&["SKIPPED 1 check ([use.short] gives no with.token): http.short.detail"]);

    let json: Value = serde_json::from_str(&project.read("run.json")).unwrap();
    assert!(json.to_string().contains("whole.detail"), "{json}");
    let junit = project.read("run.xml");
    assert!(
        junit.contains("name=\"whole.detail: What /⟨short.page.next⟩ leads to answers\""),
        "{junit}"
    );
    assert!(junit.contains("classname=\"s.http\""), "{junit}");

    project.smoke(&["list", "prod"]).exits(0).says(&[
        "http.short.page ",
        "http.whole.detail",
        "What /⟨short.page.next⟩ leads to answers",
    ]);
    project.smoke(&["explain", "prod", "whole.detail"]).exits(0).says(&[
        "written at  suites/s.toml:6:1",
        "checks/probe.toml:25:1",
        "waits for   http.short.page",
        "waits for   http.whole.page",
        "GET /⟨short.page.next⟩/⟨page.id⟩",
    ]);
    project
        .smoke(&["libtest", "prod", "--", "--list", "--format", "terse"])
        .exits(0)
        .says(&["s::http.whole.detail: test\n"]);
    project
        .smoke(&["libtest", "prod", "--", "--exact", "s::http.whole.detail"])
        .exits(0)
        .says(&["1 passed"]);
    for only in ["whole", "use.whole", "http.whole.*"] {
        let said = project.smoke(&["run", "prod", "--only", only]);
        assert_eq!(
            verdicts(said.exits(0)),
            [
                "passed http.short.page",
                "passed http.whole.page",
                "passed http.whole.detail"
            ],
            "{only}"
        );
    }
    let said = project.smoke(&["run", "prod", "--skip", "whole"]);
    said.exits(0).says(&["left out by --skip"]);
}

#[test]
fn what_a_use_says_holds_for_all_it_brings() {
    let suite = r#"
[use.off]
pack = "probe"
with = { path = "/a", token = "x" }
skip = "moves next week"

[use.half]
pack = "probe"
with = { path = "/a", token = "x" }
skip.detail = "not yet"

[use.never]
pack = "probe"
with = { path = "/a", token = "x" }
when = "{{ beta }}"

[use.late]
pack = "probe"
with = { path = "/a", token = "x" }
when = "{{ half.page.id == 7 }}"

[use.too_late]
pack = "probe"
with = { path = "/a", token = "x" }
when = "{{ half.page.id == 8 }}"

[use.elsewhere]
title = "The other host"
pack = "probe"
with.path = "/a"
on = "web"
tags = ["nightly"]
severity = "warn"
"#;
    let project = project(&pages(), &format!("vars.beta = false\n{suite}"));
    let toml = project.read("smoke.toml");
    let (before, url) = toml.split_once("http = ").unwrap();
    let toml = format!(
        "{before}http = {{ default = {}, web = \"{}\" }}\n",
        url.trim(),
        nobody()
    );
    fs::write(project.file("smoke.toml"), toml).unwrap();
    let said = project.run();
    assert_eq!(
        verdicts(&said),
        [
            "skipped http.off.page",
            "skipped http.off.detail",
            "passed http.half.page",
            "skipped http.half.detail",
            "skipped http.never.page",
            "skipped http.never.detail",
            "passed http.late.page",
            "passed http.late.detail",
            "skipped http.too_late.page",
            "skipped http.too_late.detail",
            "warning http.elsewhere.page",
            "skipped http.elsewhere.detail",
        ]
    );
    said.says(&["The other host: /a answers"]);
    said.says(&["moves next week", "not yet", "{{ beta }}", "{{ half.page.id == 8 }}"]);
    let said = project.smoke(&["run", "prod", "--tag", "nightly"]);
    assert_eq!(
        verdicts(&said),
        ["warning http.elsewhere.page", "skipped http.elsewhere.detail"]
    );
}

#[test]
fn a_failure_quotes_the_value_that_the_use_gives() {
    let suite = r#"
[use.right]
pack = "probe"
with.path = "/a"
with.status = 404

[use.wrong]
pack = "probe"
with.path = "/nothing"
"#;
    let site = pages();
    let said = project(&site, suite).run();
    said.exits(1);
    let stdout = said.stdout.replace(&site, "http://HOST");
    let failures = stdout.split("\n\n").filter(|block| block.starts_with("FAILED"));
    assert_snapshot!(failures.collect::<Vec<_>>().join("\n\n"));
}

/// What `smoke validate` says.
fn mistakes(suite: &str) -> String {
    let said = project(&nobody(), suite).smoke(&["validate"]);
    said.exits(2);
    said.stderr
}

#[test]
fn mistakes_of_a_use_point_at_it() {
    assert_snapshot!(mistakes(
        r#"
[use.none]
pack = "probe"

[use.misspelt]
pack = "prob"

[use.typed]
pack = "probe"
with = { path = 3, stats = 4 }
skip = { pge = "x" }

[use.unknown]
pack = "probe"
with.path = "/{{ nobody }}"

[use.key]
pack = "probe"
with.path = "/a"
tgs = ["slow"]

[use.names]
pack = "probe"
with.path = "/{{ elsewhere.pagee.id }}/{{ elsewhere.page.idd }}/{{ elsewhere }}"

[use.elsewhere]
pack = "probe"
with.path = "/a"

[use.nowhere]
pack = "probe"
with.path = "/a"
needs = ["nothing"]
on = "web"

[use.empty]

[http.unknown]
get = "/"
expect.status = 200
"#
    ));
}

#[test]
fn what_makes_no_sense_in_the_pack_points_at_the_value_or_into_the_pack() {
    let said = |suite: &str, pack: &str| {
        let project = project(&nobody(), suite);
        fs::write(project.file("checks/own.toml"), pack).unwrap();
        let said = project.smoke(&["validate"]);
        said.exits(2);
        said.stderr
    };
    // The value is at fault: the suite's line.
    let suite = "[use.a]\npack = \"probe\"\nwith = { path = \"/a\", status = 99999 }\n";
    assert_snapshot!(said(suite, ""));
    // The pack is: its line, and who brings it.
    let suite = "[use.a]\npack = \"own\"\n";
    let pack = "title = \"Own\"\n[params.x]\nabot = \"\"\n[http.a]\nget = \"/\"\nexpct.status = 200\n[http.x]\nget = \"/{{ y }}\"\n";
    assert_snapshot!(said(suite, pack));
    let pack = "title = \"Own\"\n[http.a]\nget = \"/{{ y }}\"\nexpct.status = 200\n[htp.b]\nget = \"/\"\n";
    assert_snapshot!(said(suite, pack));
    assert_snapshot!(said(suite, "title = \"Own\"\n"));
}

#[test]
fn every_pack_that_is_built_in_loads_as_its_page_shows_it() {
    let empty = Project::http(&nobody(), "");
    let said = empty.smoke(&["packs"]);
    let names: Vec<&str> = said
        .exits(0)
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(names.len() >= 19, "{names:?}");
    for line in names {
        let (name, title) = line.split_once(' ').unwrap();
        assert!(!title.trim().is_empty(), "{name} has no title");
        let page = empty.smoke(&["packs", name]);
        let example = page.exits(0).stdout.split_once("Example\n").unwrap().1;
        let head = "[env.prod]\nsuites = [\"s\"]\nallow = [\"read\", \"write\", \"load\"]\n";
        let addresses = "http = \"https://api.example.com\"\npostgres = \"postgres://u:p@127.0.0.1:9/x\"\nredis = \"redis://127.0.0.1:9\"\n";
        let project = Project::new(&format!("{head}{addresses}")).suite("s", example);
        project.smoke(&["validate"]).exits(0);
        let brought = page.stdout.split_once("It brings\n").unwrap().1.lines();
        for line in brought.take_while(|line| !line.is_empty()) {
            assert!(line.trim().contains("  "), "{name}: a check without a title: {line}");
        }
        let source = empty.smoke(&["packs", name, "--source"]);
        source.exits(0).says(&["title = "]);
    }
    let said = empty.smoke(&["packs", "security_header"]);
    said.exits(2);
    assert_snapshot!(said.stderr);
}

#[test]
fn an_environment_may_have_a_dot_in_its_name() {
    let toml = format!(
        "[env.\"a.prod\"]\nsuites = [\"s\"]\nhttp = \"{}\"\n[env.\"a.bare\"]\nsuites = [\"s\"]\n",
        pages()
    );
    let project = Project::new(&toml).suite("s", "[http.a]\nget = \"/a\"\nexpect.status = 200\n");
    project
        .smoke(&["run", "a.prod"])
        .exits(0)
        .says(&["a.prod · s", "reports/a.prod/junit.xml"]);
    assert!(project.file("reports/a.prod/junit.xml").is_file());
    let said = project.smoke(&["run", "a.bare"]);
    assert!(said.exits(2).stderr.contains("[env.\"a.bare\"]"), "{}", said.stderr);
    let project = Project::new("env.\"a.prod\" = 3\n");
    let said = project.smoke(&["run", "a.prod"]);
    assert!(
        said.exits(2).stderr.contains("expected a table [env.\"a.prod\"]"),
        "{}",
        said.stderr
    );
}
