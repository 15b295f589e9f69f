//! Everything that can be broken in masstock.

use crate::standin::{Break, How};

/// The application, the worker, a program or Render behaves otherwise.
const fn asked(name: &'static str, items: &'static [u32], caught_by: &'static [&'static str]) -> Break {
    how(name, items, How::Asked, caught_by)
}

/// The database is otherwise.
const fn sql(
    name: &'static str,
    items: &'static [u32],
    sql: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    how(name, items, How::Sql(sql), caught_by)
}

/// Nobody has verified it for years.
const fn expired(
    name: &'static str,
    items: &'static [u32],
    what: &'static str,
    caught_by: &'static [&'static str],
) -> Break {
    how(name, items, How::Expired(what), caught_by)
}

const fn how(name: &'static str, items: &'static [u32], how: How, caught_by: &'static [&'static str]) -> Break {
    Break {
        name,
        items,
        how,
        caught_by,
    }
}

pub(super) const ALL: &[Break] = &[
    // Step 1: Supabase.
    asked("anon_key_revoked", &[1], &["authorization.supabase_anon_key"]),
    asked("service_key_powerless", &[1], &["authorization.supabase_service_key"]),
    asked("clients_public", &[1, 35], &["authorization.supabase_service_key"]),
    asked("supabase_open", &[1], &["authorization.supabase_anon_key"]),
    asked("supabase_url_placeholder", &[1, 9, 36], &["env.api_variables", "env.worker_variables"]),
    asked("keys_swapped", &[1, 9], &["env.api_variables"]),
    sql("constraint_missing", &[2, 21], "alter table users drop constraint users_role_check", &["schema.tables"]),
    sql("trigger_missing", &[2, 21], "drop trigger update_users_updated_at on users", &["migrations.applied", "schema.tables"]),
    sql("column_missing", &[2, 21], "alter table workflow_executions drop column retry_count", &["schema.tables"]),
    sql("rls_off", &[3, 35, 44], "alter table support_tickets disable row level security", &["reconcile.policies", "rls.clients_data"]),
    sql("policy_missing", &[3, 35], "drop policy admin_api_logs on api_logs", &["migrations.applied", "reconcile.policies"]),
    sql("policy_recurses", &[3, 44],
        "create policy admins on users for select using (exists (select 1 from users u where u.id = auth.uid() and u.role = 'admin'))",
        &["rls.profiles"]),
    sql("no_client", &[4], "update clients set status = 'suspended' where name = 'Estee'", &["sql.active_clients", "sql.estee"]),
    sql("workflow_renamed", &[4, 24], "update workflows set name = 'Image Upscaler' where name = 'Image Upscaler Pro'",
        &["http.own_workflows", "sql.seeded_workflows"]),
    sql("workflow_not_deployed", &[4, 24], "update workflows set status = 'draft' where name = 'Moodboard Generator'", &["sql.seeded_workflows"]),
    sql("admin_is_user", &[5, 22, 43], "update users set role = 'user' where email = 'admin@masstock.com'",
        &["sql.admin_user"]),
    sql("client_without_user", &[6, 23], "update clients set user_id = null where name = 'Estee'", &["sql.estee_user"]),
    sql("function_missing", &[21], "drop function get_revenue_by_client(integer)",
        &["call.performance_and_revenue", "migrations.applied", "schema.functions"]),
    sql("function_fails", &[21],
        "create or replace function get_executions_trend(days integer default 7) returns table (date date, total bigint, successful bigint, failed bigint)
         language plpgsql as $$ begin return query select date, 1::bigint, 1::bigint, 1::bigint from workflow_executions; end $$",
        &["call.executions_trend"]),
    sql("revenue_fails", &[21],
        "create or replace function get_revenue_by_workflow(days integer default 30) returns table (workflow_id uuid, executions bigint)
         language plpgsql as $$ begin return query select workflow_id, 1::bigint from workflow_executions; end $$",
        &["call.performance_and_revenue"]),
    sql("signup_trigger_fails", &[21, 43], "alter table auth.users disable trigger on_auth_user_created", &["call.new_user", "schema.functions"]),
    sql("is_admin_for_everyone", &[21, 44], "create or replace function is_admin() returns boolean language sql stable as 'select true'",
        &["call.is_no_admin", "rls.api_logs", "rls.client", "rls.clients_data", "rls.profiles"]),
    sql("admin_is_nobody", &[21, 44], "create or replace function is_admin() returns boolean language sql stable as 'select false'",
        &["call.admin_sees_all", "call.is_admin"]),
    // Step 2: Redis.
    how("redis_without_password", &[7], How::Redis(&[&["ACL", "SETUSER", "default", "nopass"]]), &["redis.connection"]),
    how("redis_wrong_password", &[7, 25, 42], How::Env("REDIS_URL", Some("redis://:wrong@127.0.0.1:1")),
        &["queue.worker", "redis.connection", "redis.memory", "redis.persistence"]),
    how("redis_persists_nothing", &[59], How::Redis(&[&["CONFIG", "SET", "appendonly", "no"]]), &["redis.persistence"]),
    // Step 3: Render.
    asked("web_suspended", &[8], &["http.web_service"]),
    asked("another_service", &[8], &["http.web_service"]),
    asked("wrong_branch", &[8], &["http.web_service"]),
    asked("worker_suspended", &[10, 42], &["http.worker_service"]),
    asked("web_deploy_failed", &[8], &["http.web_deploy"]),
    asked("worker_deploy_failed", &[10], &["http.worker_deploy"]),
    asked("variable_missing", &[9, 36], &["env.api_variables", "env.worker_variables"]),
    asked("node_env_development", &[9, 36], &["env.api_variables", "env.worker_variables"]),
    asked("cors_star_configured", &[9, 29], &["env.api_variables"]),
    asked("jwt_secret_short", &[38], &["env.api_variables", "env.worker_variables"]),
    asked("jwt_secrets_differ", &[43], &["env.worker_variables"]),
    asked("worker_redis_local", &[10, 42], &["env.worker_variables"]),
    asked("node_too_old", &[41], &["command.node_version"]),
    // Step 4: as the guide tests it.
    asked("health_down", &[8, 11, 34], &["ready.api"]),
    asked("health_cached", &[11], &["sql.health_is_fresh"]),
    asked("health_other_version", &[11, 34], &["http.health"]),
    asked("any_password", &[12, 14, 22, 37], &["login.as_admin", "login.as_estee"]),
    asked("admin_password_weak", &[12, 37], &["login.as_admin"]),
    asked("client_password_of_the_guide", &[14, 23, 37], &["login.as_estee"]),
    asked("logs_in_once", &[13, 14], &["http.estee_again"]),
    asked("token_renamed", &[12, 14, 40], &["login.as_admin", "login.as_estee"]),
    asked("tokens_last_a_year", &[30], &["login.as_admin", "login.as_estee"]),
    asked("expired_tokens_accepted", &[30, 38], &["login.as_admin", "login.as_estee"]),
    asked("token_secret_guessable", &[38], &["login.as_admin", "login.as_estee"]),
    asked("admin_open", &[13], &["login.as_admin"]),
    asked("audit_log_open", &[13], &["authorization.administration.guards"]),
    asked("admin_for_everyone", &[13], &["authorization.administration.guards"]),
    asked("dashboard_as_last_client", &[13], &["http.dashboard"]),
    sql("one_client_alone", &[15], "delete from workflows where client_id <> (select id from clients where name = 'Estee')",
        &["call.admin_sees_all", "rls.clients_data", "sql.foreign"]),
    asked("workflows_of_everyone", &[15], &["http.own_workflows"]),
    asked("workflow_not_shown", &[15, 24], &["http.own_workflows"]),
    asked("own_workflow_open", &[15], &["authorization.own_workflow"]),
    asked("foreign_workflow_opens", &[15], &["http.foreign_workflow"]),
    asked("queue_unreachable", &[16], &["job.execution"]),
    asked("worker_down", &[10, 25, 26, 42], &["job.execution", "queue.worker"]),
    asked("worker_on_another_queue", &[10, 26], &["job.execution", "queue.worker"]),
    asked("worker_stuck", &[17, 26], &["job.execution"]),
    asked("worker_fails", &[17, 26], &["job.execution"]),
    asked("worker_makes_nothing", &[17], &["job.execution"]),
    sql("executions_stuck", &[17, 26],
        "insert into workflow_executions (workflow_id, client_id, created_at) select id, client_id, now() - interval '3 hours' from workflows limit 1",
        &["reconcile.stuck_executions"]),
    // Step 5: monitoring.
    asked("errors_in_log", &[18], &["logs.api_log"]),
    asked("secret_in_log", &[18], &["logs.api_log"]),
    expired("nobody_looked_at_resources", &[18], "resources", &["attest.resources"]),
    how("database_too_large", &[19, 46], How::Var("database_limit", "5000000"), &["sql.database_size"]),
    sql("slow_query", &[19], "insert into extensions.pg_stat_statements values ('service_role'::regrole, 'select * from api_logs order by random()', 40, 5210)", &["sql.slow_queries"]),
    how("too_many_connections", &[46, 44], How::Var("connection_limit", "1"), &["connections.pool"]),
    expired("monitor_unverified", &[20], "uptime_monitor", &["attest.uptime_monitor"]),
    // Step 6: the checklist.
    asked("worker_without_redis", &[25], &["logs.worker_log"]),
    asked("docs_gone", &[27], &["http.docs", "http.swagger_spec"]),
    asked("swagger_spec_empty", &[39], &["http.swagger_spec"]),
    asked("rate_limit_off", &[28], &["rate_limit.requests_per_address"]),
    asked("forwarded_for_believed", &[28], &["rate_limit.requests_per_address"]),
    asked("limit_never_lifted", &[28], &["rate_limit.requests_per_address"]),
    asked("login_limit_off", &[28, 37], &["rate_limit.wrong_logins"]),
    asked("cors_star", &[29], &["cors.browsers.sites"]),
    asked("cors_by_part", &[29], &["cors.browsers.sites"]),
    asked("cors_forgets_front_end", &[29, 40], &["cors.browsers.sites"]),
    asked("logins_not_audited", &[31], &["sql.logins_logged"]),
    asked("requests_not_logged", &[32], &["sql.refused_logins", "sql.requests_logged"]),
    asked("passwords_logged", &[32], &["reconcile.logged_passwords"]),
    asked("stack_shown", &[33], &["http.bad_json", "leak.public"]),
    asked("missing_field_is_500", &[33], &["http.missing_field"]),
    asked("unknown_route_is_html", &[33], &["http.unknown_route"]),
    asked("bad_uuid_is_500", &[33], &["http.bad_uuid"]),
    asked("dotenv_served", &[33, 50], &["leak.public"]),
    sql("foreign_rows_visible", &[35, 44], "create policy everyone on workflows for select using (true)", &["rls.clients_data"]),
    sql("role_can_be_changed", &[35], "grant update (role) on users to authenticated", &["rls.profiles"]),
    sql("plan_can_be_changed", &[35], "grant update (plan) on clients to authenticated", &["rls.client"]),
    sql("audit_log_can_be_forged", &[35], "create policy system on audit_logs for insert with check (true)", &["rls.clients_data"]),
    sql("own_log_forged", &[35],
        "create policy own_line on api_logs for insert with check (client_id = get_user_client_id());
         create policy own_audit_new on audit_logs for insert with check (client_id = get_user_client_id())",
        &["rls.api_logs", "rls.clients_data"]),
    sql("api_log_visible", &[35], "create policy everyone on api_logs for select using (client_id = get_user_client_id())", &["rls.api_logs"]),
    sql("auth_users_exposed", &[35], "grant select on auth_sync_status to anon", &["privileges.visitors"]),
    // Troubleshooting, scaling.
    sql("user_missing", &[43], "insert into auth.users (email) values ('x@example.com'); delete from users where email = 'x@example.com'", &["reconcile.auth_users"]),
    how("api_role_creates_roles", &[44], How::Roles("alter role service_role createrole"), &["privileges.api_role"]),
    sql("permission_missing", &[44], "revoke insert on audit_logs from service_role", &["privileges.api_role"]),
    asked("limit_not_from_environment", &[45], &["http.limit_is_the_configured_one", "rate_limit.requests_per_address"]),
    asked("slow", &[47], &["load.response_time"]),
    asked("queue_backs_up", &[48], &["queue.worker"]),
    how("redis_too_full", &[49], How::Redis(&[&["EVAL", "redis.call('SET', 'cache', string.rep('x', 30000000))", "0"]]), &["redis.memory"]),
    // Security notes, backups.
    asked("env_committed", &[50], &["logs.env_never_committed"]),
    expired("jwt_secret_never_rotated", &[51], "jwt_rotation", &["attest.jwt_rotation"]),
    expired("passwords_unverified", &[52], "other_passwords", &["attest.other_passwords"]),
    how("client_password_short", &[37, 52], How::Env("CLIENT_PASSWORD", Some("estee2024")), &["env.own_passwords", "login.as_estee"]),
    expired("no_two_factor", &[53], "two_factor", &["attest.two_factor"]),
    sql("passwords_guessed", &[54],
        "insert into api_logs (endpoint, method, status_code) select '/api/v1/auth/login', 'POST', 401 from generate_series(1, 200)",
        &["sql.refused_logins"]),
    asked("vulnerable_package", &[55], &["command.npm_audit"]),
    asked("certificate_expired", &[56], &["headers.api_answers", "headers.https.insists", "tls.https.certificate"]),
    asked("no_https_redirect", &[56], &["tls.https.certificate"]),
    asked("no_hsts", &[56], &["headers.https.insists"]),
    asked("framework_named", &[56], &["headers.api_answers"]),
    expired("ip_list_unverified", &[57], "ip_allow_list", &["attest.ip_allow_list"]),
    expired("backups_unverified", &[58], "backups", &["attest.backups"]),
    expired("no_weekly_export", &[58], "weekly_export", &["attest.weekly_export"]),
];
