//! Everything that can be broken in genapp.

use crate::standin::{Break, How};

const fn asked(name: &'static str, items: &'static [u32], caught_by: &'static [&'static str]) -> Break {
    Break {
        name,
        items,
        how: How::Asked,
        caught_by,
    }
}

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

const fn env(
    name: &'static str,
    items: &'static [u32],
    variable: (&'static str, Option<&'static str>),
    caught_by: &'static [&'static str],
) -> Break {
    Break {
        name,
        items,
        how: How::Env(variable.0, variable.1),
        caught_by,
    }
}

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

/// In the order of the guide.
pub(super) const ALL: &[Break] = &[
    // Step 1
    env(
        "supabase_url_plain",
        &[1, 44],
        (
            "NEXT_PUBLIC_SUPABASE_URL",
            Some("http://kqzvhxwmtrblncydpsgf.supabase.co"),
        ),
        &["env.supabase"],
    ),
    env(
        "supabase_url_example",
        &[1, 44],
        ("NEXT_PUBLIC_SUPABASE_URL", Some("https://your-project.supabase.co")),
        &["env.supabase"],
    ),
    asked("accounts_public", &[1, 10], &["authorization.supabase_keys"]),
    env(
        "blob_token_is_another",
        &[2],
        (
            "BLOB_READ_WRITE_TOKEN",
            Some("vercel_blob_rw_other_Y6wZ3hLdP9sF5gJ0aTuEkQ2mX7cV4vB8nR1t"),
        ),
        &["authorization.blob_token"],
    ),
    env(
        "blob_token_example",
        &[2],
        ("BLOB_READ_WRITE_TOKEN", Some("your_blob_token_here")),
        &["authorization.blob_token", "env.storage"],
    ),
    asked("blob_token_revoked", &[2, 50], &["authorization.blob_token"]),
    env(
        "wavespeed_token_example",
        &[3],
        ("WAVESPEED_API_TOKEN", Some("your_wavespeed_token_here")),
        &["authorization.wavespeed_token", "env.providers"],
    ),
    env(
        "second_token_is_the_first",
        &[3],
        ("HUGGINGFACE_API_TOKEN_2", Some(super::HUGGINGFACE_TOKEN)),
        &["env.providers"],
    ),
    asked("wavespeed_token_revoked", &[50], &["authorization.wavespeed_token"]),
    asked("huggingface_token_revoked", &[50], &["authorization.huggingface_token"]),
    // Step 2.1
    sql(
        "balances_may_be_negative",
        &[4],
        "alter table users drop constraint users_credits_non_negative",
        &["schema.atomic_credits"],
    ),
    sql(
        "ledger_not_verified",
        &[4],
        "drop trigger verify_ledger_before_insert on credit_ledger",
        &["schema.atomic_credits"],
    ),
    sql(
        "ledger_can_be_changed",
        &[4],
        "drop rule credit_ledger_no_update on credit_ledger",
        &["call.append_only"],
    ),
    sql(
        "ledger_can_be_cut",
        &[4],
        "drop rule credit_ledger_no_delete on credit_ledger",
        &["call.append_only"],
    ),
    sql(
        "counters_doubled",
        &[5],
        "alter table rate_limits drop constraint rate_limits_identifier_type_window_start_key",
        &["schema.rate_limiting"],
    ),
    sql(
        "charge_renamed",
        &[6],
        "alter function atomic_charge_credits(uuid, text, integer, text, jsonb) rename to atomic_charge_credits_v2",
        &[
            "call.charge",
            "call.guides_charge",
            "call.overdraft",
            "http.image[landscape]",
            "http.image[portrait]",
            "http.image[square]",
            "http.square",
            "load.at_the_same_time",
            "schema.functions",
        ],
    ),
    sql(
        "cleanup_not_installed",
        &[6, 13],
        "drop function cleanup_expired_rate_limits()",
        &["call.cleanup", "schema.functions"],
    ),
    sql(
        "metadata_is_json",
        &[7, 30],
        "alter table generation_jobs alter column result_url drop not null, alter column metadata type json",
        &["schema.columns"],
    ),
    sql(
        "no_rate_limits",
        &[7, 31, 45],
        "alter table rate_limits rename to rate_limits_old",
        &["rate_limit.per_address", "rls.rows.hidden", "schema.counters"],
    ),
    sql(
        "no_generation_jobs",
        &[7, 30],
        "alter table generation_jobs rename to jobs",
        &[
            "http.image[landscape]",
            "http.image[portrait]",
            "http.image[square]",
            "http.square",
            "load.at_the_same_time",
            "rls.rows.owned",
            "schema.jobs",
        ],
    ),
    sql(
        "foreign_key_without_index",
        &[42],
        "drop index idx_videos_user_id",
        &["schema.foreign_keys"],
    ),
    sql(
        "no_provider_logs",
        &[48],
        "drop table provider_logs",
        &["schema.provider_logs"],
    ),
    // Step 2.2
    asked(
        "google_disabled",
        &[8, 19],
        &["http.google_enabled", "oauth.signin.abroad"],
    ),
    asked("signup_disabled", &[19], &["http.google_enabled"]),
    asked("google_client_missing", &[19], &["oauth.signin.abroad"]),
    asked("callback_not_listed", &[9, 44], &["oauth.signin.abroad"]),
    asked("redirects_anywhere", &[9], &["oauth.signin.abroad"]),
    asked("redirects_by_prefix", &[9], &["oauth.signin.abroad"]),
    asked("site_url_localhost", &[9, 44], &["oauth.signin.abroad"]),
    asked("callback_leaves", &[19], &["http.callback"]),
    expired("google_never_tried", &[19], "google_login", &["attest.google_login"]),
    // Step 2.3
    sql(
        "edits_unprotected",
        &[10],
        "alter table edited_images disable row level security",
        &["reconcile.rows.forgotten", "rls.rows.owned"],
    ),
    sql(
        "forgotten_table",
        &[10, 55],
        "create table exports (id bigint, email text)",
        &["reconcile.rows.forgotten"],
    ),
    sql(
        "images_for_all",
        &[10, 11],
        "create policy \"Anyone can view\" on images for select using (true)",
        &["rls.rows.owned"],
    ),
    sql(
        "policy_missing",
        &[11],
        "drop policy \"Users can view own videos\" on videos",
        &["reconcile.view_own", "rls.rows.owned"],
    ),
    sql(
        "policy_of_others",
        &[11],
        "drop policy \"Users can view own ledger\" on credit_ledger; create policy \"Users can view own ledger\" on credit_ledger for select using (auth.uid() <> user_id)",
        &["rls.rows.owned"],
    ),
    sql(
        "users_set_their_credits",
        &[10, 55],
        "grant update on users to authenticated",
        &["rls.rows.people"],
    ),
    sql(
        "ledger_open_to_all",
        &[55],
        "create policy \"System can insert ledger entries\" on credit_ledger for insert with check (true)",
        &["reconcile.open_policies", "rls.ledger", "rls.rows.owned"],
    ),
    sql(
        "own_entries_written",
        &[10, 55],
        "create policy \"Users can insert own ledger\" on credit_ledger for insert with check (auth.uid() = user_id)",
        &["rls.ledger"],
    ),
    sql(
        "counters_open_to_all",
        &[55],
        "create policy \"Service role can manage rate limits\" on rate_limits for all using (true)",
        &["reconcile.open_policies", "rls.rows.hidden"],
    ),
    sql(
        "users_refund_themselves",
        &[55],
        "grant execute on function refund_credits to authenticated",
        &["privileges.rows.callers"],
    ),
    sql(
        "visitors_refund",
        &[55],
        "grant execute on function refund_credits to public",
        &["privileges.rows.callers"],
    ),
    expired("policies_not_audited", &[55], "policy_audit", &["attest.policy_audit"]),
    // Step 3
    asked("limits_off", &[12, 27], &["rate_limit.per_address"]),
    asked("limits_per_instance", &[12, 56], &["rate_limit.per_address"]),
    asked("limits_in_memory", &[56], &["sql.counters_shared"]),
    asked("trusts_forwarded_for", &[27], &["rate_limit.per_address"]),
    asked(
        "user_limit_is_100",
        &[12, 26],
        &[
            "rate_limit.per_user[edits]",
            "rate_limit.per_user[images]",
            "rate_limit.per_user[videos]",
        ],
    ),
    asked("videos_unlimited", &[26, 56], &["rate_limit.per_user[videos]"]),
    sql(
        "limit_function_fails",
        &[46],
        "create or replace function check_rate_limit(p_identifier text, p_type text, p_max_requests integer, p_window_seconds integer) returns table (allowed boolean, current_count integer, window_end timestamptz, remaining integer) language plpgsql as $$ begin update rate_limits set request_count = request_count + 1 where window_end > now(); return query select true, 1, now(), 1; end $$",
        &["call.counting", "rate_limit.per_address"],
    ),
    sql(
        "limit_one_too_many",
        &[12, 26, 27],
        "do $do$ begin execute replace(pg_get_functiondef('check_rate_limit'::regproc), 'hits <= p_max_requests', 'hits <= p_max_requests + 1'); end $do$",
        &["call.ip_limit_trips", "call.user_limit_trips", "rate_limit.per_address"],
    ),
    sql(
        "limits_shared_by_some",
        &[26],
        "do $do$ begin execute replace(pg_get_functiondef('check_rate_limit'::regproc), 'r.identifier = p_identifier', 'left(r.identifier, 6) = left(p_identifier, 6)'); end $do$",
        &["call.others_not_limited"],
    ),
    sql(
        "windows_never_end",
        &[26],
        "do $do$ begin execute replace(pg_get_functiondef('check_rate_limit'::regproc), 'and r.window_end > now()', ''); end $do$",
        &["call.window_ends", "rate_limit.per_address"],
    ),
    sql(
        "counters_locked",
        &[45],
        "revoke select on rate_limits from service_role; grant select (identifier, type, request_count, window_start, window_end) on rate_limits to service_role",
        &["call.rate_limits_readable"],
    ),
    sql(
        "cleanup_does_nothing",
        &[13, 38],
        "create or replace function cleanup_expired_rate_limits() returns integer language sql as 'select 1'",
        &["call.cleanup"],
    ),
    sql(
        "cleanup_takes_all",
        &[13],
        "create or replace function cleanup_expired_rate_limits() returns integer language sql as 'delete from rate_limits; select 1'",
        &["call.cleanup"],
    ),
    sql(
        "cleanup_never_runs",
        &[13, 38],
        "insert into rate_limits (identifier, type, window_start, window_end) values ('x', 'ip', now() - interval '3 days', now() - interval '3 days')",
        &["reconcile.cleanup_runs"],
    ),
    // Step 4
    sql(
        "image_overpriced",
        &[14],
        "select atomic_charge_credits('d4000000-0000-4000-8000-000000000004', 'image', 600)",
        &["reconcile.prices", "sql.nothing_overspent", "sql.square_recorded"],
    ),
    sql(
        "old_price",
        &[14],
        "select atomic_charge_credits('d4000000-0000-4000-8000-000000000004', 'image', 400)",
        &["reconcile.prices"],
    ),
    asked("price_not_shown", &[14, 25], &["leak.front_end"]),
    expired("prices_never_compared", &[25], "prices_shown", &["attest.prices_shown"]),
    sql(
        "bonus_is_1000",
        &[20],
        "do $do$ begin execute replace(pg_get_functiondef('handle_new_user'::regproc), '3000', '1000'); end $do$; insert into auth.users (id, email) values (gen_random_uuid(), 'later@example.com')",
        &["call.signup_bonus", "reconcile.signups"],
    ),
    sql(
        "signup_trigger_lost",
        &[20],
        "drop trigger on_auth_user_created on auth.users",
        &["call.signup_bonus", "schema.atomic_credits"],
    ),
    sql(
        "signup_swallowed",
        &[20],
        "alter table auth.users disable trigger user; insert into auth.users (id, email) values (gen_random_uuid(), 'lost@example.com'); alter table auth.users enable trigger user",
        &["reconcile.signups"],
    ),
    sql(
        "balances_drift",
        &[15, 35, 38, 40, 56],
        "update users set credits = credits + 7 where email = 'ada@example.com'",
        &["reconcile.books.balances", "reconcile.discrepancy_rate"],
    ),
    sql(
        "one_of_many_drifts",
        &[35],
        "insert into auth.users (id, email) select gen_random_uuid(), 'u' || n || '@example.com' from generate_series(1, 150) n; update users set credits = credits - 7 where email = 'u1@example.com'",
        &["reconcile.books.balances"],
    ),
    sql(
        "nothing_completed_today",
        &[16, 36],
        "update generation_jobs set created_at = now() - interval '2 days', completed_at = now() - interval '2 days' + interval '8 s'",
        &["reconcile.success_rate", "sql.square_recorded", "sql.statistics"],
    ),
    // Step 5
    asked("app_down", &[17], &["ready.serving"]),
    asked("answers_everything", &[17], &["http.home"]),
    asked("development_server", &[17, 18], &["http.home", "leak.front_end"]),
    asked("certificate_expired", &[17], &["tls.address"]),
    asked("no_https_redirect", &[17], &["tls.address"]),
    asked("debugger_open", &[17], &["port.perimeter"]),
    asked("build_fails", &[18], &["command.build"]),
    // Step 6
    asked(
        "any_password",
        &[19],
        &["login.poor", "login.second", "login.signin.user"],
    ),
    asked("tokens_not_verified", &[21], &["login.signin.user"]),
    asked("sessions_end", &[21], &["login.signin.user"]),
    asked("landscape_fails", &[22], &["http.image[landscape]"]),
    asked("image_is_an_error_page", &[22], &["http.square_fetched"]),
    asked("jobs_not_completed", &[22], &["sql.square_recorded"]),
    sql(
        "provider_down",
        &[22, 23, 24],
        "select refund_credits(user_id, id, cost, 'down') from generation_jobs where operation_type like 'video%'",
        &[
            "http.image[landscape]",
            "http.image[portrait]",
            "http.image[square]",
            "http.square",
            "load.at_the_same_time",
            "reconcile.every_kind",
            "reconcile.success_rate",
        ],
    ),
    asked("edits_fail", &[23], &["http.edit"]),
    asked("style_unknown", &[24], &["http.video[express_hd]"]),
    sql(
        "no_edit_for_weeks",
        &[23],
        "update generation_jobs set created_at = now() - interval '20 days', completed_at = now() - interval '20 days' where operation_type = 'edit'",
        &["http.edit", "reconcile.every_kind"],
    ),
    asked("any_size", &[28], &["http.invalid_size"]),
    asked("refusal_of_sizes_technical", &[28, 56], &["http.invalid_size"]),
    asked("guard_forgotten", &[29], &["authorization.sign_in_first"]),
    asked("unified_guard_forgotten", &[29], &["authorization.sign_in_first"]),
    asked("refusal_technical", &[29, 56], &["authorization.sign_in_first"]),
    asked("ledger_public", &[29], &["authorization.own_data"]),
    sql(
        "charge_leaves_no_entry",
        &[32],
        "create function lose() returns trigger language plpgsql as 'begin return null; end'; create trigger lost before insert on credit_ledger for each row when (new.delta = -500) execute function lose(); update users set credits = credits - 500 where email = 'ada@example.com'",
        &[
            "call.charge",
            "reconcile.books.balances",
            "reconcile.discrepancy_rate",
            "sql.square_recorded",
        ],
    ),
    sql(
        "overdraft_possible",
        &[32],
        "do $do$ begin execute replace(pg_get_functiondef('book'::regproc), 'before + p_delta < 0', 'false'); end $do$",
        &["call.overdraft", "load.at_the_same_time"],
    ),
    sql(
        "charged_twice",
        &[32],
        "drop index idx_generation_jobs_idempotency",
        &["call.charged_once", "schema.atomic_credits"],
    ),
    sql(
        "guides_call_unknown",
        &[47],
        "drop function atomic_charge_credits(uuid, text, integer, text, jsonb, uuid)",
        &["call.guides_charge"],
    ),
    asked("charges_race", &[32, 56], &["load.at_the_same_time"]),
    asked("poverty_is_a_crash", &[32, 56], &["load.at_the_same_time"]),
    sql(
        "refund_forgets_the_ledger",
        &[33],
        "create or replace function refund_credits(p_user_id uuid, p_job_id uuid, p_amount integer, p_reason text) returns integer language sql as 'update users set credits = credits + p_amount where id = p_user_id returning credits'",
        &["call.refund"],
    ),
    sql(
        "failed_and_not_refunded",
        &[33, 56],
        "insert into generation_jobs (user_id, operation_type, status, cost) values ('d4000000-0000-4000-8000-000000000004', 'video5', 'failed', 3000)",
        &["reconcile.refunds"],
    ),
    sql(
        "job_stuck",
        &[33],
        "insert into generation_jobs (user_id, operation_type, cost, created_at) values ('d4000000-0000-4000-8000-000000000004', 'image', 500, now() - interval '5 hours')",
        &["reconcile.stuck_jobs"],
    ),
    asked("log_full_of_errors", &[34], &["logs.server"]),
    asked("limiter_fails_in_log", &[34, 56], &["logs.server"]),
    asked("secret_in_log", &[34], &["logs.server"]),
    asked("log_stale", &[37], &["logs.server"]),
    asked("no_browser_log", &[37], &["logs.browser"]),
    asked("browser_crash", &[34, 37], &["logs.browser"]),
    sql(
        "many_fail",
        &[36],
        "select refund_credits(user_id, id, cost, 'down') from generation_jobs where operation_type like 'video%' and user_id <> 'd4000000-0000-4000-8000-000000000004'",
        &["reconcile.success_rate"],
    ),
    sql(
        "jobs_hang",
        &[36],
        "insert into generation_jobs (user_id, operation_type, cost, created_at) select 'd4000000-0000-4000-8000-000000000004', 'image', 500, now() - interval '20 minutes' from generate_series(1, 20)",
        &["reconcile.success_rate"],
    ),
    // Step 7
    sql(
        "temporary_media_kept",
        &[39, 43],
        "update media set created_at = now() - interval '40 days'",
        &["reconcile.temporary_media"],
    ),
    sql(
        "somebody_spends_a_lot",
        &[40],
        "select book('d4000000-0000-4000-8000-000000000004', 90000, 'purchase', 'x', '{}'); select atomic_charge_credits('d4000000-0000-4000-8000-000000000004', 'image', 500) from generate_series(1, 60); update generation_jobs set status = 'completed', completed_at = created_at + interval '5 s' where status = 'pending'",
        &["reconcile.spenders"],
    ),
    sql(
        "credits_from_nowhere",
        &[40],
        "update users set credits = 900000 where email = 'ada@example.com'",
        &[
            "reconcile.books.balances",
            "reconcile.discrepancy_rate",
            "reconcile.rich",
        ],
    ),
    sql(
        "providers_slow",
        &[41],
        "update generation_jobs set completed_at = created_at + interval '10 minutes'",
        &["sql.provider_times"],
    ),
    sql(
        "switched_off",
        &[49],
        "update app_settings set setting_value = false",
        &["sql.app_enabled"],
    ),
    asked("service_key_in_script", &[51], &["leak.front_end"]),
    asked("admin_password_default", &[55], &["http.default_admin"]),
    asked("secret_in_sources", &[51], &["logs.repository"]),
    asked("env_committed", &[51], &["logs.history"]),
    expired("keys_not_rotated", &[52], "key_rotation", &["attest.key_rotation"]),
    expired(
        "nobody_is_alerted",
        &[53],
        "rate_limit_alerts",
        &["attest.rate_limit_alerts"],
    ),
    asked("no_backups", &[54], &["http.backups"]),
    asked("backup_old", &[54], &["sql.backup_fresh"]),
    expired("never_restored", &[54], "backup_restored", &["attest.backup_restored"]),
];
