//! Reads a PostgreSQL address: a URL or `key=value` pairs, with libpq's meaning.
//!
//! Parsed here and not by the driver, because no error may ever contain a piece of the password: a sentence names the
//! option that is wrong and never repeats what was written.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslNegotiation, TargetSessionAttrs};

use super::tls::{Roots, SslMode, Tls};

/// A parsed address: what the driver needs, how to encrypt, and how to name it without credentials.
pub(super) struct Dsn {
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) address: String,
}

/// Options of other clients that ask nothing of this one.
const IGNORED: &[&str] = &[
    "client_encoding",
    "connection_limit",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "pgbouncer",
    "pool_mode",
    "pool_timeout",
    "schema",
    "socket_timeout",
    "sslaccept",
    "sslcompression",
    "sslsni",
    "statement_cache_size",
    "supa",
    "workaround",
];

/// Options with a meaning here.
const KNOWN: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

impl Dsn {
    /// Reads `text`; an error never contains any part of it that could be the password.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let pairs = match text.split_once("://") {
            Some((scheme, rest)) => {
                known_scheme(scheme)?;
                url(rest)?
            }
            None => key_values(text)?,
        };
        let mut draft = Draft::default();
        for (key, value) in pairs {
            draft.set(&key, value)?;
        }
        draft.finish()
    }
}

/// `postgres`, `postgresql`, or the same with a driver's name (`postgresql+asyncpg`), as `SQLAlchemy` writes it.
fn known_scheme(scheme: &str) -> Result<(), String> {
    match scheme.split('+').next() {
        Some("postgres" | "postgresql") => Ok(()),
        _ => Err("this is not a PostgreSQL address: it must begin with `postgres://` or `postgresql://`".to_owned()),
    }
}

type Pairs = Vec<(String, String)>;

fn url(rest: &str) -> Result<Pairs, String> {
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
    let escape = "the user name or password contains a character that must be percent-encoded \
                  (`@` as %40, `/` as %2F, `?` as %3F, `#` as %23, `:` as %3A, `%` as %25)";
    let ats = |text: &str| text.matches('@').count();
    if ats(before_query) > 1 || (ats(authority) == 0 && ats(rest) > 0) || rest.contains('#') {
        return Err(escape.to_owned());
    }
    let (login, host) = authority.split_once('@').unwrap_or(("", authority));
    let mut pairs = Pairs::new();
    let mut push = |key: &str, raw: &str| -> Result<(), String> {
        if !raw.is_empty() {
            pairs.push((key.to_owned(), decode(raw, key)?));
        }
        Ok(())
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    push("user", user)?;
    push("password", password)?;
    let (host, port) = host_and_port(host)?;
    push("host", host)?;
    push("port", port)?;
    push("dbname", path.trim_end_matches('/'))?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err("after the `?` every option needs a value: `?sslmode=require`".to_owned());
        };
        let key = decode(key, "an option's name")?;
        let value = decode(value, "an option's value")?;
        match (key.as_str(), value.as_str()) {
            // The names that asyncpg, node-postgres and JDBC have for the same thing.
            ("ssl", "true") => pairs.push(("sslmode".to_owned(), "require".to_owned())),
            ("ssl", "false") => pairs.push(("sslmode".to_owned(), "disable".to_owned())),
            ("ssl", _) => pairs.push(("sslmode".to_owned(), value)),
            _ => pairs.push((key, value)),
        }
    }
    Ok(pairs)
}

fn host_and_port(text: &str) -> Result<(&str, &str), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((host, port)) = rest.split_once(']') else {
            return Err("the IPv6 address of the host lacks its closing `]`".to_owned());
        };
        return Ok((host, port.strip_prefix(':').unwrap_or("")));
    }
    Ok(text.split_once(':').unwrap_or((text, "")))
}

fn decode(text: &str, what: &str) -> Result<String, String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| format!("{what} is not UTF-8 once its percent-encoding is undone"))
}

/// `host=db user='a b'`: values with spaces in quotes, `\` before a quote or backslash.
fn key_values(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((key, after)) = rest.split_once('=') else {
            return Err(
                "this is neither a `postgres://` URL nor `key=value` pairs (a value with spaces needs single quotes)"
                    .to_owned(),
            );
        };
        let (value, after) = value(after.trim_start())?;
        pairs.push((key.trim().to_owned(), value));
        rest = after.trim_start();
    }
    if pairs.is_empty() {
        return Err("the address is empty".to_owned());
    }
    Ok(pairs)
}

fn value(text: &str) -> Result<(String, &str), String> {
    let quoted = text.starts_with('\'');
    let mut out = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => out.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((out, &text[at + 1..])),
            char if !quoted && char.is_whitespace() => return Ok((out, &text[at..])),
            char => out.push(char),
        }
    }
    if quoted {
        return Err("a value opens a single quote and never closes it".to_owned());
    }
    Ok((out, ""))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    config: Config,
    mode: Option<SslMode>,
    roots: Option<Roots>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Draft {
    fn set(&mut self, key: &str, value: String) -> Result<(), String> {
        let config = &mut self.config;
        match key {
            "user" => drop(config.user(value)),
            "password" => drop(config.password(value)),
            "dbname" => drop(config.dbname(value)),
            "options" => drop(config.options(value)),
            "application_name" => drop(config.application_name(value)),
            "host" | "port" if value.contains(',') => return Err(several_hosts()),
            "host" => drop(config.host(value)),
            "hostaddr" => drop(config.hostaddr(number(key, &value, "an IP address")?)),
            "port" => drop(config.port(number(key, &value, "a number from 1 to 65535")?)),
            "connect_timeout" => {
                let seconds: u64 = number(key, &value, "a number of seconds")?;
                if seconds > 0 {
                    config.connect_timeout(Duration::from_secs(seconds));
                }
            }
            "keepalives" => drop(config.keepalives(value != "0")),
            "keepalives_idle" => {
                let seconds: u64 = number(key, &value, "a number of seconds")?;
                config.keepalives_idle(Duration::from_secs(seconds));
            }
            "sslmode" => self.mode = Some(value.parse()?),
            "sslrootcert" => self.roots = Some(Roots::named(&value)),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "sslnegotiation" => drop(config.ssl_negotiation(match value.as_str() {
                "postgres" => SslNegotiation::Postgres,
                "direct" => SslNegotiation::Direct,
                _ => return Err(one_of(key, "postgres, direct")),
            })),
            "channel_binding" => drop(config.channel_binding(match value.as_str() {
                "disable" => ChannelBinding::Disable,
                "prefer" => ChannelBinding::Prefer,
                "require" => ChannelBinding::Require,
                _ => return Err(one_of(key, "disable, prefer, require")),
            })),
            "target_session_attrs" => drop(config.target_session_attrs(match value.as_str() {
                "read-write" | "primary" => TargetSessionAttrs::ReadWrite,
                "read-only" | "standby" => TargetSessionAttrs::ReadOnly,
                "any" | "prefer-standby" => TargetSessionAttrs::Any,
                _ => {
                    return Err(one_of(
                        key,
                        "any, read-write, read-only, primary, standby, prefer-standby",
                    ));
                }
            })),
            key if IGNORED.contains(&key) || key.starts_with("keepalives_") => {}
            key => return Err(unknown(key)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Dsn, String> {
        let config = &mut self.config;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if config.get_hosts().len() > 1 || config.get_ports().len() > 1 {
            return Err(several_hosts());
        }
        if config.get_application_name().is_none() {
            config.application_name("smoke");
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        if port == 0 {
            return Err("`port` must be a number from 1 to 65535".to_owned());
        }
        let unix = matches!(config.get_hosts().first(), Some(Host::Unix(_)));
        let host = match (config.get_hosts().first(), config.get_hostaddrs().first()) {
            (Some(Host::Tcp(host)), _) if host.contains(':') => format!("[{host}]"),
            (Some(Host::Tcp(host)), _) => host.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, Some(ip)) if ip.is_ipv6() => format!("[{ip}]"),
            (None, ip) => ip.map(ToString::to_string).unwrap_or_default(),
        };
        let address = match config.get_dbname() {
            Some(name) => format!("{host}:{port}/{name}"),
            None => format!("{host}:{port}"),
        };
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("`sslcert` and `sslkey` are needed together".to_owned()),
        };
        let tls = Tls::new(
            if unix { Some(SslMode::Disable) } else { self.mode },
            self.roots,
            identity,
        )?;
        Ok(Dsn {
            config: self.config,
            tls,
            address,
        })
    }
}

fn number<T: std::str::FromStr>(key: &str, value: &str, what: &str) -> Result<T, String> {
    value.parse().map_err(|_| {
        let more = if key == "port" {
            " (a `:` or `/` in the password must be percent-encoded: %3A, %2F)"
        } else {
            ""
        };
        format!("`{key}` must be {what}{more}")
    })
}

fn one_of(key: &str, choices: &str) -> String {
    format!("`{key}` must be one of {choices}")
}

fn several_hosts() -> String {
    "several hosts in one address are not supported: name each as an endpoint of its own \
     (`postgres = { primary = \"…\", replica = \"…\" }`)"
        .to_owned()
}

/// Does not repeat the word: after an unquoted space it could be the rest of a password.
fn unknown(key: &str) -> String {
    let near = KNOWN
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, key), known))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    match near {
        Some((_, known)) => format!("an option of the address is unknown; did you mean `{known}`?"),
        None => format!(
            "an option of the address is unknown; those with a meaning are {} (a value with spaces needs quotes)",
            KNOWN.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
