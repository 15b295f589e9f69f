//! The programs that the suite of WhatsDeX runs, as they answer for a whole deployment on all four platforms.

use serde_json::{Value, json};

use super::{
    DEFAULT_JWT_SECRET, INTERNAL_API_KEY, JWT_SECRET, NEXTAUTH_SECRET, PASSWORD, STRIPE_SECRET_KEY, WEBHOOK_SECRET,
};
use crate::standin::Deployed;

/// The programs as name and shell script.
pub(super) fn programs(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let railway = [
        ("variables --service whatsdx-bot*", api_variables(deployed).to_string()),
        ("variables --service whatsdx-web*", web_variables(deployed).to_string()),
        ("status*", railway_status(deployed).to_string()),
        ("logs*", log_lines(deployed)),
        ("run npm run seed:plans", seed(deployed).to_owned()),
    ];
    let aws = [
        ("ecs describe-services*", ecs_services(deployed).to_string()),
        (
            "ecs describe-task-definition*whatsdx-api*",
            ecs_task(deployed, "api", "ecs_plain_secret").to_string(),
        ),
        (
            "ecs describe-task-definition*whatsdx-web*",
            ecs_task(deployed, "web", "ecs_plain_secret_of_web").to_string(),
        ),
        (
            "ecs describe-task-definition*whatsdx-migrate*",
            ecs_migration(deployed).to_string(),
        ),
        ("rds*", rds(deployed).to_string()),
        ("elasticache*", elasticache(deployed).to_string()),
        ("elbv2*", target_groups(deployed).to_string()),
    ];
    let gcloud = [
        ("run*", cloud_run(deployed).to_string()),
        ("sql*", cloud_sql(deployed).to_string()),
        ("redis*", memorystore(deployed).to_string()),
        ("compute backend-services*", google_backends(deployed).to_string()),
        ("compute forwarding-rules*", google_balancer(deployed).to_string()),
    ];
    vec![
        ("railway", script(&railway)),
        ("aws", script(&aws)),
        ("gcloud", script(&gcloud)),
        ("render", script(&[("services*", render(deployed).to_string())])),
        ("gh", script(&[("secret list*", ci_secrets(deployed).to_string())])),
        ("npm", audits(deployed)),
    ]
}

/// Answers by what the arguments look like; `exit` alone is a command that fails.
fn script(answers: &[(&str, String)]) -> String {
    let cases = answers.iter().map(|(pattern, answer)| {
        let pattern = pattern.replace(' ', "\\ ");
        if answer == "exit" {
            format!("{pattern}) echo 'Missing script' >&2; exit 1;;\n")
        } else {
            format!("{pattern}) cat <<'END'\n{answer}\nEND\n;;\n")
        }
    });
    format!("case \"$*\" in\n{}*) exit 2;;\nesac", cases.collect::<String>())
}

/// `broken` where that promise is broken, else `whole`.
fn either<T>(deployed: &Deployed, name: &str, broken: T, whole: T) -> T {
    if deployed.broken(name) { broken } else { whole }
}

fn api_variables(deployed: &Deployed) -> Value {
    let address = "postgresql://app_user:kept-secret@db.internal.whatsdx.com:5432/whatsdx?sslmode=require";
    let mut set = json!({
        "NODE_ENV": "production",
        "DATABASE_URL": address,
        "REDIS_URL": "rediss://default:kept-secret-too@redis.internal.whatsdx.com:6379",
        "OWNER_NUMBER": "15550123456",
        "JWT_SECRET": JWT_SECRET,
        "INTERNAL_API_KEY": INTERNAL_API_KEY,
        "STRIPE_SECRET_KEY": STRIPE_SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "GOOGLE_GEMINI_API_KEY": "AIzaSyB-4f8Kq2Lm9Xc7Vb3Nz1Ty6Rw0PsUdEhG",
    });
    let changes = [
        (
            "runtime_is_migration_role",
            "DATABASE_URL",
            address.replace("app_user", "migration_user"),
        ),
        (
            "database_url_without_tls",
            "DATABASE_URL",
            address.replace("?sslmode=require", ""),
        ),
        (
            "migration_url_at_runtime",
            "PRISMA_MIGRATION_SHADOW_DATABASE_URL",
            address.replace("app_user", "migration_user"),
        ),
        (
            "shadow_url_at_runtime",
            "SHADOW_DATABASE_URL",
            address.replace("app_user", "migration_user"),
        ),
        (
            "migration_url_under_another_name",
            "DIRECT_URL",
            address.replace("app_user", "migration_user"),
        ),
        ("owner_number_missing", "OWNER_NUMBER", String::new()),
        ("redis_url_missing", "REDIS_URL", String::new()),
        ("jwt_secret_short", "JWT_SECRET", "whatsdex-2025".to_owned()),
        ("default_jwt_secret", "JWT_SECRET", DEFAULT_JWT_SECRET.to_owned()),
        (
            "stripe_test_mode",
            "STRIPE_SECRET_KEY",
            "sk_test_9fK2mX7cQ4vB8nR1tY6wZ3hL".to_owned(),
        ),
        ("webhook_secret_missing", "STRIPE_WEBHOOK_SECRET", String::new()),
        (
            "ai_key_of_the_guide",
            "GOOGLE_GEMINI_API_KEY",
            "your-gemini-api-key".to_owned(),
        ),
        ("development_mode", "NODE_ENV", "development".to_owned()),
    ];
    for (name, variable, value) in changes {
        if deployed.broken(name) {
            set[variable] = json!(value);
        }
    }
    set
}

fn web_variables(deployed: &Deployed) -> Value {
    let secret = either(
        deployed,
        "nextauth_secret_of_the_guide",
        "Random 32+ character string",
        NEXTAUTH_SECRET,
    );
    let mut set = json!({ "NEXTAUTH_SECRET": secret, "JWT_SECRET": JWT_SECRET, "NODE_ENV": "production" });
    if deployed.broken("one_secret_for_both") {
        set["NEXTAUTH_SECRET"] = json!(JWT_SECRET);
    }
    let role = either(deployed, "web_is_migration_role", "migration_user", "app_user");
    set["DATABASE_URL"] = json!(format!(
        "postgresql://{role}:kept-secret@db.internal.whatsdx.com:5432/whatsdx?sslmode=require"
    ));
    set
}

fn ci_secrets(deployed: &Deployed) -> Value {
    let name = either(
        deployed,
        "ci_cannot_migrate",
        "DATABASE_URL",
        "PRISMA_MIGRATION_SHADOW_DATABASE_URL",
    );
    json!([{ "name": name }, { "name": "RAILWAY_TOKEN" }])
}

fn render(deployed: &Deployed) -> Value {
    let suspended = either(deployed, "render_suspended", "suspended", "not_suspended");
    let path = either(deployed, "render_without_health_check", "", "/health");
    let worker = either(deployed, "render_without_worker", "whatsdx-cron", "whatsdx-worker");
    json!([
        { "service": { "name": "whatsdx-ai-bot", "suspended": suspended, "serviceDetails": { "healthCheckPath": path } } },
        { "service": { "name": "whatsdx-dashboard", "suspended": "not_suspended", "serviceDetails": { "healthCheckPath": "/api/health" } } },
        { "service": { "name": worker, "suspended": "not_suspended", "serviceDetails": {} } },
        { "service": { "name": "somebody-elses", "suspended": "suspended", "serviceDetails": {} } },
    ])
}

fn railway_status(deployed: &Deployed) -> Value {
    let status = either(deployed, "railway_crashed", "CRASHED", "SUCCESS");
    let service =
        |name: &str, status: &str| json!({ "node": { "serviceName": name, "latestDeployment": { "status": status } } });
    let web = either(deployed, "railway_without_web", "whatsdx-worker", "whatsdx-web");
    let services = [service("whatsdx-bot", status), service(web, "SUCCESS")];
    json!({ "name": "whatsdx", "environments": { "edges": [{ "node": { "name": "production",
        "serviceInstances": { "edges": services } } }] } })
}

fn seed(deployed: &Deployed) -> &'static str {
    either(
        deployed,
        "railway_cannot_seed",
        "exit",
        "Default plans seeded successfully",
    )
}

/// What the API logs.
fn log_lines(deployed: &Deployed) -> String {
    let secret = either(
        deployed,
        "secret_in_logs",
        "redis://default:kept-9f2c-Xb71@redis.internal:6379",
        "Redis",
    );
    let body = if deployed.broken("passwords_in_logs") {
        PASSWORD
    } else {
        "***"
    };
    format!(
        "info: login with {body}\ninfo: GET /health\ninfo: connected to {secret}\ninfo: POST /api/bots/test-message"
    )
}

fn ecs_services(deployed: &Deployed) -> Value {
    let running = either(deployed, "ecs_tasks_missing", 1, 2);
    let rollout = either(deployed, "ecs_rollout_failed", "FAILED", "COMPLETED");
    let service = |name: &str| {
        json!({ "serviceName": name, "desiredCount": 2, "runningCount": running,
        "deployments": [{ "rolloutState": rollout }] })
    };
    json!({ "services": [service("whatsdx-api"), service("whatsdx-web")], "failures": [] })
}

fn ecs_task(deployed: &Deployed, service: &str, broken: &str) -> Value {
    let from = "arn:aws:ssm:us-east-1:123456789012:parameter/whatsdx/";
    let secret = |name: &str| json!({ "name": name, "valueFrom": format!("{from}{name}") });
    let plain = either(deployed, broken, "STRIPE_SECRET_KEY", "NODE_ENV");
    json!({ "taskDefinition": { "status": "ACTIVE", "containerDefinitions": [{
        "image": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/whatsdx-{service}:latest"),
        "secrets": [secret("DATABASE_URL"), secret("REDIS_URL"), secret("JWT_SECRET")],
        "environment": [{ "name": plain, "value": "production" }] }] } })
}

fn ecs_migration(deployed: &Deployed) -> Value {
    let status = either(deployed, "ecs_cannot_migrate", "INACTIVE", "ACTIVE");
    json!({ "taskDefinition": { "status": status, "family": "whatsdx-migrate" } })
}

fn rds(deployed: &Deployed) -> Value {
    let kept = either(deployed, "rds_without_backups", 0, 7);
    json!({ "DBInstances": [{ "Engine": "postgres", "DBInstanceStatus": "available", "StorageEncrypted": true, "BackupRetentionPeriod": kept,
        "PubliclyAccessible": deployed.broken("rds_public") }] })
}

fn elasticache(deployed: &Deployed) -> Value {
    json!({ "ReplicationGroups": [{ "Status": "available", "TransitEncryptionEnabled": true,
        "AuthTokenEnabled": !deployed.broken("elasticache_without_password") }] })
}

fn target_groups(deployed: &Deployed) -> Value {
    let path = either(deployed, "balancer_asks_elsewhere", "/", "/health");
    json!({ "TargetGroups": [{ "TargetGroupName": "whatsdx-api", "HealthCheckPath": path },
        { "TargetGroupName": "whatsdx-web", "HealthCheckPath": "/api/health" }] })
}

fn cloud_run(deployed: &Deployed) -> Value {
    let ready = either(deployed, "cloud_run_not_ready", "False", "True");
    let variable = |name: &str| {
        let plain = match name {
            "JWT_SECRET" => deployed.broken("cloud_run_plain_secret"),
            "STRIPE_SECRET_KEY" => deployed.broken("cloud_run_plain_stripe_key"),
            _ => false,
        };
        if plain {
            return json!({ "name": name, "value": "kept-secret" });
        }
        json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": name, "key": "latest" } } })
    };
    let service = |name: &str| {
        json!({ "metadata": { "name": name }, "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        "spec": { "template": { "spec": { "containers": [{ "env": [variable("DATABASE_URL"), variable("JWT_SECRET"),
            variable("STRIPE_SECRET_KEY"), { "name": "NODE_ENV", "value": "production" }] }] } } } })
    };
    json!([service("whatsdx-api"), service("whatsdx-web")])
}

fn cloud_sql(deployed: &Deployed) -> Value {
    json!([{ "name": "whatsdx", "databaseVersion": "POSTGRES_15", "state": "RUNNABLE",
        "settings": { "backupConfiguration": { "enabled": !deployed.broken("cloud_sql_without_backups") }, "ipConfiguration": { "ipv4Enabled": deployed.broken("cloud_sql_public") } } }])
}

fn memorystore(deployed: &Deployed) -> Value {
    let state = either(deployed, "memorystore_failing", "REPAIRING", "READY");
    json!([{ "name": "whatsdx", "state": state, "authEnabled": true }])
}

fn google_backends(deployed: &Deployed) -> Value {
    let groups = "https://www.googleapis.com/compute/v1/projects/whatsdx/regions/us-central1/networkEndpointGroups/";
    let service = |name: &str| json!({ "name": name, "backends": [{ "group": format!("{groups}{name}") }] });
    let services = [service("whatsdx-api"), service("whatsdx-web")];
    json!(services[..either(deployed, "google_balancer_without_web", 1, 2)])
}

fn google_balancer(deployed: &Deployed) -> Value {
    let ports = either(deployed, "google_balancer_without_https", "80-80", "443-443");
    json!([{ "name": "whatsdx", "IPProtocol": "TCP", "portRange": ports }])
}

/// `npm audit`, in the folder of the API and in that of the web front end.
fn audits(deployed: &Deployed) -> String {
    let web = audit(deployed, "critical_vulnerability_of_web").to_string();
    let api = audit(deployed, "critical_vulnerability").to_string();
    format!(
        "case \"$PWD\" in\n*/web) {};;\n*) {};;\nesac",
        format_args!("echo '{web}'"),
        format_args!("echo '{api}'")
    )
}

fn audit(deployed: &Deployed, broken: &str) -> Value {
    let critical = either(deployed, broken, 1, 0);
    json!({ "auditReportVersion": 2, "metadata": { "vulnerabilities": { "high": 0, "critical": critical, "total": critical } } })
}
