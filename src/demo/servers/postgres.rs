//! A throwaway PostgreSQL.

use std::fs;
use std::sync::Arc;

use tokio_postgres::NoTls;
use url::Url;
use uuid::Uuid;

use super::leash::Leashed;
use super::workspace::Workspace;
use super::{StartError, port, program};

const SUPERUSER: &str = "postgres";

/// A certificate and its key, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain that the server shows.
    pub chain: String,
    /// Its private key.
    pub key: String,
}

/// How the server is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostgresOptions {
    /// `ssl = on` with this certificate.
    pub certificate: Option<Certificate>,
    /// Refuses connections without TLS (`hostssl` rules only). Needs a certificate.
    pub tls_only: bool,
    /// Stores passwords for and asks for `md5` rather than `scram-sha-256`.
    pub md5: bool,
    /// Further settings (`-c name=value`), after ours.
    pub settings: Vec<(String, String)>,
}

/// A running PostgreSQL with one superuser, `postgres`, and a password of its own.
#[derive(Debug)]
pub struct Postgres {
    server: Leashed,
    port: u16,
    password: String,
}

impl Postgres {
    /// Initialises a database cluster and starts a server on it. Returns when it accepts connections.
    pub fn start(options: &PostgresOptions) -> Result<Self, StartError> {
        let programs = program::postgres_folder()?;
        let workspace = Arc::new(Workspace::new("postgres")?);
        let password = Uuid::new_v4().simple().to_string();
        let method = if options.md5 { "md5" } else { "scram-sha-256" };
        initialise(&workspace, &programs.join("initdb"), &password, method)?;
        workspace.write("data/pg_hba.conf", &access(options, method))?;
        if let Some(Certificate { chain, key }) = &options.certificate {
            workspace.write("data/server.crt", chain)?;
            workspace.write("data/server.key", key)?;
        }
        port::on_free_port(|port| {
            let postgres = programs.join("postgres");
            let arguments = arguments(options, port);
            let mut server = Leashed::start("postgres", Arc::clone(&workspace), "QUIT", &postgres, arguments)?;
            // What pg_ctl does: the server writes its state into its pid file.
            let state = workspace.path().join("data/postmaster.pid");
            port::wait(&mut server, || {
                fs::read_to_string(&state)
                    .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
            })?;
            Ok(Self {
                server,
                port,
                password: password.clone(),
            })
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of the superuser `postgres`.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The address of `database` for `user`.
    #[must_use]
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        address(self.port, user, password, database)
    }

    /// The address of `database` for the superuser.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, &self.password, database)
    }

    /// Runs statements as the superuser.
    pub async fn execute(&self, database: &str, statements: &str) -> Result<(), StartError> {
        let doing = format!("running statements in database {database}");
        let (client, connection) = tokio_postgres::Config::new()
            .host("127.0.0.1")
            .port(self.port)
            .user(SUPERUSER)
            .password(&self.password)
            .dbname(database)
            .connect(NoTls)
            .await
            .map_err(|error| StartError::failed(&doing, describe(&error)))?;
        let work = client.batch_execute(statements);
        tokio::pin!(work, connection);
        let ended = tokio::select! {
            ended = &mut work => ended,
            _ = &mut connection => work.await,
        };
        ended.map_err(|error| StartError::failed(&doing, describe(&error)))
    }

    /// The end of what the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }
}

pub(super) fn address(port: u16, user: &str, password: &str, database: &str) -> String {
    let mut url = Url::parse("postgres://127.0.0.1").ok();
    if let Some(url) = &mut url {
        let _ = url.set_username(user);
        let _ = url.set_password(Some(password).filter(|password| !password.is_empty()));
        let _ = url.set_port(Some(port));
        url.set_path(database);
    }
    url.map(String::from).unwrap_or_default()
}

fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

fn initialise(workspace: &Workspace, initdb: &std::path::Path, password: &str, method: &str) -> Result<(), StartError> {
    let doing = || format!("initialising a database with {}", initdb.display());
    let password = workspace.write("password", password)?;
    let output = workspace
        .command(initdb)
        .args([
            "--pgdata=data",
            "--username",
            SUPERUSER,
            "--encoding=UTF8",
            "--locale=C",
        ])
        // It lives for seconds: nothing needs to reach the disk.
        .args(["--no-sync", "--no-instructions", "--auth", method])
        .arg("--pwfile")
        .arg(&password)
        .output()
        .map_err(|error| StartError::failed(doing(), error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(StartError::failed(doing(), said))
}

/// `pg_hba.conf`: a password for everyone, over TCP only.
fn access(options: &PostgresOptions, method: &str) -> String {
    let kind = if options.tls_only { "hostssl" } else { "host" };
    format!("{kind} all all 127.0.0.1/32 {method}\n")
}

fn arguments(options: &PostgresOptions, port: u16) -> Vec<String> {
    let mut arguments: Vec<String> = ["-D", "data", "-p"].map(String::from).to_vec();
    arguments.push(port.to_string());
    let tls = if options.certificate.is_some() { "on" } else { "off" };
    let ours = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("ssl", tls),
        ("password_encryption", if options.md5 { "md5" } else { "scram-sha-256" }),
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("shared_buffers", "16MB"),
        ("dynamic_shared_memory_type", "mmap"),
        ("max_wal_senders", "0"),
        ("wal_level", "minimal"),
        ("autovacuum", "off"),
        ("jit", "off"),
    ];
    let theirs = options
        .settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in ours.into_iter().chain(theirs) {
        arguments.push("-c".to_owned());
        arguments.push(format!("{name}={value}"));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_escapes_what_a_password_may_contain() {
        assert_eq!(
            address(5432, "ann", "p@ss/word", "app"),
            "postgres://ann:p%40ss%2Fword@127.0.0.1:5432/app"
        );
        assert_eq!(address(5432, "ann", "", "app"), "postgres://ann@127.0.0.1:5432/app");
    }

    #[test]
    fn tls_only_leaves_no_way_around() {
        let options = PostgresOptions {
            tls_only: true,
            ..PostgresOptions::default()
        };
        assert_eq!(access(&options, "md5"), "hostssl all all 127.0.0.1/32 md5\n");
    }
}
