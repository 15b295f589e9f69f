//! Everything that can be broken in WhatsDeX.

use crate::standin::{Break, How};

/// Something that the application, a program or a file does differently.
const fn asked(name: &'static str, items: &'static [u32], caught_by: &'static [&'static str]) -> Break {
    Break {
        name,
        items,
        how: How::Asked,
        caught_by,
    }
}

/// Something that is different in the database.
const fn sql(
    name: &'static str,
    items: &'static [u32],
    statements: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    Break {
        name,
        items,
        how: How::Sql(statements),
        caught_by,
    }
}

/// Something that needs a server of its own, for what all databases share.
const fn roles(
    name: &'static str,
    items: &'static [u32],
    statements: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    Break {
        name,
        items,
        how: How::Roles(statements),
        caught_by,
    }
}

/// Something that nobody has verified for years.
const fn expired(
    name: &'static str,
    items: &'static [u32],
    what: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    Break {
        name,
        items,
        how: How::Expired(what),
        caught_by,
    }
}

pub(super) const ALL: &[Break] = &[
    // Prerequisites.
    sql(
        "pgvector_missing",
        &[1, 8, 18],
        "set allow_system_table_mods = on; delete from pg_extension where extname = 'vector'",
        &["schema.pgvector"],
    ),
    sql(
        "vector_distance_missing",
        &[18],
        "drop operator <-> (vector, vector)",
        &["call.vector_distance"],
    ),
    sql(
        "embeddings_of_another_model",
        &[1, 18],
        "alter table conversation_embeddings alter embedding type vector(768)",
        &["schema.pgvector"],
    ),
    asked("runtime_is_migration_role", &[2, 14], &["env.api_service"]),
    asked("migration_url_at_runtime", &[3], &["env.api_service"]),
    asked("shadow_url_at_runtime", &[3], &["env.api_service"]),
    asked("ci_cannot_migrate", &[3], &["command.ci_secrets"]),
    asked("owner_number_missing", &[4], &["env.api_service"]),
    asked("redis_url_missing", &[4], &["env.api_service"]),
    asked("jwt_secret_short", &[5, 40], &["env.api_service"]),
    asked("default_jwt_secret", &[5, 40], &["env.api_service", "login.forged"]),
    asked("nextauth_secret_of_the_guide", &[5, 40], &["env.web_service"]),
    asked("one_secret_for_both", &[5, 40], &["env.web_service"]),
    asked("default_internal_key", &[5, 50], &["authorization.internal"]),
    asked("stripe_test_mode", &[6], &["env.api_service"]),
    asked("webhook_secret_missing", &[6, 56], &["env.api_service"]),
    asked("ai_key_of_the_guide", &[7], &["env.api_service"]),
    asked("development_mode", &[43], &["env.api_service"]),
    // Platforms.
    asked("render_suspended", &[8], &["command.render_services"]),
    asked("render_without_health_check", &[8], &["command.render_services"]),
    asked("render_without_worker", &[8], &["command.render_services"]),
    asked("no_seed_route", &[8], &["http.seeding"]),
    sql(
        "plans_not_seeded",
        &[8, 9],
        "update plans set code = 'STARTER' where code = 'BUSINESS'; delete from tenant_subscriptions \
        where \"planId\" = 'plan_business'; update tenants set plan = 'free' where plan = 'business'",
        &["sql.plans", "sql.upgraded"],
    ),
    sql(
        "templates_not_seeded",
        &[8, 23],
        "delete from bot_templates",
        &["sql.templates"],
    ),
    asked("railway_crashed", &[9], &["command.railway_services"]),
    asked("railway_without_web", &[9], &["command.railway_services"]),
    asked("railway_cannot_seed", &[9], &["command.railway_seed"]),
    asked("ecs_tasks_missing", &[10], &["command.ecs_services"]),
    asked("ecs_rollout_failed", &[10], &["command.ecs_services"]),
    asked("ecs_plain_secret", &[10], &["command.ecs_secrets"]),
    asked("ecs_cannot_migrate", &[10], &["command.ecs_migration"]),
    asked("rds_public", &[10, 47], &["command.rds"]),
    asked("elasticache_without_password", &[10, 42], &["command.elasticache"]),
    asked("balancer_asks_elsewhere", &[10], &["command.load_balancer"]),
    asked("cloud_run_not_ready", &[11], &["command.cloud_run"]),
    asked("cloud_run_plain_secret", &[11], &["command.cloud_run"]),
    asked("cloud_sql_public", &[11, 47], &["command.cloud_sql"]),
    asked("memorystore_failing", &[11], &["command.memorystore"]),
    asked("google_balancer_without_web", &[11], &["command.google_backends"]),
    asked("google_balancer_without_https", &[11], &["command.google_balancer"]),
    // Two roles.
    roles(
        "app_role_is_superuser",
        &[2, 13, 17],
        "alter role app_user superuser",
        &["privileges.app", "privileges.next_migration", "sql.app_role"],
    ),
    sql(
        "table_without_grant",
        &[12],
        "revoke update on bot_groups from app_user",
        &["privileges.app"],
    ),
    sql(
        "sequence_without_grant",
        &[12],
        "create sequence invoice_numbers",
        &["sql.sequences"],
    ),
    sql(
        "app_role_creates_tables",
        &[13],
        "grant create on schema public to app_user",
        &["privileges.app"],
    ),
    sql(
        "app_role_owns_a_table",
        &[13],
        "alter table feedback owner to app_user",
        &["privileges.app"],
    ),
    sql(
        "next_migration_unreadable",
        &[12],
        "alter default privileges for role migration_user in schema public revoke all on tables from app_user",
        &["privileges.next_migration"],
    ),
    roles(
        "migration_role_too_weak",
        &[13, 53],
        "alter role migration_user nosuperuser",
        &["sql.migration_role"],
    ),
    roles("migrating_at_runtime", &[14], "select 1", &["connections.pool"]),
    roles(
        "database_without_tls",
        &[41],
        include_str!("plain.sql"),
        &["connections.pool", "connections.plain_refused"],
    ),
    roles(
        "plain_connections_taken",
        &[41],
        include_str!("plain.sql"),
        &["connections.plain_refused"],
    ),
    asked("database_url_without_tls", &[41], &["env.api_service"]),
    // Health.
    asked("start_page", &[15], &["http.api_health"]),
    asked("one_page_for_all", &[15], &["http.api_health"]),
    asked("health_by_tcp", &[15], &["http.api_health"]),
    asked("redis_down", &[15], &["http.api_health"]),
    asked("web_without_redis", &[16], &["http.web_health"]),
    asked("web_without_database", &[16], &["http.web_health"]),
    Break {
        name: "redis_without_password",
        items: &[4, 42],
        how: How::Redis(&[&["ACL", "SETUSER", "default", "nopass"]]),
        caught_by: &["redis.server"],
    },
    // The database.
    sql("table_missing", &[19], "drop table system_settings", &["schema.tables"]),
    sql(
        "column_missing",
        &[19],
        "alter table plans drop \"enableAdvancedTools\", alter \"maxBots\" type bigint",
        &["schema.tables"],
    ),
    sql(
        "unique_key_missing",
        &[19],
        "drop index \"tenants_subdomain_key\"",
        &["schema.tables"],
    ),
    sql(
        "relation_missing",
        &[19],
        "alter table tenant_payments drop constraint \"tenant_payments_tenantId_fkey\"",
        &["sql.relations"],
    ),
    sql(
        "migration_unfinished",
        &[19],
        "update _prisma_migrations set finished_at = null where migration_name like '%botuser_role'",
        &["migrations.prisma.applied"],
    ),
    sql(
        "index_half_built",
        &[19],
        "set allow_system_table_mods = on; update pg_index set indisvalid = false where indexrelid = 'plans_code_key'::regclass",
        &["reconcile.prisma.half_built", "schema.tables"],
    ),
    sql(
        "migration_changed",
        &[19],
        "update _prisma_migrations set checksum = md5(checksum) where migration_name like '%_init'",
        &["migrations.prisma.applied"],
    ),
    sql(
        "migration_not_applied",
        &[8, 19],
        "delete from _prisma_migrations where migration_name like '%structured_models'",
        &["migrations.prisma.applied"],
    ),
    // The user's way.
    asked("registration_fails", &[20], &["http.register"]),
    asked("subdomain_twice", &[20], &["http.register_twice"]),
    asked(
        "any_password",
        &[20, 40],
        &[
            "login.free",
            "login.forged",
            "login.pro",
            "login.admin",
            "login.registered",
        ],
    ),
    asked("demo_account", &[5], &["login.free"]),
    asked("tokens_live_long", &[5, 20], &["login.free", "login.admin"]),
    asked("no_plan_selection", &[21], &["http.plan_selected"]),
    asked("plan_not_saved", &[21], &["sql.plan_selected_row"]),
    sql(
        "plan_beside_subscription",
        &[21],
        "update tenants set plan = 'pro' where id = 'tn_platform'",
        &["reconcile.subscriptions"],
    ),
    asked("bots_without_limit", &[22, 26, 55], &["http.bot_refused"]),
    asked("bot_of_another", &[22], &["sql.bot_created_row"]),
    asked(
        "no_bot_created",
        &[22],
        &["http.bot_created", "http.entitlement_gained"],
    ),
    asked("limits_of_the_free_plan", &[22], &["http.bots"]),
    asked("template_not_applied", &[23], &["http.template_applied"]),
    asked("menu_not_applied", &[23], &["sql.template_applied_rows"]),
    asked("no_templates_offered", &[23], &["http.template_list"]),
    asked("no_qr_code", &[24], &["http.qr_code"]),
    asked("sample_qr_code", &[24], &["http.web_qr_code"]),
    expired("pairing_not_tried", &[24, 25], "pairing", &["attest.pairing"]),
    sql(
        "bot_without_owner",
        &[25, 43, 54],
        "update bot_users set role = 'member' where \"botInstanceId\" = 'bot_garage'",
        &["reconcile.owners"],
    ),
    asked("premium_for_all", &[26], &["authorization.premium"]),
    sql(
        "images_on_the_free_plan",
        &[26],
        "update plans set \"enableVideo\" = true where code = 'FREE'",
        &["sql.plan_features"],
    ),
    // Stripe.
    asked(
        "webhook_refuses_all",
        &[27, 28, 45],
        &["webhook.stripe.events", "webhook.upgrade"],
    ),
    asked(
        "webhook_secret_of_staging",
        &[27, 56],
        &["webhook.stripe.events", "webhook.upgrade"],
    ),
    asked(
        "webhook_accepts_all",
        &[28, 45],
        &["webhook.stripe.events", "webhook.upgrade", "http.stripe_unsigned"],
    ),
    asked(
        "webhook_takes_old_events",
        &[28, 45],
        &["webhook.stripe.events", "webhook.upgrade"],
    ),
    asked("stripe_sends_elsewhere", &[27], &["http.stripe_endpoint"]),
    asked("stripe_endpoint_disabled", &[27], &["http.stripe_endpoint"]),
    asked("stripe_keeps_cancellations", &[27], &["http.stripe_endpoint"]),
    asked("events_not_taken", &[27], &["http.stripe_undelivered"]),
    asked("cancellation_fails", &[29], &["webhook.cancellation"]),
    asked("upgrade_ignored", &[29], &["sql.upgraded"]),
    asked("upgrade_without_effect", &[29], &["http.entitlement_gained"]),
    asked(
        "cancellation_ignored",
        &[29],
        &["sql.cancelled", "http.entitlement_lost"],
    ),
    asked("usage_not_counted", &[30], &["sql.usage_counted", "load.plan_limit"]),
    asked(
        "usage_counted_thrice",
        &[30, 35, 55],
        &["sql.usage_counted", "sql.plan_limit_held"],
    ),
    asked("questions_unanswered", &[30, 35], &["http.ai_request"]),
    asked("ai_down", &[26, 35], &["authorization.premium", "load.plan_limit"]),
    // Administration.
    asked(
        "admin_for_tenants",
        &[31, 50],
        &["authorization.admin_web", "authorization.admin_api"],
    ),
    asked("metrics_open", &[31, 50], &["authorization.admin_web"]),
    asked("tenants_open", &[50], &["authorization.admin_api"]),
    asked("usage_shown_wrong", &[32], &["sql.usage_shown_true"]),
    asked("usage_of_last_month", &[32], &["http.usage_shown"]),
    asked("distribution_wrong", &[33], &["sql.distribution_adds_up"]),
    asked("distribution_off_by_one", &[33], &["sql.distribution_adds_up"]),
    asked("plans_mixed_up", &[33], &["sql.distribution_adds_up", "sql.plans_seen"]),
    asked("tenants_without_plan", &[33], &["http.plan_distribution"]),
    sql(
        "nothing_counted_this_month",
        &[32],
        "update usage_counters set messages = 0",
        &["sql.usage_total"],
    ),
    sql(
        "plan_nobody_knows",
        &[33],
        "insert into plans (id, code, name, price) values ('plan_legacy', 'LEGACY', 'Legacy', 100000); \
        update tenants set plan = 'legacy' where id = 'tn_garage'; update tenant_subscriptions set \"planId\" = 'plan_legacy' \
        where \"tenantId\" = 'tn_garage'",
        &["sql.plans", "sql.plan_counts", "reconcile.plan_limits"],
    ),
    // Performance.
    asked("messages_slow", &[34], &["load.messages"]),
    asked("messages_fail", &[34], &["load.messages"]),
    asked("ai_limit_off", &[35, 55], &["load.plan_limit"]),
    sql(
        "messages_read_slowly",
        &[36],
        "alter table bot_messages rename to bot_messages_stored; \
        create view bot_messages as select m.* from bot_messages_stored m, pg_sleep(3); \
        grant select, insert, update, delete on bot_messages to app_user",
        &["sql.recent_messages"],
    ),
    roles("no_pool", &[37], "select 1", &["connections.after_load"]),
    asked("transaction_left_open", &[38], &["connections.after_load"]),
    asked(
        "idle_in_transaction",
        &[38, 51],
        &["connections.pool", "connections.after_load"],
    ),
    // Security.
    asked("secret_in_source", &[39], &["logs.source_code"]),
    asked("secret_in_settings", &[39], &["logs.source_code"]),
    asked("secret_in_logs", &[39], &["logs.service"]),
    asked("owner_by_env", &[43, 54], &["logs.owner_source"]),
    expired(
        "owner_commands_not_tried",
        &[25, 43, 54],
        "owner_commands",
        &["attest.owner_commands"],
    ),
    asked(
        "bots_of_all",
        &[44],
        &["authorization.tenants", "authorization.tenants_commands"],
    ),
    asked("bots_obey_all", &[44], &["authorization.tenants_commands"]),
    asked("analytics_of_all", &[44], &["authorization.tenants"]),
    asked("templates_for_all_bots", &[44], &["authorization.tenants_templates"]),
    asked("bots_of_all_listed", &[44], &["http.own_bots_only"]),
    asked("rate_limit_off", &[46], &["rate_limit.per_tenant"]),
    asked("limit_for_all", &[46], &["rate_limit.per_tenant"]),
    asked("database_public", &[47], &["port.database"]),
    asked("redis_public", &[48], &["port.redis"]),
    asked("health_leaks", &[49], &["leak.api_answers"]),
    asked("web_health_leaks", &[49], &["leak.web_answers"]),
    // Operation.
    asked("metrics_without_numbers", &[51], &["http.metrics"]),
    asked("no_active_tenants", &[51], &["http.business_metrics"]),
    sql(
        "commands_fail",
        &[52],
        "update command_usage set success = false where id in (select id from command_usage limit 4)",
        &["reconcile.error_rate"],
    ),
    sql(
        "plan_exceeded",
        &[52, 57],
        "update usage_counters set \"aiRequests\" = 11 where \"tenantId\" = 'tn_bakery'",
        &["reconcile.plan_limits"],
    ),
    expired("alerts_not_tried", &[52], "alerts", &["attest.alerts"]),
    asked("critical_vulnerability", &[57], &["command.audit"]),
    expired("dependencies_old", &[57], "updates", &["attest.updates"]),
    expired("secrets_not_rotated", &[57], "rotation", &["attest.rotation"]),
    expired("no_backup_restored", &[57], "backups", &["attest.backups"]),
    asked("worker_dead", &[58], &["queue.worker.served[image-generation]"]),
    Break {
        name: "redis_throws_jobs_away",
        items: &[58],
        how: How::Redis(&[&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]]),
        caught_by: &["redis.worker.keeps_jobs"],
    },
    expired("scaling_not_reviewed", &[58], "scaling", &["attest.scaling"]),
];
