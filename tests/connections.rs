//! `connections` against a real PostgreSQL: sessions that are not as they should be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::Duration;

use rcgen::generate_simple_self_signed;
use smoke::demo::servers::{Certificate, Postgres, PostgresOptions};
use support::{Project, block_on};
use tokio::sync::oneshot;
use tokio_postgres::{Client, NoTls};

const ROLES: &str = "create role app login password 'p@ss'; create role migrator login password 'p@ss'; create role nobody login; \
                     create role watcher login password 'p@ss' in role pg_monitor; create role blind login password 'p@ss';";

const SUITE: &str = r#"
[connections.passed_own]
users = ["watcher"]
sessions = 0
headroom = "5%"
roles_absent = ["nobody"]

[connections.failed_plain]
users = ["app"]
ssl = true

[connections.failed_waiting]
users = ["app"]
idle_in_transaction_max = "200ms"

[connections.passed_waiting]
users = ["app"]
idle_in_transaction_max = "10m"
sessions = { ge = 2, le = 2 }

[connections.failed_leak]
needs = ["passed_waiting"]
users = ["app"]
sessions = { lt = "{{ passed_waiting.sessions }}" }

[connections.failed_headroom]
headroom = "99%"

[connections.failed_open]
plain = false

[connections.failed_role]
roles_absent = ["migrator"]

[connections.unclear_nobody]
users = ["nobody"]
ssl = true

[connections.unclear_misspelt]
roles_absent = ["migratr"]

[connections.unclear_hidden]
on = "blind"
ssl = true
"#;

/// Two sessions of the application in plain text, one inside a transaction, and one of the migrations. They last as long
/// as what is returned.
fn hold(postgres: &Postgres) -> oneshot::Sender<()> {
    let urls = ["app", "app", "migrator"].map(|user| postgres.url(user, "p@ss", "postgres"));
    let superuser = postgres.superuser_url("postgres");
    let (stop, stopped) = oneshot::channel();
    let (ready, started) = mpsc::channel();
    thread::spawn(move || {
        block_on(async {
            connect(&superuser).await.batch_execute(ROLES).await.unwrap();
            let mut held = Vec::new();
            for url in urls {
                held.push(connect(&url).await);
            }
            held[0].batch_execute("begin; select 1").await.unwrap();
            ready.send(()).unwrap();
            let _: Result<(), _> = stopped.await;
        });
    });
    started.recv().unwrap();
    stop
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A server with TLS, and where `only` is set without anything else.
fn encrypting(only: bool) -> Postgres {
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    Postgres::start(&PostgresOptions {
        certificate: Some(Certificate {
            chain: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }),
        tls_only: only,
        ..PostgresOptions::default()
    })
    .unwrap()
}

#[test]
fn a_server_that_refuses_plain_connections_is_seen_to() {
    let postgres = encrypting(true);
    let address = format!("{}?sslmode=require", postgres.superuser_url("postgres"));
    let suite = "[connections.encrypted_only]\nplain = false\n";
    let said = Project::prod(&format!("postgres = {address:?}"), suite).run();
    said.exits(0);
}

#[test]
fn every_promise_is_told_when_it_is_broken() {
    let postgres = encrypting(false);
    let held = hold(&postgres);
    sleep(Duration::from_millis(300));
    let url = |user| format!("{}?sslmode=require", postgres.url(user, "p@ss", "postgres"));
    let addresses = format!(
        "postgres = {{ default = {:?}, blind = {:?} }}",
        url("watcher"),
        url("blind")
    );
    let said = Project::prod(&addresses, SUITE).run();
    said.ends_as_named(SUITE);
    said.exits(1).says(&[
        "2 of 2 are not: app 2 times",
        "a connection without encryption   expected: refused   seen: accepted",
        "app for ",
        "are in use",
        "1: migrator",
        "nobody else is connected, so this proves nothing",
        "did you mean `migrator`?",
        "sessions are hidden from this role",
        "grant pg_monitor",
    ]);
    drop(held);
}
