//! Everything that can be broken in mvp.

use crate::standin::Break;
use crate::standin::How::{self, Asked, Env, Expired, Roles, Sql};

const fn broken(name: &'static str, items: &'static [u32], caught_by: &'static [&'static str]) -> Break {
    with(name, items, Asked, caught_by)
}

const fn with(name: &'static str, items: &'static [u32], how: How, caught_by: &'static [&'static str]) -> Break {
    Break {
        name,
        items,
        how,
        caught_by,
    }
}

pub(super) const ALL: &[Break] = &[
    // Environment setup
    broken("front_end_has_an_example", &[1], &["env.front_end"]),
    broken("front_end_set_to_localhost", &[1], &["env.front_end"]),
    broken("built_for_localhost", &[1, 9], &["leak.bundle"]),
    broken("built_with_test_key", &[1], &["leak.bundle"]),
    broken("built_with_secret", &[1], &["leak.bundle"]),
    broken("fly_secret_missing", &[2], &["env.backend.configured"]),
    broken("stripe_in_test_mode", &[2], &["env.machine"]),
    broken("admin_password_weak", &[3], &["env.machine"]),
    broken("admin_takes_a_default_password", &[3], &["login.admin"]),
    broken("admin_open_to_all", &[3], &["login.admin"]),
    with(
        "admin_password_old",
        &[3],
        Expired("admin_password"),
        &["attest.admin_password"],
    ),
    broken("github_secret_missing", &[4], &["env.github_secrets"]),
    // Deployment
    broken("fly_check_failing", &[5], &["command.backend.healthy"]),
    broken(
        "no_machine_runs",
        &[5],
        &["command.backend.deployed", "command.backend.healthy"],
    ),
    broken("last_release_failed", &[5], &["command.backend.release"]),
    with(
        "migration_missing",
        &[6],
        Sql("update alembic_version set version_num = '20250930_0006'"),
        &["migrations.migrations.applied"],
    ),
    with("table_missing", &[6], Sql("drop table payments"), &["schema.tables"]),
    broken(
        "assets_missing",
        &[7],
        &["http.cdn", "http.script", "headers.script_file", "leak.bundle"],
    ),
    broken("deep_links_lost", &[7], &["http.deep_link"]),
    broken("old_build", &[7], &["http.build"]),
    broken("limits_in_memory", &[8], &["redis.limits"]),
    // Security
    broken(
        "no_https_redirect",
        &[9],
        &[
            "http.backend.https_only",
            "tls.api_over_https.certificate",
            "tls.site_over_https.certificate",
        ],
    ),
    broken("https_not_enforced", &[9], &["command.fly_config"]),
    broken(
        "certificate_expired",
        &[9],
        &[
            "tls.api_over_https.certificate",
            "tls.site_over_https.certificate",
            "headers.api_answer",
            "headers.api_over_https.insists",
            "headers.page",
            "headers.script_file",
            "headers.site_over_https.insists",
            "leak.bundle",
        ],
    ),
    broken(
        "no_hsts",
        &[9],
        &[
            "headers.api_answer",
            "headers.api_over_https.insists",
            "headers.page",
            "headers.script_file",
            "headers.site_over_https.insists",
        ],
    ),
    broken("mixed_content", &[9], &["leak.bundle"]),
    broken("cors_reflects", &[10, 29], &["cors.origins.sites"]),
    broken("cors_by_suffix", &[10], &["cors.origins.sites"]),
    broken("cors_localhost", &[10], &["cors.origins.sites"]),
    broken("cors_forgets_www", &[10, 29], &["cors.origins.sites"]),
    broken("localhost_in_allowed_origins", &[10], &["env.machine"]),
    broken("jwt_secret_weak", &[11], &["login.user", "login.admin"]),
    with(
        "jwt_secret_of_the_guide",
        &[11],
        Env("SECRET_KEY", Some(super::GUIDE_SECRET)),
        &["authorization.guide_secret"],
    ),
    broken("secret_key_is_the_guides", &[2, 11], &["env.machine"]),
    broken("old_tokens_live", &[11], &["authorization.rotation"]),
    broken("tokens_last_for_years", &[11], &["login.user"]),
    broken("any_password", &[11], &["login.user"]),
    broken("database_url_without_tls", &[12], &["env.machine"]),
    with(
        "database_without_tls",
        &[12],
        Roles(include_str!("plain.sql")),
        &["connections.encrypted", "connections.plain_refused"],
    ),
    with(
        "plain_connections_taken",
        &[12],
        Roles(include_str!("plain.sql")),
        &["connections.plain_refused"],
    ),
    broken("rate_limit_off", &[13], &["rate_limit.route"]),
    broken("rate_limit_never_recovers", &[13], &["rate_limit.route"]),
    broken("each_machine_counts_alone", &[13], &["rate_limit.route"]),
    broken("rate_limit_by_claimed_address", &[13], &["rate_limit.route"]),
    broken("secret_in_the_log", &[14], &["logs.secrets"]),
    broken("secret_in_the_sources", &[14], &["logs.sources"]),
    broken("env_file_committed", &[14], &["logs.history"]),
    broken("no_csp", &[15], &["headers.page"]),
    broken("no_referrer_policy", &[15], &["headers.page"]),
    broken("no_permissions_policy", &[15], &["headers.page"]),
    broken("page_kept_for_a_day", &[15], &["headers.page"]),
    broken(
        "no_nosniff",
        &[15],
        &["headers.api_answer", "headers.page", "headers.script_file"],
    ),
    // Monitoring
    broken(
        "health_down",
        &[16, 32],
        &["http.health", "headers.api_over_https.insists"],
    ),
    broken("health_without_database", &[16, 32], &["http.health"]),
    broken("health_without_redis", &[16, 32], &["http.health"]),
    broken("every_path_is_healthy", &[16], &["http.health", "http.database_read"]),
    broken(
        "database_behind_health_gone",
        &[16, 32],
        &["http.database_read", "load.public_route"],
    ),
    broken(
        "site_down",
        &[17],
        &[
            "http.front_page",
            "http.build",
            "headers.page",
            "headers.site_over_https.insists",
            "leak.bundle",
        ],
    ),
    broken("log_is_not_json", &[18], &["logs.structured"]),
    broken("log_without_time", &[18], &["logs.structured"]),
    broken("built_without_sentry", &[19], &["leak.sentry_address"]),
    broken("sentry_refuses", &[19], &["http.sentry_event"]),
    with(
        "sentry_never_seen",
        &[19],
        Expired("error_tracking"),
        &["attest.error_tracking"],
    ),
    with(
        "nobody_watches",
        &[20],
        Expired("uptime_monitor"),
        &["attest.uptime_monitor"],
    ),
    // Scaling and performance
    broken("five_machines", &[21], &["command.machines"]),
    broken("none_always_runs", &[21], &["command.fly_config"]),
    broken("never_suspends", &[22], &["command.fly_config"]),
    broken("never_started_on_demand", &[22], &["command.fly_config"]),
    broken("slow_start", &[22], &["http.start_on_demand"]),
    with(
        "scaling_never_seen",
        &[23],
        Expired("scaling_rule"),
        &["attest.scaling_rule"],
    ),
    broken("no_cdn", &[24], &["http.cdn"]),
    broken("no_http3", &[24], &["http.cdn"]),
    broken("no_brotli", &[24], &["http.cdn"]),
    broken("assets_not_kept", &[25], &["headers.script_file"]),
    broken("script_too_large", &[25], &["http.script_size"]),
    // Backups, local development
    with("backups_not_tried", &[26], Expired("backups"), &["attest.backups"]),
    with(
        "storage_not_looked_at",
        &[27],
        Expired("asset_storage"),
        &["attest.asset_storage"],
    ),
    broken("compose_without_backend", &[28], &["command.compose_file"]),
    broken("compose_unhealthy", &[28], &["command.compose_up"]),
    // Troubleshooting, rollback
    with(
        "database_unreachable",
        &[30],
        Env(
            "DATABASE_URL",
            Some("postgres://app_user:kept-for-the-test-9f2c@127.0.0.1:1/app"),
        ),
        &[
            "port.servers",
            "migrations.migrations.applied",
            "reconcile.migrations.half_built",
            "schema.tables",
            "connections.encrypted",
            "connections.plain_refused",
            "sql.database",
        ],
    ),
    with(
        "database_read_only",
        &[30],
        Sql(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$",
        ),
        &["sql.database"],
    ),
    broken("build_failed", &[31], &["command.last_build"]),
    broken("first_release_ever", &[33], &["command.releases"]),
    broken("first_front_end_ever", &[33], &["command.pages_deployments"]),
    // Payments, next steps
    broken("webhook_refuses_all", &[34], &["webhook.payments.events"]),
    broken(
        "webhook_accepts_all",
        &[34],
        &["webhook.payments.events", "http.webhook_unsigned"],
    ),
    broken("webhook_takes_old_events", &[34], &["webhook.payments.events"]),
    broken("webhook_takes_a_made_up_signature", &[34], &["webhook.payments.events"]),
    broken("three_visitors_at_most", &[35], &["load.public_route"]),
    with(
        "nobody_tried_to_break_in",
        &[35],
        Expired("penetration_test"),
        &["attest.penetration_test"],
    ),
];
