//! The tools that apply migrations, and where each keeps what it did.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::deployment::postgres::identifier;

/// What applies the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tool {
    Alembic,
    Prisma,
    Supabase,
    Sqlx,
    Flyway,
    /// Another table.
    Table,
    /// None: plain SQL, applied by hand.
    Sql,
}

impl Tool {
    /// Where it keeps its rows.
    pub(super) fn table(self) -> Option<&'static str> {
        match self {
            Self::Alembic => Some("alembic_version"),
            Self::Prisma => Some("_prisma_migrations"),
            Self::Supabase => Some("supabase_migrations.schema_migrations"),
            Self::Sqlx => Some("_sqlx_migrations"),
            Self::Flyway => Some("flyway_schema_history"),
            Self::Table | Self::Sql => None,
        }
    }

    /// The query for its rows.
    pub(super) fn query(self, table: &str, version: &str, done: &str) -> String {
        match self {
            Self::Alembic => format!("select version_num as name, true as done from {table}"),
            Self::Prisma => format!(
                "select migration_name as name, finished_at is not null as done, rolled_back_at is not null as undone, \
                 checksum from {table} order by started_at"
            ),
            Self::Supabase => format!("select version::text as name, true as done from {table} order by version"),
            Self::Sqlx => format!(
                "select version::text as name, success as done, encode(checksum, 'hex') as checksum from {table} \
                 order by {table}.version"
            ),
            Self::Flyway => format!(
                "select version as name, success as done, type = 'BASELINE' as baseline from {table} \
                 where version is not null order by installed_rank"
            ),
            Self::Table | Self::Sql => {
                let version = identifier(version);
                format!(
                    "select {version}::text as name, coalesce(({done}), false) as done from {table} order by {table}.{version}"
                )
            }
        }
    }

    /// What to do about a migration that is missing, or stopped half way.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Alembic => "alembic upgrade head",
            Self::Prisma => "prisma migrate deploy; one that failed first needs `prisma migrate resolve`",
            Self::Supabase => "supabase db push",
            Self::Sqlx => "sqlx migrate run",
            Self::Flyway => "flyway migrate; one that failed first needs `flyway repair`",
            Self::Table => "apply the migrations to this database",
            Self::Sql => "was the file run against this database, to its end? one error undoes the whole paste",
        }
    }
}
