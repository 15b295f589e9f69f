//! Origins: what one is, which ones a pattern means, and which ones only look like it.

use url::{Host, Url};

use crate::suite::{Problem, Spanned, is_placeholder};

/// A site that nobody has ever allowed.
pub(super) const FOREIGN: &str = "https://evil.example";

/// The name that is put in place of a `*`.
const ANY: &str = "smoke";

/// Origins that are tried whatever is allowed.
pub(super) fn always() -> Vec<String> {
    let all = [
        FOREIGN,
        "null",
        "http://localhost:3000",
        "https://evil-localhost.example",
        "http://localhost.evil.example",
    ];
    all.map(str::to_owned).into()
}

/// Why `origin` is none, if it is none.
pub(super) fn mistake(origin: &Spanned<String>) -> Option<Problem> {
    let text = origin.as_str();
    if is_placeholder(text) || text == "null" {
        return None;
    }
    if text == "*" {
        return Some(Problem::at(origin.span(), "`*` is no origin").hint("every site may read it: public = true"));
    }
    let written = example(text);
    let exact = Url::parse(&written).is_ok_and(|url| url.origin().ascii_serialization() == written);
    (!exact).then(|| {
        Problem::at(origin.span(), format!("`{text}` is not an origin"))
            .hint("an origin is scheme, host and port, as a browser sends it: \"https://app.example.com\", without a slash at the end, without the usual port")
    })
}

/// The origin that a pattern is tried as.
pub(super) fn example(pattern: &str) -> String {
    pattern.replacen('*', ANY, 1)
}

/// Whether `pattern`, an origin in which one `*` may stand for a name, means `origin`.
pub(super) fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == origin,
        Some((start, end)) => origin
            .strip_prefix(start)
            .and_then(|rest| rest.strip_suffix(end))
            .is_some_and(|name| !name.is_empty() && !name.contains(['/', ':'])),
    }
}

/// Origins that are not `pattern`, but that a comparison by parts takes for it.
pub(super) fn lookalikes(pattern: &str) -> Vec<String> {
    let origin = example(pattern);
    let Ok(url) = Url::parse(&origin) else {
        return Vec::new();
    };
    let scheme = url.scheme();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let other_port = url.port().map_or(8443, |port| port.checked_add(1).unwrap_or(8443));
    let mut all = Vec::new();
    let Some(Host::Domain(host)) = url.host() else {
        // An address has no names below it or beside it.
        return url
            .host_str()
            .map(|host| format!("{scheme}://{host}:{other_port}"))
            .into_iter()
            .collect();
    };
    if scheme == "https" {
        all.push(format!("http://{host}{port}"));
    }
    all.push(format!("{scheme}://{host}:{other_port}"));
    all.push(format!("{scheme}://{host}.evil.example{port}"));
    all.push(format!("{scheme}://evil{host}{port}"));
    all.push(format!("{scheme}://evil.{host}{port}"));
    if let Some((first, rest)) = host.split_once('.') {
        // What an unescaped dot of a regular expression lets in.
        all.push(format!("{scheme}://{first}x{rest}{port}"));
        if pattern.contains('*') {
            all.push(format!("{scheme}://evil{rest}{port}"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let wrong = |text: &str| mistake(&Spanned::new(0..0, text.to_owned())).is_some();
        for right in [
            "https://app.example.com",
            "http://localhost:5173",
            "https://*.pages.dev",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
        ] {
            assert!(!wrong(right), "{right}");
        }
        for text in [
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://App.example.com",
            "app.example.com",
            "*",
            "https://app.example.com/path",
            "",
        ] {
            assert!(wrong(text), "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_a_name() {
        assert!(matches("https://*.pages.dev", "https://a.b.pages.dev"));
        assert!(!matches("https://*.pages.dev", "https://pages.dev"));
        assert!(!matches("https://*.pages.dev", "http://a.pages.dev"));
        assert!(!matches("https://*.pages.dev", "https://evil.example:1/.pages.dev"));
    }

    #[test]
    fn lookalikes_are_other_origins() {
        assert_eq!(
            lookalikes("https://app.example.com"),
            [
                "http://app.example.com",
                "https://app.example.com:8443",
                "https://app.example.com.evil.example",
                "https://evilapp.example.com",
                "https://evil.app.example.com",
                "https://appxexample.com",
            ]
        );
        assert_eq!(
            lookalikes("http://localhost:3000"),
            [
                "http://localhost:3001",
                "http://localhost.evil.example:3000",
                "http://evillocalhost:3000",
                "http://evil.localhost:3000",
            ]
        );
        assert_eq!(lookalikes("http://127.0.0.1"), ["http://127.0.0.1:8443"]);
        assert!(lookalikes("https://*.pages.dev").contains(&"https://evilpages.dev".to_owned()));
    }
}
