//! What a stand-in's application asks its database: over TLS, as its own role, rows as JSON.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The application's one connection, made when it is first used.
#[derive(Clone)]
pub(crate) struct Db {
    url: String,
    authority: CertificateDer<'static>,
    client: Arc<OnceCell<Client>>,
}

impl Db {
    pub(super) fn new(url: String, authority: CertificateDer<'static>) -> Self {
        Self {
            url,
            authority,
            client: Arc::default(),
        }
    }

    /// Another session with the same credentials.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.url.clone(), self.authority())
    }

    pub(super) fn authority(&self) -> CertificateDer<'static> {
        self.authority.clone()
    }

    /// Connects: with TLS where the address asks for it.
    async fn client(&self) -> &Client {
        self.client
            .get_or_init(async || {
                let config: Config = self.url.parse().unwrap();
                let (client, connection) = config.connect(self.tls()).await.unwrap();
                tokio::spawn(connection);
                client
            })
            .await
    }

    fn tls(&self) -> MakeRustlsConnect {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let provider = rustls::crypto::ring::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        MakeRustlsConnect::new(config)
    }

    /// The rows of a query that reads or, with `returning`, writes. Parameters take their types from casts: `$1::text`.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Value>, tokio_postgres::Error> {
        let reads = sql.trim_start().to_lowercase().starts_with("select");
        let sql = if reads {
            format!("select to_jsonb(q)::text from ({sql}) q")
        } else {
            format!("with q as ({sql}) select to_jsonb(q)::text from q")
        };
        let rows = self.client().await.query(&sql, params).await?;
        Ok(rows
            .iter()
            .map(|row| serde_json::from_str(row.get(0)).unwrap())
            .collect())
    }

    /// The first row, or null.
    pub(crate) async fn row(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Value {
        match self.rows(sql, params).await {
            Ok(rows) => rows.into_iter().next().unwrap_or_default(),
            Err(error) => panic!("{sql}: {error:?}"),
        }
    }

    /// Runs a statement; gives how many rows it changed.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, tokio_postgres::Error> {
        self.client().await.execute(sql, params).await
    }
}
