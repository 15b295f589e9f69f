//! What is wrong in a project or a suite: every mistake, each at its place, exit 2, and nothing was sent.

mod support;

use insta::assert_snapshot;
use support::{Project, nobody};

/// What `smoke validate` says of a suite.
fn mistakes(suite: &str) -> String {
    let said = Project::http(&nobody(), suite).smoke(&["validate"]);
    said.exits(2);
    assert_eq!(said.stdout, "");
    said.stderr
}

#[test]
fn all_mistakes_of_a_suite_are_reported_at_once() {
    assert_snapshot!(mistakes(
        r#"
[htp.root]
get = "/x"

[http.nothing]
get = "x"
expct.status = 200
timeout = "10 parsecs"

[http.several]
get = "/{{ nobody.token }}"
expect.json."status" = 3
expect.body = { matches = "(" }
expect.status = "3x"
expect.headers.etag = { matchs = "x" }

[http.silent]
get = "/"

[http.two]
get = "/"
post = "/"
expect.status = 200

[http.lost]
get = "/"
needs = ["silence"]
on = "web"
expect.status = 200
"#
    ));
}

#[test]
fn types_and_values_are_told_in_the_words_of_toml() {
    assert_snapshot!(mistakes(
        r#"
[http.a]
get = "/"
retry = 3
tags = "slow"
needs = { b = 1 }
title = 3
expect.status = 200

[rate_limit.b]
get = "/"
limit = "ten"
per = "1m"

[rate_limit.c]
get = "/"
limt = 10
per = "1m"

[headers.d]
get = "/"
baseline = "pagee"

[headers.e]
get = "/"
baseline = 3

[http.f]
get = "/"
basic = { user = "x" }
http2 = "yes"
expect.json."$.a" = { gte = 1, neq = 2, regex = "x", in = [1] }
"#
    ));
}

#[test]
fn what_cannot_work_is_told_before_the_run() {
    assert_snapshot!(mistakes(
        r#"
[http.headers]
get = "/"
headers."X Tenant" = "a"
headers.X-Note = "two\nlines"
expect.json."$.items" = { len = "2" }

[ready.never]
get = "/"
stable = 0
every = "0s"
expect.status = 200

[ready.too_short]
get = "/"
stable = 10
every = "10s"
for = "20s"
expect.status = 200

[use.nobody]
pack = "admin_only"
with = { routes = [], admin = "{{ boss.token }}", user = "x" }

[use.docs]
pack = "fastapi"
with.docs = "closd"

[http.user]
get = "/{{ usr }}"
expect.status = 200

[vars]
token = "{{ user.token }}"
"#
    ));
}

#[test]
fn mistakes_of_the_project_and_of_its_suites_are_told_together() {
    let project = "[env.prod]\nsuites = [\"s\", \"s\"]\nhtp = \"http://127.0.0.1:1\"\nconcurrency = 0\n\n[env.next]\nallow = [\"red\"]\n";
    let said = Project::new(project)
        .suite("s", "[http.a]\nget = 3\nexpect.status = 200\n")
        .smoke(&["validate"]);
    said.exits(2);
    assert_snapshot!(said.stderr);
}

#[test]
fn a_project_that_verifies_nothing_is_not_valid() {
    let empty = Project::new("").smoke(&["validate"]);
    empty.exits(2);
    let idle = Project::new("[env.prod]\nsuites = [\"s\"]\n").suite("s", "title = \"S\"\n");
    let idle = idle.smoke(&["validate"]);
    idle.exits(2);
    assert_snapshot!([empty.stderr, idle.stderr].join("---\n"));
}

#[test]
fn explain_says_what_is_expected() {
    let suite = r#"
[http.a]
get = "/items"
expect.status = [200, 204]
expect.json."$.n" = { gt = 0, type = "integer" }
expect.headers.etag = { exists = true }
expect.within = "800ms"
control = "/nowhere"
"#;
    let said = Project::http("http://127.0.0.1:1", suite).smoke(&["explain", "prod", "http.a"]);
    said.exits(0);
    assert_snapshot!(said.stdout);
}

#[test]
fn a_cycle_is_shown_as_a_path() {
    assert_snapshot!(mistakes(
        r#"
[http.a]
get = "/{{ b.id }}"
expect.status = 200
capture.id = "$.id"

[http.b]
get = "/{{ c.id }}"
expect.status = 200
capture.id = "$.id"

[http.c]
get = "/"
needs = ["http.a"]
expect.status = 200
capture.id = "$.id"
"#
    ));
}

#[test]
fn text_that_is_not_toml_is_shown_where_it_ends_to_be() {
    assert_snapshot!(mistakes("[http.a]\nget = /health\nexpect.status = 200\n[http.b\n"));
}

#[test]
fn a_capture_may_stand_in_text_and_matchers_only() {
    assert_snapshot!(mistakes(
        r#"
[http.a]
get = "/"
expect.status = 200
capture.n = "$.n"

[http.fine]
get = "/{{ a.n }}"
expect.json."$.n" = "{{ a.n }}"

[http.wrong]
get = "/"
expect.status = "{{ a.n }}"
timeout = "{{ a.n }}"

[http.misspelt]
get = "/{{ a.m }}"
expect.body = "{{ a }}"
"#
    ));
}

#[test]
fn duplicate_names_and_bad_ones_are_refused() {
    assert_snapshot!(mistakes(
        r#"
title = "x"
tilte = "y"

[http.a]
get = "/"
expect.status = 200

[ready.a]
get = "/"
expect.status = 200

[http.Bad-Name]
get = "/"
expect.status = 200
"#
    ));
}

#[test]
fn a_name_given_twice_is_told_once_and_not_at_each_reader() {
    let told = mistakes(
        r#"
[http.a]
get = "/"
capture.id = "$.id"

[ready.a]
get = "/"
expect.status = 200

[http.b]
get = "/{{ a.id }}"
expect.status = 200
"#,
    );
    assert!(told.contains("the name `a` is taken by http.a in line 2"), "{told}");
    assert!(told.trim_end().ends_with("\n1 mistake; nothing was sent"), "{told}");
}

#[test]
fn a_kind_before_a_check_s_name_is_taken_away() {
    let told = mistakes(
        r#"
[http.a]
get = "/"
capture.id = "$.id"

[http.b]
get = "/{{ http.a.id }}"
expect.status = 200
"#,
    );
    assert!(
        told.contains("try: write {{ a.id }}: a check is called by its name, without its kind"),
        "{told}"
    );
}

#[test]
fn every_missing_environment_variable_is_named_at_once() {
    let suite = r#"
[http.a]
get = "/"
bearer = "{{ env.SMOKE_TEST_TOKEN }}"
headers.X-Key = "{{ env.SMOKE_TEST_KEY }}"
headers.X-Tenant = "{{ tenant }}"
headers.X-Fine = "{{ env.SMOKE_TEST_FINE | default('fine') }}"
expect.status = 200

[vars]
tenant = "{{ env.SMOKE_TEST_TENANT }}"
unused = "{{ env.SMOKE_TEST_UNUSED }}"
"#;
    let project = Project::prod("http = \"{{ env.SMOKE_TEST_URL }}\"", suite);
    let said = project.run();
    said.exits(2);
    assert_snapshot!(said.stderr);
    // Without an environment nothing is needed: CI may validate suites without any secret.
    project.smoke(&["validate"]).exits(0);
}

#[test]
fn the_call_overrides_the_environment_and_that_the_suite() {
    let suite = r#"
vars.who = "the suite"
vars.also = "{{ who }}"

[attest.restore]
by = "{{ who }}, {{ also }}"
verified = 2020-02-02
valid_for = "1d"
"#;
    let said = |header: &str, args: &[&str]| Project::prod(header, suite).smoke(&[&["run", "prod"], args].concat());
    said("", &[]).exits(1).says(&["by the suite, the suite"]);
    let here = "vars.who = \"the environment\"";
    said(here, &[]).exits(1).says(&["by the environment, the environment"]);
    said(here, &["--var", "who=the call"])
        .exits(1)
        .says(&["by the call, the call"]);
}

#[test]
fn what_the_call_names_must_exist() {
    let suite = "vars.route = \"/\"\n[http.a]\nget = \"{{ route }}\"\nexpect.status = 200\ntags = [\"quick\"]\n\
        [use.guards]\npack = \"admin_only\"\nwith = { routes = [\"GET /\"], admin = \"a\", user = \"b\" }\n";
    let project = Project::http(&nobody(), suite);
    let said = |args: &[&str]| project.smoke(args).exits(2).stderr.clone();
    let all = [
        said(&["run", "prd"]),
        said(&["run", "prod", "--suite", "x"]),
        said(&["run", "prod", "--tag", "quik"]),
        said(&["run", "prod", "--var", "nothing=1"]),
        said(&["run", "prod", "--var", "routes=1"]),
        said(&["run", "prod", "--only", "[a"]),
        said(&["run", "prod", "--skip", "htp.*"]),
        said(&["explain", "prod", "http.b"]),
        said(&["kinds", "htp"]),
    ];
    assert_snapshot!(all.join("---\n"));
}

#[test]
fn a_filter_that_selects_nothing_exits_4() {
    let project = Project::http(&nobody(), "[http.a]\nget = \"/\"\nexpect.status = 200\n");
    let said = project.smoke(&["run", "prod", "--only", "sql.*"]);
    said.exits(4);
    assert_snapshot!(said.stderr, @"nothing was selected: no check matches --only 'sql.*'; `smoke list prod` shows them all");
    let said = project.smoke(&["run", "prod", "--only", "htp.a"]);
    said.exits(4);
    assert_snapshot!(said.stderr, @"nothing was selected: no check matches --only 'htp.a'; did you mean `http.a`? `smoke list prod` shows them all");
    project.smoke(&["run", "prod", "--jobs", "0"]).exits(2);
}

#[test]
fn a_project_without_the_address_that_a_check_needs() {
    let said = Project::new("[env.prod]\nsuites = [\"s\", \"t\"]\n")
        .suite("s", "[http.a]\nget = \"/\"\nexpect.status = 200\n")
        .smoke(&["validate"]);
    said.exits(2);
    assert_snapshot!(said.stderr);
}

/// The project and the suite of the README, as they stand there.
#[test]
fn the_readme_is_right() {
    let readme = include_str!("../README.md");
    let block = |head: &str| {
        let rest = readme
            .split(&format!("```toml\n{head}\n"))
            .nth(1)
            .unwrap_or_else(|| panic!("no {head}"));
        rest.split("```").next().unwrap().to_owned()
    };
    let order = block("[http.order]");
    let project = Project::new(&block("# smoke.toml")).suite(
        "shop",
        &format!("{}\n[http.order]\n{order}", block("# suites/shop.toml")),
    );
    let said = project.smoke(&["validate"]);
    said.exits(0)
        .says(&["prod: 9 checks in 1 suite; a run needs --var expected_version=…"]);
    project
        .smoke(&["list", "prod"])
        .exits(0)
        .says(&["login.admin", "rate_limit.checkout"]);
    project
        .smoke(&["explain", "prod", "login.admin"])
        .exits(0)
        .says(&["POST /auth/login"]);
    // A misspelt name is a mistake all the same, and a run needs them all.
    project.smoke(&["run", "prod"]).exits(2);
    for kind in smoke::kinds::KINDS {
        assert!(
            readme.contains(&format!("\n| `{}` |", kind.name)),
            "README does not list {}",
            kind.name
        );
    }
}

#[test]
fn an_empty_variable_of_the_process_counts_as_not_set() {
    let suite = "[http.a]\nget = \"/\"\nbearer = \"{{ env.SMOKE_TOKEN }}\"\nexpect.status = 200\n";
    let said = Project::http("http://127.0.0.1:1", suite).env("SMOKE_TOKEN", "").run();
    assert!(
        said.exits(2)
            .stderr
            .contains("the environment variable SMOKE_TOKEN is empty"),
        "{}",
        said.stderr
    );
    let suite = suite.replace("env.SMOKE_TOKEN", "env.SMOKE_TOKEN | default('none')");
    Project::http("http://127.0.0.1:1", &suite)
        .env("SMOKE_TOKEN", "")
        .run()
        .exits(3);
}

#[test]
fn a_condition_without_braces_is_a_mistake() {
    let suite = "[http.a]\nget = \"/\"\nwhen = \"env.STAGE == 'staging'\"\nexpect.status = 200\n";
    let said = Project::http("http://127.0.0.1:1", suite).run();
    let stderr = &said.exits(2).stderr;
    assert!(stderr.contains("suites/s.toml:3:8"), "{stderr}");
    assert!(stderr.contains("when = \"{{ env.STAGE == 'staging' }}\""), "{stderr}");
}

#[test]
fn what_is_needed_is_named_as_a_whole() {
    assert_snapshot!(mistakes(
        r#"
[attest.sums]
by = "Ann"
verified = 2020-02-02
valid_for = "1d"

[use.admin]
pack = "admin_only"
with = { routes = ["GET /"], admin = "a", user = "b" }

[http.fine]
get = "/"
needs = ["sums", "attest.sums", "admin", "admin.guards", "authorization.admin.guards", "use.admin"]
expect.status = 200

[http.wrong]
get = "/"
needs = ["http.sums", "sql.admin", "attest.sms", "admin.gards", "nothing.at_all"]
expect.status = 200
"#
    ));
}

#[test]
fn a_misspelt_key_may_be_one_that_every_check_takes() {
    assert_snapshot!(mistakes(
        r#"
[http.a]
get = "/"
severty = "warn"
titel = "A"
time_out = "3s"
expct.status = 200

[redis.b]
keys.b.exists = true
tag = ["slow"]
need = ["a"]
captures.x = "$.x"
colour = "red"
"#
    ));
}

#[test]
fn an_environment_where_nothing_may_be_read_is_a_mistake() {
    let project = "[env.prod]\nsuites = [\"s\"]\nhttp = \"http://127.0.0.1:1\"\nallow = [\"write\", \"load\"]\n\n\
        [env.next]\nsuites = [\"s\"]\nhttp = \"http://127.0.0.1:1\"\nallow = []\n\n\
        [env.last]\nsuites = [\"s\"]\nhttp = \"http://127.0.0.1:1\"\nallow = \"read\"\n";
    let said = Project::new(project)
        .suite("s", "[http.a]\nget = \"/\"\nexpect.status = 200\n")
        .smoke(&["validate"]);
    said.exits(2);
    assert_snapshot!(said.stderr);
}

#[test]
fn an_address_that_many_checks_need_is_missed_once() {
    let check = |name: &str| format!("[http.{name}]\nget = \"/\"\nexpect.status = 200\n");
    let suite: String = ["a", "b", "c", "d", "e"].map(check).concat();
    let said = Project::new("[env.prod]\nsuites = [\"s\"]\n\n[env.next]\nsuites = [\"s\"]\n")
        .suite("s", &format!("{suite}[redis.f]\nkeys.f.exists = true\n"))
        .smoke(&["validate"]);
    said.exits(2);
    assert_snapshot!(said.stderr);
}

#[test]
fn what_is_skipped_has_a_reason() {
    assert_snapshot!(mistakes(
        r#"
[http.a]
get = "/"
skip = ""
expect.status = 200

[http.b]
get = "/"
skip = true
expect.status = 200

[use.admin]
pack = "admin_only"
skip = " "
with = { routes = ["GET /"], admin = "a", user = "b" }
"#
    ));
}

#[test]
fn periods_and_sizes_are_neither_nothing_nor_endless() {
    let project = "[defaults]\ntimeout = \"0s\"\n\n[env.prod]\nsuites = [\"s\"]\nhttp = \"http://127.0.0.1:1\"\n\
        timeout = \"0ms\"\n";
    let suite = r#"
timeout = "0s"

[http.a]
get = "/"
timeout = "0s"
expect.status = 200

[http.b]
get = "/"
timeout = "18446744073709551615s"
max_body = "18446744073709551615MiB"
expect.status = 200
"#;
    let said = Project::new(project).suite("s", suite).smoke(&["validate"]);
    said.exits(2);
    assert_snapshot!(said.stderr);
}

#[test]
fn paths_can_be_put_behind_an_http_address() {
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\n";
    let said = ["127.0.0.1:58080", "https://shop.example.com/api?v=2#top"].map(|address| {
        Project::http(address, suite)
            .smoke(&["validate"])
            .exits(2)
            .stderr
            .clone()
    });
    assert_snapshot!(said.join("---\n"));
}

#[test]
fn what_templates_know_already_is_no_name() {
    assert_snapshot!(mistakes(
        r#"
[http.now]
get = "/"
expect.status = 200

[use.env]
pack = "admin_only"
with = { routes = ["GET /"], admin = "a", user = "b" }
"#
    ));
}

#[test]
fn what_was_probably_meant_is_written_down() {
    assert_snapshot!(mistakes(
        r#"
[http.a]
get = "/"
retry = 3
tags = "core"
capture.id = "data.id"
expect.json."status" = "up"
expect.json."[0]" = 1
expect.json."a b" = 1
"#
    ));
}

#[test]
fn suites_that_no_environment_names_are_told() {
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\n";
    let project = Project::http("http://127.0.0.1:1", suite);
    let said = project.smoke(&["validate"]).exits(0).stdout.clone();
    assert_snapshot!(said, @"prod: 1 check in 1 suite");
    let project = project.suite("old", "[htp.a]\n");
    let said = project.smoke(&["validate"]).exits(0).stdout.clone();
    assert_snapshot!(said, @r"
    prod: 1 check in 1 suite
    suites/old.toml is in no environment, and was not looked at
    ");
    let said = project
        .suite("older", "")
        .smoke(&["validate", "prod"])
        .exits(0)
        .stdout
        .clone();
    assert_snapshot!(said, @r"
    prod: 1 check in 1 suite
    suites/old.toml, suites/older.toml are in no environment, and were not looked at
    ");
}
