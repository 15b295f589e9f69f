//! Faults of who may do what in the database, and of how it is kept.

use super::{Fault, How, Twist};

const fn sql(name: &'static str, sql: &'static str, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        name,
        breaks,
        caught_by,
        how: How::Sql(sql),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    sql(
        "backend_without_insert",
        "revoke insert on rate_limits from service_role",
        "the backend may not write into rate_limits",
        &["privileges.backend"],
    ),
    sql(
        "backend_creates_tables",
        "grant create on schema public to service_role",
        "the backend's role may create tables",
        &["privileges.backend"],
    ),
    sql(
        "backend_owns_tables",
        "alter table app_settings owner to service_role",
        "the backend's role owns a table, and so may drop it",
        &["privileges.backend"],
    ),
    sql(
        "next_table_unreadable",
        "alter default privileges for role api in schema public revoke select on tables from service_role",
        "the table of the next migration could not be read by the backend",
        &["privileges.backend"],
    ),
    sql(
        "migration_pending",
        "delete from schema_migrations where version = 6",
        "the last migration was never applied",
        &["sql.migrations", "migrations.applied"],
    ),
    sql(
        "sessions_hidden",
        "revoke pg_monitor from smoke_demo",
        "the role of the checks is not shown what other sessions do",
        &["connections.pool"],
    ),
    sql(
        "trigger_disabled",
        "alter table credit_ledger disable trigger credit_ledger_append_only",
        "the trigger that keeps the ledger append-only is switched off",
        &["schema.objects"],
    ),
    sql(
        "foreign_key_without_index",
        "drop index images_user_id_idx",
        "images.user_id has no index, though it is a foreign key",
        &["schema.objects"],
    ),
    Fault {
        name: "migration_role_connected",
        breaks: "a migration never ended its session",
        caught_by: &["connections.pool"],
        how: How::Api(Twist::MigratorConnected),
    },
];
