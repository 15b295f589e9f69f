//! The connections of a run against real servers: encryption, refusals, transactions, poolers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use smoke::demo::servers::{Certificate, PgBouncer, Postgres, PostgresOptions, Redis, RedisOptions};
use smoke::deployment::Unobserved;
use smoke::deployment::postgres::{Database, Identity, Mode};
use smoke::deployment::redis::{Server, Stranger};

const LIMIT: Duration = Duration::from_secs(5);

fn postgres() -> Postgres {
    Postgres::start(&PostgresOptions::default()).unwrap()
}

async fn ask(url: &str, sql: &str) -> Result<Value, Unobserved> {
    let database = Database::new(url).unwrap();
    let transaction = database.transaction(Mode::ReadOnly, LIMIT).await?;
    let rows = transaction.rows(sql, &[]).await;
    transaction.rollback().await;
    let first = rows?.into_iter().next().unwrap_or_default();
    Ok(first.into_iter().next().map_or(Value::Null, |(_, value)| value))
}

/// An authority, and a certificate that it signs for `host`, both as PEM.
fn certificate(host: &str) -> (String, Certificate) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![host.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let certificate = Certificate {
        chain: leaf.pem(),
        key: key.serialize_pem(),
    };
    (authority.pem(), certificate)
}

#[tokio::test]
async fn sslmode_means_what_libpq_means() {
    let folder = tempfile::tempdir().unwrap();
    let (right, server) = certificate("127.0.0.1");
    let (foreign, _) = certificate("127.0.0.1");
    let (other_host, other_server) = certificate("db.example.com");
    let path = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let (right, foreign, other_host) = (
        path("ca", &right),
        path("foreign", &foreign),
        path("other", &other_host),
    );
    let start = |certificate: Option<Certificate>, tls_only: bool| {
        Postgres::start(&PostgresOptions {
            certificate,
            tls_only,
            ..PostgresOptions::default()
        })
        .unwrap()
    };
    let (plain, both) = (start(None, false), start(Some(server.clone()), false));
    let (strict, elsewhere) = (start(Some(server), true), start(Some(other_server), false));
    let untrusted = "not signed by an authority";
    let wrong_host = "for another host: db.example.com";
    let encrypted = json!(true);
    let clear = json!(false);
    for (postgres, options, expected) in [
        (&plain, "sslmode=disable".to_owned(), Ok(&clear)),
        (&plain, "sslmode=allow".to_owned(), Ok(&clear)),
        (&plain, "sslmode=prefer".to_owned(), Ok(&clear)),
        (&plain, "sslmode=require".to_owned(), Err("does not speak TLS")),
        (&both, "sslmode=disable".to_owned(), Ok(&clear)),
        (&both, "sslmode=allow".to_owned(), Ok(&clear)),
        (&both, String::new(), Ok(&encrypted)),
        (&both, "sslmode=require".to_owned(), Ok(&encrypted)),
        (&both, format!("sslmode=require&sslrootcert={foreign}"), Err(untrusted)),
        (&both, "sslmode=verify-ca".to_owned(), Err(untrusted)),
        (&both, format!("sslmode=verify-ca&sslrootcert={right}"), Ok(&encrypted)),
        (
            &both,
            format!("sslmode=verify-full&sslrootcert={right}"),
            Ok(&encrypted),
        ),
        (
            &both,
            format!("sslmode=verify-full&sslrootcert={foreign}"),
            Err(untrusted),
        ),
        (
            &both,
            "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(),
            Err("/nowhere.pem of `sslrootcert`"),
        ),
        (&strict, "sslmode=disable".to_owned(), Err("no pg_hba.conf entry")),
        (&strict, "sslmode=allow".to_owned(), Ok(&encrypted)),
        (
            &elsewhere,
            format!("sslmode=verify-ca&sslrootcert={other_host}"),
            Ok(&encrypted),
        ),
        (
            &elsewhere,
            format!("sslmode=verify-full&sslrootcert={other_host}"),
            Err(wrong_host),
        ),
    ] {
        let url = format!("{}?{options}", postgres.superuser_url("postgres"));
        let seen = ask(&url, "select ssl from pg_stat_ssl where pid = pg_backend_pid()").await;
        match (seen, expected) {
            (Ok(seen), Ok(expected)) => assert_eq!(&seen, expected, "{options}"),
            (Err(seen), Err(expected)) => {
                assert!(seen.why.contains(expected), "{options}: {seen:?}");
                assert!(
                    !format!("{seen:?}").contains(postgres.password()),
                    "{options}: {seen:?}"
                );
            }
            (seen, expected) => panic!("{options}: {seen:?}, expected {expected:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_certificate_that_is_itself_trusted_needs_no_authority() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = params.self_signed(&key).unwrap().pem();
    let path = folder.path().join("server.crt");
    std::fs::write(&path, &own).unwrap();
    let postgres = Postgres::start(&PostgresOptions {
        certificate: Some(Certificate {
            chain: own,
            key: key.serialize_pem(),
        }),
        ..PostgresOptions::default()
    })
    .unwrap();
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert={}",
        postgres.superuser_url("postgres"),
        path.display()
    );
    assert_eq!(ask(&url, "select 1").await.unwrap(), json!(1));
}

#[tokio::test]
async fn refusals_say_what_to_do_and_no_password() {
    let postgres = Postgres::start(&PostgresOptions {
        settings: vec![
            ("max_connections".to_owned(), "4".to_owned()),
            ("superuser_reserved_connections".to_owned(), "1".to_owned()),
        ],
        ..PostgresOptions::default()
    })
    .unwrap();
    postgres
        .execute(
            "postgres",
            "create role ann login password 's3cr:t/p@ss' connection limit 3",
        )
        .await
        .unwrap();
    let refused = async |url: &str| ask(url, "select 1").await.unwrap_err();
    let good = postgres.url("ann", "s3cr:t/p@ss", "postgres");

    let wrong = refused(&postgres.url("ann", "an0ther$ecret", "postgres")).await;
    assert!(
        wrong
            .why
            .contains("password authentication failed for user \"ann\" (28P01)"),
        "{wrong:?}"
    );
    assert!(!format!("{wrong:?}").contains("an0ther"), "{wrong:?}");
    assert!(wrong.hint.unwrap().contains("user or the password"));

    let missing = refused(&format!("postgres://ann@127.0.0.1:{}/postgres", postgres.port())).await;
    assert!(missing.why.contains("asks for a password"), "{missing:?}");

    let database = refused(&good.replace("/postgres", "/nothing")).await;
    assert!(
        database.why.contains("\"nothing\" does not exist (3D000)"),
        "{database:?}"
    );

    let host = refused("postgres://ann:s3cret@no-such-host.invalid/db").await;
    assert!(
        host.why
            .starts_with("the host of no-such-host.invalid:5432/db has no address"),
        "{host:?}"
    );

    let port = refused("postgres://ann:s3cret@127.0.0.1:1/db").await;
    assert_eq!(port.why, "127.0.0.1:1/db refused the connection");

    let held = Database::new(&good).unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(held.transaction(Mode::ReadOnly, LIMIT).await.unwrap());
    }
    let full = refused(&good).await;
    assert!(full.why.contains("(53300)"), "{full:?}");
    assert!(full.hint.unwrap().contains("no connection left"));
}

#[tokio::test]
async fn a_port_that_never_answers_is_said_to_be_silent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let database = Database::new(&format!("postgres://ann:s3cret@127.0.0.1:{port}/db")).unwrap();
    let silent = database
        .transaction(Mode::ReadOnly, Duration::from_millis(300))
        .await
        .err()
        .unwrap();
    assert_eq!(silent.why, format!("127.0.0.1:{port}/db did not answer within 270ms"));
    let redis = Server::new(&format!("redis://127.0.0.1:{port}")).unwrap();
    let silent = redis.session(Duration::from_millis(300)).await.err().unwrap();
    assert_eq!(silent.why, format!("127.0.0.1:{port}/0 did not answer in time"));
}

#[tokio::test]
async fn rows_keep_the_order_of_columns_and_the_types_of_values() {
    let postgres = postgres();
    let database = Database::new(&postgres.superuser_url("postgres")).unwrap();
    let transaction = database.transaction(Mode::RolledBack, LIMIT).await.unwrap();
    let rows = transaction
        .rows(
            "select 1 as zeta, 'x' as alpha, null as n, 1.50::numeric as m, $1::uuid as u, $2::jsonb as j, \
             $3::int = any($4::int[]) as a, array[1, 2] as l -- the end ;",
            &[
                json!("7c1f0000-0000-0000-0000-000000000000"),
                json!({ "k": [1] }),
                json!(2),
                json!([1, 2]),
            ],
        )
        .await
        .unwrap();
    assert_eq!(
        serde_json::to_string(&rows).unwrap(),
        r#"[{"zeta":1,"alpha":"x","n":null,"m":1.5,"u":"7c1f0000-0000-0000-0000-000000000000","j":{"k":[1]},"a":true,"l":[1,2]}]"#
    );
    let one = |rows: Vec<serde_json::Map<String, Value>>| Value::from(rows);
    assert_eq!(
        one(transaction.rows("show server_encoding;", &[]).await.unwrap()),
        json!([{ "server_encoding": "UTF8" }])
    );
    transaction
        .execute("create temp table t (id int, name text)", &[])
        .await
        .unwrap();
    let inserted = transaction
        .rows(
            "insert into t values ($1, $2) returning name, id",
            &[json!(1), json!(null)],
        )
        .await;
    assert_eq!(one(inserted.unwrap()), json!([{ "name": null, "id": 1 }]));
    assert_eq!(transaction.execute("update t set name = 'y'", &[]).await.unwrap(), 1);
    assert_eq!(
        transaction
            .scalar("select 100000000000000000.01::numeric", &[])
            .await
            .unwrap()
            .unwrap(),
        "100000000000000000.01"
    );
    let two = transaction.rows("select 1; drop table t", &[]).await.unwrap_err();
    assert_eq!(two.code, "42601", "{two}");
    transaction.rollback().await;
}

#[tokio::test]
async fn an_error_in_a_savepoint_leaves_the_transaction_usable_and_a_commit_after_one_is_refused() {
    let postgres = postgres();
    let database = Database::new(&postgres.superuser_url("postgres")).unwrap();
    let transaction = database.transaction(Mode::Committed, LIMIT).await.unwrap();
    transaction
        .execute("create table t (id int primary key)", &[])
        .await
        .unwrap();
    let refused = transaction
        .attempt(async || transaction.execute("insert into t values (null)", &[]).await)
        .await;
    assert_eq!(refused.unwrap_err().code, "23502");
    transaction
        .attempt(async || transaction.execute("insert into t values (1)", &[]).await)
        .await
        .unwrap();
    transaction
        .undone(async || transaction.execute("insert into t values (2)", &[]).await)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        ask(&postgres.superuser_url("postgres"), "select sum(id), count(*) from t")
            .await
            .unwrap(),
        json!(1)
    );

    let broken = database.transaction(Mode::Committed, LIMIT).await.unwrap();
    broken.execute("insert into t values (3)", &[]).await.unwrap();
    broken.execute("insert into t values (3)", &[]).await.unwrap_err();
    assert_eq!(broken.commit().await.unwrap_err().code, "25P02");
    assert_eq!(
        ask(&postgres.superuser_url("postgres"), "select count(*) from t")
            .await
            .unwrap(),
        json!(1)
    );
}

#[tokio::test]
async fn a_read_only_transaction_writes_nothing_and_ends_in_time() {
    let postgres = postgres();
    let database = Database::new(&postgres.superuser_url("postgres")).unwrap();
    let transaction = database
        .transaction(Mode::ReadOnly, Duration::from_millis(400))
        .await
        .unwrap();
    let denied = transaction
        .undone(async || transaction.execute("create table t (id int)", &[]).await)
        .await
        .unwrap_err();
    assert_eq!(denied.code, "25006");
    let slow = transaction.rows("select pg_sleep(5)", &[]).await.unwrap_err();
    assert_eq!(slow.code, "57014");
    assert!(slow.advice().unwrap().contains("timeout"));
}

#[tokio::test]
async fn a_dropped_transaction_never_returns_to_the_pool() {
    let postgres = postgres();
    let database = Database::new(&postgres.superuser_url("postgres")).unwrap();
    for _ in 0..12 {
        let transaction = database.transaction(Mode::Committed, LIMIT).await.unwrap();
        transaction
            .execute("select set_config('app.mark', 'left', false)", &[])
            .await
            .unwrap();
        // As when the attempt's time is over in the middle of a statement.
        let cut = tokio::time::timeout(Duration::from_millis(5), transaction.rows("select pg_sleep(1)", &[])).await;
        assert!(cut.is_err());
    }
    let transaction = database.transaction(Mode::ReadOnly, LIMIT).await.unwrap();
    let mark = transaction
        .scalar("select coalesce(current_setting('app.mark', true), 'none')", &[])
        .await
        .unwrap();
    assert_eq!(mark.as_deref(), Some("none"));
    transaction.rollback().await;
}

#[tokio::test]
async fn identities_last_as_long_as_their_savepoint() {
    let postgres = postgres();
    postgres.execute("postgres", "create role anon").await.unwrap();
    let database = Database::new(&postgres.superuser_url("postgres")).unwrap();
    let transaction = database.transaction(Mode::RolledBack, LIMIT).await.unwrap();
    let who = "select current_user || ' ' || current_setting('request.jwt.claims') || ' ' || \
               current_setting('request.jwt.claim.sub') || ' ' || current_setting('app.tenant')";
    let identity = Identity {
        role: Some("anon".to_owned()),
        user: Some("7c1f".to_owned()),
        claims: json!({ "tenant": 3 }).as_object().cloned().unwrap(),
        settings: vec![("app.tenant".to_owned(), "3".to_owned())],
    };
    let seen = transaction
        .undone(async || {
            transaction.act_as(&identity).await?;
            transaction.scalar(who, &[]).await
        })
        .await
        .unwrap();
    assert_eq!(seen.unwrap(), r#"anon {"sub":"7c1f","role":"anon","tenant":3} 7c1f 3"#);
    assert_eq!(
        transaction.scalar("select current_user", &[]).await.unwrap().unwrap(),
        "postgres"
    );
    let unknown = Identity {
        role: Some("nobody_here".to_owned()),
        ..Identity::default()
    };
    let refused = transaction
        .undone(async || transaction.act_as(&unknown).await)
        .await
        .unwrap_err();
    assert!(refused.message.contains("nobody_here"), "{refused}");
    transaction.rollback().await;
}

#[tokio::test]
async fn everything_works_through_a_pooler_in_transaction_mode() {
    let postgres = postgres();
    postgres
        .execute(
            "postgres",
            "create role ann login password 'p@ss'; create role anon; grant anon to ann;
             create table notes (id int primary key, owner uuid, label varchar(20)); grant all on notes to ann",
        )
        .await
        .unwrap();
    let pooler = PgBouncer::start(&postgres, &[("ann", "p@ss")], 2).unwrap();
    let database = Database::new(&pooler.url("ann", "p@ss", "postgres")).unwrap();
    let work = async || {
        let transaction = database.transaction(Mode::RolledBack, LIMIT).await.unwrap();
        transaction
            .execute("insert into notes values ($1, null, 'x')", &[json!(1)])
            .await
            .unwrap();
        let rows = transaction
            .rows("select count(*) as n from notes where id = $1", &[json!(1)])
            .await
            .unwrap();
        transaction
            .undone(async || {
                transaction
                    .act_as(&Identity {
                        role: Some("anon".to_owned()),
                        ..Identity::default()
                    })
                    .await?;
                transaction.scalar("select current_user", &[]).await
            })
            .await
            .unwrap();
        transaction.rollback().await;
        rows[0]["n"].clone()
    };
    for _ in 0..5 {
        let all = futures_util::future::join_all((0..5).map(|_| work())).await;
        assert!(all.iter().all(|seen| seen == &json!(1)), "{all:?}");
    }
    let catalogue = database.catalogue(LIMIT).await.unwrap();
    let notes = catalogue.table("public", "notes").unwrap();
    assert_eq!(notes.column("label").unwrap().r#type, "character varying(20)");
    assert_eq!(catalogue.current_user, "ann");
    let wrong = ask(&pooler.url("ann", "wr0ngsecret", "postgres"), "select 1")
        .await
        .unwrap_err();
    assert!(
        wrong.why.contains("refused the login") && !wrong.why.contains("wr0ng"),
        "{wrong:?}"
    );
}

#[tokio::test]
async fn redis_tells_a_missing_password_from_a_wrong_one() {
    let redis = Redis::start(&RedisOptions {
        password: Some("s3cr-t".to_owned()),
        ..RedisOptions::default()
    })
    .unwrap();
    let at = |credentials: &str| format!("redis://{credentials}127.0.0.1:{}", redis.port());
    let server = Server::new(&redis.url()).unwrap();
    let mut session = server.session(LIMIT).await.unwrap();
    assert_eq!(session.ping().await.unwrap(), "PONG");
    let Stranger::Refused(why) = server.stranger(LIMIT).await.unwrap() else {
        panic!("a stranger is welcome")
    };
    assert!(why.contains("NOAUTH"), "{why}");
    assert!(session.info().await.unwrap()["used_memory"].is_number());

    let missing = Server::new(&at("")).unwrap().session(LIMIT).await.err().unwrap();
    assert!(missing.why.contains("asks for a password"), "{missing:?}");
    let wrong = Server::new(&at(":wr0ngsecret@"))
        .unwrap()
        .session(LIMIT)
        .await
        .err()
        .unwrap();
    assert!(
        wrong.why.contains("refused the login") && !format!("{wrong:?}").contains("wr0ng"),
        "{wrong:?}"
    );

    let open = Redis::start(&RedisOptions::default()).unwrap();
    assert_eq!(
        Server::new(&open.url()).unwrap().stranger(LIMIT).await.unwrap(),
        Stranger::Welcome
    );
    let down = Server::new("redis://127.0.0.1:1")
        .unwrap()
        .session(LIMIT)
        .await
        .err()
        .unwrap();
    assert_eq!(down.why, "127.0.0.1:1/0 refused the connection");
}

#[tokio::test]
async fn redis_keys_are_read_whatever_their_type() {
    let redis = Redis::start(&RedisOptions::default()).unwrap();
    let client = redis::Client::open(redis.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    redis::pipe()
        .cmd("RPUSH")
        .arg("jobs")
        .arg("a")
        .arg("b")
        .cmd("SET")
        .arg("flag")
        .arg("on")
        .arg("EX")
        .arg(100)
        .cmd("HSET")
        .arg("user")
        .arg("name")
        .arg("ann")
        .arg("age")
        .arg(3)
        .cmd("SADD")
        .arg("tags")
        .arg("z")
        .arg("a")
        .cmd("XADD")
        .arg("log")
        .arg("*")
        .arg("k")
        .arg("v")
        .exec_async(&mut raw)
        .await
        .unwrap();
    let server = Server::new(&redis.url()).unwrap();
    let mut session = server.session(LIMIT).await.unwrap();
    let jobs = session.key("jobs", true).await.unwrap();
    assert_eq!(
        (jobs.r#type.as_deref(), jobs.length, jobs.ttl),
        (Some("list"), Some(2), None)
    );
    assert_eq!(jobs.value.unwrap(), json!(["a", "b"]));
    let flag = session.key("flag", true).await.unwrap();
    assert!(flag.ttl.is_some_and(|left| left > 90.0 && left <= 100.0), "{flag:?}");
    assert_eq!(
        session.key("user", true).await.unwrap().value.unwrap(),
        json!({ "name": "ann", "age": "3" })
    );
    assert_eq!(
        session.key("tags", true).await.unwrap().value.unwrap(),
        json!(["a", "z"])
    );
    assert_eq!(session.key("log", false).await.unwrap().length, Some(1));
    assert_eq!(session.key("nothing", true).await.unwrap().r#type, None);
    let count = session.count("*").await.unwrap();
    assert_eq!((count.found, count.complete), (5, true));
    drop(redis);
    let gone = server.session(LIMIT).await.err().unwrap();
    assert!(gone.why.contains("refused the connection"), "{gone:?}");
}
