//! `defang` as it answers for a whole deployment.

use crate::standin::Deployed;

const CONFIGS: [&str; 9] = [
    "ADMIN_SECRET_KEY",
    "DATABASE_URL",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_DEVELOPER_TOKEN",
    "JWT_SECRET",
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
        "DEPLOYMENT    PROVIDER  REGION       DEPLOYEDAT\n\
         k2v9qz7m2x8c  gcp       us-central1  2026-11-20T16:04:11Z",
    )
}

fn services(deployed: &Deployed) -> String {
    let rows = ["backend", "worker", "scheduler", "qa-worker", "frontend"].map(|service| {
        let state = match service {
            "scheduler" if deployed.broken("a_service_has_failed") => "DEPLOYMENT_FAILED",
            "worker" if deployed.broken("a_service_is_pending") => "DEPLOYMENT_PENDING",
            _ => "DEPLOYMENT_COMPLETED",
        };
        let gone = service == "frontend" && deployed.broken("a_service_is_missing");
        let row = format!("{service:<10} k2v9qz7m2x8c  {state:<21} {service}.metricx.internal");
        if gone { String::new() } else { row }
    });
    prints(&format!(
        "SERVICE    DEPLOYMENT    STATE                 FQDN\n{}",
        rows.join("\n").replace("\n\n", "\n").trim_end()
    ))
}

fn compose(deployed: &Deployed) -> String {
    if deployed.broken("compose_misses_a_config") {
        return "echo 'Error: missing configs [\"META_ACCESS_TOKEN\"] \
                (https://docs.defang.io/docs/concepts/configuration)' >&2; exit 1"
            .to_owned();
    }
    prints(
        "name: metricx\nservices:\n  backend:\n    environment:\n      DATABASE_URL: null\n  worker:\n    environment:\n      \
         DATABASE_URL: ${DATABASE_URL}\n      GOOGLE_CUSTOMER_ID: \"\"\n      GOOGLE_REFRESH_TOKEN: \"\"\n      \
         META_ACCESS_TOKEN: \"\"\n      META_AD_ACCOUNT_ID: \"\"",
    )
}
