//! A small deployment to try smoke on: real servers on loopback, which the binary itself starts.
//!
//! [`Demo::start`] brings up PostgreSQL, Redis and an HTTP API that uses them, each as a newcomer's own might be, and
//! breaks the promises that it is asked to break. Nothing in here knows anything of checks; `suites/demo.toml` does.

mod accounts;
mod app;
mod database;
pub mod faults;
pub mod servers;
mod start;
mod surroundings;

use std::thread::JoinHandle;

use servers::{Postgres, Redis, StartError};
use surroundings::Surroundings;
use tempfile::NamedTempFile;
use tokio::sync::oneshot;

/// A fact about the demo that its suite uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Var {
    /// What the suite calls it.
    pub name: String,
    /// What it is.
    pub value: String,
    /// Whether it must not be shown.
    pub secret: bool,
}

/// The running deployment. Dropping it stops everything and leaves nothing behind.
#[derive(Debug)]
pub struct Demo {
    /// Where the API answers: `http://127.0.0.1:PORT`.
    pub http: String,
    /// Where it answers by TLS, with a certificate that only the suite trusts: `https://127.0.0.1:PORT`.
    pub https: String,
    /// The database as the checks see it, or why there is none.
    pub postgres: Result<String, StartError>,
    /// Redis as the checks see it, or why there is none.
    pub redis: Result<String, StartError>,
    /// What the suite needs to know besides: the expected version, who may log in, the secret of the tokens.
    pub vars: Vec<Var>,
    // In this order: the API ends before its servers.
    _api: Api,
    _trusted: NamedTempFile,
    _postgres: Option<Postgres>,
    _redis: Option<Redis>,
    _surroundings: Surroundings,
}

/// The thread in which the API runs, on a runtime of its own, so that it does not compete with the checks for one.
#[derive(Debug)]
struct Api {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
