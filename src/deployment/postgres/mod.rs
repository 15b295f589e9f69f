//! A PostgreSQL database: parsed at once, connected when a check first needs it, shared by all checks of a run.
//!
//! Nothing is prepared under a name and nothing is set outside a transaction, so that all of it works through PgBouncer
//! or Supavisor in transaction mode.

mod catalogue;
mod dsn;
mod error;
mod statement;
mod tls;
mod transaction;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use deadpool_postgres::{Client, Connect, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::dsn::Dsn;
use self::error::unreachable;
use self::tls::SslMode;
use super::Unobserved;

pub use self::catalogue::{Catalogue, Column, Extension, Function, Policy, Role, Table};
pub use self::error::SqlError;
pub use self::statement::{identifier, reads};
pub use self::transaction::{Identity, Mode, Ran, Transaction, only_value};

/// How many connections a run opens to one database: few, as the application needs the rest.
const CONNECTIONS: usize = 5;

/// A database of an environment.
pub struct Database {
    dsn: Dsn,
    pool: OnceCell<Pool>,
    catalogue: OnceCell<Catalogue>,
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Database({})", self.dsn.address)
    }
}

impl Database {
    /// Reads the address; connects to nothing. The error never contains the password.
    pub fn new(address: &str) -> Result<Self, String> {
        Ok(Self {
            dsn: Dsn::parse(address)?,
            pool: OnceCell::new(),
            catalogue: OnceCell::new(),
        })
    }

    /// `host:port/database`, for messages.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.dsn.address
    }

    /// The password of the address, for the redactor.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        let password = self.dsn.config.get_password()?;
        Some(String::from_utf8_lossy(password).into_owned())
    }

    /// Opens a transaction. Connecting and each of its statements end a little before `timeout` does, so that the
    /// reason is the database's and not a mere time-out.
    pub async fn transaction(&self, mode: Mode, timeout: Duration) -> Result<Transaction, Unobserved> {
        let limit = timeout.mul_f64(0.9);
        let start = Instant::now();
        let client = match tokio::time::timeout(limit, self.connection()).await {
            Ok(client) => client?,
            Err(_) => return Err(self.too_slow(limit)),
        };
        let left = limit.saturating_sub(start.elapsed());
        match tokio::time::timeout(left, Transaction::begin(client, mode, left)).await {
            Ok(begun) => Ok(begun?),
            Err(_) => Err(self.too_slow(limit)),
        }
    }

    /// Tries one connection without encryption, whatever the address says of it.
    ///
    /// # Errors
    /// When it fails for another reason than that it is not encrypted.
    pub async fn plain(&self, timeout: Duration) -> Result<Plain, Unobserved> {
        let mut config = self.dsn.config.clone();
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let limit = timeout.mul_f64(0.9);
        match tokio::time::timeout(limit, config.connect(NoTls)).await {
            Err(_) => Err(self.too_slow(limit)),
            Ok(Ok(_)) => Ok(Plain::Accepted),
            Ok(Err(error)) => error::wants_encryption(&error)
                .map(Plain::Refused)
                .ok_or_else(|| unreachable(&self.dsn.address, SslMode::Disable, &error)),
        }
    }

    /// The database's tables, functions, policies and roles; read once a run.
    pub async fn catalogue(&self, timeout: Duration) -> Result<&Catalogue, Unobserved> {
        self.catalogue
            .get_or_try_init(|| async {
                let transaction = self.transaction(Mode::ReadOnly, timeout).await?;
                let read = Catalogue::read(&transaction).await;
                transaction.rollback().await;
                Ok(read?)
            })
            .await
    }

    async fn connection(&self) -> Result<Client, Unobserved> {
        let pool = self.pool.get_or_try_init(|| async { self.open() }).await?;
        loop {
            return match pool.get().await {
                Ok(client) if client.is_closed() => continue,
                Ok(client) => Ok(client),
                Err(PoolError::Backend(error)) => Err(unreachable(&self.dsn.address, self.dsn.tls.mode, &error)),
                Err(other) => Err(Unobserved::new(format!("no connection to {}: {other}", self.address()))),
            };
        }
    }

    fn open(&self) -> Result<Pool, Unobserved> {
        let direct = self.dsn.config.get_ssl_negotiation() == tokio_postgres::config::SslNegotiation::Direct;
        let connect = Connector {
            tls: self.dsn.tls.connector(direct)?,
            mode: self.dsn.tls.mode,
        };
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        Pool::builder(Manager::from_connect(self.dsn.config.clone(), connect, recycling))
            .max_size(CONNECTIONS)
            .build()
            .map_err(|why| Unobserved::new(format!("no connections to {}: {why}", self.address())))
    }

    fn too_slow(&self, limit: Duration) -> Unobserved {
        let limit = humantime::format_duration(Duration::from_millis(u64::try_from(limit.as_millis()).unwrap_or(0)));
        let busy = self.pool.get().is_some_and(|pool| {
            let status = pool.status();
            status.size >= status.max_size && status.waiting > 0
        });
        if busy {
            return Unobserved::new(format!(
                "none of the {CONNECTIONS} connections to {} became free within {limit}",
                self.address()
            ))
            .hint("other checks of this run hold them: raise `timeout`, or make their queries cheaper");
        }
        Unobserved::new(format!("{} did not answer within {limit}", self.address()))
            .hint("is the host right, and does a firewall drop the packets?")
    }
}

/// What became of a connection without encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plain {
    /// It was taken.
    Accepted,
    /// The server wants encryption, and says so.
    Refused(String),
}

/// Connects as libpq does: `allow` and `prefer` try the other way if the first is refused.
struct Connector {
    tls: MakeRustlsConnect,
    mode: SslMode,
}

type Connection = (tokio_postgres::Client, JoinHandle<()>);

impl Connector {
    async fn once(&self, mut config: Config, mode: tokio_postgres::config::SslMode) -> Result<Connection, Failure> {
        config.ssl_mode(mode);
        let (client, connection) = config.connect(self.tls.clone()).await?;
        // Its errors come back through the client.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok((client, task))
    }

    async fn either(&self, config: Config) -> Result<Connection, Failure> {
        use tokio_postgres::config::SslMode as Driver;
        let (first, second) = match self.mode {
            SslMode::Disable => (Driver::Disable, None),
            SslMode::Allow => (Driver::Disable, Some(Driver::Require)),
            SslMode::Prefer => (Driver::Prefer, Some(Driver::Disable)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Driver::Require, None),
        };
        let error = match self.once(config.clone(), first).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        match second {
            Some(second) if is_about_encryption(&error) => self.once(config, second).await.map_err(|_| error),
            _ => Err(error),
        }
    }
}

type Failure = tokio_postgres::Error;

/// Refused by `pg_hba.conf` or by TLS itself, where the other way may work.
fn is_about_encryption(error: &Failure) -> bool {
    error.code().is_some_and(|code| code.code() == "28000") || error::find_tls(error).is_some()
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Pin<Box<dyn Future<Output = Result<Connection, Failure>> + Send + '_>> {
        Box::pin(self.either(config.clone()))
    }
}
