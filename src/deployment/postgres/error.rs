//! What PostgreSQL says when it refuses: a statement ([`SqlError`]) or a connection ([`unreachable()`]).

use std::error::Error as _;
use std::fmt;
use std::io;

use rustls::CertificateError;
use serde::{Deserialize, Serialize};

use super::tls::SslMode;
use crate::deployment::Unobserved;
use crate::outcome::Finding;

/// Why a statement was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlError {
    /// The SQLSTATE, five characters: `42501` is a permission denied.
    pub code: String,
    /// The server's message, on one line.
    pub message: String,
    /// The server's detail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The server's own hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for SqlError {
    /// `permission denied for table users (42501)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.message, self.code)
    }
}

impl SqlError {
    /// An error that this program, not the server, has found.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// What the driver reports; a lost connection has SQLSTATE 08006.
    pub(super) fn of(error: &tokio_postgres::Error) -> Self {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        match error.as_db_error() {
            Some(db) => Self {
                code: db.code().code().to_owned(),
                message: one_line(db.message()),
                // It would carry a whole row of somebody's data into the reports.
                detail: db
                    .detail()
                    .filter(|detail| !detail.starts_with("Failing row"))
                    .map(one_line),
                hint: db.hint().map(one_line),
            },
            None if error.is_closed() => Self::new("08006", "the server closed the connection"),
            None => Self::new("08006", chain(error)),
        }
    }

    /// A right is missing: `permission denied`, or a row refused by a policy.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.code == "42501"
    }

    /// A row was refused by row level security, not by a missing GRANT.
    #[must_use]
    pub fn is_policy_refusal(&self) -> bool {
        self.is_denied() && self.message.contains("row-level security")
    }

    /// Says nothing about what the deployment promises: no permission to look, too slow, cut off, overloaded, or the
    /// suite's own SQL is malformed. Everything else (a missing table, a raised exception) was seen, and is wrong.
    #[must_use]
    pub fn tells_nothing(&self) -> bool {
        let class = self.code.get(..2).unwrap_or_default();
        matches!(class, "08" | "53" | "57" | "58" | "0A")
            || matches!(
                self.code.as_str(),
                "42501" | "42601" | "55P03" | "25006" | "40001" | "40P01"
            )
    }

    /// What a person can do about it.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let advice = match self.code.as_str() {
            "42501" if self.message.contains("row-level security") => {
                "this role sees only some rows, so the answer would prove nothing: connect as the tables' owner or a role with BYPASSRLS"
            }
            "42501" => "grant the right to the role of the endpoint's address, or name another endpoint with `on`",
            "42P01" | "42703" | "42883" | "3F000" => "was the migration applied to this database?",
            "42601" => "the suite's own SQL is malformed; try it in psql",
            "57014" => {
                "the statement took longer than the check's `timeout` allows: raise it, or make the query cheaper"
            }
            "55P03" => "another session holds the lock: is a migration still running?",
            "25006" => {
                "the statement writes: a check that writes says `execute`; or the server is a read-only replica: `rls` reads only with `writes = false`"
            }
            "42P17" => {
                "a policy of the table reads the table itself; move that lookup into a `security definer` function"
            }
            "42P18" | "42804" | "42846" => "name the type of the parameter in the query: `$1::uuid`",
            "53300" => TOO_MANY,
            _ => return self.hint.clone(),
        };
        Some(advice.to_owned())
    }
}

impl SqlError {
    /// This error as something that was seen, unless it [tells nothing](Self::tells_nothing).
    pub fn or_unobserved(self) -> Result<Self, Unobserved> {
        if self.tells_nothing() {
            Err(self.into())
        } else {
            Ok(self)
        }
    }

    /// The error as a sentence with the server's detail.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{self}: {detail}"),
            None => self.to_string(),
        }
    }

    /// `finding` with the advice, where there is one.
    #[must_use]
    pub fn advise(&self, finding: Finding) -> Finding {
        match self.advice() {
            Some(advice) => finding.hint(advice),
            None => finding,
        }
    }

    /// The failure of `what`, which should have been `expected`.
    #[must_use]
    pub fn failed(&self, what: impl Into<String>, expected: impl Into<String>) -> Finding {
        self.advise(Finding::failed(what, expected, self.sentence()))
    }
}

impl From<SqlError> for Unobserved {
    fn from(error: SqlError) -> Self {
        let advice = error.advice();
        let unobserved = Self::new(format!("PostgreSQL answers: {}", error.sentence()));
        match advice {
            Some(advice) => unobserved.hint(advice),
            None => unobserved,
        }
    }
}

const TOO_MANY: &str = "the server has no connection left: does the application leak them? connect through the pooler";

/// Why no connection came about, for the person who has to act.
pub(super) fn unreachable(address: &str, mode: SslMode, error: &tokio_postgres::Error) -> Unobserved {
    if error.as_db_error().is_some() {
        return refused_login(address, &SqlError::of(error));
    }
    if let Some(tls) = find_tls(error) {
        return bad_certificate(address, tls);
    }
    let text = chain(error);
    if text.contains("server does not support TLS") {
        return Unobserved::new(format!("{address} does not speak TLS, and the address insists on it"))
            .hint("turn TLS on at the server, or say `sslmode=disable` if the network itself is trusted");
    }
    if text.contains("password missing") {
        return Unobserved::new(format!("{address} asks for a password, and the address has none"))
            .hint("put it into the address: `postgres://user:password@host/database`");
    }
    match find_io(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => Unobserved::new(format!("{address} refused the connection"))
            .hint("is PostgreSQL running, and is this its port?"),
        Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            Unobserved::new(format!("the socket of {address} cannot be opened: {text}"))
        }
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
            let why = format!("{address} hung up during the handshake");
            let hint = if mode == SslMode::Disable {
                "does the server insist on TLS (`sslmode=require`), or is this not PostgreSQL's port?"
            } else {
                "is this PostgreSQL's port, and does a firewall let the whole exchange pass?"
            };
            Unobserved::new(why).hint(hint)
        }
        _ if text.contains("lookup") || text.contains("resolve") => {
            Unobserved::new(format!("the host of {address} has no address: {text}"))
                .hint("check the host's spelling, and that this machine may resolve it (an internal name?)")
        }
        _ => Unobserved::new(format!("no connection to {address}: {text}")),
    }
}

fn refused_login(address: &str, error: &SqlError) -> Unobserved {
    let hint = match error.code.as_str() {
        "28P01" => "the user or the password in the address is wrong",
        "28000" if error.message.contains("encryption") || error.message.contains("SSL") => {
            "the server's pg_hba.conf demands another `sslmode`"
        }
        "28000" => "the server's pg_hba.conf has no line that lets this user in from here",
        "3D000" => "the database name at the end of the address is wrong, or the database was never created",
        "53300" => TOO_MANY,
        "57P03" => "the server is starting up or shutting down: a `[ready]` check waits for it",
        _ => return Unobserved::new(format!("{address} refused the login: {error}")),
    };
    Unobserved::new(format!("{address} refused the login: {error}")).hint(hint)
}

fn bad_certificate(address: &str, error: &rustls::Error) -> Unobserved {
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return Unobserved::new(format!("TLS with {address} failed: {error}"));
    };
    let (what, hint) = match wrong {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "it is not signed by an authority that is trusted here".to_owned(),
            "name the authority's certificate: `sslrootcert=ca.pem`",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("it has expired".to_owned(), "renew the server's certificate")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "it is not valid yet".to_owned(),
            "check the clock of this machine and of the server",
        ),
        CertificateError::NotValidForName => ("it is for another host".to_owned(), OTHER_HOST),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            ("it names no host (no subjectAltName)".to_owned(), OTHER_HOST)
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            (format!("it is for another host: {}", hosts(presented)), OTHER_HOST)
        }
        other => (
            other.to_string(),
            "look at it with `openssl s_client -starttls postgres -connect HOST:PORT`",
        ),
    };
    Unobserved::new(format!("the TLS certificate of {address} is wrong: {what}")).hint(hint)
}

const OTHER_HOST: &str =
    "use the host name that the certificate is for, or `sslmode=verify-ca` to check the authority only";

/// The TLS library has them as `DnsName("db.example.com")`.
fn hosts(presented: &[String]) -> String {
    let bare = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
    bare.collect::<Vec<_>>().join(", ")
}

/// What the server says where it refuses a connection because it is not encrypted: PostgreSQL by its code, poolers in words.
pub(super) fn wants_encryption(error: &tokio_postgres::Error) -> Option<String> {
    let said = error.as_db_error()?;
    let words = said.message().to_lowercase();
    let about = ["ssl", "tls", "encrypt", "insecure"]
        .iter()
        .any(|word| words.contains(word));
    (said.code().code() == "28000" || about).then(|| said.message().to_owned())
}

/// The TLS library's error below the driver's.
pub(super) fn find_tls(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    find_io(error)?.get_ref()?.downcast_ref()
}

fn find_io(error: &tokio_postgres::Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

/// The error and its causes, each once.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
