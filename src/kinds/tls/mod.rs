//! `tls`: the certificate, the versions, and the way from http to https.

mod judge;

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::deployment::http::{Jar, Request};
use crate::deployment::tls::{Answer, Shown, Version, look, offer};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Problem, Spanned, Subject, is_placeholder};

use super::Kind;

/// The certificate is trusted, for this host and for a while yet; old versions are refused; http leads to https.
///
/// A certificate that renews itself does so until the DNS record, the port or the mount that renewal needs is gone with
/// some deploy; ninety days later the site is down. A new load balancer comes with the versions of TLS that its template
/// has. And what was only ever typed with https is served in clear to whoever leaves the s out.
///
/// ```toml
/// [tls.api]
/// days_left = 21
/// min_version = "1.2"
/// names = ["api.example.com", "www.example.com"]
///
/// [tls.behind]
/// address = "10.0.0.7:8443"
/// server_name = "api.internal"
/// ca = "certs/internal.pem"
/// redirect = false
/// ```
///
/// Keys, all optional:
///
///   address      host and port; otherwise those of the endpoint (443 where that is http://)
///   server_name  the name that is asked for, and that the certificate must be for; otherwise the host
///   names        further names that the certificate must be for
///   days_left    how many days it must be valid yet; default 14
///   min_version  "1.2" (the default) or "1.3": older versions must be refused. TLS 1.0 and 1.1 are offered by hand.
///   ca           a PEM file in the project, with authorities to trust besides those of the system. A server's own
///                certificate in it is trusted, too. The variable SSL_CERT_FILE names others instead of the system's.
///   redirect     an http:// URL that must lead to https; false: do not ask. Without it http on port 80 of the same host
///                is asked where TLS is on port 443, and may also be closed.
///
/// A certificate that is expired or for another host is still looked at, and the finding says which it is. Dates, host and
/// trust are judged each by itself. `capture` finds { expires, days_left, issuer, names, version } by JSONPath.
///
/// A failure:
///
///   FAILED  tls.api
///     suites/edge.toml:2:13
///       expiry   expected: at least 21 days left   seen: expires 2026-12-01 (10 days left)
///       try: does renewal still work? look at its log, at the DNS record and the port that it needs
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    /// Host and port.
    address: Option<Spanned<String>>,
    /// The name that is asked for.
    server_name: Option<Spanned<String>>,
    /// Further names that the certificate must be for.
    names: Vec<Spanned<String>>,
    /// How many days it must be valid yet.
    days_left: Spanned<u32>,
    /// Older versions must be refused.
    min_version: Spanned<MinVersion>,
    /// A PEM file with authorities to trust.
    ca: Option<String>,
    /// An http:// URL that must lead to https, or false.
    redirect: Option<Spanned<Redirect>>,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            address: None,
            server_name: None,
            names: Vec::new(),
            days_left: Spanned::new(0..0, 14),
            min_version: Spanned::new(0..0, MinVersion::Tls12),
            ca: None,
            redirect: None,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
enum MinVersion {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// Where http is asked.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "Value", description = "an http:// URL, or false")]
enum Redirect {
    Not,
    From(String),
}

impl<'de> Deserialize<'de> for Redirect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(false) => Ok(Self::Not),
            Value::String(url) if url.starts_with("http://") || is_placeholder(&url) => Ok(Self::From(url)),
            other => Err(serde::de::Error::custom(format_args!(
                "expected an http:// URL or false, found {other}"
            ))),
        }
    }
}

/// What was seen, and when.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    at: Timestamp,
    /// The name that was asked for.
    name: String,
    shown: Shown,
    /// What was said to each version that must be refused.
    old: Vec<(Version, Answer)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plain: Option<Plain>,
    /// What `capture` looks into.
    facts: Value,
}

/// What http says.
#[derive(Debug, Serialize, Deserialize)]
struct Plain {
    url: String,
    /// Where it leads in the end, without TLS.
    answer: PlainAnswer,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PlainAnswer {
    /// A redirect there.
    LeadsTo(String),
    /// An answer in clear.
    Served(u16),
    /// No answer.
    Nothing(String),
}

impl Kind for Tls {
    const NAME: &'static str = "tls";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(address) = self.address.as_ref().filter(|address| !is_placeholder(address))
            && split(address).is_none()
        {
            problems.push(
                Problem::at(
                    address.span(),
                    format!("`{}` is not a host and a port", address.as_str()),
                )
                .hint("such as \"example.com:443\""),
            );
        }
        problems
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        Subject {
            json: Some(std::borrow::Cow::Borrowed(&seen.facts)),
            ..Subject::default()
        }
    }

    fn steps(&self) -> Vec<String> {
        let place = self.address.as_ref().map_or("the endpoint", |address| address.as_str());
        let mut steps = vec![format!("a TLS handshake with {place}")];
        steps.extend(
            self.old()
                .iter()
                .map(|version| format!("offer {version} only, which must be refused")),
        );
        match self.redirect.as_deref() {
            Some(Redirect::Not) => {}
            Some(Redirect::From(url)) => steps.push(format!("GET {url}, which must lead to https")),
            None => steps.push("GET / over http where TLS is on port 443, which must lead to https".to_owned()),
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let (host, port) = self.place(target)?;
        let place = (host.as_str(), port);
        let name = self.server_name.as_ref().map_or(host.as_str(), |name| name.as_str());
        let name = name.trim_matches(['[', ']']);
        let names: Vec<&str> = self.names.iter().map(|name| name.as_str()).collect();
        let ca = self.ca.as_ref().map(|file| target.path(file));
        let shown = look(place, name, &names, ca.as_deref(), target.timeout()).await?;
        // One thing less than the time there is, so that a server that keeps silent is an answer, too.
        let patience = target.timeout() / 2;
        let offers = join_all(
            self.old()
                .into_iter()
                .map(async |version| (version, offer(place, name, version, patience).await)),
        );
        let (old, plain) = futures_util::future::join(offers, self.plain(target, &host, port)).await;
        let at = Timestamp::now();
        Ok(Seen {
            at,
            name: name.to_owned(),
            facts: judge::facts(&shown, at),
            old,
            plain,
            shown,
        })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}

impl Tls {
    /// The versions that must be refused.
    fn old(&self) -> Vec<Version> {
        let mut old = vec![Version::Tls10, Version::Tls11];
        if matches!(*self.min_version, MinVersion::Tls13) {
            old.push(Version::Tls12);
        }
        old
    }

    fn place(&self, target: &Target<'_>) -> Result<(String, u16), Unobserved> {
        if let Some(address) = &self.address {
            let place = split(address);
            return place.ok_or_else(|| Unobserved::new(format!("`{}` is not a host and a port", address.as_str())));
        }
        let url = target.http()?.url("/")?;
        let port = if url.scheme() == "https" {
            url.port_or_known_default()
        } else {
            None
        };
        Ok((url.host_str().unwrap_or_default().to_owned(), port.unwrap_or(443)))
    }

    /// Follows http until it leads to https, or answers.
    async fn plain(&self, target: &Target<'_>, host: &str, port: u16) -> Option<Plain> {
        let first = match self.redirect.as_deref() {
            Some(Redirect::Not) => return None,
            Some(Redirect::From(url)) => url.clone(),
            None if port == 443 => format!("http://{host}/"),
            None => return None,
        };
        let mut url = first.clone();
        let mut answer = PlainAnswer::Nothing("it redirects in a circle".to_owned());
        for _ in 0..5 {
            let response = match target.beside(Jar::default()).send(&Request::get(&url)).await {
                Ok(response) => response,
                Err(Unobserved { why, .. }) => {
                    answer = PlainAnswer::Nothing(why);
                    break;
                }
            };
            let location = response
                .header("location")
                .filter(|_| (300..400).contains(&response.status));
            let next = location.and_then(|location| Url::parse(&url).ok()?.join(location).ok());
            match next {
                Some(next) if next.scheme() == "http" => url = next.into(),
                Some(next) => {
                    answer = PlainAnswer::LeadsTo(next.into());
                    break;
                }
                None => {
                    answer = PlainAnswer::Served(response.status);
                    break;
                }
            }
        }
        Some(Plain { url: first, answer })
    }
}

fn split(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    (!host.is_empty() && !host.contains('/')).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests;
