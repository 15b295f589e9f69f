//! From suites to a plan: every check of the chosen ones, expanded, rendered, read, ordered. Whatever can be wrong is
//! found here, all of it, before anything is sent.

mod build;
mod condition;
mod each;
mod endpoints;
mod expand;
mod graph;
mod names;
mod origin;
mod read;
mod scope;
mod select;
mod uses;

use std::rc::Rc;
use std::time::Duration;

use crate::deployment::Deployment;
use crate::deployment::secrets::Secrets;
use crate::kinds::{Check, Entry, Gate};
use crate::outcome::{CheckId, Effect, Place, Planned, Severity, Skip, SuiteTitle};
use crate::suite::{Capture, Entries, Node, Retry, Scope};

pub use build::{Request, build};
pub use origin::Origin;
pub use select::{Selection, nearest};

/// Everything a run needs to know.
pub struct Plan {
    /// The environment's name.
    pub environment: String,
    /// The chosen suites.
    pub suites: Vec<SuiteTitle>,
    /// Their checks, in the order of the files, then the steps of `finally`.
    pub checks: Vec<PlannedCheck>,
    /// Checks in flight.
    pub concurrency: usize,
    /// The endpoints that the checks use.
    pub deployment: Deployment,
    /// What must not appear in any output.
    pub secrets: Secrets,
    /// Variables that a run must be given with `--var`, where the request was not for a run.
    pub awaited: Vec<String>,
    /// Environment variables that templates use and that are not set, each with its first use.
    pub unset: Vec<(String, Place)>,
}

/// One check, ready to run.
pub struct PlannedCheck {
    /// Which check.
    pub id: CheckId,
    /// What it verifies, in the suite's words; may be empty.
    pub title: String,
    /// Its header in the suite; that of the use for a check from a pack.
    pub place: Place,
    /// Its header in the pack, if it is from one.
    pub pack_place: Option<Place>,
    /// The file it is from.
    pub origin: Rc<Origin>,
    /// The name of the use that brought it, if one did.
    pub used: Option<String>,
    /// Its kind.
    pub entry: &'static Entry,
    /// The name of its endpoint.
    pub endpoint: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How to try again.
    pub retry: Option<Retry>,
    /// Set where everything else waits for it.
    pub gate: Option<Gate>,
    /// What it does to the deployment, its `finally` included.
    pub effect: Effect,
    /// Whether its failure fails the run.
    pub severity: Severity,
    /// For `--tag`.
    pub tags: Vec<String>,
    /// Values for later checks.
    pub capture: Entries<Capture>,
    /// The checks it waits for, as indices.
    pub needs: Vec<usize>,
    /// The check whose cookies it starts with.
    pub cookies_of: Option<usize>,
    /// Set where it is not to run.
    pub skip: Option<Skip>,
    /// Its table, templates filled as far as they are known; kept where nothing is going to be sent, to be shown.
    pub table: Option<Node>,
    /// The check; where `late` is set, with placeholders for what is captured during the run.
    pub check: Box<dyn Check>,
    /// What to fill in and read again just before it runs.
    pub late: Option<Late>,
    /// The check that this step of `finally` cleans up after.
    pub cleans: Option<usize>,
    /// How many checks wait for it, one after the other.
    pub height: usize,
}

/// A table with templates that need captured values.
pub struct Late {
    /// The table, groups gathered, templates as written.
    pub node: Node,
    /// The expression of `when`, where it needs captured values.
    pub when: Option<String>,
    /// What the names mean, captures aside.
    pub scope: Rc<Scope>,
    /// What the suite gives to the check of a pack.
    pub given: Option<Given>,
}

/// Values of a pack's parameters that need captured values of the suite's other checks.
pub struct Given {
    /// The parameters, as written.
    pub params: Vec<(String, Node)>,
    /// The expression of the use's `when`, where it needs captured values.
    pub when: Option<String>,
    /// What their names mean, captures aside.
    pub scope: Scope,
}

impl Plan {
    /// The checks as reports know them.
    #[must_use]
    pub fn planned(&self) -> Vec<Planned> {
        let planned = |check: &PlannedCheck| Planned {
            id: check.id.clone(),
            title: check.title.clone(),
            effect: check.effect,
        };
        self.checks.iter().map(planned).collect()
    }
}
