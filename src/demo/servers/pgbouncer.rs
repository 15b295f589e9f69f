//! A throwaway PgBouncer in front of a [`Postgres`].

use std::path::Path;
use std::sync::Arc;

use super::leash::Leashed;
use super::postgres::address;
use super::workspace::Workspace;
use super::{Postgres, StartError, port, program};

/// The first stops version 1.23 and later at once, the second what came before.
const STOP: &str = "QUIT TERM";

/// A running PgBouncer in transaction mode.
#[derive(Debug)]
pub struct PgBouncer {
    _server: Leashed,
    port: u16,
}

impl PgBouncer {
    /// Starts a pooler that hands `users` (name, password) on to all databases of `postgres`, over at most
    /// `pool_size` connections for each user and database. PgBouncer forgets nothing between transactions.
    pub fn start(postgres: &Postgres, users: &[(&str, &str)], pool_size: usize) -> Result<Self, StartError> {
        let program = program::find(program::PGBOUNCER)?;
        let workspace = Arc::new(Workspace::new("pgbouncer")?);
        let users: Vec<String> = users
            .iter()
            .map(|(name, password)| format!("\"{name}\" \"{password}\""))
            .collect();
        let users = workspace.write("users.txt", &users.join("\n"))?;
        port::on_free_port(|port| {
            let settings = configuration(postgres.port(), port, &users, pool_size);
            let settings = workspace.write("pgbouncer.ini", &settings)?;
            let mut server = Leashed::start("pgbouncer", Arc::clone(&workspace), STOP, &program, [settings])?;
            port::wait(&mut server, || port::connect(port).is_ok())?;
            Ok(Self { _server: server, port })
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of `database` through the pooler.
    #[must_use]
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        address(self.port, user, password, database)
    }
}

fn configuration(postgres: u16, port: u16, users: &Path, pool_size: usize) -> String {
    format!(
        "[databases]
* = host=127.0.0.1 port={postgres}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_reset_query =
ignore_startup_parameters = extra_float_digits
",
        users.display()
    )
}
