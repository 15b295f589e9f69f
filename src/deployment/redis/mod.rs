//! A Redis server: one connection, opened when a check first needs it and shared by all checks of a run.
//!
//! Only commands that read are ever sent, and none that holds the server up (`SCAN` with a bound, never `KEYS`).

mod answer;
mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use super::Unobserved;
use answer::{content_command, field, json, length_command};

/// How many keys a count looks at before it gives up.
pub const SCANNED: usize = 100_000;

/// A Redis server of an environment.
pub struct Server {
    info: ConnectionInfo,
    address: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// What a connection without credentials was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stranger {
    /// It may do as it likes.
    Welcome,
    /// It was refused, in these words.
    Refused(String),
}

/// One key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// `string`, `list`, `hash`, `set`, `zset`, `stream`; none if there is no such key.
    pub r#type: Option<String>,
    /// Seconds that it has left; none if it stays for ever.
    pub ttl: Option<f64>,
    /// How many elements, or bytes of a string.
    pub length: Option<i64>,
    /// The content, as JSON; read only if asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// How many keys match a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many were found.
    pub found: usize,
    /// Whether all keys were looked at.
    pub complete: bool,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Server({})", self.address)
    }
}

impl Server {
    /// Reads the address, `redis://` or `rediss://`; connects to nothing. The error never contains the password.
    pub fn new(address: &str) -> Result<Self, String> {
        let address = address.trim();
        let Some((_, rest)) = address.split_once("://") else {
            return Err("this is not a Redis address: it must begin with `redis://` or `rediss://`".to_owned());
        };
        let after_host = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
        if after_host.contains('@') {
            return Err(
                "the password contains a character that must be percent-encoded (`/` as %2F, `?` as %3F, `#` as %23)"
                    .to_owned(),
            );
        }
        let mut info = address.into_connection_info().map_err(|_| {
            "this is not a Redis address: `redis://[user:password@]host[:port][/database]`, or `rediss://` with TLS \
             (and `#insecure` at its end to believe any certificate)"
                .to_owned()
        })?;
        let settings = info
            .redis_settings()
            .clone()
            .set_lib_name("smoke", env!("CARGO_PKG_VERSION"));
        info = info.set_redis_settings(settings);
        if rest.contains("ssl_cert_reqs=none") || rest.contains("ssl_cert_reqs=CERT_NONE") {
            info = believing_any_certificate(info);
        }
        Ok(Self {
            address: named(&info),
            info,
            connection: Mutex::new(None),
        })
    }

    /// `host:port/database`, for messages.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The password of the address, for the redactor.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        self.info.redis_settings().password().map(str::to_owned)
    }

    /// A session on the shared connection, after a PING that was answered.
    pub async fn session(&self, timeout: Duration) -> Result<Session, Unobserved> {
        let limit = timeout.mul_f64(0.9);
        let start = Instant::now();
        let mut shared = self.connection.lock().await;
        if let Some(connection) = shared.clone() {
            let mut session = self.over(connection, limit);
            if session.ping().await.is_ok() {
                return Ok(session);
            }
        }
        *shared = None;
        let left = limit.saturating_sub(start.elapsed());
        let connection = self
            .connect(self.info.clone(), left)
            .await
            .map_err(|error| self.explain(&error))?;
        let mut session = self.over(connection.clone(), limit);
        session.ping().await?;
        *shared = Some(connection);
        Ok(session)
    }

    /// What a connection of its own, without user and password, is told.
    pub async fn stranger(&self, timeout: Duration) -> Result<Stranger, Unobserved> {
        let info = self
            .info
            .clone()
            .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name());
        let asked = async {
            let mut connection = self.connect(info, timeout.mul_f64(0.9)).await?;
            redis::cmd("PING").query_async::<String>(&mut connection).await
        };
        match asked.await {
            Ok(_) => Ok(Stranger::Welcome),
            Err(error) if is_refusal(&error) => Ok(Stranger::Refused(said(&error))),
            Err(error) => Err(self.explain(&error)),
        }
    }

    async fn connect(&self, info: ConnectionInfo, limit: Duration) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit));
        Client::open(info)?
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    fn over(&self, mut connection: MultiplexedConnection, limit: Duration) -> Session {
        connection.set_response_timeout(limit);
        Session {
            connection,
            address: self.address.clone(),
            password: self.password(),
        }
    }

    fn explain(&self, error: &RedisError) -> Unobserved {
        explain(&self.address, self.password().as_deref(), error)
    }
}

/// Commands over the shared connection.
pub struct Session {
    connection: MultiplexedConnection,
    address: String,
    password: Option<String>,
}

impl Session {
    async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Unobserved> {
        let answer = command.query_async(&mut self.connection).await;
        answer.map_err(|error| explain(&self.address, self.password.as_deref(), &error))
    }

    /// What PING is answered.
    pub async fn ping(&mut self) -> Result<String, Unobserved> {
        self.ask(&redis::cmd("PING")).await
    }

    /// The fields of INFO, numbers as numbers.
    pub async fn info(&mut self) -> Result<BTreeMap<String, Value>, Unobserved> {
        let text: String = self.ask(&redis::cmd("INFO")).await?;
        Ok(text
            .lines()
            .filter_map(|line| line.trim_end().split_once(':'))
            .map(field)
            .collect())
    }

    /// What is stored under `name`; its content only if `value` asks for it.
    pub async fn key(&mut self, name: &str, value: bool) -> Result<Key, Unobserved> {
        let kind: String = self.ask(redis::cmd("TYPE").arg(name)).await?;
        if kind == "none" {
            return Ok(Key::default());
        }
        let left: i64 = self.ask(redis::cmd("PTTL").arg(name)).await?;
        let mut length = None;
        if let Some(command) = length_command(&kind) {
            length = Some(self.ask(redis::cmd(command).arg(name)).await?);
        }
        let mut content = None;
        if let Some(command) = value.then(|| content_command(&kind, name)).flatten() {
            content = Some(json(self.ask(&command).await?, &kind));
        }
        #[expect(clippy::cast_precision_loss, reason = "a time to live is far below 2^53 ms")]
        let ttl = (left >= 0).then(|| left as f64 / 1000.0);
        Ok(Key {
            r#type: Some(kind),
            ttl,
            length,
            value: content,
        })
    }

    /// Counts the keys that match `pattern`, looking at no more than about [`SCANNED`] keys.
    pub async fn count(&mut self, pattern: &str) -> Result<Count, Unobserved> {
        const STEP: usize = 1_000;
        let mut found = std::collections::HashSet::new();
        let mut cursor = 0_u64;
        for _ in 0..SCANNED / STEP {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.ask(&scan).await?;
            found.extend(keys);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        Ok(Count {
            found: found.len(),
            complete: cursor == 0,
        })
    }
}

fn believing_any_certificate(info: ConnectionInfo) -> ConnectionInfo {
    match info.addr().clone() {
        ConnectionAddr::TcpTls {
            host, port, tls_params, ..
        } => info.set_addr(ConnectionAddr::TcpTls {
            host,
            port,
            insecure: true,
            tls_params,
        }),
        _ => info,
    }
}

fn named(info: &ConnectionInfo) -> String {
    let place = match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } if host.contains(':') => {
            format!("[{host}]:{port}")
        }
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
        ConnectionAddr::Unix(path) => path.display().to_string(),
        _ => "redis".to_owned(),
    };
    format!("{place}/{}", info.redis_settings().db())
}

/// The server itself says no, as opposed to not answering.
fn is_refusal(error: &RedisError) -> bool {
    matches!(
        error.code(),
        Some("NOAUTH" | "NOPERM" | "WRONGPASS" | "DENIED" | "NOPROTO")
    ) || error.kind() == redis::ErrorKind::AuthenticationFailed
}

/// `NOAUTH Authentication required.`
fn said(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

fn explain(address: &str, password: Option<&str>, error: &RedisError) -> Unobserved {
    let mut text = said(error);
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        text = text.replace(password, "***");
    }
    let refused = |why: &str, hint: &str| Unobserved::new(format!("{address} {why}: {text}")).hint(hint);
    if text.contains("WRONGPASS") || text.contains("invalid password") {
        return refused("refused the login", "the user or the password in the address is wrong");
    }
    if error.kind() == redis::ErrorKind::AuthenticationFailed {
        // The driver keeps the server's words to itself.
        return Unobserved::new(format!("{address} refused the login"))
            .hint("the user or the password in the address is wrong, or the server knows no password");
    }
    if text.contains("NOAUTH") {
        return refused(
            "asks for a password",
            "put it into the address: `redis://:password@host:6379`",
        );
    }
    match error.code() {
        Some("NOPERM") => return refused("denies this", "the user's ACL lacks the command or the key"),
        Some("LOADING") => return refused("is loading its data", "a `[ready]` check or `retry` waits for it"),
        Some("DENIED") => return refused("refuses strangers", "it runs in protected mode: give it a password"),
        _ => {}
    }
    if error.is_connection_refusal() {
        return Unobserved::new(format!("{address} refused the connection"))
            .hint("is Redis running, and is this its port?");
    }
    if error.is_timeout() {
        return Unobserved::new(format!("{address} did not answer in time"))
            .hint("is the host right, and does a firewall drop the packets?");
    }
    if text.contains("certificate") || text.contains("UnknownIssuer") {
        return refused(
            "has a TLS certificate that is not trusted",
            "name the authority in SSL_CERT_FILE, or end the address with `#insecure` to believe any certificate",
        );
    }
    if text.contains("lookup") {
        return refused(
            "cannot be found",
            "check the host's spelling, and that this machine may resolve it",
        );
    }
    if error.is_connection_dropped() {
        return refused(
            "hung up",
            "does the server insist on TLS (`rediss://`), or is this not its port?",
        );
    }
    Unobserved::new(format!("{address} answers: {text}"))
}

#[cfg(test)]
mod tests;
