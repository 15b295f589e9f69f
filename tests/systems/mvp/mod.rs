//! mvp: FastAPI on Fly.io, a static front end on Cloudflare Pages, Supabase, Redis for SlowAPI.

mod app;
mod breaks;
mod files;
mod programs;
mod site;

use serde_json::json;

use crate::standin::{Deployed, System, jwt, prove, prove_reads_only};

const USER: &str = "smoke@your-domain.com";
const PASSWORD: &str = "correct-horse-battery-staple-9";
const ADMIN_PASSWORD: &str = "Tz4-vQ9!mR2_kW7x-Lp0";
const SECRET_KEY: &str = "q7Vd2mXc9RkT4wYbN8sJ5hGf3LzP6uAe";
/// What the guide writes where a secret of one's own belongs.
const GUIDE_SECRET: &str = "your-production-jwt-secret";
const GEMINI_API_KEY: &str = "AIzaSyB-4f8Kq2Lm9Xc7Vb3Nz1Ty6Rw0PsUdEhG";
const WEBHOOK_SECRET: &str = "whsec_4mK9xQ2vT7bR1nY8cW5zL3hD6jF0sGpA";
const ORIGINS: &str = "https://your-domain.com,https://www.your-domain.com";
const SENTRY_KEY: &str = "0f8e2d6c4b1a49738e5d7c6b2a190f3e";
const COMMIT: &str = "8f14e45fceea167a5a36dedd4bea2543e1b2c3d4";
/// Of the rate limit, in seconds.
const WINDOW: u64 = 2;

static MVP: System = System {
    name: "mvp",
    guide: "003",
    items: 35,
    roles: concat!(include_str!("roles.sql"), include_str!("../standin/encrypted.sql")),
    schema: include_str!("schema.sql"),
    app_role: "app_user",
    app: app::router,
    redis: |_| {},
    programs: programs::all,
    env,
    attested: &[
        "admin_password",
        "error_tracking",
        "uptime_monitor",
        "scaling_rule",
        "backups",
        "asset_storage",
        "penetration_test",
    ],
    breaks: breaks::ALL,
};

/// A token of a user from before the secret was rotated.
fn old_token() -> String {
    let claims = json!({ "sub": USER, "iat": 1_760_000_000, "exp": 4_000_000_000_u64 });
    jwt::sign(&claims, "the-secret-of-last-spring-0123456789")
}

fn env(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let folder = deployed.folder().display();
    files::write(deployed);
    [
        ("WEB_URL", deployed.url()),
        ("SECURE_WEB_URL", deployed.secure_url()),
        ("PLAIN_WEB_URL", deployed.plain_url()),
        ("VITE_FIREBASE_PROJECT_ID", "avatar-studio".to_owned()),
        ("SENTRY_URL", deployed.url()),
        ("SENTRY_KEY", SENTRY_KEY.to_owned()),
        ("DATABASE_ROLE", "app_user".to_owned()),
        ("GITHUB_SHA", COMMIT.to_owned()),
        ("FRONT_END_ENV", format!("{folder}/sources/.env.production")),
        ("SOURCES", format!("{folder}/sources")),
        ("SECRET_KEY", SECRET_KEY.to_owned()),
        ("ADMIN_PASSWORD", ADMIN_PASSWORD.to_owned()),
        ("GEMINI_API_KEY", GEMINI_API_KEY.to_owned()),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
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
