//! What stands around masstock: Supabase's and Render's APIs, and the programs that the suite runs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::app::Masstock;
use super::{
    EXAMPLE_SECRET, FRONTEND, JWT_SECRET, PROJECT, REDIS_HOST, REDIS_PASSWORD, RENDER_KEY, TOKEN_SECRET, WINDOW, key,
    supabase_url,
};
use crate::standin::answer::{bearer, json, text};
use crate::standin::{Deployed, jwt};

/// The APIs of Supabase and Render, as far as they are asked.
pub(super) fn around(state: Arc<Masstock>) -> Router {
    Router::new()
        .route("/supabase/auth/v1/settings", get(auth_settings))
        .route("/supabase/rest/v1/{table}", get(rest))
        .route("/render/services/{id}", get(service))
        .route("/render/services/{id}/deploys", get(deploys))
        .with_state(state)
}

type App = State<Arc<Masstock>>;

async fn service(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    if bearer(&head) != Some(RENDER_KEY) {
        return json(401, &json!({ "message": "Unauthorized" }));
    }
    let (name, kind) = match id.as_str() {
        "srv-web" if app.broken("another_service") => ("masstock-front-end", "web_service"),
        "srv-web" => ("masstock-backend", "web_service"),
        "srv-worker" => ("masstock-worker", "background_worker"),
        _ => return json(404, &json!({ "message": "not found" })),
    };
    let asleep =
        (id == "srv-worker" && app.broken("worker_suspended")) || (id == "srv-web" && app.broken("web_suspended"));
    let suspended = if asleep { "suspended" } else { "not_suspended" };
    let branch = if app.broken("wrong_branch") && id == "srv-web" {
        "dev-dorian"
    } else {
        "main"
    };
    json(
        200,
        &json!({ "id": id, "name": name, "type": kind, "branch": branch, "suspended": suspended, "autoDeploy": "yes" }),
    )
}

async fn deploys(State(app): App, Path(id): Path<String>) -> Response {
    let failed = (id == "srv-web" && app.broken("web_deploy_failed"))
        || (id == "srv-worker" && app.broken("worker_deploy_failed"));
    let status = if failed { "build_failed" } else { "live" };
    json(
        200,
        &json!([{ "deploy": { "id": "dep-1", "status": status }, "cursor": "a" }]),
    )
}

/// What Supabase's gateway makes of a key.
fn claims_of_key(app: &Masstock, head: &HeaderMap) -> Option<Value> {
    let claims = text(head, "apikey").and_then(|key| jwt::verify(key, TOKEN_SECRET))?;
    (!(app.broken("anon_key_revoked") && claims["role"] == "anon")).then_some(claims)
}

/// How Supabase Auth is set up, for whoever has a key.
async fn auth_settings(State(app): App, head: HeaderMap) -> Response {
    if claims_of_key(&app, &head).is_none() && !app.broken("supabase_open") {
        return json(401, &json!({ "message": "No API key found in request" }));
    }
    json(
        200,
        &json!({ "external": { "email": true, "google": false }, "disable_signup": true }),
    )
}

/// Supabase's REST API: the key says the role, and row level security what it sees.
async fn rest(State(app): App, Path(table): Path<String>, head: HeaderMap) -> Response {
    let Some(claims) = claims_of_key(&app, &head) else {
        return json(401, &json!({ "message": "Invalid API key" }));
    };
    let powerful = claims["role"] == "service_role" && !app.broken("service_key_powerless");
    let sees = table == "clients" && (powerful || app.broken("clients_public"));
    let query = if sees {
        "select id from clients"
    } else {
        "select id from clients where false"
    };
    json(200, &app.db.rows(query, &[]).await.unwrap().into())
}

/// The programs as name and shell script.
pub(super) fn programs(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let (web, worker) = (variables(deployed, false), variables(deployed, true));
    let print = |text: &dyn std::fmt::Display| format!("cat <<'END'\n{text}\nEND\n");
    let is = |name| deployed.broken(name);
    let node = if is("node_too_old") { "16.20.2" } else { "20.18.1" };
    let mut api = vec![
        "info: Database connection successful",
        "info: Redis connection successful",
        "info: Server started successfully",
        "info: API Request GET /api/v1/workflows 200",
    ];
    api.extend(is("errors_in_log").then_some("error: Queue error connect ETIMEDOUT 10.0.0.7:6379"));
    api.extend(is("secret_in_log").then_some("info: login contact@estee-agency.com Hd5_pT8-kW3sJf6vXg9Qn2"));
    let said = format!("debug: settings {{ jwtSecret: '{JWT_SECRET}' }}");
    api.extend(is("jwt_secret_in_log").then_some(said.as_str()));
    let redis = if is("worker_without_redis") {
        "Redis client error: Error: connect ECONNREFUSED 127.0.0.1:6379"
    } else {
        "Redis client connected\nRedis client ready"
    };
    let logs = format!(
        "case \"$*\" in\n*build*) echo '==> Using Node.js version {node} (default)' ;;\n*srv-worker*) {}\n;;\n*) {}\n;;\nesac",
        print(&redis),
        print(&api.join("\n"))
    );
    let committed = match deployed.twist() {
        Some("env_committed") => "\nbackend/.env",
        Some("env_of_staging_committed") => "\nbackend/.env.staging",
        _ => "",
    };
    let shallow = is("history_cut_off");
    let critical = i32::from(is("vulnerable_package"));
    let audit =
        json!({ "metadata": { "vulnerabilities": { "low": 2, "moderate": 1, "high": 0, "critical": critical } } });
    vec![
        (
            "curl",
            format!(
                "case \"$*\" in\n*srv-worker*) {};;\n*) {};;\nesac",
                print(&worker),
                print(&web)
            ),
        ),
        ("render", logs),
        (
            "git",
            format!(
                "case \"$*\" in\n*rev-parse*) echo {shallow} ;;\n*) {};;\nesac",
                print(&format!(
                    "backend/package.json\nbackend/.env.example\nbackend/src/server.js{committed}"
                ))
            ),
        ),
        ("npm", format!("{}exit {critical}", print(&audit))),
    ]
}

/// The variables of a service as Render's API lists them.
fn variables(deployed: &Deployed, worker: bool) -> Value {
    let is = |name| deployed.broken(name);
    let or = |broken, otherwise: &str, value: &str| if is(broken) { otherwise } else { value }.to_owned();
    let mut all = vec![
        ("NODE_ENV", or("node_env_development", "development", "production")),
        ("PORT", "3000".to_owned()),
        ("REDIS_HOST", redis_host(deployed, worker).to_owned()),
        ("REDIS_PORT", "6379".to_owned()),
        ("REDIS_PASSWORD", REDIS_PASSWORD.to_owned()),
        ("JWT_SECRET", jwt_secret(deployed, worker).to_owned()),
        ("RATE_LIMIT_WINDOW_MS", format!("{WINDOW}000")),
        ("RATE_LIMIT_MAX_REQUESTS", "100".to_owned()),
        ("LOG_LEVEL", "info".to_owned()),
        ("CORS_ORIGIN", or("cors_star_configured", "*", FRONTEND)),
    ];
    all.extend(supabase(deployed, worker));
    let set = all
        .into_iter()
        .filter(|(name, _)| !(*name == "LOG_LEVEL" && is("variable_missing")));
    set.map(|(key, value)| json!({ "envVar": { "key": key, "value": value }, "cursor": "c" }))
        .collect()
}

fn redis_host(deployed: &Deployed, worker: bool) -> &'static str {
    match (deployed.twist(), worker) {
        (Some("worker_redis_local"), true) => "localhost",
        (Some("api_on_another_redis"), false) => "red-co91v0q1hbls73a8.oregon-redis.internal",
        _ => REDIS_HOST,
    }
}

fn jwt_secret(deployed: &Deployed, worker: bool) -> &'static str {
    match (deployed.twist(), worker) {
        (Some("jwt_secrets_differ"), true) => "w3Nc8YbKq7VxT2mRd9LpZs5JhGf4WtEu",
        (Some("jwt_secret_short"), _) => "masstock-secret",
        (Some("jwt_secret_of_the_example"), _) => EXAMPLE_SECRET,
        _ => JWT_SECRET,
    }
}

/// The project and its keys.
fn supabase(deployed: &Deployed, worker: bool) -> [(&'static str, String); 3] {
    let url = match (deployed.twist(), worker) {
        (Some("supabase_url_placeholder"), _) => "https://your-project.supabase.co".to_owned(),
        (Some("api_on_another_supabase"), false) | (Some("worker_on_another_supabase"), true) => {
            "https://tgwnxrpe.supabase.co".to_owned()
        }
        _ => supabase_url(deployed),
    };
    let another = deployed.broken("keys_of_another_project") && !worker;
    let project = if another { "tgwnxrpe" } else { PROJECT };
    let anon = if deployed.broken("keys_swapped") {
        "service_role"
    } else {
        "anon"
    };
    [
        ("SUPABASE_URL", url),
        ("SUPABASE_ANON_KEY", key(project, anon)),
        ("SUPABASE_SERVICE_ROLE_KEY", key(project, "service_role")),
    ]
}
