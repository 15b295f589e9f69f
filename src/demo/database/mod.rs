//! The demo's database: roles, tables with row level security, functions, and rows to look at.

use tokio_postgres::NoTls;

use super::accounts::Accounts;
use super::faults::{Fault, How};
use super::servers::{Postgres, StartError};

/// The database everything is in, as on Supabase.
pub(super) const DATABASE: &str = "postgres";

/// The role the API connects as.
pub(super) const API: &str = "api";

/// The role the checks connect as.
pub(super) const SMOKE: &str = "smoke_demo";

const SCHEMA: &str = include_str!("schema.sql");
const FUNCTIONS: &str = include_str!("functions.sql");
const ROWS: &str = include_str!("rows.sql");

/// Creates everything, then breaks what the faults say.
pub(super) async fn create(
    postgres: &Postgres,
    accounts: &Accounts,
    password: &str,
    faults: &[&Fault],
) -> Result<(), StartError> {
    let mut statements = [SCHEMA, FUNCTIONS, ROWS].concat();
    statements = statements.replace("$PASSWORD$", password);
    for (name, account) in accounts.by_name() {
        statements = statements
            .replace(&format!("${name}_ID$"), &account.id)
            .replace(&format!("${name}_EMAIL$"), &account.email)
            .replace(&format!("${name}_HASH$"), &account.password_hash);
    }
    for fault in faults {
        statements += &broken(fault);
    }
    postgres.execute(DATABASE, &statements).await
}

/// A session of the role of migrations, at the server of `url`; it lasts as long as the client does.
pub(super) async fn connected_migrator(url: &str) -> Result<tokio_postgres::Client, String> {
    let failed = |error: tokio_postgres::Error| format!("connecting as the demo's role of migrations: {error}");
    let mut config: tokio_postgres::Config = url.parse().map_err(failed)?;
    let (client, connection) = config.user("migrator").connect(NoTls).await.map_err(failed)?;
    tokio::spawn(connection);
    Ok(client)
}

/// The statements that a fault adds.
fn broken(fault: &Fault) -> String {
    match fault.how {
        How::Sql(sql) => format!("{sql};\n"),
        How::Function(name, passage, instead) => {
            // A passage that is not there would leave the promise whole.
            format!(
                "do $do$ declare old text := pg_get_functiondef('{name}'::regproc); begin \
                 if position($passage${passage}$passage$ in old) = 0 then \
                 raise exception 'fault {}: the passage is not in {name}'; end if; \
                 execute replace(old, $passage${passage}$passage$, $instead${instead}$instead$); end $do$;\n",
                fault.name
            )
        }
        How::Api(_) | How::Redis(_) | How::Worker(_) | How::Stop(_) => String::new(),
    }
}
