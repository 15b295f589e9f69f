use super::super::testing::{kind, lines, mistakes};
use super::*;

const TABLE: &str = r#"
identities.admin = { bearer = "a" }
identities.user = { bearer = "u" }
identities.none = {}
routes."GET /admin" = { admin = 200, user = 403, none = 401 }
"#;

/// Answers of `GET /admin` to admin, user and none.
fn answered(statuses: [u16; 3]) -> Seen {
    let answer = |(identity, status): (&str, u16)| Answer {
        route: "GET /admin".to_owned(),
        identity: identity.to_owned(),
        response: Some(Response {
            status,
            body: "{\"owner\":\"acme\"}".to_owned(),
            ..Response::default()
        }),
        error: None,
    };
    let answers = ["admin", "user", "none"].into_iter().zip(statuses).map(answer);
    Seen {
        answers: answers.collect(),
    }
}

fn judged(table: &str, seen: &Seen) -> String {
    lines(&kind::<Authorization>(table).judge(seen))
}

#[test]
fn every_cell_is_a_finding() {
    assert_eq!(
        judged(TABLE, &answered([200, 403, 401])),
        "passed GET /admin as admin: expected 200, seen 200\n\
         passed GET /admin as user: expected 403, seen 403\n\
         passed GET /admin as none: expected 401, seen 401\n"
    );
    let said = judged(TABLE, &answered([403, 200, 500]));
    assert!(said.contains("failed GET /admin as admin: expected 200, seen 403: {\"owner\":\"acme\"} (try: the server"));
    assert!(said.contains("failed GET /admin as user: expected 403, seen 200 (try: the route lets in whom it should"));
    assert!(said.contains("failed GET /admin as none: expected 401, seen 500"));
}

#[test]
fn a_404_where_nobody_got_in_proves_nothing() {
    let table = TABLE.replace("user = 403", "user = 404");
    let said = judged(&table, &answered([404, 404, 401]));
    assert!(
        said.contains("unclear GET /admin as user: expected 404, seen 404"),
        "{said}"
    );
    assert!(judged(&table, &answered([200, 404, 401])).contains("passed GET /admin as user"));
}

#[test]
fn a_rate_limit_and_no_answer_are_unclear() {
    let mut seen = answered([200, 429, 401]);
    seen.answers[2].response = None;
    seen.answers[2].error = Some("connection refused".to_owned());
    let said = judged(TABLE, &seen);
    assert!(
        said.contains("unclear GET /admin as user: expected 403, seen 429"),
        "{said}"
    );
    assert!(
        said.contains("unclear GET /admin as none: expected 401, seen connection refused"),
        "{said}"
    );
    assert!(judged(TABLE, &Seen::default()).contains("unclear GET /admin as admin"));
}

#[test]
fn a_cell_may_expect_more_than_a_status() {
    let table = TABLE.replace(
        "user = 403",
        "user = { status = [200, 403], body = { lacks = \"acme\" } }",
    );
    let said = judged(&table, &answered([200, 403, 401]));
    assert!(
        said.contains("failed GET /admin as user: body: expected without \"acme\""),
        "{said}"
    );
}

#[test]
fn what_the_table_says_for_all_routes_a_route_may_say_otherwise() {
    let table = TABLE.replace("{ admin = 200, user = 403, none = 401 }", "{ user = 200 }")
        + "expect = { admin = 200, user = 403, none = 401 }\n";
    assert!(judged(&table, &answered([200, 200, 401])).starts_with("passed GET /admin as user: expected 200"));
    let list = TABLE.replace(
        "routes.\"GET /admin\" = { admin = 200, user = 403, none = 401 }",
        "routes = [\"GET /admin\"]\nexpect = { admin = 200, user = 403, none = 401 }",
    );
    assert_eq!(kind::<Authorization>(&list).steps().len(), 3);
}

#[test]
fn mistakes_say_what_to_write() {
    let wrong = |from: &str, to: &str| mistakes::<Authorization>(&TABLE.replace(from, to));
    assert!(wrong("", "").is_empty());
    assert_eq!(
        wrong("GET /admin", "FETCH /admin"),
        ["`FETCH /admin` is no method and path"]
    );
    assert_eq!(
        wrong("user = 403, ", "usr = 403, "),
        ["there is no identity `usr`", "no route is asked as `user`"]
    );
    assert_eq!(
        wrong("admin = 200", "admin = 403"),
        ["nobody gets in on `GET /admin`, so a refusal would prove nothing"]
    );
    assert_eq!(
        wrong("admin = 200, user = 403", "control = false, admin = 403, user = 404"),
        ["404 is no refusal where nobody gets in"]
    );
    assert_eq!(
        wrong("user = 403", "user = [401, 403]"),
        ["whether the credentials of `user` are valid at all would not show"]
    );
    assert!(kind::<Authorization>(&TABLE.replace("GET", "DELETE")).effect() == Effect::Write);
}
