//! What the API keeps: in PostgreSQL, or in memory where there is none.

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use super::Account;

const CONNECTIONS: usize = 4;

/// Where users, credits and workflows are.
pub(in crate::demo) enum Store {
    /// In tables.
    Postgres(Pool),
    /// The same, as a fresh database would have it.
    Memory(Vec<Account>),
}

impl Store {
    /// The API's connections to its database.
    pub(in crate::demo) fn postgres(url: &str) -> Result<Self, String> {
        let failed = |why: &dyn std::fmt::Display| format!("connecting the demo's API to its database: {why}");
        let config = url.parse::<tokio_postgres::Config>().map_err(|error| failed(&error))?;
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
        let pool = Pool::builder(manager).max_size(CONNECTIONS).build();
        pool.map(Self::Postgres).map_err(|error| failed(&error))
    }

    /// For `/health`.
    pub(super) async fn state(&self) -> &'static str {
        match self {
            Self::Memory(_) => "in memory",
            Self::Postgres(pool) => match connect(pool).await {
                Ok(client) if client.simple_query("select 1").await.is_ok() => "up",
                _ => "down",
            },
        }
    }

    pub(super) async fn account(&self, email: &str) -> Result<Option<Account>, String> {
        match self {
            Self::Memory(accounts) => Ok(accounts.iter().find(|account| account.email == email).cloned()),
            Self::Postgres(pool) => {
                let sql = "select id::text, email, role, password_hash from users where email = $1";
                let row = connect(pool).await?.query_opt(sql, &[&email]).await.map_err(text)?;
                let Some(row) = row else { return Ok(None) };
                Ok(Some(Account {
                    id: row.try_get(0).map_err(text)?,
                    email: row.try_get(1).map_err(text)?,
                    role: row.try_get(2).map_err(text)?,
                    password_hash: row.try_get(3).map_err(text)?,
                }))
            }
        }
    }

    pub(super) async fn credits(&self, user: &str) -> Result<i32, String> {
        match self {
            Self::Memory(_) => Ok(1500),
            Self::Postgres(pool) => {
                let sql = "select credits from users where id::text = $1";
                let row = connect(pool).await?.query_one(sql, &[&user]).await.map_err(text)?;
                row.try_get(0).map_err(text)
            }
        }
    }

    pub(super) async fn workflows(&self) -> Result<Vec<Value>, String> {
        match self {
            Self::Memory(_) => Ok((1..=10)
                .map(|id| json!({ "id": id, "name": format!("Workflow {id}") }))
                .collect()),
            Self::Postgres(pool) => {
                let sql = "select id, name from workflows where enabled order by id";
                let rows = connect(pool).await?.query(sql, &[]).await.map_err(text)?;
                let workflow = |row: &tokio_postgres::Row| -> Result<Value, tokio_postgres::Error> {
                    Ok(json!({ "id": row.try_get::<_, i32>(0)?, "name": row.try_get::<_, String>(1)? }))
                };
                rows.iter().map(workflow).collect::<Result<_, _>>().map_err(text)
            }
        }
    }
}

async fn connect(pool: &Pool) -> Result<Object, String> {
    pool.get().await.map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
