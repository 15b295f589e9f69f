//! The servers that the demo and the tests start: they come up, they ask for a password, and they leave nothing.

use std::net::TcpStream;

use smoke::demo::servers::{Certificate, PgBouncer, Postgres, PostgresOptions, Redis, RedisOptions};
use tokio_postgres::NoTls;

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

async fn ask(url: &str, sql: &str) -> Result<String, String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(|error| format!("{error:?}"))?;
    tokio::spawn(connection);
    let messages = client.simple_query(sql).await.map_err(|error| format!("{error:?}"))?;
    let row = messages.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(row.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn postgres_runs_until_it_is_dropped() {
    let postgres = Postgres::start(&PostgresOptions {
        settings: vec![("statement_timeout".to_owned(), "4321ms".to_owned())],
        ..PostgresOptions::default()
    })
    .unwrap();
    let port = postgres.port();
    let superuser = postgres.superuser_url("postgres");
    assert_eq!(ask(&superuser, "show statement_timeout").await.unwrap(), "4321ms");

    postgres
        .execute(
            "postgres",
            "create role ann login password 'p@ss/word'; create table t (); grant select on t to ann",
        )
        .await
        .unwrap();
    let ann = postgres.url("ann", "p@ss/word", "postgres");
    assert_eq!(ask(&ann, "select count(*) from t").await.unwrap(), "0");
    let refused = ask(&postgres.url("ann", "wrong", "postgres"), "select 1")
        .await
        .unwrap_err();
    assert!(refused.contains("28P01"), "{refused}");

    let folder = ask(&superuser, "show data_directory").await.unwrap();
    drop(postgres);
    assert!(!listens(port));
    assert!(!std::path::Path::new(&folder).exists());
}

#[tokio::test]
async fn pgbouncer_shares_one_connection_between_transactions() {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    postgres
        .execute("postgres", "create role ann login password 'secret'")
        .await
        .unwrap();
    let pgbouncer = PgBouncer::start(&postgres, &[("ann", "secret")], 1).unwrap();
    let url = pgbouncer.url("ann", "secret", "postgres");
    let (first, first_connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let (second, second_connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(first_connection);
    tokio::spawn(second_connection);
    first
        .batch_execute("set application_name = 'left behind'")
        .await
        .unwrap();
    let seen = second.simple_query("show application_name").await.unwrap();
    assert!(format!("{seen:?}").contains("left behind"), "{seen:?}");
    let port = pgbouncer.port();
    drop(pgbouncer);
    assert!(!listens(port));
}

#[tokio::test]
async fn postgres_with_a_certificate_can_insist_on_tls() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let postgres = Postgres::start(&PostgresOptions {
        certificate: Some(Certificate {
            chain: signed.cert.pem(),
            key: signed.signing_key.serialize_pem(),
        }),
        tls_only: true,
        md5: true,
        ..PostgresOptions::default()
    })
    .unwrap();
    let refused = ask(&postgres.superuser_url("postgres"), "select 1").await.unwrap_err();
    assert!(refused.contains("no pg_hba.conf entry"), "{refused}");
}

#[tokio::test]
async fn redis_asks_for_its_password() {
    let redis = Redis::start(&RedisOptions {
        password: Some("a-password".to_owned()),
        settings: vec![("maxmemory-policy".to_owned(), "noeviction".to_owned())],
    })
    .unwrap();
    let port = redis.port();
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pong: String = redis::cmd("PING").query_async(&mut connection).await.unwrap();
    assert_eq!(pong, "PONG");

    let stranger = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let mut connection = stranger.get_multiplexed_async_connection().await.unwrap();
    let refused = redis::cmd("PING")
        .query_async::<String>(&mut connection)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("NOAUTH"), "{refused}");

    drop(redis);
    assert!(!listens(port));
}

#[test]
fn a_server_that_will_not_start_says_why() {
    let error = Redis::start(&RedisOptions {
        settings: vec![("no-such-setting".to_owned(), "1".to_owned())],
        ..RedisOptions::default()
    })
    .unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("redis-server ended at once: "), "{said}");
    assert!(said.contains("no-such-setting"), "{said}");
}
