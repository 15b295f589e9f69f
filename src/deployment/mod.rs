//! What a check may touch: the addresses of an environment, and connections to them that the checks of a run share.
//!
//! Nothing here connects before a check asks for it. Everything is polled on one thread, and a check that runs out of
//! time is dropped where it stands: whatever it holds cleans up when dropped.

pub mod http;
pub mod postgres;
pub mod program;
pub mod redis;
pub mod secrets;
pub mod tls;
pub mod walk;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use http::{Jar, Site};
use postgres::Database;
use redis::Server;
use walk::Walk;

/// What kind of address a check talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// `http = …` in an environment.
    Http,
    /// `postgres = …` in an environment.
    Postgres,
    /// `redis = …` in an environment.
    Redis,
}

impl Protocol {
    /// The key in an environment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

/// Why nothing could be told: the deployment could not be reached, or would not let us look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unobserved {
    /// What happened, as a sentence without a full stop.
    pub why: String,
    /// What to try, where that is known.
    pub hint: Option<String>,
}

impl Unobserved {
    /// Nothing could be told because of `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            hint: None,
        }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The endpoints of one environment, by name.
#[derive(Default)]
pub struct Deployment {
    folder: PathBuf,
    http: BTreeMap<String, Site>,
    postgres: BTreeMap<String, Database>,
    redis: BTreeMap<String, Server>,
}

impl Deployment {
    /// Paths that checks name are relative to `folder`, the project's.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ..Self::default()
        }
    }

    /// Adds an endpoint under `name`, and gives the password in its address, if there is one.
    ///
    /// # Errors
    /// When `address` is not one for `protocol`; the sentence never holds a password.
    pub fn add(&mut self, protocol: Protocol, name: &str, address: &str) -> Result<Option<String>, String> {
        let name = name.to_owned();
        match protocol {
            Protocol::Http => {
                let site = Site::new(address)?;
                let password = site.password();
                self.http.insert(name, site);
                Ok(password)
            }
            Protocol::Postgres => {
                let database = Database::new(address)?;
                let password = database.password();
                self.postgres.insert(name, database);
                Ok(password)
            }
            Protocol::Redis => {
                let server = Server::new(address)?;
                let password = server.password();
                self.redis.insert(name, server);
                Ok(password)
            }
        }
    }

    /// Where the endpoint is, for a reader: no credentials.
    #[must_use]
    pub fn address(&self, protocol: Protocol, name: &str) -> Option<String> {
        match protocol {
            Protocol::Http => self.http.get(name).map(Site::address),
            Protocol::Postgres => self.postgres.get(name).map(|database| database.address().to_owned()),
            Protocol::Redis => self.redis.get(name).map(|server| server.address().to_owned()),
        }
    }
}

/// The deployment as one attempt of one check sees it.
pub struct Target<'a> {
    deployment: &'a Deployment,
    endpoint: &'a str,
    timeout: Duration,
    jar: RefCell<Jar>,
}

impl<'a> Target<'a> {
    /// `endpoint` of `deployment`, for an attempt that may take `timeout` and starts with the cookies in `jar`.
    #[must_use]
    pub fn new(deployment: &'a Deployment, endpoint: &'a str, timeout: Duration, jar: Jar) -> Self {
        Self {
            deployment,
            endpoint,
            timeout,
            jar: RefCell::new(jar),
        }
    }

    /// The same endpoint for somebody with other cookies.
    #[must_use]
    pub fn beside(&self, jar: Jar) -> Self {
        Self::new(self.deployment, self.endpoint, self.timeout, jar)
    }

    /// How long the attempt may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The file or folder that a check calls `name`: relative to the project's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.deployment.folder.join(name)
    }

    /// The files that a check names by `pattern` (`*`, `?`, `[a-z]`, and `**` for any depth), relative to the project's
    /// folder. What others made is passed over: node_modules, .git, target.
    #[must_use]
    pub fn files(&self, pattern: &str) -> Walk {
        walk::files(&self.deployment.folder, pattern)
    }

    /// The cookies of this check.
    #[must_use]
    pub fn jar(&self) -> &RefCell<Jar> {
        &self.jar
    }

    /// The cookies that the attempt ended with.
    #[must_use]
    pub fn into_jar(self) -> Jar {
        self.jar.into_inner()
    }

    /// The HTTP endpoint.
    ///
    /// # Errors
    /// When the environment has none of that name; the plan has looked before.
    pub fn http(&self) -> Result<&'a Site, Unobserved> {
        self.deployment
            .http
            .get(self.endpoint)
            .ok_or_else(|| self.missing("http"))
    }

    /// The PostgreSQL endpoint.
    ///
    /// # Errors
    /// As [`Target::http`].
    pub fn postgres(&self) -> Result<&'a Database, Unobserved> {
        self.deployment
            .postgres
            .get(self.endpoint)
            .ok_or_else(|| self.missing("postgres"))
    }

    /// The Redis endpoint.
    ///
    /// # Errors
    /// As [`Target::http`].
    pub fn redis(&self) -> Result<&'a Server, Unobserved> {
        self.deployment
            .redis
            .get(self.endpoint)
            .ok_or_else(|| self.missing("redis"))
    }

    fn missing(&self, protocol: &str) -> Unobserved {
        Unobserved::new(format!(
            "the environment has no {protocol} endpoint `{}`",
            self.endpoint
        ))
    }
}
