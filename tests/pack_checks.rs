//! Every pack that is built in, against a real server: it passes where all is well, and where its main promise is broken
//! the check that says so is red.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use smoke::demo::servers::{Certificate, Nginx, NginxOptions, Postgres, PostgresOptions, Redis, RedisOptions};
use support::{Project, Said, serve};

/// Nothing was wrong, or nothing but the check with this id (and what needs it); what is wrong with that otherwise.
fn judge(said: &Said, what: &str, red: Option<&str>) -> Result<(), String> {
    let failed = said.stdout.lines().filter(|line| line.starts_with("failed "));
    let failed: Vec<&str> = failed.filter_map(|line| line.split_whitespace().nth(1)).collect();
    let right = match red {
        None => said.code == 0,
        Some(red) => said.code == 1 && failed == [red],
    };
    let wrong = || format!("{what}: {red:?} should be red\n{}\n{}", said.stdout, said.stderr);
    if right { Ok(()) } else { Err(wrong()) }
}

#[track_caller]
fn says(said: &Said, what: &str, red: Option<&str>) {
    judge(said, what, red).unwrap_or_else(|wrong| panic!("{wrong}"));
}

fn suite(pack: &str, with: &str) -> String {
    format!("[use.x]\npack = {pack:?}\n{with}\n")
}

/// A pack over HTTP: its name, what it is given, and what can break, with the check that sees it.
struct Case {
    pack: &'static str,
    with: &'static str,
    breaks: &'static [(&'static str, &'static str)],
}

const WEB: &[Case] = &[
    Case {
        pack: "security_headers",
        with: "with = { api = '/api/plans', asset = '/_next/static/chunks/main-3f9c1b.js' }",
        breaks: &[
            ("csp", "headers.x.pages"),
            ("nosniff", "headers.x.data"),
            ("cache", "headers.x.files"),
        ],
    },
    Case {
        pack: "cors_allowlist",
        with: "with = { origins = ['https://app.example.com'], credentials = true, path = '/api/plans' }",
        breaks: &[("origins", "cors.x.sites")],
    },
    Case {
        pack: "supabase_auth",
        with: "with = { anon_key = 'anon-key', email = 'ann@example.com', password = 'correct horse' }",
        breaks: &[("apikey", "authorization.x.key"), ("password", "login.x.user")],
    },
    Case {
        pack: "stripe_webhook",
        with: "with.secret = 'whsec_c21va2Utc2VjcmV0'",
        breaks: &[("signature", "webhook.x.events"), ("raw body", "webhook.x.events")],
    },
    Case {
        pack: "rate_limited_route",
        with: "with = { path = '/limited', limit = 5, per = '2s' }",
        breaks: &[("limit", "rate_limit.x.trips")],
    },
    Case {
        pack: "rate_limited_route",
        with: "with = { path = '/limited', limit = 5, per = '2s', json = {} }",
        breaks: &[("limit", "rate_limit.x.trips")],
    },
    Case {
        pack: "admin_only",
        with: "with = { routes = ['GET /admin/users'], admin = 'token-of-admin', user = 'token-of-user' }",
        breaks: &[("guard", "authorization.x.guards")],
    },
    Case {
        pack: "public_leaks",
        with: "with = { contains = ['pk_live_'], answers = ['/smoke-no-such-page', '/api/none'] }",
        breaks: &[
            (".env", "leak.x.site"),
            ("localhost", "leak.x.site"),
            ("trace", "leak.x.mistakes"),
        ],
    },
    Case {
        pack: "nextjs",
        with: "with = { contains = 'Welcome', build_id = 'B1' }",
        breaks: &[
            ("cache", "headers.x.script"),
            ("powered by", "headers.x.says_little"),
            ("build", "http.x.build"),
            ("localhost", "leak.x.site"),
            ("source map", "leak.x.site"),
        ],
    },
    Case {
        pack: "fastapi",
        with: "with.validates = '/api/plans'",
        breaks: &[
            ("sick", "http.x.healthy"),
            ("docs", "http.x.docs_closed[/docs]"),
            ("html", "http.x.unknown_route"),
            ("trace", "http.x.bad_input"),
        ],
    },
];

#[test]
fn packs_over_http() {
    let mut wrong = Vec::new();
    for Case { pack, with, breaks } in WEB {
        for (broken, red) in std::iter::once(("", None)).chain(breaks.iter().map(|(broken, red)| (*broken, Some(*red))))
        {
            let said = Project::http(&site(broken), &suite(pack, with)).run();
            wrong.extend(judge(&said, &format!("{pack} without {broken:?}"), red).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A site in which one thing is broken, or none.
fn site(broken: &'static str) -> String {
    let spent = Arc::new(AtomicUsize::new(0));
    serve(Router::new().fallback(async move |request: Request| {
        let (parts, body) = request.into_parts();
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        let asked = Asked {
            broken,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
        };
        asked.cors(asked.answer(&spent))
    }))
}

struct Asked {
    broken: &'static str,
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: String,
}

type Answer = (u16, Vec<(&'static str, String)>, String);

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn bearer(&self) -> &str {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or("")
    }

    /// A type, a body, and the headers that belong to it.
    fn of(&self, status: u16, kind: &str, body: &str) -> Answer {
        let mut headers = vec![("content-type", kind.to_owned())];
        let mut add = |name, value: &str, missing| {
            if self.broken != missing {
                headers.push((name, value.to_owned()));
            }
        };
        let data = kind.ends_with("json");
        add("x-content-type-options", "nosniff", if data { "nosniff" } else { "-" });
        match kind {
            "text/html" => {
                add(
                    "content-security-policy",
                    "default-src 'self'; frame-ancestors 'none'",
                    "csp",
                );
                add("referrer-policy", "no-referrer", "-");
                add("permissions-policy", "camera=()", "-");
            }
            "text/javascript" => add("cache-control", "public, max-age=31536000, immutable", "cache"),
            _ => {}
        }
        if self.broken == "powered by" {
            headers.push(("x-powered-by", "Next.js".to_owned()));
        }
        (status, headers, body.to_owned())
    }

    fn json(&self, status: u16, body: &serde_json::Value) -> Answer {
        self.of(status, "application/json", &body.to_string())
    }

    fn answer(&self, spent: &AtomicUsize) -> Answer {
        let ok = || self.json(200, &json!({ "plans": ["free"] }));
        let script = "/_next/static/chunks/main-3f9c1b.js";
        match self.path.as_str() {
            "/" => self.of(
                200,
                "text/html",
                &format!("<h1>Welcome</h1><script src=\"{script}\"></script>"),
            ),
            path if path == script => {
                let local = if self.broken == "localhost" {
                    "http://localhost:3000"
                } else {
                    "/api"
                };
                let map = if self.broken == "source map" {
                    "\n//# sourceMappingURL=main-3f9c1b.js.map"
                } else {
                    ""
                };
                self.of(
                    200,
                    "text/javascript",
                    &format!("const api='{local}',key='pk_live_5Hx';{map}"),
                )
            }
            "/_next/static/chunks/main-3f9c1b.js.map" if self.broken == "source map" => self.json(
                200,
                &json!({ "version": 3, "sources": ["a.ts"], "mappings": "AAAA", "sourcesContent": ["x"] }),
            ),
            "/_next/static/B1/_buildManifest.js" if self.broken != "build" => {
                self.of(200, "text/javascript", "self.__BUILD_MANIFEST={};")
            }
            "/.env" if self.broken == ".env" => {
                self.of(200, "text/plain", "DATABASE_URL=postgres://a:b@db/x\nJWT_SECRET=x\n")
            }
            "/health" if self.broken == "sick" => self.json(200, &json!({ "status": "degraded" })),
            "/health" => self.json(200, &json!({ "status": "ok" })),
            "/docs" if self.broken == "docs" => self.of(200, "text/html", "Swagger UI"),
            "/api/plans" if self.method == "POST" => {
                let detail = if self.broken == "trace" {
                    "Traceback (most recent call last)"
                } else {
                    "JSON decode error"
                };
                self.json(422, &json!({ "detail": detail }))
            }
            "/api/plans" => ok(),
            "/admin/users" => match self.bearer() {
                "token-of-admin" => ok(),
                "token-of-user" if self.broken == "guard" => ok(),
                "token-of-user" => self.json(403, &json!({ "detail": "Forbidden" })),
                _ => self.json(401, &json!({ "detail": "Unauthorized" })),
            },
            "/limited" if self.broken != "limit" && spent.fetch_add(1, Ordering::SeqCst) % 1000 >= 5 => {
                // Two seconds later there is room again; nobody waits for that here but the check itself.
                self.json(429, &json!({ "detail": "slow down" }))
            }
            "/limited" => ok(),
            "/webhooks/stripe" => self.stripe(),
            path if path.starts_with("/auth/v1/") => self.supabase(),
            "/smoke-no-such-route" | "/api/none" if self.broken == "html" => self.of(404, "text/html", "not found"),
            "/api/none" if self.broken == "trace" => self.json(
                404,
                &json!({ "detail": "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 3" }),
            ),
            "/smoke-no-such-page" => self.of(404, "text/html", "<h1>There is no such page</h1>"),
            _ => self.json(404, &json!({ "detail": "Not Found" })),
        }
    }

    fn stripe(&self) -> Answer {
        let given = self.header("stripe-signature");
        let part = |name: &str| given.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or("");
        let (at, signature) = (part("t="), part("v1="));
        let mac = Hmac::<Sha256>::new_from_slice(b"whsec_c21va2Utc2VjcmV0").unwrap();
        // A parser that ate the raw body leaves another text to verify.
        let body = if self.broken == "raw body" {
            "[object Object]"
        } else {
            &self.body
        };
        let bytes = mac.chain_update(format!("{at}.{body}")).finalize().into_bytes();
        let right: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let age = jiff::Timestamp::now().as_second() - at.parse::<i64>().unwrap_or(0);
        if self.broken == "signature" || (signature == right && age < 300) {
            self.json(200, &json!({ "received": true }))
        } else {
            self.json(400, &json!({ "error": "bad signature" }))
        }
    }

    fn supabase(&self) -> Answer {
        let no = |status| self.json(status, &json!({ "message": "no" }));
        if self.header("apikey") != "anon-key" && self.broken != "apikey" {
            return no(401);
        }
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let sign = |text: &str| {
            let mac = Hmac::<Sha256>::new_from_slice(b"a secret of the project").unwrap();
            format!(
                "{text}.{}",
                URL_SAFE_NO_PAD.encode(mac.chain_update(text).finalize().into_bytes())
            )
        };
        let claims = json!({ "role": "authenticated", "exp": jiff::Timestamp::now().as_second() + 3000 });
        let token = || sign(&format!("{}.{}", part(json!({ "alg": "HS256" })), part(claims)));
        let session = |token: String| self.json(200, &json!({ "access_token": token, "refresh_token": "refresh-me" }));
        let signed = |token: &str| token.rsplit_once('.').is_some_and(|(text, _)| sign(text) == token);
        let given: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        match (self.path.as_str(), self.query.as_str()) {
            ("/auth/v1/settings", _) => self.json(200, &json!({ "external": { "google": true } })),
            ("/auth/v1/token", "grant_type=password") if given["email"] == "ann@example.com" => {
                if given["password"] == "correct horse" || self.broken == "password" {
                    session(token())
                } else {
                    no(400)
                }
            }
            ("/auth/v1/token", "grant_type=refresh_token") if given["refresh_token"] == "refresh-me" => {
                session(token())
            }
            ("/auth/v1/token", _) => no(400),
            ("/auth/v1/user", _) if signed(self.bearer()) => self.json(200, &json!({ "email": "ann@example.com" })),
            ("/auth/v1/user", _) => no(401),
            _ => no(404),
        }
    }

    fn cors(&self, (status, mut headers, body): Answer) -> Response {
        let origin = self.header("origin");
        headers.push(("vary", "Origin".to_owned()));
        if origin == "https://app.example.com" || (self.broken == "origins" && !origin.is_empty()) {
            headers.push(("access-control-allow-origin", origin.to_owned()));
            headers.push(("access-control-allow-credentials", "true".to_owned()));
            headers.push(("access-control-allow-methods", "GET, POST".to_owned()));
            headers.push(("access-control-allow-headers", "authorization, content-type".to_owned()));
        }
        let status = if self.method == "OPTIONS" { 204 } else { status };
        let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
        response.headers_mut().remove("content-type");
        for (name, value) in headers {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        response
    }
}

#[test]
fn https_edge() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = Certificate {
        chain: own.cert.pem(),
        key: own.signing_key.serialize_pem(),
    };
    let run = |hsts: &str, redirect: &str| {
        let edge = Nginx::start(&NginxOptions {
            certificate: Some(certificate.clone()),
            settings: format!("ssl_protocols TLSv1.2 TLSv1.3; {hsts}"),
        })
        .unwrap();
        let plain = Nginx::start(&NginxOptions {
            certificate: None,
            settings: redirect.replace("PORT", &edge.port().to_string()),
        })
        .unwrap();
        let with = format!(
            "with = {{ ca = 'ca.pem', redirect = 'http://localhost:{}/' }}",
            plain.port()
        );
        let project = Project::http(
            &format!("https://localhost:{}", edge.port()),
            &suite("https_edge", &with),
        );
        fs::write(project.file("ca.pem"), own.cert.pem()).unwrap();
        let ca = project.file("ca.pem").display().to_string();
        project.env("SSL_CERT_FILE", &ca).run()
    };
    let hsts = "add_header Strict-Transport-Security max-age=31536000;";
    let redirect = "return 301 https://localhost:PORT/;";
    says(&run(hsts, redirect), "https_edge", None);
    for lax in ["", "add_header Strict-Transport-Security max-age=0;"] {
        says(&run(lax, redirect), "https_edge", Some("headers.x.insists"));
    }
    says(&run(hsts, "return 200 hello;"), "https_edge", Some("tls.x.certificate"));
}

const PLAIN: &str = "
create role app_user login password 'p'; create role other login password 'p';
create table users (id serial primary key, credits int not null);
create table credit_ledger (id serial primary key, user_id int, amount int, rest int);
insert into users (credits) values (5), (7); insert into credit_ledger (user_id, amount, rest) values (1, 5, 5), (2, 10, 10), (2, -3, 7);
create table alembic_version (version_num text); insert into alembic_version values ('20251127_000001');
create table _prisma_migrations (id text, checksum text, finished_at timestamptz, migration_name text, logs text,
  rolled_back_at timestamptz, started_at timestamptz default now(), applied_steps_count int default 1);
insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('1', 'x', now(), '20251110120000_plans');
grant select, insert, update, delete on all tables in schema public to app_user;
create function refund_credits(who int) returns int language sql as 'select 1';
revoke execute on function refund_credits from public; grant execute on function refund_credits to app_user";

const SUPABASE: &str = "
create role anon; create role authenticated; create role service_role bypassrls;
create table users (id uuid primary key, role text default 'user', credits int default 0);
create table images (id serial primary key, user_id uuid);
create table settings (name text); insert into settings values ('x');
insert into users (id) values ('00000000-0000-4000-8000-000000000001'), ('00000000-0000-4000-8000-000000000002');
insert into images (user_id) select id from users;
create function me() returns uuid language sql stable as
  $$select (current_setting('request.jwt.claims', true)::json->>'sub')::uuid$$;
alter table users enable row level security; alter table images enable row level security; alter table settings enable row level security;
create policy own on users for select to authenticated using (id = me());
create policy own on images for all to authenticated using (user_id = me()) with check (user_id = me());
grant select on users to authenticated; grant all on images to authenticated; grant usage on all sequences in schema public to authenticated;
create function refund_credits(who int) returns int language sql as 'select 1';
revoke execute on function refund_credits from public; grant execute on function refund_credits to service_role";

/// Pack, what it is given, the database, whose address, and what can break.
type DataCase = (
    &'static str,
    &'static str,
    &'static str,
    bool,
    &'static [(&'static str, &'static str)],
);

const DATA: &[DataCase] = &[
    (
        "credit_ledger",
        "with = { after = 'rest' }",
        "plain",
        true,
        &[
            ("update users set credits = 6 where id = 1", "reconcile.x.balances"),
            (
                "insert into credit_ledger (user_id, amount, rest) values (9, 4, 4)",
                "reconcile.x.orphans",
            ),
            (
                "insert into credit_ledger (user_id, amount, rest) values (1, 0, 5)",
                "reconcile.x.empty_entries",
            ),
            (
                "update credit_ledger set rest = 8 where amount = -3",
                "reconcile.x.chain",
            ),
        ],
    ),
    (
        "least_privilege",
        "with = { functions = { refund_credits = ['app_user'] }, absent = ['other'] }",
        "plain",
        false,
        &[
            ("grant truncate on users to app_user", "privileges.x.application"),
            ("grant create on schema public to app_user", "privileges.x.application"),
            ("revoke insert on users from app_user", "privileges.x.application"),
            (
                "grant execute on function refund_credits to public",
                "privileges.x.callers",
            ),
        ],
    ),
    (
        "alembic",
        "with.head = '20251127_000001'",
        "plain",
        true,
        &[(
            "update alembic_version set version_num = '20251101_000001'",
            "migrations.x.applied",
        )],
    ),
    (
        "prisma",
        "with.head = '20251110120000_plans'",
        "plain",
        true,
        &[(
            "update _prisma_migrations set finished_at = null",
            "migrations.x.applied",
        )],
    ),
    (
        "supabase_rls",
        "with = { tables = ['images'], internal = ['settings'], functions = { refund_credits = ['service_role'] } }",
        "supabase",
        true,
        &[
            (
                "drop policy own on images; create policy all_see on images for select using (true)",
                "rls.x.owned",
            ),
            (
                "create policy change on users for update to authenticated using (id = me()); grant update on users to authenticated",
                "rls.x.people",
            ),
            (
                "grant select on settings to anon; create policy r on settings for select to anon using (true)",
                "rls.x.hidden",
            ),
            ("create table forgotten (id int)", "reconcile.x.forgotten"),
            (
                "create view everybody as select * from users; grant select on everybody to anon",
                "reconcile.x.forgotten",
            ),
            (
                "grant execute on function refund_credits to authenticated",
                "privileges.x.callers",
            ),
        ],
    ),
];

#[tokio::test]
async fn packs_over_a_database() {
    let server = Postgres::start(&PostgresOptions::default()).unwrap();
    let tell = async |database: &str, text: &str| server.execute(database, text).await.unwrap();
    for (name, schema) in [("plain", PLAIN), ("supabase", SUPABASE)] {
        tell("postgres", &format!("create database {name}")).await;
        tell(name, schema).await;
    }
    let mut number = 0;
    for (pack, with, template, superuser, breaks) in DATA {
        for (statement, red) in std::iter::once(("", None)).chain(breaks.iter().map(|(text, red)| (*text, Some(*red))))
        {
            number += 1;
            let name = format!("case_{number}");
            tell("postgres", &format!("create database {name} template {template}")).await;
            tell(&name, statement).await;
            let url = if *superuser {
                server.superuser_url(&name)
            } else {
                server.url("app_user", "p", &name)
            };
            let said = Project::prod(&format!("postgres = {url:?}"), &suite(pack, with)).run();
            says(&said, &format!("{pack} after {statement:?}"), red);
        }
    }
}

fn redis(password: Option<&str>) -> Redis {
    Redis::start(&RedisOptions {
        password: password.map(str::to_owned),
        settings: vec![("maxmemory-policy".to_owned(), "noeviction".to_owned())],
    })
    .unwrap()
}

fn tell(connection: &mut redis::Connection, line: &str) {
    let mut command = redis::Cmd::new();
    command.arg(line.split(' ').collect::<Vec<_>>());
    command
        .exec(connection)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
}

#[test]
fn packs_over_redis() {
    let server = redis(Some("secret"));
    let mut worker = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut other = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let run = |server: &Redis, pack: &str, with: &str| {
        Project::prod(&format!("redis = {:?}", server.url()), &suite(pack, with)).run()
    };

    says(
        &run(&server, "redis_queue", "with.max_clients = 100"),
        "redis_queue",
        None,
    );
    says(
        &run(&redis(None), "redis_queue", ""),
        "redis_queue",
        Some("redis.x.access"),
    );
    says(
        &run(&server, "redis_queue", "with.max_memory = 1"),
        "redis_queue",
        Some("redis.x.room"),
    );
    says(
        &run(&server, "redis_queue", "with.persistent = true"),
        "redis_queue",
        Some("redis.x.survives"),
    );

    let now = jiff::Timestamp::now();
    tell(&mut other, "SADD rq:queues rq:queue:mail");
    tell(&mut other, "SADD rq:workers rq:worker:ann");
    tell(&mut other, "SADD rq:workers:mail rq:worker:ann");
    tell(
        &mut other,
        &format!("HSET rq:worker:ann birth {now} last_heartbeat {now} queues mail state idle"),
    );
    tell(&mut worker, "CLIENT SETNAME ann");
    let with = "with.queues = ['mail']";
    says(&run(&server, "rq_workers", with), "rq_workers", None);

    tell(&mut other, "HSET bull:mail:meta opts.maxLenEvents 10000");
    tell(&mut other, "SET bull:mail:id 7");
    says(&run(&server, "bullmq", with), "bullmq", Some("queue.x.served[mail]"));
    tell(&mut worker, "CLIENT SETNAME bull:bWFpbA==");
    says(&run(&server, "bullmq", with), "bullmq", None);
    says(
        &run(&server, "rq_workers", with),
        "rq_workers",
        Some("queue.x.served[mail]"),
    );
    for pack in ["bullmq", "redis_queue"] {
        tell(&mut other, "CONFIG SET maxmemory-policy allkeys-lru");
        let with = if pack == "bullmq" { with } else { "" };
        says(&run(&server, pack, with), pack, Some("redis.x.keeps_jobs"));
    }
}

/// What `flyctl` prints, as far as it is read.
const FLYCTL: &str = r#"#!/bin/sh
case "$1 $2" in
"status --json") echo '{"Status":"deployed","Deployed":true,"Machines":[{"id":"1","state":"started"},{"id":"2","state":"STATE"}]}' ;;
"machine list") echo '[{"id":"1","state":"started","checks":[{"name":"http","status":"passing"}]},{"id":"2","state":"started","checks":[{"name":"http","status":"CHECK"}]}]' ;;
"secrets list") echo '[{"Name":"DATABASE_URL","Digest":"1f","CreatedAt":"2026-01-01T00:00:00Z"},{"Name":"SECRET","Digest":"2f","CreatedAt":"2026-01-01T00:00:00Z"}]' ;;
"releases --json") echo '[{"Version":12,"Status":"RELEASE"},{"Version":11,"Status":"complete"}]' ;;
*) echo "unknown command $*" >&2; exit 1 ;;
esac
"#;

#[test]
fn flyio() {
    let redirects = serve(Router::new().fallback(async || {
        (
            StatusCode::MOVED_PERMANENTLY,
            [("location", "https://app.example.com/")],
        )
    }));
    let answers = serve(Router::new().fallback(async || "hello"));
    let run = |site: &str, word: &str, wrong: &str| {
        let with = format!(
            "with = {{ app = 'backend', machines = 2, secrets = ['DATABASE_URL', 'JWT_SECRET'], program = './flyctl', site = '{site}' }}"
        );
        let project = Project::http(site, &suite("flyio", &with));
        let mut text = FLYCTL.replace(word, wrong);
        for (word, right) in [
            ("STATE", "started"),
            ("CHECK", "passing"),
            ("RELEASE", "complete"),
            ("\"SECRET\"", "\"JWT_SECRET\""),
        ] {
            text = text.replace(word, right);
        }
        fs::write(project.file("flyctl"), text).unwrap();
        fs::set_permissions(project.file("flyctl"), fs::Permissions::from_mode(0o755)).unwrap();
        project.run()
    };
    says(&run(&redirects, "-", "-"), "flyio", None);
    says(&run(&answers, "-", "-"), "flyio", Some("http.x.https_only"));
    for (word, wrong, red) in [
        ("STATE", "stopped", "command.x.deployed"),
        ("CHECK", "critical", "command.x.healthy"),
        ("RELEASE", "failed", "command.x.release"),
        ("\"SECRET\"", "\"JWT_SECRT\"", "env.x.configured"),
    ] {
        says(&run(&redirects, word, wrong), "flyio", Some(red));
    }
}
