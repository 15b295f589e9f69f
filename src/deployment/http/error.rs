//! Why no response came, in words.

use std::error::Error;

use url::Url;

use crate::deployment::Unobserved;

/// What kept the exchange with `url` from completing.
pub(super) fn explain(error: &reqwest::Error, url: &Url) -> Unobserved {
    let place = place(url);
    let chain = sentence(error);
    let says = |part: &str| chain.contains(part);
    if says("Connection refused") {
        return Unobserved::new(format!("connection refused by {place}"))
            .hint("is the service running, and does it listen on this port?");
    }
    if says("dns error") || says("failed to lookup address") {
        return Unobserved::new(format!(
            "the name {} does not resolve",
            url.host_str().unwrap_or_default()
        ))
        .hint("check the environment's address for a typo, and DNS");
    }
    if says("certificate") {
        return Unobserved::new(format!("TLS with {place} failed: {chain}"))
            .hint("check the certificate's chain, name and dates; SSL_CERT_FILE names another root");
    }
    if closed(error) {
        return Unobserved::new(format!("{place} closed the connection before it had answered"));
    }
    if error.is_timeout() {
        return Unobserved::new(format!("{place} did not answer in time"));
    }
    if error.is_decode() || error.is_body() {
        return Unobserved::new(format!("the body from {place} broke off or cannot be decoded: {chain}"));
    }
    Unobserved::new(format!("no answer from {place}: {chain}"))
}

/// Whether the connection was closed before the response was whole.
pub(super) fn closed(error: &reqwest::Error) -> bool {
    let chain = sentence(error);
    [
        "Connection reset",
        "connection closed before message completed",
        "end of file before",
    ]
    .iter()
    .any(|part| chain.contains(part))
}

fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The innermost causes, which say what happened; the outer ones repeat the URL.
pub(super) fn sentence(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.dedup();
    match causes.len() {
        0 => error.to_string(),
        1 => causes.remove(0),
        _ => causes.split_off(1).join(": "),
    }
}
