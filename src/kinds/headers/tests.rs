use super::super::testing::{kind, lines, mistakes};
use super::*;

fn seen(https: bool, headers: &[(&str, &str)]) -> Seen {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), (*value).to_owned()));
    Seen {
        https,
        status: 200,
        headers: headers.collect(),
    }
}

const PAGE: [(&str, &str); 8] = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("Content-Security-Policy", "default-src 'self'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Permissions-Policy", "camera=()"),
    ("Server", "cloudflare"),
];

/// The findings that do not pass for a page one of whose headers is another.
fn page(name: &str, value: Option<&str>) -> String {
    let mut headers: Vec<(&str, &str)> = PAGE.into_iter().filter(|(key, _)| *key != name).collect();
    headers.extend(value.map(|value| (name, value)));
    problems("get = '/'\nbaseline = 'page'", &seen(true, &headers))
}

fn problems(table: &str, seen: &Seen) -> String {
    let all = lines(&kind::<Headers>(table).judge(seen));
    let bad = all.lines().filter(|line| !line.starts_with("passed "));
    bad.map(|line| line.split(" (try: ").next().unwrap().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn each_part_of_the_baseline_of_a_page_is_missed_by_itself() {
    assert_eq!(page("Server", None), "");
    let missing = |name: &str| page(name, None);
    assert_eq!(
        missing("Strict-Transport-Security"),
        "failed hsts: expected Strict-Transport-Security for at least 180 days, seen no Strict-Transport-Security"
    );
    assert_eq!(
        missing("Content-Security-Policy"),
        "failed csp: expected Content-Security-Policy with default-src or script-src, seen no Content-Security-Policy"
    );
    assert_eq!(
        missing("X-Content-Type-Options"),
        "failed nosniff: expected X-Content-Type-Options: nosniff, seen no X-Content-Type-Options"
    );
    assert!(missing("X-Frame-Options").starts_with("failed frame: "));
    assert!(missing("Referrer-Policy").starts_with("failed referrer: "));
    assert!(missing("Permissions-Policy").starts_with("failed permissions: "));
    assert!(missing("Content-Type").starts_with("failed type: expected HTML"));
}

#[test]
fn values_that_do_not_protect_are_no_better_than_none() {
    assert_eq!(
        page("Strict-Transport-Security", Some("max-age=86400")),
        "failed hsts: expected Strict-Transport-Security for at least 180 days, seen max-age=86400 (1 day)"
    );
    assert_eq!(
        page("Content-Security-Policy", Some("default-src 'self' 'unsafe-inline'")),
        "failed csp_scripts: expected nothing that lets foreign scripts in, seen 'unsafe-inline'"
    );
    assert!(page("Content-Security-Policy", Some("img-src *")).starts_with("failed csp: "));
    assert!(page("X-Frame-Options", Some("DENY, SAMEORIGIN")).starts_with("failed frame: "));
    assert_eq!(page("X-Frame-Options", Some("deny, DENY")), "");
    assert!(page("Referrer-Policy", Some("no-referrer, unsafe-url")).starts_with("failed referrer: "));
    assert_eq!(
        page("Server", Some("nginx/1.22.1")),
        "failed server: expected no version in Server, seen nginx/1.22.1"
    );
    assert_eq!(
        page("X-Powered-By", Some("Express")),
        "failed powered_by: expected no X-Powered-By, seen X-Powered-By: Express"
    );
    let framed = [
        ("Content-Security-Policy", "default-src 'self'; frame-ancestors *"),
        ("X-Frame-Options", "DENY"),
    ];
    let found = problems("get = '/'\nbaseline = 'page'", &seen(true, &framed));
    assert!(found.contains("failed frame: "), "browsers obey frame-ancestors");
}

#[test]
fn over_http_hsts_is_not_asked_for_unless_by_name() {
    let api = seen(false, &[("X-Content-Type-Options", "nosniff")]);
    assert_eq!(problems("get = '/'\nbaseline = 'api'", &api), "");
    assert_eq!(
        problems("get = '/'\nbaseline = 'api'\nhsts_min = '1d'", &api),
        "unclear hsts: expected for at least 1 day, seen asked over http, where browsers ignore it"
    );
}

#[test]
fn an_asset_is_kept_and_is_no_page() {
    let asset = |cache: &str, kind: &str| {
        let headers = [
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", cache),
            ("Content-Type", kind),
        ];
        problems("get = '/a.js'\nbaseline = 'asset'", &seen(false, &headers))
    };
    assert_eq!(asset("public, max-age=31536000, immutable", "text/javascript"), "");
    assert!(asset("public, max-age=14400", "text/javascript").starts_with("failed cache: "));
    assert!(asset("no-cache, max-age=31536000", "text/javascript").starts_with("failed cache: "));
    assert!(asset("immutable", "text/html").starts_with("failed type: expected no HTML"));
}

#[test]
fn the_suite_overrides_the_baseline() {
    let headers = seen(false, &[("X-Content-Type-Options", "none"), ("X-Debug", "1")]);
    let table = "get = '/'\nbaseline = 'api'\nexpect.x-content-type-options = 'none'\nabsent = ['x-debug', 'x-other']";
    assert_eq!(problems(table, &headers), "failed x-debug: expected absent, seen 1");
    assert_eq!(
        problems("get = '/'\nbaseline = 'api'\nwithout = ['nosniff']", &headers),
        ""
    );
}

#[test]
fn an_error_page_is_not_judged_instead() {
    let error = Seen {
        status: 502,
        ..seen(false, &[("X-Content-Type-Options", "nosniff")])
    };
    assert_eq!(
        problems("get = '/'\nbaseline = 'api'", &error),
        "failed status: expected 2xx, seen 502"
    );
    assert_eq!(problems("get = '/'\nbaseline = 'api'\nstatus = [401, 502]", &error), "");
}

#[test]
fn flags_are_judged_on_the_cookies_that_are_meant() {
    let table = "post = '/'\ncookie_flags = { secure = true, http_only = true, same_site = ['Lax', 'None'] }";
    let line = |cookie: &str| problems(table, &seen(false, &[("Set-Cookie", cookie)]));
    assert_eq!(line("sid=…; Secure; HttpOnly; SameSite=lax"), "");
    assert_eq!(
        line("sid=…; Path=/"),
        "failed cookie sid: expected Secure, seen not Secure\n\
         failed cookie sid: expected HttpOnly, seen not HttpOnly\n\
         failed cookie sid: expected SameSite Lax or None, seen no SameSite"
    );
    assert_eq!(
        line("sid=…; HttpOnly; SameSite=None").lines().last().unwrap(),
        "failed cookie sid: expected SameSite Lax or None, seen SameSite None without Secure"
    );
    assert_eq!(
        problems(table, &seen(false, &[])),
        "unclear cookies: expected at least one, seen the answer sets none"
    );
    let of = "post = '/'\ncookie_flags = { http_only = true, of = ['sid', 'other'] }";
    let two = seen(
        false,
        &[("Set-Cookie", "sid=…; HttpOnly"), ("Set-Cookie", "XSRF-TOKEN=…")],
    );
    assert_eq!(
        problems(of, &two),
        "unclear cookie other: expected to be set, seen the answer does not set it"
    );
    assert_eq!(without_value("sid=a; Path=/"), "sid=…; Path=/");
}

#[test]
fn contradictions_are_mistakes() {
    assert_eq!(
        mistakes::<Headers>("get = '/'\nbaseline = 'api'\nwithout = ['csp']"),
        ["the baseline has no `csp`"]
    );
    assert_eq!(
        mistakes::<Headers>("get = '/'\nwithout = ['csp']\ncookie_flags = {}"),
        [
            "there is no baseline to leave `csp` out of",
            "`cookie_flags` asks for no flag"
        ]
    );
    assert_eq!(
        mistakes::<Headers>("get = '/'\nexpect.Server = 'x'\nabsent = ['server']"),
        ["`server` must be absent, and stands under `expect` too"]
    );
    assert!(kind::<Headers>("get = '/'").expects_nothing());
    assert!(!kind::<Headers>("get = '/'\nbaseline = 'api'").expects_nothing());
}

#[test]
fn a_stated_header_does_not_replace_how_long_https_must_last() {
    let table = "get = '/'\nhsts_min = '180d'\nexpect.Strict-Transport-Security = { contains = 'max-age=' }";
    let with = |value| problems(table, &seen(true, &[("Strict-Transport-Security", value)]));
    assert_eq!(with("max-age=31536000"), "");
    assert!(with("max-age=0").starts_with("failed hsts"), "{}", with("max-age=0"));
}
