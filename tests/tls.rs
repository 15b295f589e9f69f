//! The kind `tls` against a real nginx: each promise kept once and broken once.

mod support;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use smoke::demo::servers::{Certificate, Nginx, NginxOptions};
use support::{Project, Said};

/// An authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::called("the authority")
    }

    fn called(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `host` that was issued a hundred days ago and ends in `days`.
    fn sign(&self, host: &str, days: i64) -> Certificate {
        let date = |days: i64| {
            let date = Timestamp::now().to_zoned(TimeZone::UTC).date() + days.days();
            let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
            date_time_ymd(date.year().into(), month, day)
        };
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "the server");
        (params.not_before, params.not_after) = (date(-100), date(days));
        let key = KeyPair::generate().unwrap();
        Certificate {
            chain: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

fn nginx(certificate: &Certificate, settings: &str) -> Nginx {
    Nginx::start(&NginxOptions {
        certificate: Some(certificate.clone()),
        settings: settings.to_owned(),
    })
    .unwrap()
}

/// Runs `suite`, in which `ca.pem` is the authority's certificate.
fn run(port: u16, authority: &Authority, suite: &str) -> Said {
    let project = Project::http(&format!("https://localhost:{port}"), suite);
    std::fs::write(project.file("ca.pem"), authority.0.pem()).unwrap();
    project.run()
}

const SUITE: &str = "[tls.edge]\nca = \"ca.pem\"\n";

#[test]
fn a_whole_server_passes() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("localhost", 60), "ssl_protocols TLSv1.2 TLSv1.3;");
    run(server.port(), &authority, SUITE).exits(0);
    let one = format!(
        "{SUITE}address = \"127.0.0.1:{}\"\nserver_name = \"localhost\"",
        server.port()
    );
    run(9, &authority, &one).exits(0);
    // Over https browsers obey Strict-Transport-Security.
    let hsts = nginx(
        &authority.sign("localhost", 60),
        "server_tokens off; add_header X-Content-Type-Options nosniff; add_header Strict-Transport-Security max-age=86400;",
    );
    let suite = "[headers.api]\nget = \"/\"\nbaseline = \"api\"\n";
    let project = |suite: &str| {
        let project = Project::http(&format!("https://localhost:{}", hsts.port()), suite);
        std::fs::write(project.file("ca.pem"), authority.0.pem()).unwrap();
        let ca = project.file("ca.pem").display().to_string();
        project.env("SSL_CERT_FILE", &ca).run()
    };
    project(suite)
        .exits(1)
        .says(&["hsts", "max-age=86400 (1 day)", "at least 180 days"]);
    project(&format!("{suite}hsts_min = \"1d\"")).exits(0);
}

#[test]
fn the_system_s_certificates_are_those_of_the_variable() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("localhost", 60), "");
    let project = Project::http(&format!("https://localhost:{}", server.port()), "[tls.edge]");
    std::fs::write(project.file("ca.pem"), authority.0.pem()).unwrap();
    let ca = project.file("ca.pem").display().to_string();
    project.env("SSL_CERT_FILE", &ca).run().exits(0);
}

#[test]
fn a_certificate_that_ends_soon_is_noticed_before_it_does() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("localhost", 10), "");
    run(server.port(), &authority, &format!("{SUITE}days_left = 14"))
        .exits(1)
        .says(&["suites/s.toml:3:13", "expiry", "at least 14 days left", "(9 days left)"]);
    run(server.port(), &authority, &format!("{SUITE}days_left = 7")).exits(0);
}

#[test]
fn an_expired_certificate_is_looked_at_all_the_same() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("localhost", -3), "");
    let said = run(server.port(), &authority, SUITE);
    said.exits(1)
        .says(&["expiry", "expired ", "3 days ago", "does renewal still work?"]);
    assert!(
        !said.stdout.contains("chain "),
        "only its date is wrong: {}",
        said.stdout
    );
}

#[test]
fn a_certificate_for_another_host_is_named() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("other.example.com", 60), "");
    let said = run(server.port(), &authority, SUITE);
    said.exits(1)
        .says(&["host", "a certificate for localhost", "one for other.example.com"]);
    let named = format!(
        "{SUITE}address = \"127.0.0.1:{}\"\nserver_name = \"other.example.com\"\n",
        server.port()
    );
    run(9, &authority, &named).exits(0);
    run(9, &authority, &format!("{named}names = [\"www.example.com\"]"))
        .exits(1)
        .says(&["suites/s.toml:5:10", "a certificate for www.example.com"]);
}

#[test]
fn an_authority_that_nobody_trusts_is_named() {
    let (authority, foreign) = (Authority::new(), Authority::called("somebody"));
    let server = nginx(&foreign.sign("localhost", 60), "");
    run(server.port(), &authority, SUITE)
        .exits(1)
        .says(&["chain", "issued by CN=somebody, who is not trusted"]);
    // A certificate that is its own authority, as proxies make them, can be trusted by itself.
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = Certificate {
        chain: own.cert.pem(),
        key: own.signing_key.serialize_pem(),
    };
    let server = nginx(&certificate, "");
    run(server.port(), &authority, SUITE)
        .exits(1)
        .says(&["signed by itself"]);
    let project = Project::http(&format!("https://localhost:{}", server.port()), SUITE);
    std::fs::write(project.file("ca.pem"), own.cert.pem()).unwrap();
    project.run().exits(0);
}

#[test]
fn versions_that_are_too_old_are_found_open() {
    let authority = Authority::new();
    let certificate = authority.sign("localhost", 60);
    let old = nginx(
        &certificate,
        "ssl_protocols TLSv1.1 TLSv1.2; ssl_ciphers DEFAULT@SECLEVEL=0;",
    );
    let said = run(old.port(), &authority, SUITE);
    said.exits(1)
        .says(&["TLS 1.1", "accepted", "ssl_protocols TLSv1.2 TLSv1.3"]);
    assert!(!said.stdout.contains("TLS 1.0"), "{}", said.stdout);
    // One that speaks nothing else is not reached by a library, and told all the same.
    let only = nginx(&certificate, "ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;");
    run(only.port(), &authority, SUITE).exits(1).says(&[
        "handshake",
        "TLS 1.2 or newer",
        "the server refuses",
        "TLS 1.1",
    ]);
    let both = nginx(&certificate, "ssl_protocols TLSv1.2 TLSv1.3;");
    run(both.port(), &authority, &format!("{SUITE}min_version = \"1.3\""))
        .exits(1)
        .says(&["suites/s.toml:3:15", "TLS 1.2", "accepted"]);
    let new = nginx(&certificate, "ssl_protocols TLSv1.3;");
    run(new.port(), &authority, &format!("{SUITE}min_version = \"1.3\"")).exits(0);
}

#[test]
fn http_must_lead_to_https() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("localhost", 60), "");
    let plain = |settings: &str| {
        Nginx::start(&NginxOptions {
            certificate: None,
            settings: settings.to_owned(),
        })
        .unwrap()
    };
    let asked = |from: &Nginx| format!("{SUITE}redirect = \"http://localhost:{}/\"", from.port());
    let right = plain(&format!("return 301 https://localhost:{}$request_uri;", server.port()));
    run(server.port(), &authority, &asked(&right)).exits(0);
    run(server.port(), &authority, &asked(&plain(""))).exits(1).says(&[
        "suites/s.toml:3:12",
        "leads to https",
        "answers in clear, with 200",
    ]);
    let nowhere = format!("{SUITE}redirect = \"{}/\"", support::nobody());
    run(server.port(), &authority, &nowhere)
        .exits(3)
        .says(&["connection refused"]);
}

#[test]
fn what_speaks_no_tls_is_told_from_what_is_not_there() {
    let authority = Authority::new();
    let server = Nginx::start(&NginxOptions::default()).unwrap();
    run(server.port(), &authority, SUITE)
        .exits(1)
        .says(&["handshake", "an answer that is no TLS"]);
    let port = server.port();
    drop(server);
    run(port, &authority, SUITE).exits(3).says(&["connection refused"]);
}

#[test]
fn a_check_can_capture_when_the_certificate_ends() {
    let authority = Authority::new();
    let server = nginx(&authority.sign("localhost", 60), "");
    let suite = format!(
        "{SUITE}capture.left = \"$.days_left\"\n[headers.after]\nget = \"/{{{{ edge.left }}}}\"\nabsent = [\"X-Debug\"]\n"
    );
    let project = Project::http(&format!("https://localhost:{}", server.port()), &suite);
    std::fs::write(project.file("ca.pem"), authority.0.pem()).unwrap();
    let ca = project.file("ca.pem").display().to_string();
    project.env("SSL_CERT_FILE", &ca).run().exits(0);
}
