//! Everything that can be broken in metricx.

use crate::standin::How::{Asked, Env, Redis, Sql};
use crate::standin::{Break, how};

pub(super) const ALL: &[Break] = &[
    // Core infrastructure.
    how("another_database", &[1], Asked, &["sql.database"]),
    how(
        "servers_on_localhost",
        &[1, 2],
        Env("REHEARSAL", Some("no")),
        &["env.database_url", "env.redis_url"],
    ),
    how(
        "redis_without_password",
        &[2],
        Redis(&[&["ACL", "SETUSER", "default", "nopass"]]),
        &["redis.queue.access"],
    ),
    how(
        "redis_throws_jobs_away",
        &[2],
        Redis(&[&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]]),
        &["redis.queue.keeps_jobs"],
    ),
    how(
        "jwt_secret_short",
        &[3],
        Env("JWT_SECRET", Some(super::SHORT_SECRET)),
        &["env.jwt_secret"],
    ),
    how("jwt_secret_of_the_guide", &[3], Asked, &["login.owner"]),
    how("any_password", &[3, 24], Asked, &["login.owner"]),
    how(
        "encryption_key_too_short",
        &[4],
        Env("TOKEN_ENCRYPTION_KEY", Some("9vT2kQm7XcR4wZ8bLn5YhJ3fGs6PdUaE")),
        &["env.token_encryption_key"],
    ),
    how(
        "admin_key_weak",
        &[5],
        Env("ADMIN_SECRET_KEY", Some(super::SHORT_SECRET)),
        &["env.admin_secret_key"],
    ),
    how("admin_key_of_the_source", &[5], Asked, &["authorization.admin"]),
    how("admin_password_of_the_source", &[5], Asked, &["http.admin_password"]),
    how("admin_open_to_all", &[5], Asked, &["authorization.admin"]),
    // AI.
    how(
        "openai_key_of_another",
        &[6],
        Env("OPENAI_API_KEY", Some("AIzaSyB-4f8Kq2Lm9Xc7Vb3Nz1Ty6Rw0")),
        &["env.openai_api_key", "http.openai"],
    ),
    how("openai_key_revoked", &[6], Asked, &["http.openai"]),
    how("llm_unreachable", &[6], Asked, &["job.answer"]),
    // Google Ads SDK.
    how(
        "developer_token_cut",
        &[7],
        Env("GOOGLE_DEVELOPER_TOKEN", Some("Kx7-Qm2Tz9Rb")),
        &["env.google_developer_token"],
    ),
    how(
        "client_id_of_a_project",
        &[8],
        Env("GOOGLE_CLIENT_ID", Some("417702938561")),
        &["env.google_client_id", "http.google_client", "oauth.google"],
    ),
    how("google_forgets_the_client", &[8, 15], Asked, &["oauth.google"]),
    how(
        "client_secret_cut",
        &[9],
        Env("GOOGLE_CLIENT_SECRET", Some("GOCSPX-m4Kx9Qv2")),
        &["env.google_client_secret", "http.google_client"],
    ),
    how("google_client_deleted", &[8, 9], Asked, &["http.google_client"]),
    // What OAuth provides.
    how(
        "meta_access_token_set",
        &[10],
        Env("META_ACCESS_TOKEN", Some("EAAGm0PX4ZCps")),
        &["env.user_tokens"],
    ),
    how(
        "meta_ad_account_set",
        &[11],
        Env("META_AD_ACCOUNT_ID", Some("act_7310294856")),
        &["env.user_tokens"],
    ),
    how(
        "google_refresh_token_set",
        &[12],
        Env("GOOGLE_REFRESH_TOKEN", Some("1//0gKx7Qm2")),
        &["env.user_tokens"],
    ),
    how(
        "google_customer_set",
        &[13],
        Env("GOOGLE_CUSTOMER_ID", Some("4177029385")),
        &["env.user_tokens"],
    ),
    how("defang_holds_a_meta_token", &[10], Asked, &["env.defang_user_tokens"]),
    how("defang_holds_an_ad_account", &[11], Asked, &["env.defang_user_tokens"]),
    how("defang_holds_a_google_token", &[12], Asked, &["env.defang_user_tokens"]),
    how("defang_holds_a_customer", &[13], Asked, &["env.defang_user_tokens"]),
    how(
        "google_variables_are_set",
        &[12, 13],
        Asked,
        &["authorization.from_env"],
    ),
    how("meta_variables_are_set", &[10], Asked, &["authorization.from_env"]),
    // OAuth.
    how("google_redirects_to_localhost", &[15], Asked, &["oauth.google"]),
    how(
        "google_callback_crashes",
        &[16],
        Asked,
        &["http.google_callback", "http.forged_state[google]"],
    ),
    how(
        "google_callback_not_configured",
        &[16],
        Asked,
        &["http.google_callback"],
    ),
    how(
        "google_token_in_the_clear",
        &[17, 30],
        Sql("update tokens set refresh_token_enc = '1//0gKx7Qm2Tz9Rb4Nc8Wl5YdA' where provider = 'google'"),
        &["reconcile.google_tokens", "reconcile.plaintext"],
    ),
    how(
        "google_token_lost",
        &[17],
        Sql("update connections set token_id = null where provider = 'google'"),
        &["reconcile.google_tokens"],
    ),
    how(
        "google_account_missing",
        &[18],
        Sql("update connections set external_account_id = 'placeholder' where provider = 'google'"),
        &["reconcile.google_accounts"],
    ),
    how("meta_redirects_to_localhost", &[19], Asked, &["oauth.meta"]),
    how("meta_forgets_the_client", &[19], Asked, &["oauth.meta"]),
    how(
        "meta_callback_crashes",
        &[19],
        Asked,
        &["http.meta_callback", "http.forged_state[meta]"],
    ),
    how("meta_callback_not_configured", &[19], Asked, &["http.meta_callback"]),
    how(
        "meta_callback_dies_of_a_state",
        &[19],
        Asked,
        &["http.forged_state[meta]"],
    ),
    how(
        "meta_token_in_the_clear",
        &[20, 30],
        Sql("update tokens set access_token_enc = 'EAAGm0PX4ZCpsBAKx7Qm2Tz9Rb4Nc8Wl5YdA' where provider = 'meta'"),
        &["reconcile.meta_tokens", "reconcile.plaintext"],
    ),
    how(
        "meta_account_missing",
        &[20],
        Sql("update connections set external_account_id = 'undefined' where provider = 'meta'"),
        &["reconcile.meta_accounts"],
    ),
    // Syncing.
    how("sync_fails", &[21], Asked, &["job.sync", "reconcile.syncs"]),
    how("sync_brings_nothing", &[21], Asked, &["job.sync"]),
    how("connections_not_listed", &[21, 24], Asked, &["http.connections"]),
    how("connection_without_status", &[21], Asked, &["http.sync_status"]),
    // Deployment.
    how(
        "placeholder_left",
        &[14, 9],
        Env("GOOGLE_CLIENT_SECRET", Some("your-oauth-client-secret")),
        &["env.placeholders", "env.google_client_secret", "http.google_client"],
    ),
    how(
        "one_key_for_all",
        &[14],
        Env("ADMIN_SECRET_KEY", Some(super::JWT_SECRET)),
        &["env.placeholders"],
    ),
    how("never_deployed", &[22], Asked, &["command.deployment"]),
    how(
        "migration_missing",
        &[22],
        Sql("update alembic_version set version_num = '20251126_000001'"),
        &["migrations.alembic.applied"],
    ),
    how(
        "migration_half_done",
        &[22],
        Sql(
            "set allow_system_table_mods = on; update pg_index set indisvalid = false where indexrelid = 'connections_pkey'::regclass",
        ),
        &["reconcile.alembic.half_built"],
    ),
    how("a_service_has_failed", &[23], Asked, &["command.services"]),
    how("a_service_is_pending", &[23], Asked, &["command.services"]),
    how("a_service_is_missing", &[23], Asked, &["command.services"]),
    // The four services.
    how("backend_down", &[24], Asked, &["ready.api"]),
    how("backend_answers_everything", &[24], Asked, &["http.health"]),
    how("database_away", &[24], Asked, &["login.owner"]),
    how(
        "user_without_rights",
        &[24],
        Sql("update users set role = 'Viewer'"),
        &["http.me"],
    ),
    how(
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
    how(
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
    how(
        "worker_without_questions",
        &[25],
        Asked,
        &["queue.worker.served[qa_jobs]", "job.answer"],
    ),
    how("scheduler_down", &[26], Asked, &["reconcile.scheduler"]),
    how("frontend_down", &[27], Asked, &["http.frontend"]),
    how("frontend_of_two_builds", &[27], Asked, &["http.frontend_script"]),
    // What Defang asks for, and the summary.
    how("defang_lacks_a_config", &[29], Asked, &["env.defang"]),
    how("compose_misses_a_config", &[29], Asked, &["command.compose"]),
    how(
        "connection_from_the_environment",
        &[28],
        Sql("update tokens set scope = 'system-user' where provider = 'meta'"),
        &["reconcile.oauth_only"],
    ),
    how(
        "column_missing",
        &[30],
        Sql("alter table tokens drop column expires_at"),
        &["schema.tokens"],
    ),
];
