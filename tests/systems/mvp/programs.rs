//! The programs that the suite of mvp runs: `flyctl`, `gh`, `docker`, as they answer for a whole deployment.

use serde_json::{Value, json};

use crate::standin::Deployed;

/// The programs as name and shell script.
pub(super) fn all(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let flyctl = [
        ("status", status(deployed)),
        ("secrets", secrets(deployed)),
        ("machines", machines(deployed)),
        ("releases", releases(deployed)),
        ("config", config(deployed)),
    ];
    let gh = [("secret", github_secrets(deployed)), ("run", github_runs(deployed))];
    let logs = format!("logs) cat <<'END'\n{}END\n;;", log_lines(deployed));
    let docker = if deployed.broken("compose_down") {
        json!([])
    } else {
        compose()
    };
    vec![
        ("flyctl", format!("case $1 in\n{}\n{logs}\nesac", cases(&flyctl))),
        ("gh", format!("case $1 in\n{}\nesac", cases(&gh))),
        ("docker", format!("cat <<'END'\n{docker}\nEND")),
    ]
}

fn cases(answers: &[(&str, Value)]) -> String {
    answers
        .iter()
        .map(|(word, answer)| format!("{word}) cat <<'END'\n{answer}\nEND\n;;\n"))
        .collect()
}

fn status(deployed: &Deployed) -> Value {
    let check = if deployed.broken("fly_check_failing") {
        "critical"
    } else {
        "passing"
    };
    let state = if deployed.broken("fly_stopped") {
        "stopped"
    } else {
        "started"
    };
    json!({ "Name": "mvp-api", "Status": "deployed", "Deployed": true, "Version": 12,
        "Machines": [{ "id": "e286", "state": state, "checks": [{ "name": "servicecheck-00-http-8000", "status": check }] }] })
}

fn secrets(deployed: &Deployed) -> Value {
    let names = [
        "SECRET_KEY",
        "ADMIN_PASSWORD",
        "GEMINI_API_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "ALLOWED_ORIGINS",
        "FIREBASE_API_KEY",
    ];
    let set = names
        .iter()
        .filter(|name| !(deployed.broken("fly_secret_missing") && **name == "GEMINI_API_KEY"));
    set.map(|name| json!({ "Name": name, "Digest": "3f2a9c", "CreatedAt": "2026-10-02T08:00:00Z" }))
        .collect()
}

fn machines(deployed: &Deployed) -> Value {
    let count = if deployed.broken("too_many_machines") { 5 } else { 2 };
    (0..count)
        .map(|at| json!({ "id": format!("e28{at}"), "state": "started", "region": "iad" }))
        .collect()
}

fn releases(deployed: &Deployed) -> Value {
    let count = if deployed.broken("no_way_back") { 1 } else { 3 };
    (0..count)
        .map(|at| json!({ "Version": 12 - at, "Status": "complete" }))
        .collect()
}

fn config(deployed: &Deployed) -> Value {
    let stop = if deployed.broken("never_suspends") {
        "off"
    } else {
        "suspend"
    };
    json!({ "app": "mvp-api", "http_service": { "internal_port": 8000, "force_https": true, "auto_stop_machines": stop,
        "auto_start_machines": true, "min_machines_running": 1 } })
}

fn github_secrets(deployed: &Deployed) -> Value {
    let names = [
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_ACCOUNT_ID",
        "CLOUDFLARE_PROJECT_NAME",
        "VITE_FIREBASE_API_KEY",
        "VITE_FIREBASE_AUTH_DOMAIN",
        "VITE_FIREBASE_PROJECT_ID",
        "VITE_FIREBASE_STORAGE_BUCKET",
        "VITE_FIREBASE_MESSAGING_SENDER_ID",
        "VITE_FIREBASE_APP_ID",
        "VITE_API_BASE_URL",
        "VITE_STRIPE_PUBLISHABLE_KEY",
        "VITE_SENTRY_DSN",
        "FLY_API_TOKEN",
    ];
    let set = names
        .iter()
        .filter(|name| !(deployed.broken("github_secret_missing") && **name == "FLY_API_TOKEN"));
    set.map(|name| json!({ "name": name })).collect()
}

fn github_runs(deployed: &Deployed) -> Value {
    let conclusion = if deployed.broken("build_failed") {
        "failure"
    } else {
        "success"
    };
    json!([{ "name": "Deploy", "conclusion": conclusion, "status": "completed" }])
}

fn compose() -> Value {
    let service = |name: &str| json!({ "Service": name, "State": "running", "Health": "healthy" });
    ["backend", "db", "redis", "frontend"]
        .map(service)
        .into_iter()
        .collect()
}

/// What `flyctl logs` prints: a structured line for each request.
pub(super) fn log_lines(deployed: &Deployed) -> String {
    let now = jiff::Timestamp::now();
    let mut lines: Vec<String> = (0..20)
        .map(|at| json!({ "level": "info", "ts": now.to_string(), "msg": "request", "path": "/api/me", "status": 200, "n": at }).to_string())
        .collect();
    if deployed.broken("secret_in_logs") {
        lines.push(
            json!({ "level": "debug", "ts": now.to_string(), "msg": "stripe key sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL" })
                .to_string(),
        );
    }
    if deployed.broken("logs_not_json") {
        lines.push("INFO: 127.0.0.1:443 - \"GET /api/me HTTP/1.1\" 200 OK".to_owned());
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}
