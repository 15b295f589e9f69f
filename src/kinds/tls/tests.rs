use super::super::testing::{kind, lines, mistakes};
use super::*;
use crate::deployment::tls::{Certificate, Distrust, Handshake};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A server with nothing wrong, on 2026-06-01.
fn seen() -> Seen {
    let leaf = Certificate {
        subject: "CN=api.example.com".to_owned(),
        issuer: "CN=R11,O=Let's Encrypt,C=US".to_owned(),
        names: vec!["api.example.com".to_owned()],
        not_before: time("2026-05-01T00:00:00Z"),
        not_after: time("2026-07-30T00:00:00Z"),
    };
    let refused = || Answer::Refused("alert: protocol version".to_owned());
    Seen {
        at: time("2026-06-01T00:00:00Z"),
        name: "api.example.com".to_owned(),
        shown: Shown {
            handshake: Handshake::Done(Version::Tls13),
            chain: vec![leaf],
            distrust: None,
            names_host: true,
            names: Vec::new(),
        },
        old: vec![(Version::Tls10, refused()), (Version::Tls11, refused())],
        plain: None,
        facts: Value::Null,
    }
}

fn problems(table: &str, change: impl FnOnce(&mut Seen)) -> String {
    let mut seen = seen();
    change(&mut seen);
    let all = lines(&kind::<Tls>(table).judge(&seen));
    let bad = all.lines().filter(|line| !line.starts_with("passed "));
    bad.map(|line| line.split(" (try: ").next().unwrap().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_server_with_nothing_wrong_passes() {
    assert_eq!(problems("", |_| {}), "");
    assert_eq!(lines(&kind::<Tls>("").judge(&seen())).lines().count(), 6);
}

#[test]
fn dates_are_judged_to_the_day() {
    let on = |day: &str| problems("", |seen| seen.at = time(&format!("{day}T00:00:00Z")));
    assert_eq!(on("2026-07-16"), "");
    assert_eq!(
        on("2026-07-17"),
        "failed expiry: expected at least 14 days left, seen expires 2026-07-30 (13 days left)"
    );
    assert_eq!(
        on("2026-08-02"),
        "failed expiry: expected at least 14 days left, seen expired 2026-07-30 (3 days ago)"
    );
    assert_eq!(
        on("2026-04-30"),
        "failed expiry: expected at least 14 days left, seen not valid before 2026-05-01T00:00:00Z"
    );
    assert!(
        problems("days_left = 60", |_| {}).contains("at least 60 days left, seen expires 2026-07-30 (59 days left)")
    );
}

#[test]
fn trust_host_and_versions_are_judged_apart() {
    let distrust = |why| problems("", |seen| seen.shown.distrust = Some(why));
    assert!(distrust(Distrust::SelfSigned).contains("seen signed by itself: CN=R11"));
    assert_eq!(
        distrust(Distrust::UnknownIssuer),
        "failed chain: expected leads to a trusted authority, seen issued by CN=R11,O=Let's Encrypt,C=US, who is not \
         trusted; the server shows no other certificate"
    );
    assert_eq!(
        problems("", |seen| seen.shown.names_host = false),
        "failed host: expected a certificate for api.example.com, seen one for api.example.com"
    );
    assert_eq!(
        problems("names = ['www.example.com']", |seen| seen.shown.names = vec![false]),
        "failed host: expected a certificate for www.example.com, seen one for api.example.com"
    );
    assert_eq!(
        problems("", |seen| seen.old[1].1 = Answer::Accepted),
        "failed TLS 1.1: expected refused, seen accepted"
    );
    assert_eq!(
        problems("min_version = '1.3'", |seen| seen.shown.handshake =
            Handshake::Done(Version::Tls12)),
        "failed handshake: expected TLS 1.3 or newer, seen TLS 1.2"
    );
    let none = problems("", |seen| {
        seen.shown.chain.clear();
        seen.shown.handshake = Handshake::NotTls;
    });
    assert_eq!(
        none,
        "failed handshake: expected TLS 1.2 or newer, seen an answer that is no TLS"
    );
}

#[test]
fn http_leads_to_https_or_is_closed() {
    let plain = |table: &str, answer| {
        problems(table, |seen| {
            let url = "http://api.example.com/".to_owned();
            seen.plain = Some(Plain { url, answer });
        })
    };
    let asked = "redirect = 'http://api.example.com/'";
    let leads = || PlainAnswer::LeadsTo("https://api.example.com/".to_owned());
    let closed = || PlainAnswer::Nothing("connection refused by api.example.com:80".to_owned());
    assert_eq!(plain("", leads()), "");
    assert_eq!(plain(asked, leads()), "");
    assert_eq!(plain("", closed()), "");
    assert!(
        plain(asked, closed()).starts_with("unclear http://api.example.com/: expected leads to https, seen connection")
    );
    assert_eq!(
        plain("", PlainAnswer::Served(200)),
        "failed http://api.example.com/: expected leads to https, or is closed, seen answers in clear, with 200"
    );
}

#[test]
fn an_address_is_a_host_and_a_port() {
    assert_eq!(
        mistakes::<Tls>("address = 'https://example.com'"),
        ["`https://example.com` is not a host and a port"]
    );
    assert_eq!(split("[::1]:443"), Some(("[::1]".to_owned(), 443)));
    assert!(split("example.com").is_none());
}
