//! What the address says to which a browser is sent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Host, Url};

/// The value of the parameter `name`.
pub(super) fn param(address: &Url, name: &str) -> Option<String> {
    let found = address.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

/// `address`, which may be relative to `site`.
pub(super) fn parse(site: &str, address: &str) -> Option<Url> {
    Url::parse(site).ok()?.join(address).ok()
}

/// Without parameters: `https://accounts.google.com/o/oauth2/v2/auth`.
pub(super) fn short(address: &Url) -> String {
    let mut short = address.clone();
    short.set_query(None);
    short.set_fragment(None);
    short.to_string()
}

/// Whether `address` is on the host `host`, or below it.
pub(super) fn is_at(address: &Url, host: &str) -> bool {
    let own = address.host_str().unwrap_or_default();
    own.eq_ignore_ascii_case(host) || own.to_ascii_lowercase().ends_with(&format!(".{host}"))
}

/// Whether only this machine can follow `address`.
pub(super) fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// What a `state` says, where it says something: the payload of a JWT, or base64.
pub(super) fn readable(state: &str) -> Option<String> {
    let part = state.split('.').nth(1).unwrap_or(state);
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok().filter(|text| text.contains('{'))
}
