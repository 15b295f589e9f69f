//! mvp: FastAPI on Fly.io, a static front end on Cloudflare Pages, Supabase, Redis for SlowAPI.

mod app;
mod breaks;
mod programs;

use serde_json::json;

use crate::standin::{Deployed, System, jwt, prove, prove_reads_only};

const USER: &str = "smoke@your-domain.com";
const PASSWORD: &str = "correct-horse-battery-staple-9";
const ADMIN_PASSWORD: &str = "Tz4-vQ9!mR2_kW7x-Lp0";
const SECRET_KEY: &str = "q7Vd2mXc9RkT4wYbN8sJ5hGf3LzP6uAe";
const WEBHOOK_SECRET: &str = "whsec_4mK9xQ2vT7bR1nY8cW5zL3hD6jF0sGpA";
const ORIGINS: &str = "https://your-domain.com,https://www.your-domain.com";
/// Of the rate limit, in seconds.
const WINDOW: u64 = 2;

static MVP: System = System {
    name: "mvp",
    guide: "003",
    items: 35,
    roles: "create role app_user login password '$PASSWORD$'",
    schema: include_str!("schema.sql"),
    app_role: "app_user",
    app: app::router,
    redis: |_| {},
    programs: programs::all,
    env,
    attested: &[
        "error_tracking",
        "uptime_monitor",
        "scaling_rule",
        "backups",
        "asset_storage",
    ],
    breaks: breaks::ALL,
};

/// A token of a user from before the secret was rotated.
fn old_token() -> String {
    let claims = json!({ "sub": USER, "iat": 1_760_000_000, "exp": 4_000_000_000_u64 });
    jwt::sign(&claims, "the-secret-of-last-spring-0123456789")
}

fn env(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let logs = deployed.folder().join("backend.log");
    std::fs::write(&logs, programs::log_lines(deployed)).unwrap();
    [
        ("WEB_URL", deployed.url()),
        ("SECRET_KEY", SECRET_KEY.to_owned()),
        ("ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
        ("GEMINI_API_KEY", "AIzaSyB-4f8Kq2Lm9Xc7Vb3Nz1Ty6Rw0PsUdEhG".to_owned()),
        ("STRIPE_SECRET_KEY", "sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL".to_owned()),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ("ALLOWED_ORIGINS", ORIGINS.to_owned()),
        ("FIREBASE_API_KEY", "AIzaSyC-7h2Jd9Wq4Mx1Vc8Bn5Lk3Ft6Rz0YpSg".to_owned()),
        ("SMOKE_EMAIL", USER.to_owned()),
        ("SMOKE_PASSWORD", PASSWORD.to_owned()),
        ("PRE_ROTATION_TOKEN", old_token()),
    ]
    .into()
}

#[test]
fn mvp_is_verified() {
    prove(&MVP);
}

#[test]
fn mvp_prod_only_reads() {
    prove_reads_only(&MVP);
}
