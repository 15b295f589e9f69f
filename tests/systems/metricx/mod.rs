//! metricx: FastAPI on Defang, a worker of RQ, a scheduler, a front end by Next.js; users' tokens come from OAuth.

mod admin;
mod app;
mod breaks;
mod oauth;
mod programs;
mod rq;
mod site;
mod worker;

use crate::standin::{Deployed, System, prove, prove_reads_only};

const USER: &str = "smoke@metricx.ai";
const PASSWORD: &str = "quiet-harbour-lantern-41";
const JWT_SECRET: &str = "Hn7tXq2LwK9vRb4ZpYc8MfGd3JsUe6TaWx1oQi5k";
/// Of either key, when it is broken.
const SHORT_SECRET: &str = "k3Xv9-Qm2Tz";
const ADMIN_SECRET_KEY: &str = "p2VfK8sLmQ4xTzR7wYbN9cHdJ3gUeA6tXo1iPk5S";
const OPENAI_API_KEY: &str = "sk-proj-7Qm2Xv9Kc4Rt8Lw3Zn6Yb1Hd5Fs0GpJa";
const GOOGLE_CLIENT_ID: &str = "417702938561-k3v9qz7m2x8c4t1n.apps.googleusercontent.com";
const GOOGLE_CLIENT_SECRET: &str = "GOCSPX-m4Kx9Qv2Tz7Rb1Nc8Wl5Yd3H";
const META_APP_ID: &str = "1029384756102938";
const BUILD: &str = "Qx2f8mB1vK0hT4sYzLrWp";
const FRONT_END: &str = "https://www.metricx.ai";

static METRICX: System = System {
    name: "metricx",
    guide: "000",
    items: 30,
    roles: "create role metricx login password '$PASSWORD$'",
    schema: include_str!("schema.sql"),
    app_role: "metricx",
    app: app::router,
    redis: |_| {},
    programs: programs::all,
    env,
    attested: &[],
    breaks: breaks::ALL,
};

fn env(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let url = deployed.url();
    [
        ("API_URL", api_url(deployed)),
        ("REDIS_URL", redis_url(deployed)),
        ("WEB_URL", url.clone()),
        ("FRONTEND_URL", FRONT_END.to_owned()),
        ("OPENAI_BASE_URL", format!("{url}/openai/v1")),
        ("GOOGLE_TOKEN_URL", format!("{url}/google/token")),
        ("METRICX_CHECKOUT", deployed.folder().display().to_string()),
        ("REHEARSAL", "yes".to_owned()),
        ("BUILD_ID", BUILD.to_owned()),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
        (
            "TOKEN_ENCRYPTION_KEY",
            "9vT2kQm7XcR4wZ8bLn5YhJ3fGs6PdUaEx1oKi0tWq_A=".to_owned(),
        ),
        ("ADMIN_SECRET_KEY", ADMIN_SECRET_KEY.to_owned()),
        ("OPENAI_API_KEY", OPENAI_API_KEY.to_owned()),
        ("GOOGLE_DEVELOPER_TOKEN", "Kx7-Qm2Tz9Rb4Nc8Wl5YdA".to_owned()),
        ("GOOGLE_CLIENT_ID", GOOGLE_CLIENT_ID.to_owned()),
        ("GOOGLE_CLIENT_SECRET", GOOGLE_CLIENT_SECRET.to_owned()),
        ("SMOKE_EMAIL", USER.to_owned()),
        ("SMOKE_PASSWORD", PASSWORD.to_owned()),
    ]
    .into()
}

/// Where the backend is; the front end passes on to it what comes to `/api`.
fn api_url(deployed: &Deployed) -> String {
    format!("{}/backend", deployed.url())
}

/// Who need not give a password must not: Redis refuses one that it does not ask for.
fn redis_url(deployed: &Deployed) -> String {
    let mut url: url::Url = deployed.redis_url().parse().unwrap();
    if deployed.broken("redis_without_password") {
        url.set_password(None).unwrap();
    }
    url.into()
}

#[test]
fn metricx_is_verified() {
    prove(&METRICX);
}

#[test]
fn metricx_prod_only_reads() {
    prove_reads_only(&METRICX);
}
