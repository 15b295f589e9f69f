//! Throwaway servers on loopback: PostgreSQL, PgBouncer, Redis and nginx, as they are installed on this machine.
//!
//! Each lives in a temporary directory, listens on a free port of 127.0.0.1 only, and is gone, with its directory,
//! when its value is dropped. Starting blocks; it takes about a second for PostgreSQL and a blink for the others.

mod leash;
mod nginx;
mod pgbouncer;
mod port;
mod postgres;
mod program;
mod redis;
mod workspace;

pub use nginx::{Nginx, NginxOptions};
pub use pgbouncer::PgBouncer;
pub use postgres::{Certificate, Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};

use std::fmt;

/// A server that is not installed here, and how to get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The program that was looked for.
    pub program: &'static str,
    /// Where it was looked for besides `PATH`.
    pub also_in: &'static str,
    /// The command that installs it on Debian and Ubuntu.
    pub install: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            program,
            also_in,
            install,
        } = self;
        write!(out, "{program} was not found in PATH")?;
        if !also_in.is_empty() {
            write!(out, " or {also_in}")?;
        }
        write!(out, "; install it with `{install}`")
    }
}

/// Why a server does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// It is not installed.
    Missing(Missing),
    /// It is installed, and would not start: what was tried and what it said.
    Failed(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(out),
            Self::Failed(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Missing> for StartError {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl StartError {
    /// `doing` went wrong because of `why`.
    fn failed(doing: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::Failed(format!("{doing}: {why}"))
    }
}
