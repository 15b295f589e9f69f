use serde_json::json;

use super::observe::{Guess, Probe, With, Wrong};
use super::*;
use crate::kinds::testing::{kind, lines, mistakes};

fn login(more: &str) -> Login {
    kind(&format!(
        "post = \"/login\"\njson = {{ user = {{ email = \"a@b.c\", password = \"right\" }} }}\ntoken = \"$.t\"\n{more}"
    ))
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        body: body.to_owned(),
        ..Response::default()
    }
}

fn guess(what: Wrong, user: &str, answer: Response) -> Guess {
    let user = user.to_owned();
    Guess { what, user, answer }
}

fn good() -> Seen {
    Seen {
        good: answer(200, "{\"t\": \"opaque\"}"),
        guesses: vec![
            guess(Wrong::Password, "a@b.c", answer(401, "no: a@b.c, request 81f-2")),
            guess(
                Wrong::User,
                "smoke-1@example.com",
                answer(401, "no: smoke-1@example.com, request 99c-3"),
            ),
        ],
        ..Seen::default()
    }
}

#[test]
fn credentials_are_found_and_varied_where_they_stand() {
    let login = login("");
    let wrong = login.with_wrong_password().json.unwrap().into_inner();
    assert_eq!(wrong["user"]["email"], "a@b.c");
    assert!(wrong["user"]["password"].as_str().unwrap().starts_with("smoke-"));
    let unknown = login.with_unknown_user().json.unwrap().into_inner();
    assert_eq!(unknown["user"]["password"], "right");
    assert!(unknown["user"]["email"].as_str().unwrap().ends_with("@example.com"));
    let listed = login.with(
        &[
            ("password".to_owned(), json!("admin")),
            ("tenant".to_owned(), json!("x")),
        ]
        .into(),
    );
    let listed = listed.json.unwrap().into_inner();
    assert_eq!(
        listed,
        json!({ "user": { "email": "a@b.c", "password": "admin" }, "tenant": "x" })
    );

    let form: Login = kind("post = \"/l\"\nform = { login = \"joe\", pass = \"x\" }");
    assert_eq!(
        form.user_in(&form.with_unknown_user()).unwrap().len(),
        "smoke-".len() + 32
    );
    let basic: Login = kind("get = \"/l\"\nbasic = { user = \"joe\", password = \"x\" }");
    assert_eq!(basic.with_wrong_password().basic.unwrap().user, "joe");
    assert_ne!(basic.with_wrong_password().basic.unwrap().password, "x");
}

#[test]
fn what_differs_every_time_is_no_difference() {
    let login = login("alike = true");
    let mut seen = good();
    assert!(
        !lines(&login.judge(&seen)).contains("failed"),
        "{}",
        lines(&login.judge(&seen))
    );
    seen.guesses[1].answer.body = "no such user".to_owned();
    assert!(lines(&login.judge(&seen)).contains("failed a wrong password and an unknown user"));
    seen.guesses[1].answer.status = 429;
    assert!(lines(&login.judge(&seen)).contains("unclear a wrong password and an unknown user"));
}

#[test]
fn of_a_path_that_is_open_to_all_forged_tokens_tell_nothing() {
    let login = login("protects = \"/me\"");
    let probe = |with, status| Probe {
        with,
        answer: answer(status, ""),
    };
    let mut seen = good();
    seen.probes = vec![
        probe(With::Token, 200),
        probe(With::Nothing, 200),
        probe(With::Changed, 200),
    ];
    let said = lines(&login.judge(&seen));
    assert!(
        said.contains("failed GET /me without a token") && !said.contains("changed"),
        "{said}"
    );
    seen.probes[1].answer.status = 401;
    assert!(lines(&login.judge(&seen)).contains("failed GET /me with a changed token: expected refused, seen 200"));
}

#[test]
fn a_token_is_taken_out_of_its_wrapping() {
    for cookie in ["\"Bearer a.b.c\"", "Bearer%20a.b.c", "a.b.c"] {
        assert_eq!(credentials::unwrapped(cookie), "a.b.c");
    }
    assert_eq!(credentials::changed("s%3Aabcdef"), "s%3Aaacdef");
    assert_ne!(credentials::changed("abcdef"), "abcdef");
}

#[test]
fn mistakes_name_what_is_missing() {
    let bare = mistakes::<Login>("post = \"/l\"\njson = { email = \"x\", code = \"y\" }\nlogout = \"/out\"");
    assert_eq!(
        bare,
        [
            "no password in the request, so a wrong one cannot be tried",
            "`logout` needs a token",
            "whether `logout` ends the session shows where the token was good for something"
        ]
    );
    assert!(
        mistakes::<Login>("post = \"/l\"\njson = { email = \"x\", code = \"y\" }\npassword_field = \"code\"")
            .is_empty()
    );
}
