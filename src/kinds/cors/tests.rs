use super::super::testing::{kind, lines, mistakes};
use super::*;

fn answer(origin: Option<&str>) -> Answer {
    Answer {
        status: 204,
        origin: origin.map(str::to_owned),
        vary: Some("Accept, Origin".to_owned()),
        ..Answer::default()
    }
}

/// What a server that decides by `rule` is seen to do.
fn seen(cors: &Cors, rule: impl Fn(&str) -> Answer) -> Seen {
    let probe = |(origin, _): (String, bool)| Probe {
        preflight: rule(&origin),
        actual: cors.request(None).map(|_| rule(&origin)),
        origin,
    };
    Seen {
        probes: cors.origins().into_iter().map(probe).collect(),
    }
}

fn problems(cors: &Cors, rule: impl Fn(&str) -> Answer) -> String {
    let all = lines(&cors.judge(&seen(cors, rule)));
    all.lines()
        .filter(|line| !line.starts_with("passed "))
        .map(|line| format!("{line}\n"))
        .collect()
}

const APP: &str = "https://app.example.com";

#[test]
fn a_list_of_origins_passes() {
    let cors: Cors = kind("allowed = ['https://app.example.com']");
    assert_eq!(problems(&cors, |origin| answer((origin == APP).then_some(origin))), "");
    // Also one that answers everybody with the only origin that it allows, which needs no Vary.
    let fixed = Answer {
        vary: None,
        ..answer(Some(APP))
    };
    assert_eq!(problems(&cors, |_| fixed.clone()), "");
}

#[test]
fn each_lookalike_is_found_by_the_rule_that_lets_it_in() {
    let cors: Cors = kind("allowed = ['https://app.example.com']");
    let let_in = |rule: fn(&str) -> bool| {
        let all = problems(&cors, |origin| {
            answer((rule(origin) || origin == APP).then_some(origin))
        });
        let name = |line: &str| line.split([' ', ',']).nth(1).unwrap().trim_end_matches(':').to_owned();
        all.lines().map(name).collect::<Vec<_>>()
    };
    assert_eq!(
        let_in(|origin| origin.contains("localhost")),
        [
            "http://localhost:3000",
            "https://evil-localhost.example",
            "http://localhost.evil.example"
        ]
    );
    assert_eq!(
        let_in(|origin| origin.starts_with(APP)),
        ["https://app.example.com:8443", "https://app.example.com.evil.example"]
    );
    assert_eq!(
        let_in(|origin| origin.ends_with("app.example.com")),
        [
            "http://app.example.com",
            "https://evilapp.example.com",
            "https://evil.app.example.com"
        ]
    );
    assert_eq!(let_in(|origin| origin == "null"), ["null"]);
    assert_eq!(let_in(|_| true).len(), cors.origins().len() - 1);
}

#[test]
fn what_is_allowed_may_come_from_preview_deployments() {
    let cors: Cors = kind("allowed = ['https://*.example.com']");
    assert!(cors.origins().contains(&("https://smoke.example.com".to_owned(), true)));
    let rule =
        |origin: &str| answer((origin.starts_with("https://") && origin.ends_with(".example.com")).then_some(origin));
    assert_eq!(problems(&cors, rule), "");
    let sloppy = |origin: &str| answer(origin.ends_with("example.com").then_some(origin));
    let found = problems(&cors, sloppy);
    assert!(found.contains("failed https://evilexample.com: "), "{found}");
}

#[test]
fn a_browser_stops_where_the_preflight_grants_too_little() {
    let cors: Cors = kind(
        "allowed = ['https://app.example.com']\nmethod = 'PUT'\nrequest_headers = ['Authorization', 'X-A']\n\
         credentials = true",
    );
    let rule = |origin: &str| Answer {
        status: 401,
        methods: Some("GET, POST".to_owned()),
        headers: Some("authorization, *".to_owned()),
        ..answer((origin == APP).then_some(origin))
    };
    assert_eq!(
        problems(&cors, rule),
        "failed https://app.example.com (preflight): status: expected 2xx, seen 401 \
         (try: a browser stops here: answer OPTIONS before anything asks for a login, or redirects)\n\
         failed https://app.example.com (preflight): Allow-Methods: expected with PUT, seen GET, POST\n\
         failed https://app.example.com (preflight): Allow-Headers: expected with X-A, seen authorization, *\n\
         failed https://app.example.com (preflight): credentials: expected Access-Control-Allow-Credentials: true, \
         seen none\n"
    );
}

#[test]
fn a_star_and_a_missing_origin_are_told_apart() {
    let cors: Cors = kind("allowed = ['https://app.example.com']\nmethod = 'POST'");
    let found = problems(&cors, |_| answer(Some("*")));
    assert!(found.starts_with(
        "failed https://app.example.com (preflight): expected Access-Control-Allow-Origin: https://app.example.com, \
         seen Access-Control-Allow-Origin: * (try: list the origins on the server instead"
    ));
    assert!(found.contains("failed null: expected not allowed, seen allowed by `*` (preflight)"));
    let found = problems(&cors, |_| answer(None));
    assert_eq!(
        found,
        "failed https://app.example.com (preflight): expected Access-Control-Allow-Origin: https://app.example.com, \
         seen no Access-Control-Allow-Origin, status 204 \
         (try: is this origin in the server's list, exactly as written here?)\n"
    );
}

#[test]
fn an_answer_that_differs_by_origin_says_so_to_caches() {
    let cors: Cors = kind("allowed = ['https://app.example.com']");
    let rule = |origin: &str| Answer {
        vary: None,
        ..answer((origin == APP).then_some(origin))
    };
    let found = problems(&cors, rule);
    assert!(
        found.starts_with("failed https://app.example.com (request): cache: expected Vary: Origin, seen no Vary"),
        "{found}"
    );
}

#[test]
fn a_limiter_that_answers_proves_nothing() {
    let cors: Cors = kind("allowed = ['https://app.example.com']");
    let rule = |origin: &str| match origin {
        APP => answer(Some(APP)),
        _ => Answer {
            status: 429,
            ..answer(None)
        },
    };
    let found = problems(&cors, rule);
    assert_eq!(found.lines().count(), cors.origins().len() - 1);
    assert!(found.starts_with("unclear https://evil.example: expected not allowed, seen the preflight was answered"));
}

#[test]
fn a_path_that_is_not_there_proves_nothing() {
    let cors: Cors = kind("none = true");
    let with = |status| move |_: &str| Answer { status, ..answer(None) };
    assert_eq!(problems(&cors, with(401)), "");
    let said = problems(&cors, with(404));
    assert!(
        said.starts_with("unclear path: expected a route that answers, seen status 404"),
        "{said}"
    );
}

#[test]
fn public_means_for_everybody_but_without_cookies() {
    let cors: Cors = kind("public = true");
    assert_eq!(problems(&cors, |_| answer(Some("*"))), "");
    assert!(problems(&cors, |_| answer(None)).contains("any site (request): expected Access-Control-Allow-Origin: *"));
    let found = problems(&cors, |origin| Answer {
        credentials: Some("true".to_owned()),
        ..answer(Some(origin))
    });
    assert!(
        found.contains("failed any site (preflight): credentials: expected none, seen granted"),
        "{found}"
    );
}

#[test]
fn contradictions_are_mistakes() {
    let none: [&str; 0] = [];
    assert_eq!(mistakes::<Cors>("none = true"), none);
    assert_eq!(mistakes::<Cors>("public = true"), none);
    assert_eq!(
        mistakes::<Cors>(""),
        ["no origin is allowed, so nothing would show that CORS works at all"]
    );
    assert_eq!(
        mistakes::<Cors>("public = true\nallowed = ['https://a.example']"),
        ["`public` lets every site in: it excludes allowed, refused, none and credentials"]
    );
    assert_eq!(
        mistakes::<Cors>("none = true\nallowed = ['https://a.example']"),
        ["with `none` no origin is allowed: it excludes allowed and credentials"]
    );
    assert_eq!(
        mistakes::<Cors>("allowed = ['https://a.example/']\nrefused = ['https://a.example/']\npath = 'x'"),
        [
            "`path` is a path, and starts with `/`",
            "`https://a.example/` is not an origin",
            "`https://a.example/` is not an origin",
            "`https://a.example/` is also in `allowed`",
        ]
    );
}
