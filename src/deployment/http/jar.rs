//! The cookies of one check.
//!
//! Values are kept and returned as the server wrote them (`"Bearer eyJ…"`, quotes and space and all), which is what
//! browsers do and cookie parsers undo. A `Secure` cookie goes over plain HTTP to loopback only, as in browsers.

use reqwest::header::{HeaderMap, SET_COOKIE};
use url::{Host, Url};

/// Cookies by name, host and path (RFC 6265, without expiry by date: a run is over before that).
#[derive(Debug, Clone, Default)]
pub struct Jar(Vec<Cookie>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    subdomains: bool,
    path: String,
    secure: bool,
}

impl Jar {
    /// Takes in what a response from `url` sets.
    pub(super) fn store(&mut self, headers: &HeaderMap, url: &Url) {
        for line in headers.get_all(SET_COOKIE) {
            let line = String::from_utf8_lossy(line.as_bytes());
            if let Some((cookie, removed)) = Cookie::read(&line, url) {
                self.0
                    .retain(|old| !(old.name == cookie.name && old.host == cookie.host && old.path == cookie.path));
                if !removed {
                    self.0.push(cookie);
                }
            }
        }
    }

    /// The `Cookie` header for a request to `url`.
    #[must_use]
    pub fn header(&self, url: &Url) -> Option<String> {
        let sent: Vec<String> = self
            .0
            .iter()
            .filter(|cookie| cookie.goes_to(url))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }
}

impl Cookie {
    /// The cookie of a `Set-Cookie` line, and whether the line removes it.
    fn read(line: &str, url: &Url) -> Option<(Self, bool)> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            host: url.host_str()?.to_owned(),
            subdomains: false,
            path: "/".to_owned(),
            secure: false,
        };
        let mut removed = false;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => {
                    cookie.host = value.trim_start_matches('.').to_ascii_lowercase();
                    cookie.subdomains = true;
                }
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => removed = value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => removed |= value.contains(" 1970 ") || value.contains("-1970 "),
                _ => {}
            }
        }
        let own = url
            .host_str()
            .is_some_and(|host| host == cookie.host || host.ends_with(&format!(".{}", cookie.host)));
        own.then_some((cookie, removed))
    }

    fn goes_to(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host_fits = host == self.host || self.subdomains && host.ends_with(&format!(".{}", self.host));
        let path_fits = url
            .path()
            .strip_prefix(self.path.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        host_fits && path_fits && (!self.secure || url.scheme() == "https" || is_loopback(url))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn jar(url: &str, lines: &[&'static str]) -> Jar {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        let mut jar = Jar::default();
        jar.store(&headers, &Url::parse(url).unwrap());
        jar
    }

    fn sent(jar: &Jar, url: &str) -> Option<String> {
        jar.header(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_quoted_value_with_a_space_returns_as_it_came() {
        let jar = jar(
            "https://a.example/login",
            &["access_token=\"Bearer eyJ.x\"; HttpOnly; Secure; Path=/"],
        );
        assert_eq!(
            sent(&jar, "https://a.example/me").unwrap(),
            "access_token=\"Bearer eyJ.x\""
        );
    }

    #[test]
    fn secure_cookies_stay_off_plain_http_but_for_loopback() {
        let line = "s=1; Secure";
        assert_eq!(sent(&jar("http://a.example/", &[line]), "http://a.example/"), None);
        assert!(sent(&jar("http://127.0.0.1:1/", &[line]), "http://127.0.0.1:1/").is_some());
    }

    #[test]
    fn hosts_paths_and_removal() {
        let url = "https://api.a.example/";
        assert!(sent(&jar(url, &["s=1; Domain=a.example"]), "https://b.a.example/").is_some());
        assert_eq!(sent(&jar(url, &["s=1"]), "https://b.a.example/"), None);
        assert_eq!(sent(&jar(url, &["s=1; Domain=evil.example"]), url), None);
        assert_eq!(
            sent(&jar(url, &["s=1; Path=/admin"]), "https://api.a.example/administrators"),
            None
        );
        assert!(sent(&jar(url, &["s=1; Path=/admin"]), "https://api.a.example/admin/x").is_some());
        assert_eq!(sent(&jar(url, &["s=1", "s=; Max-Age=0"]), url), None);
    }
}
