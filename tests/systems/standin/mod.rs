//! Stand-ins: small real deployments that keep every promise of a deployment guide, and can break each of them.
//!
//! A [`System`] is plain data: SQL, a router, commands, breaks. [`prove`] starts it whole, expects its suite green, and
//! starts it once more for each [`Break`], expecting exactly the checks red that the break names.

pub(crate) mod answer;
mod checklist;
mod database;
mod edge;
pub(crate) mod jwt;
pub(crate) mod limiter;
pub(crate) mod signature;
mod stage;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use axum::Router;
use serde_json::Value;

pub(crate) use database::Db;
pub(crate) use stage::{Deployed, Stage};

use crate::support::Said;

/// One of the five systems, and what stands in for it.
pub(crate) struct System {
    /// The suite, and the first part of its environments' names.
    pub(crate) name: &'static str,
    /// The number of its guide, as in the comments of the suite: `001` of `# 001-32`.
    pub(crate) guide: &'static str,
    /// How many items its checklist has: each has a check, and a break.
    pub(crate) items: u32,
    /// Statements for the server: roles. They run once, in the database `postgres`.
    pub(crate) roles: &'static str,
    /// Statements for the database of each deployment: everything in it.
    pub(crate) schema: &'static str,
    /// The role that the application connects as; its password is `PASSWORD`.
    pub(crate) app_role: &'static str,
    /// Serves the application, and starts what works in the background.
    pub(crate) app: fn(&Deployed) -> Router,
    /// Fills Redis.
    pub(crate) redis: fn(&Deployed),
    /// The programs that the suite runs, as name and shell script.
    pub(crate) programs: fn(&Deployed) -> Vec<(&'static str, String)>,
    /// The environment variables of a run besides the addresses.
    pub(crate) env: fn(&Deployed) -> Vec<(&'static str, String)>,
    /// What only a person can verify: names in the variable `verified`, which tells by whom and when.
    pub(crate) attested: &'static [&'static str],
    /// Everything that can be broken.
    pub(crate) breaks: &'static [Break],
}

/// The password of every database role of a stand-in.
pub(crate) const PASSWORD: &str = "kept-for-the-test-9f2c";

/// One broken promise.
pub(crate) struct Break {
    /// What [`Deployed::broken`] is asked for; unique in a system.
    pub(crate) name: &'static str,
    /// The items of the checklist that it breaks.
    pub(crate) items: &'static [u32],
    /// What else there is to do; nothing where only the application, a program or a variable behaves otherwise.
    pub(crate) how: How,
    /// The checks that end red, as `kind.name`; those that need them are skipped.
    pub(crate) caught_by: &'static [&'static str],
}

impl Break {
    /// Whether a rate limit tells, or what it has counted. Only then are the limits tripped: that takes as long as their
    /// windows, and one run after the other would wait for nothing.
    fn trips(&self) -> bool {
        let tells = |check: &&str| check.starts_with("rate_limit.") || *check == "sql.counters_shared";
        self.caught_by.iter().any(tells)
    }
}

/// A break that something asks for: the application, a worker, a program or a file is otherwise.
pub(crate) const fn asked(name: &'static str, items: &'static [u32], caught_by: &'static [&'static str]) -> Break {
    how(name, items, How::Asked, caught_by)
}

/// A break of the database.
pub(crate) const fn sql(
    name: &'static str,
    items: &'static [u32],
    statements: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    how(name, items, How::Sql(statements), caught_by)
}

/// A break of roles, which gets a server of its own.
pub(crate) const fn roles(
    name: &'static str,
    items: &'static [u32],
    statements: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    how(name, items, How::Roles(statements), caught_by)
}

/// A break of what only a person can verify: nobody has for years.
pub(crate) const fn expired(
    name: &'static str,
    items: &'static [u32],
    what: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    how(name, items, How::Expired(what), caught_by)
}

/// A break of any sort.
pub(crate) const fn how(
    name: &'static str,
    items: &'static [u32],
    how: How,
    caught_by: &'static [&'static str],
) -> Break {
    Break {
        name,
        items,
        how,
        caught_by,
    }
}

/// How a promise is broken, besides what asks [`Deployed::broken`].
pub(crate) enum How {
    /// Whatever asks for it.
    Asked,
    /// Statements in the database of the deployment, as superuser, once it is whole.
    Sql(&'static str),
    /// Statements about roles, which all databases of a server share: it gets a server of its own.
    Roles(&'static str),
    /// Commands that Redis gets once it is filled.
    Redis(&'static [&'static [&'static str]]),
    /// An environment variable of the run, or none by that name.
    Env(&'static str, Option<&'static str>),
    /// A variable of the suite has another value, as `--var` takes it.
    Var(&'static str, &'static str),
    /// What only a person can verify was last verified years ago.
    Expired(&'static str),
}

/// Proves that the suite of `system` is green on the whole stand-in and red where it must be on each broken one, and that
/// no item of the checklist is without check or break.
pub(crate) fn prove(system: &'static System) {
    checklist::complete(system);
    let stage = Stage::new(system);
    let (said, run) = stage.deploy(None).run("local");
    said.exits(0);
    assert_eq!(ended(&run, &["failed", "unclear"]), BTreeSet::new(), "{}", said.stdout);
    let wanted = std::env::var("BREAK").ok();
    let queue: Mutex<Vec<&Break>> = Mutex::new(
        system
            .breaks
            .iter()
            .filter(|broken| wanted.as_deref().is_none_or(|name| name == broken.name))
            .collect(),
    );
    let doubtful: Mutex<Vec<&Break>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(broken) = { queue.lock().unwrap().pop() } {
                    if unnoticed(&stage, broken).is_some() {
                        doubtful.lock().unwrap().push(broken);
                    }
                }
            });
        }
    });
    // On a machine that is busy, a run beside others may get no answer in time: it has another try, alone.
    let doubtful = doubtful.into_inner().unwrap().into_iter();
    let wrong: Vec<String> = doubtful.filter_map(|broken| unnoticed(&stage, broken)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} breaks do not show as they should\n\n{}",
        wrong.len(),
        system.breaks.len(),
        wrong.join("\n\n")
    );
}

/// Proves that `prod` only reads: green, nothing in the database changes, and what is left out is said.
pub(crate) fn prove_reads_only(system: &'static System) {
    let stage = Stage::new(system);
    let deployed = stage.deploy(None);
    let before = deployed.rows_by_table();
    let (said, run) = deployed.run("prod");
    said.exits(0).says(&["does not allow"]);
    assert_eq!(ended(&run, &["failed", "unclear"]), BTreeSet::new(), "{}", said.stdout);
    assert!(!ended(&run, &["skipped"]).is_empty(), "{}", said.stdout);
    assert_eq!(deployed.rows_by_table(), before);
}

/// How a break does not show as it should, if so.
fn unnoticed(stage: &Stage, broken: &Break) -> Option<String> {
    let (said, run) = stage.deploy(Some(broken)).run("local");
    let expected: BTreeSet<String> = broken.caught_by.iter().map(|check| (*check).to_owned()).collect();
    let red = ended(&run, &["failed", "unclear"]);
    let fine = red == expected && [1, 3].contains(&said.code);
    (!fine).then(|| {
        let Said { code, stdout, stderr } = said;
        format!(
            "{} (items {:?}): exit {code}\n  red      {red:?}\n  expected {expected:?}\n{stdout}{stderr}",
            broken.name, broken.items
        )
    })
}

/// The checks, as `kind.name`, that ended with one of `verdicts`.
fn ended(run: &Value, verdicts: &[&str]) -> BTreeSet<String> {
    let outcomes = run["run"]["outcomes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = outcomes
        .iter()
        .filter(|outcome| verdicts.contains(&outcome["verdict"].as_str().unwrap()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    wanted
        .map(|outcome| format!("{}.{}", text(&outcome["id"]["kind"]), text(&outcome["id"]["name"])))
        .collect()
}
