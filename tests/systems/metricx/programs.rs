//! `defang` as it answers for a whole deployment.

use crate::standin::Deployed;

/// The guide's nine, and those four that compose.yaml asks for, too.
const CONFIGS: [&str; 13] = [
    "ADMIN_SECRET_KEY",
    "DATABASE_URL",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_DEVELOPER_TOKEN",
    "GOOGLE_OAUTH_REDIRECT_URI",
    "JWT_SECRET",
    "META_APP_ID",
    "META_APP_SECRET",
    "META_OAUTH_REDIRECT_URI",
    "OPENAI_API_KEY",
    "REDIS_URL",
    "TOKEN_ENCRYPTION_KEY",
];

/// The programs as name and shell script.
pub(super) fn all(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let answers = [
        ("* config ls", configs(deployed)),
        ("* deployments", deployments(deployed)),
        ("* ps", services(deployed)),
        ("* compose config", compose(deployed)),
    ];
    let cases: String = answers
        .iter()
        .map(|(words, answer)| {
            let pattern = words.replace(' ', "\\ ");
            format!("{pattern}) {answer}\n;;\n")
        })
        .collect();
    let script = format!("case \"$*\" in\n{cases}*) echo \"unknown command\" >&2; exit 1 ;;\nesac");
    vec![("defang", script)]
}

fn prints(text: &str) -> String {
    format!("cat <<'END'\n{text}\nEND")
}

/// One name a line, under a header.
fn configs(deployed: &Deployed) -> String {
    let mut names: Vec<&str> = CONFIGS.to_vec();
    if deployed.broken("defang_lacks_a_config") {
        names.retain(|name| *name != "OPENAI_API_KEY");
    }
    if deployed.broken("defang_lacks_metas_app") {
        names.retain(|name| *name != "META_APP_ID");
    }
    let held = [
        ("defang_holds_a_meta_token", "META_ACCESS_TOKEN"),
        ("defang_holds_an_ad_account", "META_AD_ACCOUNT_ID"),
        ("defang_holds_a_google_token", "GOOGLE_REFRESH_TOKEN"),
        ("defang_holds_a_customer", "GOOGLE_CUSTOMER_ID"),
    ];
    names.extend(
        held.iter()
            .filter(|(broken, _)| deployed.broken(broken))
            .map(|(_, name)| *name),
    );
    prints(&format!("NAME\n{}", names.join("\n")))
}

fn deployments(deployed: &Deployed) -> String {
    if deployed.broken("never_deployed") {
        return "echo ' ! No deployments found for project \"metricx\"' >&2".to_owned();
    }
    prints(
        "PROJECTNAME  PROVIDER  ACCOUNTID     REGION       DEPLOYMENT    DEPLOYEDAT\n\
         metricx      gcp       metricx-prod  us-central1  k2v9qz7m2x8c  2026-11-20T16:04:11Z",
    )
}

fn services(deployed: &Deployed) -> String {
    let rows = ["backend", "worker", "scheduler", "qa-worker", "frontend"].map(|service| {
        let state = match service {
            "scheduler" if deployed.broken("a_service_has_failed") => "DEPLOYMENT_FAILED",
            "worker" if deployed.broken("a_service_is_pending") => "DEPLOYMENT_PENDING",
            _ => "DEPLOYMENT_COMPLETED",
        };
        let health = match service {
            "backend" if deployed.broken("a_service_is_unhealthy") => "unhealthy (502 Bad Gateway)",
            "backend" | "frontend" => "healthy",
            _ => "skipped",
        };
        let gone = service == "frontend" && deployed.broken("a_service_is_missing");
        let row = format!("{service:<10} k2v9qz7m2x8c  {state:<21} {service:>10}.metricx.internal  {health}");
        if gone { String::new() } else { row }
    });
    prints(&format!(
        "SERVICE    DEPLOYMENT    STATE                 FQDN                         HEALTHCHECKSTATUS\n{}",
        rows.join("\n").replace("\n\n", "\n").trim_end()
    ))
}

/// What is `null` or `${…}` here Defang puts in when it deploys; the rest stands as it is.
fn compose(deployed: &Deployed) -> String {
    if deployed.broken("compose_cannot_be_read") {
        return "echo 'Error: yaml: line 41: mapping values are not allowed in this context' >&2; exit 1".to_owned();
    }
    let unless = |broken: &str, good: &'static str, bad| if deployed.broken(broken) { bad } else { good };
    let redis = unless(
        "compose_leaves_redis_on_localhost",
        "${REDIS_URL}",
        "redis://localhost:6379/0",
    );
    let client = unless("compose_drops_the_google_client", "${GOOGLE_CLIENT_ID}", "\"\"");
    let customer = unless("compose_requires_a_customer", "\"\"", "null");
    let more = unless(
        "compose_requires_more_than_defang_holds",
        "",
        "      SENTRY_DSN: null\n",
    );
    prints(&format!(
        "name: metricx\nservices:\n  backend:\n    environment:\n      ADMIN_SECRET_KEY: null\n      DATABASE_URL: null\n      \
         FRONTEND_URL: https://www.metricx.ai\n      GOOGLE_OAUTH_REDIRECT_URI: null\n      JWT_SECRET: null\n      \
         META_APP_ID: null\n      META_APP_SECRET: null\n      META_OAUTH_REDIRECT_URI: null\n      OPENAI_API_KEY: null\n\
         {more}      TOKEN_ENCRYPTION_KEY: null\n    networks:\n      default: null\n  worker:\n    environment:\n      \
         DATABASE_URL: ${{DATABASE_URL}}\n      GOOGLE_CLIENT_ID: {client}\n      \
         GOOGLE_CLIENT_SECRET: ${{GOOGLE_CLIENT_SECRET}}\n      GOOGLE_CUSTOMER_ID: {customer}\n      \
         GOOGLE_DEVELOPER_TOKEN: ${{GOOGLE_DEVELOPER_TOKEN}}\n      GOOGLE_REFRESH_TOKEN: \"\"\n      META_ACCESS_TOKEN: \"\"\n      \
         META_AD_ACCOUNT_ID: \"\"\n      REDIS_URL: {redis}"
    ))
}
