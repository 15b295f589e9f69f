use serde_json::json;

use super::super::testing::{kind, lines, mistakes};
use super::*;

const CHECK: &str = "get = \"/start\"\nprovider = \"accounts.google.com\"\n";

fn leads(status: u16, to: &str) -> Response {
    Response {
        status,
        headers: vec![("location".to_owned(), to.to_owned())],
        ..Response::default()
    }
}

fn google(rest: &str) -> Response {
    leads(
        307,
        &format!("https://accounts.google.com/auth?client_id=1&redirect_uri=https%3A%2F%2Fapi.example.com%2Fcb{rest}"),
    )
}

fn seen(first: Response, second: Response) -> Seen {
    Seen {
        site: "https://api.example.com".to_owned(),
        starts: vec![first, second],
        ..Seen::default()
    }
}

fn judged(check: &str, seen: &Seen) -> String {
    lines(&kind::<Oauth>(check).judge(seen))
}

/// Signing in as it should be, and what else was seen.
fn with(change: impl FnOnce(&mut Seen)) -> Seen {
    let mut seen = seen(google("&state=first-state"), google("&state=second-state"));
    change(&mut seen);
    seen
}

#[test]
fn a_start_as_it_should_be() {
    assert_eq!(
        judged(CHECK, &with(|_| ())),
        "passed provider: expected https://accounts.google.com, seen https://accounts.google.com/auth\n\
         passed client_id: expected set, and no placeholder, seen \"1\"\n\
         passed redirect_uri: expected an address at https://api.example.com, seen \"https://api.example.com/cb\"\n\
         passed state: expected there, and another one each time, seen another one each time\n"
    );
}

#[test]
fn nothing_asked_is_unclear_and_no_redirect_fails() {
    assert!(judged(CHECK, &Seen::default()).starts_with("unclear"));
    let page = Response {
        status: 200,
        ..Response::default()
    };
    assert!(
        judged(CHECK, &seen(page, google(""))).starts_with(
            "failed start: expected a redirect to accounts.google.com, seen 200 (try: does the answer have"
        )
    );
}

#[test]
fn a_short_state_can_be_guessed() {
    let said = judged(CHECK, &seen(google("&state=1"), google("&state=2")));
    assert!(
        said.contains("failed state: expected there, and another one each time, seen only 1 characters"),
        "{said}"
    );
}

#[test]
fn a_callback_that_leads_to_a_developers_machine() {
    let said = judged(
        CHECK,
        &with(|seen| {
            seen.callbacks = vec![Callback {
                own_state: true,
                answer: leads(302, "http://localhost:3000/login?error=oauth"),
            }];
        }),
    );
    assert!(said.contains("failed callback with a made-up code: expected refused: 3xx or 4xx, seen 302, to http://localhost:3000/login"), "{said}");
}

#[test]
fn without_a_callback_the_state_may_tell_where_it_ends() {
    use base64::Engine as _;
    let state = |to: &str| {
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json!({ "referrer": to }).to_string());
        google(&format!("&state=a.{payload}.b"))
    };
    let check =
        format!("{CHECK}query = {{ to = \"https://app.example.com/\" }}\nreturn_param = \"to\"\nstate = false\n");
    let tempted = |first: Response, start: Response| {
        let mut seen = seen(first.clone(), first);
        seen.hostile = vec![Hostile {
            address: "https://evil.example/".to_owned(),
            start,
            cancelled: None,
        }];
        judged(&check, &seen)
    };
    let allowed = || state("https://app.example.com/");
    assert!(tempted(allowed(), state("https://www.example.com")).contains("passed to=https://evil.example/"));
    assert!(tempted(allowed(), state("https://evil.example/")).contains("failed to=https://evil.example/"));
    let opaque = || google("&state=opaque-and-long");
    assert!(tempted(opaque(), opaque()).contains("unclear to=https://evil.example/"));
    assert!(
        tempted(opaque(), leads(400, ""))
            .contains("passed to=https://evil.example/: expected not honoured, seen refused, 400")
    );
    assert!(tempted(opaque(), leads(302, "//evil.example/")).contains("failed to=https://evil.example/"));
}

#[test]
fn a_neighbour_of_the_site_is_foreign() {
    let alike = super::observe::hostile(Some("https://app.example.com/cb"));
    assert!(alike.contains(&"https://evil-app.example.com/".to_owned()), "{alike:?}");
    let check =
        format!("{CHECK}query = {{ to = \"https://app.example.com/\" }}\nreturn_param = \"to\"\nstate = false\n");
    let mut seen = seen(google(""), google(""));
    seen.hostile = vec![Hostile {
        address: "https://evil-app.example.com/".to_owned(),
        start: google(""),
        cancelled: Some(leads(302, "https://evil-app.example.com/?error=access_denied")),
    }];
    assert!(judged(&check, &seen).contains("failed to=https://evil-app.example.com/: expected not honoured"));
}

#[test]
fn another_page_of_the_site_is_not_the_one_that_was_asked_for() {
    let check =
        format!("{CHECK}query = {{ to = \"https://app.example.com/cb\" }}\nreturn_param = \"to\"\nstate = false\n");
    let cancelled = |place: &str| {
        let mut seen = seen(google(""), google(""));
        seen.cancelled = Some(leads(302, place));
        judged(&check, &seen)
    };
    let asked_for = cancelled("https://app.example.com/cb?error=access_denied");
    assert!(
        asked_for.contains("passed who cancels: expected returns to https://app.example.com/cb"),
        "{asked_for}"
    );
    let front_page = cancelled("https://app.example.com/?error=access_denied");
    assert!(
        front_page.contains(
            "failed who cancels: expected returns to https://app.example.com/cb, seen https://app.example.com/"
        ),
        "{front_page}"
    );
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let found = |more: &str| mistakes::<Oauth>(&format!("get = \"/\"\n{more}"));
    assert_eq!(found("provider = \"a.example\""), [""; 0]);
    assert_eq!(found("provider = \"https://a.example\""), ["`provider` is a host"]);
    assert_eq!(
        found("provider = \"a.example\"\nfalls_back = \"x\""),
        ["`falls_back` without `return_param`"]
    );
    assert_eq!(
        found("provider = \"a.example\"\ncallback = \"cb\""),
        ["`callback` is a path, and starts with `/`"]
    );
}
