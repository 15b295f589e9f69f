//! masstock: an Express API and a Bull worker on Render, Supabase, Redis at Upstash.

mod app;
mod breaks;
mod platform;
mod worker;

use serde_json::json;

use crate::standin::{Deployed, System, jwt, prove, prove_reads_only};

const ADMIN: (&str, &str) = ("admin@masstock.com", "Vq7-xK2_mR9tLw4zNc8Yb3");
const ESTEE: (&str, &str) = ("contact@estee-agency.com", "Hd5_pT8-kW3sJf6vXg9Qn2");
const TOKEN_SECRET: &str = "tK8vPq3zWm6xRb9nYc2dLf5hJs7gTe4u";
const JWT_SECRET: &str = "p4Xk9ZtQ7mWv2RsB8nLc5YdJ3gHf6TeA";
/// What the repository's `.env.example` has.
const EXAMPLE_SECRET: &str = "your-super-secret-jwt-key-change-in-production";
const PROJECT: &str = "kqmvzdhy";
const REDIS_HOST: &str = "red-cr8k2m5svqrc73f1.oregon-redis.internal";
const REDIS_PASSWORD: &str = "AXk3mQ9vT7bR1nY8cW5zL3hD6jF0sGpA";
const FRONTEND: &str = "https://app.masstock.com";
/// How long requests and wrong logins count, in seconds. A run ends within that, however slow the machine.
const WINDOW: u64 = 12;
const LOGINS_WINDOW: u64 = 900;
const RENDER_KEY: &str = "rnd_8Kq2Lm9Xc7Vb3Nz1Ty6Rw0PsUdEh";

static MASSTOCK: System = System {
    name: "masstock",
    guide: "002",
    items: 59,
    roles: "create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls;
            create role api login bypassrls password '$PASSWORD$';
            grant anon, authenticated, service_role, pg_monitor to api",
    schema: include_str!("schema.sql"),
    app_role: "api",
    app: app::router,
    redis: worker::queue,
    programs: platform::programs,
    env,
    attested: &[
        "resources",
        "uptime_monitor",
        "jwt_rotation",
        "other_passwords",
        "two_factor",
        "ip_allow_list",
        "backups",
        "redis_persistence",
        "weekly_export",
    ],
    breaks: breaks::ALL,
};

/// A key of a Supabase project: a token that says which role it has.
fn key(project: &str, role: &str) -> String {
    let claims =
        json!({ "iss": "supabase", "ref": project, "role": role, "iat": 1_760_000_000, "exp": 4_000_000_000_u64 });
    jwt::sign(&claims, TOKEN_SECRET)
}

fn supabase_url(deployed: &Deployed) -> String {
    format!("{}/supabase", deployed.url())
}

/// The address of Redis as Upstash gives it, with the name of the user.
fn redis_url(deployed: &Deployed) -> String {
    deployed.redis_url().replace("://:", "://default:")
}

fn env(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let backend = deployed.folder().join("backend");
    let migrations = backend.join("database/migrations");
    std::fs::create_dir_all(&migrations).unwrap();
    std::fs::write(migrations.join("001_everything.sql"), include_str!("schema.sql")).unwrap();
    [
        ("REDIS_URL", redis_url(deployed)),
        ("REDIS_HOST", REDIS_HOST.to_owned()),
        ("SUPABASE_URL", supabase_url(deployed)),
        ("SUPABASE_ANON_KEY", key(PROJECT, "anon")),
        ("SUPABASE_SERVICE_ROLE_KEY", key(PROJECT, "service_role")),
        ("SUPABASE_JWT_SECRET", TOKEN_SECRET.to_owned()),
        (
            "JWT_SECRET",
            if deployed.broken("jwt_secret_of_the_example") {
                EXAMPLE_SECRET
            } else {
                JWT_SECRET
            }
            .to_owned(),
        ),
        ("ADMIN_PASSWORD", ADMIN.1.to_owned()),
        ("CLIENT_PASSWORD", ESTEE.1.to_owned()),
        ("BACKEND_DIR", backend.display().to_string()),
        ("RATE_LIMIT_WINDOW_MS", format!("{WINDOW}000")),
        ("RATE_LIMIT_MAX_REQUESTS", "100".to_owned()),
        ("RENDER_API_URL", format!("{}/render", deployed.url())),
        ("RENDER_API_KEY", RENDER_KEY.to_owned()),
        ("RENDER_WEB_SERVICE", "srv-web".to_owned()),
        ("RENDER_WORKER_SERVICE", "srv-worker".to_owned()),
    ]
    .into()
}

#[test]
fn masstock_is_verified() {
    prove(&MASSTOCK);
}

#[test]
fn masstock_prod_only_reads() {
    prove_reads_only(&MASSTOCK);
}
