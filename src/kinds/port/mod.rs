//! `port`: open where it must be, closed where it must not be reachable.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Period, Problem, Spanned, is_placeholder};

use super::Kind;

/// Ports are open where they must be, and closed where nobody may reach them.
///
/// A database that a deploy put on a public address is found by scanners within minutes. Whether it can be reached
/// depends on where one stands: run this check from outside, where an attacker would stand. A TCP connection is made to
/// every address of the name and closed at once; nothing is sent.
///
/// ```toml
/// [port.perimeter]
/// title = "Only the API can be reached from outside"
/// open = ["api.example.com:443"]
/// closed = ["db.example.com:5432", "rediss://redis.example.com"]
/// within = "3s"
/// ```
///
/// Keys:
///
///   open    addresses that must take connections: "host:port", "[::1]:8080", or a URL such as "{{ env.DATABASE_URL }}",
///           of which host and port are taken
///   closed  addresses that must not
///   within  how long to wait for an answer, 3s by default. A firewall that drops what it gets never answers.
///
/// `closed` needs an `open` beside it, best on the same host: who reaches nothing at all from here, as behind a firewall
/// of his own, has not seen that a port is closed. A name that does not resolve is unclear on both sides.
///
/// A failure:
///
///   FAILED  port.perimeter   Only the API can be reached from outside
///     suites/app.toml:4:11
///       db.example.com:5432   expected: closed   seen: 203.0.113.7 takes connections
///       try: bind the server to a private address, or close the port in the firewall
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Port {
    /// Addresses that must take connections.
    #[serde(default)]
    open: Vec<Spanned<String>>,
    /// Addresses that must not.
    #[serde(default)]
    closed: Vec<Spanned<String>>,
    /// How long to wait for an answer.
    within: Option<Period>,
}

/// What became of the addresses, in the order of the suite.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    open: Vec<Knocked>,
    closed: Vec<Knocked>,
}

/// What became of one.
#[derive(Debug, Serialize, Deserialize)]
struct Knocked {
    /// Host and port, without what else the suite's URL has.
    address: String,
    /// Each address of the name, or why it has none.
    answers: Result<Vec<(String, Answer)>, String>,
}

/// How one address answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Answer {
    /// It takes connections.
    Open,
    /// It says that it does not.
    Refused,
    /// It says nothing.
    Silent,
    /// A router on the way says that one may not, or cannot, go there.
    Barred,
    /// There is no way there from this machine.
    NoWay(String),
}

impl Kind for Port {
    const NAME: &'static str = "port";
    const SPEAKS: Option<Protocol> = None;
    type Seen = Seen;

    fn patience(&self) -> Duration {
        self.wait()
    }

    fn expects_nothing(&self) -> bool {
        self.open.is_empty() && self.closed.is_empty()
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        let both = self
            .closed
            .iter()
            .filter(|address| self.open.iter().any(|open| **open == ***address));
        problems.extend(both.map(|address| Problem::at(address.span(), "this cannot be both open and closed")));
        for address in self.open.iter().chain(&self.closed) {
            if !is_placeholder(address)
                && let Err(why) = host_and_port(address)
            {
                problems.push(Problem::at(address.span(), why).hint("\"db.example.com:5432\""));
            }
        }
        if let (true, Some(first)) = (self.open.is_empty(), self.closed.first()) {
            let problem = Problem::at(
                first.span(),
                "`closed` proves nothing without an `open` that is reached from here",
            );
            problems.push(problem.hint("open = [\"…\"], an address that must be reachable, best on the same host"));
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        let shown = |address: &Spanned<String>| {
            host_and_port(address).map_or_else(|_| address.as_str().to_owned(), |(host, port)| joined(&host, port))
        };
        let all = self.open.iter().chain(&self.closed);
        all.map(|address| format!("connect to {}", shown(address))).collect()
    }

    async fn observe(&self, _: &Target<'_>) -> Result<Seen, Unobserved> {
        let (open, closed) = tokio::join!(self.knock(&self.open), self.knock(&self.closed));
        Ok(Seen { open, closed })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (wanted, knocked) in self.open.iter().zip(&seen.open) {
            findings.push(judge_open(knocked, self.wait()).at(wanted.span()));
        }
        let control = seen.open.iter().any(Knocked::is_open);
        for (wanted, knocked) in self.closed.iter().zip(&seen.closed) {
            findings.push(judge_closed(knocked, control, self.wait()).at(wanted.span()));
        }
        findings
    }
}

impl Port {
    fn wait(&self) -> Duration {
        self.within.map_or(Duration::from_secs(3), |within| within.0)
    }

    async fn knock(&self, addresses: &[Spanned<String>]) -> Vec<Knocked> {
        let wait = self.wait();
        join_all(addresses.iter().map(|address| knock(address, wait))).await
    }
}

async fn knock(address: &str, wait: Duration) -> Knocked {
    let (host, port) = match host_and_port(address) {
        Ok(found) => found,
        Err(why) => {
            return Knocked {
                address: "an address".to_owned(),
                answers: Err(why),
            };
        }
    };
    let answers = match timeout(wait, lookup_host((host.as_str(), port))).await {
        Err(_) => Err("the name was not resolved in time".to_owned()),
        Ok(Err(error)) => Err(format!("the name does not resolve: {error}")),
        Ok(Ok(found)) => {
            let each = found.map(|address| async move { (address.ip().to_string(), connect(address, wait).await) });
            Ok(join_all(each).await)
        }
    };
    Knocked {
        address: joined(&host, port),
        answers: answers.and_then(|answers| {
            if answers.is_empty() {
                Err("the name has no address".to_owned())
            } else {
                Ok(answers)
            }
        }),
    }
}

async fn connect(address: SocketAddr, wait: Duration) -> Answer {
    match timeout(wait, TcpStream::connect(address)).await {
        Err(_) => Answer::Silent,
        Ok(Ok(_)) => Answer::Open,
        Ok(Err(error)) => answer(&error),
    }
}

fn answer(error: &io::Error) -> Answer {
    match error.kind() {
        // A proxy in front may take the connection and reset it: nothing was reached behind.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Answer::Refused,
        io::ErrorKind::TimedOut => Answer::Silent,
        io::ErrorKind::HostUnreachable | io::ErrorKind::PermissionDenied => Answer::Barred,
        _ => Answer::NoWay(error.to_string()),
    }
}

impl Knocked {
    fn is_open(&self) -> bool {
        let answers = self.answers.as_deref().unwrap_or_default();
        answers.iter().any(|(_, answer)| *answer == Answer::Open)
    }

    /// Each address and its answer, as a phrase.
    fn told(&self, wait: Duration) -> String {
        match &self.answers {
            Err(why) => why.clone(),
            Ok(answers) => {
                let told = answers.iter().map(|(address, answer)| answer.told(address, wait));
                told.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

impl Answer {
    fn told(&self, address: &str, wait: Duration) -> String {
        match self {
            Self::Open => format!("{address} takes connections"),
            Self::Refused => format!("{address} refuses: nothing listens there"),
            Self::Silent => format!(
                "{address} did not answer within {}: a firewall drops it, or the host is down",
                Period(wait)
            ),
            Self::Barred => format!("{address} is barred on the way there"),
            Self::NoWay(why) => format!("{address}: no way there from here ({why})"),
        }
    }
}

fn judge_open(knocked: &Knocked, wait: Duration) -> Finding {
    let told = knocked.told(wait);
    let what = &knocked.address;
    let Ok(answers) = &knocked.answers else {
        return Finding::unclear(what, "open", told);
    };
    if knocked.is_open() {
        return Finding::passed(what, "open", told);
    }
    if answers.iter().all(|(_, answer)| matches!(answer, Answer::NoWay(_))) {
        return Finding::unclear(what, "open", told);
    }
    let refused = answers.iter().any(|(_, answer)| *answer == Answer::Refused);
    Finding::failed(what, "open", told).hint(if refused {
        "start the server, or let it listen on more than its own machine's 127.0.0.1"
    } else {
        "let this machine through the firewall"
    })
}

fn judge_closed(knocked: &Knocked, control: bool, wait: Duration) -> Finding {
    let told = knocked.told(wait);
    let what = &knocked.address;
    let Ok(answers) = &knocked.answers else {
        return Finding::unclear(what, "closed", told);
    };
    if knocked.is_open() {
        return Finding::failed(what, "closed", told)
            .hint("bind the server to a private address, or close the port in the firewall");
    }
    if !control {
        let seen = format!("{told}; but nothing that is open was reached from here, so this proves nothing");
        return Finding::unclear(what, "closed", seen);
    }
    // An IPv6 address is no news to a machine without IPv6, as long as another address of the name was tried.
    if answers.iter().all(|(_, answer)| matches!(answer, Answer::NoWay(_))) {
        return Finding::unclear(what, "closed", told);
    }
    Finding::passed(what, "closed", told)
}

/// Host and port of `db:5432`, `[::1]:80` or a URL. An error never repeats the text, which may hold a password.
fn host_and_port(address: &str) -> Result<(String, u16), String> {
    let address = address.trim();
    if address.contains("://") {
        let url = Url::parse(address).map_err(|error| format!("not a URL: {error}"))?;
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or("a URL without a host")?;
        let port = url.port_or_known_default().or_else(|| usual_port(url.scheme()));
        let port = port.ok_or_else(|| format!("no port, and none is usual for {}://", url.scheme()))?;
        return Ok((host.trim_matches(['[', ']']).to_owned(), port));
    }
    let (host, port) = address.rsplit_once(':').ok_or("an address without a port")?;
    let port = port
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or("a port is a number from 1 to 65535")?;
    let plain = host.trim_matches(['[', ']']);
    if plain.is_empty() || plain.contains(['/', '@', ' ']) || plain.contains(':') && !host.starts_with('[') {
        return Err("not a host and a port".to_owned());
    }
    Ok((plain.to_owned(), port))
}

fn usual_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "postgres" | "postgresql" => 5432,
        "redis" | "rediss" => 6379,
        "mysql" | "mariadb" => 3306,
        "mongodb" => 27017,
        "amqp" => 5672,
        "amqps" => 5671,
        _ => return None,
    })
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests;
