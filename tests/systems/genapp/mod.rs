//! genapp: images and videos for credits, Next.js on Replit, Supabase for logins and the database.

mod app;
mod breaks;
mod others;
mod supabase;
mod surroundings;

use serde_json::json;

use crate::standin::{Deployed, System, jwt, prove, prove_reads_only};

const SITE_URL: &str = "https://your-replit-app.replit.app";
const JWT_SECRET: &str = "nR7kW2xPq9Lm4Vz8Tc3Yb6Hd1Jf5Gs0A";
const BLOB_TOKEN: &str = "vercel_blob_rw_kQ2mX7cV4vB8nR1t_Y6wZ3hLdP9sF5gJ0aTuE";
const WAVESPEED_TOKEN: &str = "7f3c9a1e5b8d2046ac91e7d35f08b264";
const HUGGINGFACE_TOKEN: &str = "hf_kQbXmTzVwRnYcLdPsFgJhAeU";
const SUPABASE_TOKEN: &str = "sbp_4d1f7a90c2be83561faa0ce9d27b6e3f8c15a042";
const ADMIN_PASSWORD: &str = "cedar-anvil-plume-63";
const CRON_SECRET: &str = "9d2f6b1ce84a70f35b";
const SUPABASE_URL: &str = "https://kqzvhxwmtrblncydpsgf.supabase.co";
const SECOND_WAVESPEED_TOKEN: &str = "c41e07d98ab35f62e0179d4c8b2f6a35";
/// The users that the suite signs in as: id, address, password.
const USERS: [(&str, &str, &str); 3] = [
    (
        "a1000000-0000-4000-8000-000000000001",
        "smoke@your-replit-app.replit.app",
        "tide-lantern-oboe-41",
    ),
    (
        "b2000000-0000-4000-8000-000000000002",
        "smoke-2@your-replit-app.replit.app",
        "quartz-meadow-fig-77",
    ),
    (
        "c3000000-0000-4000-8000-000000000003",
        "smoke-poor@your-replit-app.replit.app",
        "ember-violin-salt-19",
    ),
];
/// The sum of all policies in `schema.sql`, as the suite takes it.
const POLICIES_READ: &str = "c441213eebeb594a34ff6e45c1f9cfc7";
/// Of the rate limits, in seconds.
const WINDOW: i32 = 2;

static GENAPP: System = System {
    name: "genapp",
    guide: "001",
    items: 56,
    roles: "create role anon; create role authenticated; create role service_role bypassrls; \
            create role genapp_service login bypassrls password '$PASSWORD$'; \
            grant anon, authenticated, service_role to genapp_service",
    schema: include_str!("schema.sql"),
    app_role: "genapp_service",
    app: app::router,
    redis: |_| {},
    programs: surroundings::programs,
    env,
    attested: &[
        "google_login",
        "policy_audit",
        "prices_shown",
        "pictures_seen",
        "key_rotation",
        "rate_limit_alerts",
        "backup_restored",
    ],
    breaks: breaks::ALL,
};

/// One of the project's two keys.
fn key(role: &str) -> String {
    let claims = json!({ "iss": "supabase", "ref": "your-project", "role": role, "iat": 1_760_000_000, "exp": 4_000_000_000_u64 });
    jwt::sign(&claims, JWT_SECRET)
}

fn env(deployed: &Deployed) -> Vec<(&'static str, String)> {
    surroundings::write_files(deployed);
    let url = deployed.url();
    let address = url.trim_start_matches("http://").to_owned();
    let debugger = if deployed.broken("debugger_open") {
        address.replace("127.0.0.1", "localhost")
    } else {
        "127.0.0.1:1".to_owned()
    };
    [
        ("SUPABASE_URL", url.clone()),
        ("SUPABASE_API_URL", format!("{url}/management")),
        ("BLOB_URL", format!("{url}/blob")),
        ("WAVESPEED_URL", format!("{url}/wavespeed")),
        ("HUGGINGFACE_URL", format!("{url}/huggingface")),
        ("APP_ADDRESS", address.clone()),
        ("DEBUG_ADDRESS", debugger),
        ("LOG_DIR", deployed.folder().join("logs").display().to_string()),
        ("SOURCE_DIR", deployed.folder().join("source").display().to_string()),
        ("NEXT_PUBLIC_SUPABASE_URL", SUPABASE_URL.to_owned()),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", key("anon")),
        ("SUPABASE_SERVICE_ROLE_KEY", key("service_role")),
        ("POLICIES_READ", POLICIES_READ.to_owned()),
        ("SUPABASE_ACCESS_TOKEN", SUPABASE_TOKEN.to_owned()),
        ("BLOB_READ_WRITE_TOKEN", BLOB_TOKEN.to_owned()),
        ("WAVESPEED_API_TOKEN", WAVESPEED_TOKEN.to_owned()),
        ("WAVESPEED_API_TOKEN_2", SECOND_WAVESPEED_TOKEN.to_owned()),
        ("HUGGINGFACE_API_TOKEN", HUGGINGFACE_TOKEN.to_owned()),
        ("SMOKE_EMAIL", USERS[0].1.to_owned()),
        ("SMOKE_PASSWORD", USERS[0].2.to_owned()),
        ("SMOKE_EMAIL_2", USERS[1].1.to_owned()),
        ("SMOKE_PASSWORD_2", USERS[1].2.to_owned()),
        ("SMOKE_EMAIL_3", USERS[2].1.to_owned()),
        ("SMOKE_PASSWORD_3", USERS[2].2.to_owned()),
    ]
    .into()
}

#[test]
fn genapp_is_verified() {
    prove(&GENAPP);
}

#[test]
fn genapp_prod_only_reads() {
    prove_reads_only(&GENAPP);
}
