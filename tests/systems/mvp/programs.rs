//! The programs that the suite of mvp runs, as they answer for a whole deployment.

use serde_json::{Value, json};

use super::{ADMIN_PASSWORD, GEMINI_API_KEY, ORIGINS, SECRET_KEY, WEBHOOK_SECRET};
use crate::standin::Deployed;

/// The programs as name and shell script.
pub(super) fn all(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let flyctl = [
        ("status", status(deployed).to_string()),
        ("secrets", secrets(deployed).to_string()),
        ("machine", machines(deployed).to_string()),
        ("releases", releases(deployed).to_string()),
        ("config", config(deployed).to_string()),
        ("ssh", printenv(deployed)),
        ("logs", logs(deployed)),
    ];
    let gh = [
        ("secret", github_secrets(deployed).to_string()),
        ("run", github_runs(deployed).to_string()),
    ];
    vec![
        ("flyctl", format!("case $1 in\n{}esac", cases(&flyctl))),
        ("gh", format!("case $1 in\n{}esac", cases(&gh))),
        ("docker", docker(deployed)),
        ("git", git(deployed)),
        ("wrangler", format!("cat <<'END'\n{}\nEND", pages(deployed))),
    ]
}

fn cases(answers: &[(&str, String)]) -> String {
    answers
        .iter()
        .map(|(word, answer)| format!("{word}) cat <<'END'\n{answer}\nEND\n;;\n"))
        .collect()
}

fn status(deployed: &Deployed) -> Value {
    json!({ "Name": "mvp-api", "Status": "deployed", "Deployed": true, "Version": 12, "Machines": machines(deployed) })
}

const SECRETS: [&str; 9] = [
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

fn secrets(deployed: &Deployed) -> Value {
    let missing = |name: &str| deployed.broken("fly_secret_missing") && name == "GEMINI_API_KEY";
    let set = SECRETS.into_iter().filter(|name| !missing(name));
    set.map(|name| json!({ "Name": name, "Digest": "3f2a9c1b7d5e8f40", "CreatedAt": "2026-10-02T08:00:00Z" }))
        .collect()
}

/// What a machine's own environment is.
fn printenv(deployed: &Deployed) -> String {
    let unless = |broken: &str, good: &str, bad: &str| {
        if deployed.broken(broken) {
            bad.to_owned()
        } else {
            good.to_owned()
        }
    };
    let database = "postgresql://postgres:nR7vK2xQ9mT4@db.abcdefghijkl.supabase.co:5432/postgres";
    let set = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("FLY_APP_NAME", "mvp-api".to_owned()),
        (
            "SECRET_KEY",
            unless("secret_key_is_the_guides", SECRET_KEY, super::GUIDE_SECRET),
        ),
        (
            "ADMIN_PASSWORD",
            unless("admin_password_weak", ADMIN_PASSWORD, "sunshine2024"),
        ),
        ("GEMINI_API_KEY", GEMINI_API_KEY.to_owned()),
        (
            "DATABASE_URL",
            unless(
                "database_url_without_tls",
                &format!("{database}?sslmode=require"),
                database,
            ),
        ),
        (
            "REDIS_URL",
            "rediss://default:Gk3sV8pW2zQ6@eu1-mvp.upstash.io:6379".to_owned(),
        ),
        (
            "STRIPE_SECRET_KEY",
            unless(
                "stripe_in_test_mode",
                "sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL",
                "sk_test_9fK2mX7cQ4vB8nR1tY6wZ3hL",
            ),
        ),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        (
            "ALLOWED_ORIGINS",
            unless(
                "localhost_in_allowed_origins",
                ORIGINS,
                "https://your-domain.com,http://localhost:5173",
            ),
        ),
        ("FIREBASE_API_KEY", "AIzaSyC-7h2Jd9Wq4Mx1Vc8Bn5Lk3Ft6Rz0YpSg".to_owned()),
    ];
    let lines: Vec<String> = set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("\n")
}

/// One machine runs, the others are idle.
fn machines(deployed: &Deployed) -> Value {
    let unless = |broken: &str, good: &'static str, bad| if deployed.broken(broken) { bad } else { good };
    let check = unless("fly_check_failing", "passing", "critical");
    let first = unless("no_machine_runs", "started", "stopped");
    let count = if deployed.broken("five_machines") { 5 } else { 2 };
    let of = |version| json!({ "metadata": { "fly_process_group": "app", "fly_release_version": version } });
    let older = unless("machines_of_two_releases", "12", "11");
    let others = (1..count)
        .map(|at| json!({ "id": format!("e286{at}"), "state": "suspended", "config": of(older), "checks": [] }));
    let first = json!({ "id": "e2860", "state": first, "config": of("12"),
        "checks": [{ "name": "servicecheck-00-http-8000", "status": check }] });
    [first].into_iter().chain(others).collect()
}

fn releases(deployed: &Deployed) -> Value {
    let count = if deployed.broken("first_release_ever") { 1 } else { 3 };
    let failed = deployed.broken("last_release_failed");
    let status = |at| if at == 0 && failed { "failed" } else { "complete" };
    (0..count)
        .map(|at| json!({ "ID": format!("rel{at}"), "Version": 12 - at, "Status": status(at) }))
        .collect()
}

fn config(deployed: &Deployed) -> Value {
    let stop = if deployed.broken("never_suspends") {
        "off"
    } else {
        "suspend"
    };
    json!({ "app": "mvp-api", "http_service": { "internal_port": 8000, "auto_stop_machines": stop,
        "force_https": !deployed.broken("https_not_enforced"),
        "auto_start_machines": !deployed.broken("never_started_on_demand"),
        "min_machines_running": i32::from(!deployed.broken("none_always_runs")) } })
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
    let missing = |name: &str| deployed.broken("github_secret_missing") && name == "FLY_API_TOKEN";
    let set = names.into_iter().filter(|name| !missing(name));
    set.map(|name| json!({ "name": name })).collect()
}

fn github_runs(deployed: &Deployed) -> Value {
    let conclusion = if deployed.broken("build_failed") {
        "failure"
    } else {
        "success"
    };
    json!([{ "name": "Deploy", "conclusion": conclusion }])
}

fn docker(deployed: &Deployed) -> String {
    let services = if deployed.broken("compose_without_backend") {
        "frontend\nredis"
    } else {
        "backend\nfrontend\nredis"
    };
    let up = if deployed.broken("compose_unhealthy") {
        "echo 'container backend is unhealthy' >&2; exit 1"
    } else {
        "echo 'Container backend  Healthy' >&2"
    };
    format!("case $2 in\nconfig) echo '{services}' ;;\nup) {up} ;;\nesac")
}

/// The names of all files that were ever added, or (`-G`) the commits that changed a line which looks like a secret.
fn git(deployed: &Deployed) -> String {
    let file = match () {
        () if deployed.broken("env_file_committed") => "backend/.env",
        () if deployed.broken("staging_env_file_committed") => ".env.staging",
        () => "backend/.env.example",
    };
    let change = if deployed.broken("secret_was_committed_once") {
        "echo '-stripe.api_key = \"sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL\"'"
    } else {
        ":"
    };
    format!("case \"$*\" in\n*-G*) {change} ;;\n*) printf 'README.md\\nbackend/payments.py\\n{file}\\n' ;;\nesac")
}

fn pages(deployed: &Deployed) -> String {
    let row =
        |id: &str| format!("│ {id} │ Production │ main │ 8f14e45 │ https://{id}.your-project.pages.dev │ 3 days ago │");
    let count = if deployed.broken("first_front_end_ever") { 1 } else { 2 };
    let rows: Vec<String> = ["5b2a7c10", "c41d9e33"].iter().take(count).map(|id| row(id)).collect();
    format!(
        "│ Id │ Environment │ Branch │ Source │ Deployment │ Status │\n{}",
        rows.join("\n")
    )
}

/// What `flyctl logs` prints: the lines of Fly.io's proxy, and ours.
fn logs(deployed: &Deployed) -> String {
    let now = jiff::Timestamp::now().to_string();
    let mut ours: Vec<String> = (0..20)
        .map(|at| {
            json!({ "level": "info", "ts": now, "msg": "request", "path": "/api/me", "status": 200, "n": at })
                .to_string()
        })
        .collect();
    if deployed.broken("secret_in_the_log") {
        ours.push(json!({ "level": "debug", "ts": now, "msg": "key sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL" }).to_string());
    }
    if deployed.broken("passwords_in_the_log") {
        let input = json!({ "email": super::USER, "password": super::PASSWORD });
        ours.push(json!({ "level": "warning", "ts": now, "msg": "validation failed", "input": input }).to_string());
    }
    if deployed.broken("log_is_not_json") {
        ours.push("INFO: 127.0.0.1:443 - \"GET /api/me HTTP/1.1\" 200 OK".to_owned());
    }
    if deployed.broken("log_without_time") {
        ours.push(json!({ "level": "info", "msg": "ready" }).to_string());
    }
    let lines: Vec<String> = ours
        .iter()
        .map(|line| format!("{now} app[e2860] \u{1b}[32miad\u{1b}[0m [\u{1b}[34minfo\u{1b}[0m]{line}"))
        .collect();
    format!(
        "{now} proxy[e2860] \u{1b}[32miad\u{1b}[0m [info]machine started\n{}",
        lines.join("\n")
    )
}
