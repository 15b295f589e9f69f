//! The demo as such: it comes up, keeps its promises, and breaks each of them when told to.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get ends it")]

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use smoke::demo::{Demo, faults};
use tokio_postgres::NoTls;

struct Caller {
    client: Client,
    base: String,
}

impl Caller {
    fn new(demo: &Demo) -> Self {
        let client = Client::builder()
            .tls_backend_preconfigured(no_tls())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            client,
            base: demo.http.clone(),
        }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.ask(Method::GET, path).send().await.unwrap()).await
    }

    async fn login(&self, email: &str, password: &str) -> (u16, Value) {
        let body = json!({ "email": email, "password": password });
        read(self.json(Method::POST, "/api/auth/login", &body).send().await.unwrap()).await
    }

    fn json(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.ask(method, path)
            .header("content-type", "application/json")
            .body(body.to_string())
    }
}

fn no_tls() -> rustls::ClientConfig {
    let provider = rustls::crypto::ring::default_provider();
    rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn var<'d>(demo: &'d Demo, name: &str) -> &'d str {
    &demo.vars.iter().find(|var| var.name == name).unwrap().value
}

async fn token(demo: &Demo, caller: &Caller, who: &str) -> String {
    let email = var(demo, &format!("{who}_email"));
    let (status, body) = caller.login(email, var(demo, &format!("{who}_password"))).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_demo_keeps_its_promises() {
    let started = Instant::now();
    let demo = Demo::start(&[]).unwrap();
    println!("up after {:?}", started.elapsed());
    let caller = Caller::new(&demo);

    let (status, health) = caller.get("/health").await;
    assert_eq!(status, 200, "{health}");
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["version"], var(&demo, "expected_version"));
    assert_eq!(health["parts"], json!({ "database": "up", "redis": "up" }));
    assert_eq!(caller.get("/nonsense").await.0, 404);
    assert_eq!(
        caller.get("/api/workflows").await.1["workflows"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
    assert_eq!(caller.get("/api/me").await.0, 401);

    let admin = token(&demo, &caller, "admin").await;
    let alice = token(&demo, &caller, "alice").await;
    let bob = token(&demo, &caller, "bob").await;
    let wrong = caller.login(var(&demo, "alice_email"), "wrong").await;
    assert_eq!(wrong.0, 401);
    assert_eq!(caller.login("nobody@demo.example", "wrong").await, wrong);
    for (token, expected) in [(&admin, 200), (&alice, 403)] {
        let answer = caller.ask(Method::GET, "/api/admin/dashboard").bearer_auth(token);
        assert_eq!(answer.send().await.unwrap().status(), expected);
    }
    let credits = caller.ask(Method::GET, "/api/credits").bearer_auth(&alice);
    assert_eq!(read(credits.send().await.unwrap()).await.1["credits"], 1500);

    a_job_is_done(&caller, &alice).await;
    the_limit_holds(&caller, &alice, &bob).await;
    logging_out_ends_the_session(&caller, &bob).await;
    users_see_their_own_rows(&demo).await;
    redis_wants_its_password(&demo).await;
}

async fn a_job_is_done(caller: &Caller, token: &str) {
    let job = caller.json(Method::POST, "/api/jobs", &json!({ "text": "three little words" }));
    let (status, job) = read(job.bearer_auth(token).send().await.unwrap()).await;
    assert_eq!(status, 202);
    let path = format!("/api/jobs/{}", job["id"].as_str().unwrap());
    let done = caller.ask(Method::GET, &format!("{path}?wait=2")).bearer_auth(token);
    let (_, seen) = read(done.send().await.unwrap()).await;
    assert_eq!(seen["status"], "completed");
    assert_eq!(seen["result"]["words"], 3, "{seen}");
    for expected in [204, 404] {
        let gone = caller
            .ask(Method::DELETE, &path)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(gone.status(), expected);
    }
    let broken = caller.ask(Method::POST, "/api/jobs").bearer_auth(token);
    let broken = broken.header("content-type", "application/json").body("{oops");
    assert_eq!(broken.send().await.unwrap().status(), 400);
}

async fn the_limit_holds(caller: &Caller, alice: &str, bob: &str) {
    let send = async |token: &str| {
        let request = caller.json(Method::POST, "/api/generate", &json!({ "prompt": "fog" }));
        request.bearer_auth(token).send().await.unwrap()
    };
    for _ in 0..10 {
        assert_eq!(send(alice).await.status(), 200);
    }
    let refused = send(alice).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "2");
    assert_eq!(refused.headers()["ratelimit-limit"], "10");
    assert_eq!(send(bob).await.status(), 200);
    tokio::time::sleep(Duration::from_millis(2050)).await;
    assert_eq!(send(alice).await.status(), 200);
}

async fn logging_out_ends_the_session(caller: &Caller, token: &str) {
    let me = async || {
        let request = caller.ask(Method::GET, "/api/me").bearer_auth(token);
        request.send().await.unwrap().status()
    };
    assert_eq!(me().await, 200);
    let out = caller
        .ask(Method::POST, "/api/auth/logout")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 204);
    assert_eq!(me().await, 401);
}

async fn users_see_their_own_rows(demo: &Demo) {
    let url = demo.postgres.as_ref().unwrap();
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let count = "select count(*) from images";
    assert_eq!(client.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 4);
    for (role, id, expected) in [("anon", "", 0), ("authenticated", var(demo, "alice_id"), 2)] {
        let transaction = client.transaction().await.unwrap();
        let act = format!("set local role {role}; set local request.jwt.claim.sub = '{id}'");
        transaction.batch_execute(&act).await.unwrap();
        let seen: i64 = transaction.query_one(count, &[]).await.unwrap().get(0);
        assert_eq!(seen, expected, "as {role}");
    }
    let transaction = client.transaction().await.unwrap();
    let charge = format!(
        "select new_balance from atomic_charge_credits('{}', 'image', 500, 'k', '{{}}')",
        var(demo, "alice_id")
    );
    assert_eq!(
        transaction.query_one(&charge, &[]).await.unwrap().get::<_, i32>(0),
        1000
    );
    let limit = "select allowed from check_rate_limit('x', 'user', 2, 60)";
    for expected in [true, true, false] {
        assert_eq!(
            transaction.query_one(limit, &[]).await.unwrap().get::<_, bool>(0),
            expected
        );
    }
}

async fn redis_wants_its_password(demo: &Demo) {
    let url = demo.redis.as_ref().unwrap();
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let left: i64 = redis::cmd("TTL")
        .arg("worker:heartbeat")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(left > 0, "{left}");
    let (_, address) = url.split_once('@').unwrap();
    let stranger = redis::Client::open(format!("redis://{address}")).unwrap();
    let mut connection = stranger.get_multiplexed_async_connection().await.unwrap();
    assert!(redis::cmd("PING").query_async::<()>(&mut connection).await.is_err());
}

/// All at once where they do not get in each other's way, since each start costs a second.
#[tokio::test]
async fn every_fault_of_the_data_can_be_applied() {
    let (alone, together): (Vec<_>, Vec<_>) =
        faults::all()
            .filter(|fault| fault.needs().is_some())
            .partition(|fault| {
                ["missing_function", "backend_owns_tables"].contains(&fault.name) || fault.name.ends_with("_down")
            });
    for (faults, status) in [(together, 200), (alone, 503)] {
        let demo = Demo::start(&faults).unwrap();
        assert_eq!(Caller::new(&demo).get("/health").await.0, status);
    }
}

/// The promise that is easiest to leave whole by accident: the function stays, with its arguments, and only fails.
#[tokio::test]
async fn a_function_that_always_fails_does_fail() {
    let demo = Demo::start(&[faults::find("function_always_fails").unwrap()]).unwrap();
    let url = demo.postgres.as_ref().unwrap();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let error = client
        .query("select check_rate_limit('x', 'user', 2, 60)", &[])
        .await
        .unwrap_err();
    let said = error.as_db_error().unwrap().message();
    assert_eq!(said, "column reference \"window_end\" is ambiguous");
}
