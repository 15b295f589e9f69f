//! The demo: green as it is, and for each fault red where the fault says, nowhere else.

mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;
use smoke::demo::faults::{self, Fault};
use support::{Project, Said};

fn demo(args: &[&str]) -> (Said, Value) {
    let project = Project::new("");
    let said = project.smoke(&[&["demo", "--report", "json=run.json"], args].concat());
    let run = serde_json::from_str(&project.read("run.json")).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    (said, run)
}

/// The checks, as `kind.name`, that ended with one of `verdicts`.
fn ended(run: &Value, verdicts: &[&str]) -> BTreeSet<String> {
    let outcomes = run["run"]["outcomes"].as_array().unwrap().iter();
    let wanted = outcomes.filter(|outcome| verdicts.contains(&outcome["verdict"].as_str().unwrap()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    wanted
        .map(|outcome| format!("{}.{}", text(&outcome["id"]["kind"]), text(&outcome["id"]["name"])))
        .collect()
}

#[test]
fn as_it_is_the_demo_is_green_over_every_kind() {
    let (said, run) = demo(&[]);
    said.exits(0);
    let passed = ended(&run, &["passed"]);
    assert!(passed.len() >= 25, "{}", said.stdout);
    assert_eq!(ended(&run, &["failed", "unclear", "skipped"]), BTreeSet::new());
    for kind in smoke::kinds::KINDS {
        assert!(
            passed.iter().any(|check| check.starts_with(&format!("{}.", kind.name))),
            "no check of {}",
            kind.name
        );
    }
}

/// What is wrong with how a fault shows, if anything.
fn wrong(fault: &Fault) -> Option<String> {
    let (said, run) = demo(&["--break", fault.name]);
    let expected: BTreeSet<String> = fault.caught_by.iter().map(|check| (*check).to_owned()).collect();
    let red = ended(&run, &["failed", "unclear"]);
    let failed = ended(&run, &["failed"]);
    let code = if failed.is_empty() { 3 } else { 1 };
    let fine = red == expected && said.code == code;
    (!fine).then(|| {
        format!(
            "{}: exit {}, expected {expected:?}\n{}",
            fault.name, said.code, said.stdout
        )
    })
}

#[test]
fn every_fault_is_found_where_it_is_and_nowhere_else() {
    let queue: Mutex<Vec<&Fault>> = Mutex::new(faults::all().collect());
    let found: Mutex<Vec<String>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(fault) = { queue.lock().unwrap().pop() } {
                    let seen = wrong(fault);
                    found.lock().unwrap().extend(seen);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn the_faults_are_listed_and_a_misspelt_one_is_refused() {
    let project = Project::new("");
    let listed = project.smoke(&["demo", "--break", "list"]);
    listed
        .exits(0)
        .says(&["rls_off", "ledger_off_by_one", "connection_reset"]);
    assert!(listed.stdout.lines().count() >= 24);
    let said = project.smoke(&["demo", "--break", "rls_of"]);
    said.exits(2);
    assert!(said.stderr.contains("did you mean `rls_off`?"), "{}", said.stderr);
}

/// Without PostgreSQL and Redis on the machine it still runs, and says what to install.
#[test]
fn without_servers_it_says_which_checks_it_skipped() {
    let project = Project::new("");
    let output = project
        .command(&["demo", "--report", "json=run.json"])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("apt-get install"), "{stdout}");
    let run = serde_json::from_str(&project.read("run.json")).unwrap();
    let skipped = ended(&run, &["skipped"]);
    assert!(skipped.iter().any(|check| check.starts_with("redis.")), "{skipped:?}");
}
