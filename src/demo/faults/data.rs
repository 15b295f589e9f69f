//! Faults of the database and of Redis.

use super::{Fault, How, Server};

const fn fault(name: &'static str, how: How, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        name,
        breaks,
        caught_by,
        how,
    }
}

const fn sql(name: &'static str, sql: &'static str, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    fault(name, How::Sql(sql), breaks, caught_by)
}

/// What shows through the API when the database is gone.
const NEEDS_POSTGRES: &[&str] = &[
    "http.health",
    "http.credits",
    "http.workflows",
    "schema.tables",
    "schema.functions",
    "schema.objects",
    "rls.user_owned",
    "rls.image_policies",
    "rls.profiles",
    "rls.ledger_forced",
    "rls.public_workflows",
    "rls.internal",
    "privileges.backend",
    "privileges.executors",
    "call.charge",
    "call.overdraft",
    "call.charge_foreign_account",
    "call.refund",
    "call.refund_refused",
    "call.rate_limit_allows",
    "call.rate_limit_trips",
    "reconcile.balances",
    "reconcile.refunds",
    "sql.migrations",
    "sql.stuck_jobs",
    "migrations.applied",
    "connections.pool",
];

pub(super) const FAULTS: &[Fault] = &[
    sql(
        "missing_table",
        "drop table app_settings",
        "the table app_settings was never created",
        &["schema.tables"],
    ),
    sql(
        "wrong_column_type",
        "alter table generation_jobs alter column cost type numeric",
        "generation_jobs.cost is numeric instead of integer",
        &["schema.tables"],
    ),
    sql(
        "missing_function",
        "drop function cleanup_expired_rate_limits()",
        "the function cleanup_expired_rate_limits was never created",
        &["schema.functions"],
    ),
    sql(
        "wrong_function_arguments",
        "drop function cleanup_expired_rate_limits(); \
         create function cleanup_expired_rate_limits(older_than interval) returns integer language sql as 'select 0'",
        "cleanup_expired_rate_limits wants an argument that the application does not pass",
        &["schema.functions"],
    ),
    fault(
        "function_always_fails",
        How::Function(
            "check_rate_limit",
            "case when r.window_end <= now() then 1",
            "case when window_end <= now() then 1",
        ),
        "check_rate_limit exists, and every call of it fails",
        &["call.rate_limit_allows", "call.rate_limit_trips"],
    ),
    fault(
        "function_never_refuses",
        How::Function("check_rate_limit", "seen.request_count <= p_limit", "true"),
        "check_rate_limit allows any number of requests",
        &["call.rate_limit_trips"],
    ),
    fault(
        "charge_allows_overdraft",
        How::Function("atomic_charge_credits", "or balance < p_amount", ""),
        "a charge above the balance is not refused as such",
        &["call.overdraft"],
    ),
    fault(
        "charge_not_recorded",
        How::Function(
            "atomic_charge_credits",
            "-p_amount, balance - p_amount, p_operation",
            "0, balance, p_operation",
        ),
        "a charge lowers the balance and writes 0 into the ledger",
        &["call.charge"],
    ),
    fault(
        "charge_foreign_account",
        How::Function("atomic_charge_credits", "and auth.uid() <> p_user", "and false"),
        "a user can spend the credits of another",
        &["call.charge_foreign_account"],
    ),
    sql(
        "refund_open",
        "grant execute on function refund_credits to authenticated",
        "every user may give himself a refund",
        &["call.refund_refused", "privileges.executors"],
    ),
    sql(
        "rls_off",
        "alter table videos disable row level security",
        "row level security of videos is switched off",
        &["rls.user_owned"],
    ),
    sql(
        "rls_not_forced",
        "alter table credit_ledger no force row level security",
        "row level security of the ledger does not bind the table's owner",
        &["rls.ledger_forced"],
    ),
    sql(
        "rls_bypassed_by_owner",
        "alter table images owner to authenticated",
        "users act as the owner of images, whom its policies do not bind",
        &["rls.user_owned"],
    ),
    sql(
        "policy_too_wide",
        "create policy \"Anyone can view\" on images for select to authenticated using (true)",
        "every user sees the images of all",
        &["rls.user_owned"],
    ),
    sql(
        "policy_missing",
        "drop policy \"Users add images\" on images",
        "no policy lets users add images",
        &["rls.image_policies"],
    ),
    sql(
        "policy_recursion",
        "create policy \"Admins see everyone\" on users for select to authenticated \
         using (exists (select from users me where me.id = auth.uid() and me.role = 'admin'))",
        "a policy on users reads users, so that every read by a user fails",
        &["rls.profiles"],
    ),
    sql(
        "policy_unchecked_insert",
        "alter policy \"Users add videos\" on videos with check (true)",
        "a user can add videos in the name of another",
        &["rls.user_owned"],
    ),
    sql(
        "anon_sees_rows",
        "create policy \"Status page\" on generation_jobs for select to anon using (true)",
        "visitors see the jobs of all users without logging in",
        &["rls.user_owned"],
    ),
    sql(
        "column_writable",
        "grant update (credits) on users to authenticated",
        "a user can raise his own credits",
        &["rls.profiles"],
    ),
    sql(
        "ledger_off_by_one",
        "update users set credits = credits + 1 where display_name = 'Bob'",
        "one balance differs from its ledger by one credit",
        &["reconcile.balances"],
    ),
    sql(
        "refund_missing",
        "insert into generation_jobs (user_id, status, cost, completed_at) \
         select id, 'failed', 500, now() from users where display_name = 'Bob'",
        "a job failed and its credits were not given back",
        &["reconcile.refunds"],
    ),
    sql(
        "migration_unfinished",
        "update schema_migrations set finished_at = null where version = 6",
        "the last migration began and never finished",
        &["sql.migrations", "migrations.applied"],
    ),
    sql(
        "stuck_job",
        "insert into generation_jobs (user_id, status, cost, created_at) \
         select id, 'processing', 500, now() - interval '3 hours' from users where display_name = 'Bob'",
        "a job has been processing for three hours",
        &["sql.stuck_jobs"],
    ),
    sql(
        "workflow_missing",
        "delete from workflows where id = 10",
        "one of the ten workflows was not installed",
        &["http.workflows"],
    ),
    fault(
        "postgres_down",
        How::Stop(Server::Postgres),
        "PostgreSQL does not run",
        NEEDS_POSTGRES,
    ),
    fault(
        "redis_no_auth",
        How::Redis(&["ACL", "SETUSER", "default", "nopass"]),
        "Redis answers to anyone, without a password",
        &["redis.broker"],
    ),
    fault(
        "redis_evicts",
        How::Redis(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]),
        "Redis may throw queued jobs away when memory runs short",
        &["redis.broker"],
    ),
    fault(
        "redis_down",
        How::Stop(Server::Redis),
        "Redis does not run",
        &[
            "http.health",
            "http.job_created",
            "job.count",
            "queue.thumbnails",
            "redis.broker",
            "redis.queues",
            "redis.worker",
        ],
    ),
];
