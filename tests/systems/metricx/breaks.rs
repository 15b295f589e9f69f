//! Everything that can be broken in metricx.

use crate::standin::Break;
use crate::standin::How::{self, Asked, Env, Redis, Sql};

const fn broken(name: &'static str, items: &'static [u32], how: How, caught_by: &'static [&'static str]) -> Break {
    Break {
        name,
        items,
        how,
        caught_by,
    }
}

pub(super) const ALL: &[Break] = &[
    // Core infrastructure.
    broken("another_database", &[1], Asked, &["sql.database"]),
    broken(
        "servers_on_localhost",
        &[1, 2],
        Env("REHEARSAL", Some("no")),
        &["env.database_url", "env.redis_url"],
    ),
    broken(
        "redis_without_password",
        &[2],
        Redis(&[&["ACL", "SETUSER", "default", "nopass"]]),
        &["redis.queue.access"],
    ),
    broken(
        "redis_throws_jobs_away",
        &[2],
        Redis(&[&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]]),
        &["redis.queue.keeps_jobs"],
    ),
    broken(
        "jwt_secret_short",
        &[3],
        Env("JWT_SECRET", Some(super::SHORT_SECRET)),
        &["env.jwt_secret"],
    ),
    broken("jwt_secret_of_the_guide", &[3], Asked, &["login.owner"]),
    broken("any_password", &[3, 24], Asked, &["login.owner"]),
    broken(
        "encryption_key_too_short",
        &[4],
        Env("TOKEN_ENCRYPTION_KEY", Some("9vT2kQm7XcR4wZ8bLn5YhJ3fGs6PdUaE")),
        &["env.token_encryption_key"],
    ),
    broken(
        "admin_key_weak",
        &[5],
        Env("ADMIN_SECRET_KEY", Some(super::SHORT_SECRET)),
        &["env.admin_secret_key"],
    ),
    broken("admin_key_of_the_source", &[5], Asked, &["authorization.admin"]),
    broken("admin_password_of_the_source", &[5], Asked, &["http.admin_password"]),
    broken("admin_open_to_all", &[5], Asked, &["authorization.admin"]),
    // AI.
    broken(
        "openai_key_of_another",
        &[6],
        Env("OPENAI_API_KEY", Some("AIzaSyB-4f8Kq2Lm9Xc7Vb3Nz1Ty6Rw0")),
        &["env.openai_api_key", "http.openai"],
    ),
    broken("openai_key_revoked", &[6], Asked, &["http.openai"]),
    broken("llm_unreachable", &[6], Asked, &["job.answer"]),
    // Google Ads SDK.
    broken(
        "developer_token_cut",
        &[7],
        Env("GOOGLE_DEVELOPER_TOKEN", Some("Kx7-Qm2Tz9Rb")),
        &["env.google_developer_token"],
    ),
    broken(
        "client_id_of_a_project",
        &[8],
        Env("GOOGLE_CLIENT_ID", Some("417702938561")),
        &["env.google_client_id", "http.google_client", "oauth.google"],
    ),
    broken("google_forgets_the_client", &[8, 15], Asked, &["oauth.google"]),
    broken(
        "client_secret_cut",
        &[9],
        Env("GOOGLE_CLIENT_SECRET", Some("GOCSPX-m4Kx9Qv2")),
        &["env.google_client_secret", "http.google_client"],
    ),
    broken("google_client_deleted", &[8, 9], Asked, &["http.google_client"]),
    // What OAuth provides.
    broken(
        "meta_access_token_set",
        &[10],
        Env("META_ACCESS_TOKEN", Some("EAAGm0PX4ZCps")),
        &["env.user_tokens"],
    ),
    broken(
        "meta_ad_account_set",
        &[11],
        Env("META_AD_ACCOUNT_ID", Some("act_7310294856")),
        &["env.user_tokens"],
    ),
    broken(
        "google_refresh_token_set",
        &[12],
        Env("GOOGLE_REFRESH_TOKEN", Some("1//0gKx7Qm2")),
        &["env.user_tokens"],
    ),
    broken(
        "google_customer_set",
        &[13],
        Env("GOOGLE_CUSTOMER_ID", Some("4177029385")),
        &["env.user_tokens"],
    ),
    broken("defang_holds_a_meta_token", &[10], Asked, &["env.defang_user_tokens"]),
    broken("defang_holds_an_ad_account", &[11], Asked, &["env.defang_user_tokens"]),
    broken("defang_holds_a_google_token", &[12], Asked, &["env.defang_user_tokens"]),
    broken("defang_holds_a_customer", &[13], Asked, &["env.defang_user_tokens"]),
    broken(
        "google_variables_are_set",
        &[12, 13],
        Asked,
        &["authorization.from_env"],
    ),
    broken("meta_variables_are_set", &[10], Asked, &["authorization.from_env"]),
    // OAuth.
    broken("google_redirects_to_localhost", &[15], Asked, &["oauth.google"]),
    broken(
        "google_callback_crashes",
        &[16],
        Asked,
        &["http.google_callback", "http.forged_state[google]"],
    ),
    broken(
        "google_callback_not_configured",
        &[16],
        Asked,
        &["http.google_callback"],
    ),
    broken(
        "google_token_in_the_clear",
        &[17, 30],
        Sql("update tokens set refresh_token_enc = '1//0gKx7Qm2Tz9Rb4Nc8Wl5YdA' where provider = 'google'"),
        &["reconcile.google_tokens", "reconcile.plaintext"],
    ),
    broken(
        "google_token_lost",
        &[17],
        Sql("update connections set token_id = null where provider = 'google'"),
        &["reconcile.google_tokens"],
    ),
    broken(
        "google_account_missing",
        &[18],
        Sql("update connections set external_account_id = 'placeholder' where provider = 'google'"),
        &["reconcile.google_accounts"],
    ),
    broken("meta_redirects_to_localhost", &[19], Asked, &["oauth.meta"]),
    broken("meta_forgets_the_client", &[19], Asked, &["oauth.meta"]),
    broken(
        "meta_callback_crashes",
        &[19],
        Asked,
        &["http.meta_callback", "http.forged_state[meta]"],
    ),
    broken("meta_callback_not_configured", &[19], Asked, &["http.meta_callback"]),
    broken(
        "meta_callback_dies_of_a_state",
        &[19],
        Asked,
        &["http.forged_state[meta]"],
    ),
    broken(
        "meta_token_in_the_clear",
        &[20, 30],
        Sql("update tokens set access_token_enc = 'EAAGm0PX4ZCpsBAKx7Qm2Tz9Rb4Nc8Wl5YdA' where provider = 'meta'"),
        &["reconcile.meta_tokens", "reconcile.plaintext"],
    ),
    broken(
        "meta_account_missing",
        &[20],
        Sql("update connections set external_account_id = 'undefined' where provider = 'meta'"),
        &["reconcile.meta_accounts"],
    ),
    // Syncing.
    broken("sync_fails", &[21], Asked, &["job.sync", "reconcile.syncs"]),
    broken("sync_brings_nothing", &[21], Asked, &["job.sync"]),
    broken("connections_not_listed", &[21, 24], Asked, &["http.connections"]),
    broken("connection_without_status", &[21], Asked, &["http.sync_status"]),
    // Deployment.
    broken(
        "placeholder_left",
        &[14, 9],
        Env("GOOGLE_CLIENT_SECRET", Some("your-oauth-client-secret")),
        &["env.placeholders", "env.google_client_secret", "http.google_client"],
    ),
    broken(
        "one_key_for_all",
        &[14],
        Env("ADMIN_SECRET_KEY", Some(super::JWT_SECRET)),
        &["env.placeholders"],
    ),
    broken("never_deployed", &[22], Asked, &["command.deployment"]),
    broken(
        "migration_missing",
        &[22],
        Sql("update alembic_version set version_num = '20251126_000001'"),
        &["migrations.alembic.applied"],
    ),
    broken(
        "migration_half_done",
        &[22],
        Sql(
            "set allow_system_table_mods = on; update pg_index set indisvalid = false where indexrelid = 'connections_pkey'::regclass",
        ),
        &["reconcile.alembic.half_built"],
    ),
    broken("a_service_has_failed", &[23], Asked, &["command.services"]),
    broken("a_service_is_pending", &[23], Asked, &["command.services"]),
    broken("a_service_is_missing", &[23], Asked, &["command.services"]),
    // The four services.
    broken("backend_down", &[24], Asked, &["ready.api"]),
    broken("backend_answers_everything", &[24], Asked, &["http.health"]),
    broken("database_away", &[24], Asked, &["login.owner"]),
    broken(
        "user_without_rights",
        &[24],
        Sql("update users set role = 'Viewer'"),
        &["http.me"],
    ),
    broken(
        "worker_down",
        &[25, 21],
        Asked,
        &[
            "queue.worker.served[sync_jobs]",
            "queue.worker.served[qa_jobs]",
            "job.answer",
            "job.sync",
            "reconcile.scheduler",
        ],
    ),
    broken(
        "worker_killed",
        &[25],
        Asked,
        &[
            "queue.worker.served[sync_jobs]",
            "queue.worker.served[qa_jobs]",
            "job.answer",
            "job.sync",
        ],
    ),
    broken(
        "worker_without_questions",
        &[25],
        Asked,
        &["queue.worker.served[qa_jobs]", "job.answer"],
    ),
    broken("scheduler_down", &[26], Asked, &["reconcile.scheduler"]),
    broken("frontend_down", &[27], Asked, &["http.frontend"]),
    broken("frontend_of_two_builds", &[27], Asked, &["http.frontend_script"]),
    // What Defang asks for, and the summary.
    broken("defang_lacks_a_config", &[29], Asked, &["env.defang"]),
    broken("compose_misses_a_config", &[29], Asked, &["command.compose"]),
    broken(
        "connection_from_the_environment",
        &[28],
        Sql("update tokens set scope = 'system-user' where provider = 'meta'"),
        &["reconcile.oauth_only"],
    ),
    broken(
        "column_missing",
        &[30],
        Sql("alter table tokens drop column expires_at"),
        &["schema.tokens"],
    ),
];
