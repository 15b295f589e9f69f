//! The kind `oauth` against a deployment that signs in with a provider, and against each that does it wrongly.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use support::{Project, Said, serve};
use url::Url;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Not,
    ToLocalhost,
    ClientUndefined,
    OtherProvider,
    PlainHttp,
    NoState,
    ConstantState,
    SameChallenge,
    SecretInAddress,
    NeedsLogin,
    StartCrashes,
    CallbackCrashes,
    CallbackMissing,
    CallbackLimited,
    CallbackLogsIn,
    CallbackGivesCookie,
    /// Any return address is honoured.
    OpenRedirect,
    /// One that begins like the right one is honoured.
    PrefixRedirect,
    /// No return address is honoured.
    ReturnIgnored,
}

type Waiting = Arc<Mutex<HashMap<String, String>>>;

const SITE: &str = "https://app.example.com";

/// As Supabase does it: the state is a JWT that carries where users go in the end.
fn state_of(return_to: &str, number: usize) -> String {
    let payload = URL_SAFE_NO_PAD.encode(format!("{{\"referrer\":\"{return_to}\",\"id\":{number}}}"));
    format!("eyJhbGciOiJIUzI1NiJ9.{payload}.c2ln")
}

fn authorize(broken: Broken, waiting: &Waiting, query: &HashMap<String, String>, headers: &HeaderMap) -> Response {
    match broken {
        Broken::NeedsLogin if !headers.contains_key(header::AUTHORIZATION) => {
            return (StatusCode::UNAUTHORIZED, "log in first").into_response();
        }
        Broken::StartCrashes => return (StatusCode::INTERNAL_SERVER_ERROR, "client_id is None").into_response(),
        _ => {}
    }
    let wanted = query.get("redirect_to").map_or("", String::as_str);
    let honoured = match broken {
        Broken::OpenRedirect => true,
        Broken::PrefixRedirect => wanted.starts_with(SITE),
        Broken::ReturnIgnored => false,
        _ => wanted.starts_with(&format!("{SITE}/")),
    };
    let return_to = if honoured { wanted } else { "https://www.example.com/" };
    let mut waiting = waiting.lock().unwrap();
    let number = waiting.len() + 1;
    let state = match broken {
        Broken::ConstantState => "always-the-same".to_owned(),
        _ => state_of(return_to, number),
    };
    waiting.insert(state.clone(), return_to.to_owned());
    let host = headers[header::HOST].to_str().unwrap();
    let home = match broken {
        Broken::ToLocalhost => "http://localhost:8000".to_owned(),
        _ => format!("http://{host}"),
    };
    let client = match broken {
        Broken::ClientUndefined => "undefined",
        _ => "123.apps.googleusercontent.com",
    };
    let base = match broken {
        Broken::OtherProvider => "https://accounts.google.com.evil.example/o/oauth2/v2/auth",
        Broken::PlainHttp => "http://accounts.google.com/o/oauth2/v2/auth",
        _ => "https://accounts.google.com/o/oauth2/v2/auth",
    };
    let mut address = Url::parse(base).unwrap();
    address
        .query_pairs_mut()
        .append_pair("client_id", client)
        .append_pair("redirect_uri", &format!("{home}/auth/callback"))
        .append_pair("scope", "openid email profile")
        .append_pair("access_type", "offline")
        .append_pair("code_challenge_method", "S256");
    let challenge = if broken == Broken::SameChallenge { 0 } else { number };
    address
        .query_pairs_mut()
        .append_pair("code_challenge", &format!("challenge-{challenge}"));
    if broken != Broken::NoState {
        address.query_pairs_mut().append_pair("state", &state);
    }
    if broken == Broken::SecretInAddress {
        address.query_pairs_mut().append_pair("client_secret", "GOCSPX-x");
    }
    redirect(address.as_str())
}

fn redirect(to: &str) -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.to_owned())]).into_response()
}

fn callback(broken: Broken, waiting: &Waiting, query: &HashMap<String, String>) -> Response {
    let state = query.get("state").cloned().unwrap_or_default();
    let cancelled = query.contains_key("error");
    let Some(return_to) = waiting.lock().unwrap().get(&state).cloned() else {
        return match broken {
            Broken::CallbackLimited => StatusCode::TOO_MANY_REQUESTS.into_response(),
            Broken::CallbackMissing => StatusCode::NOT_FOUND.into_response(),
            _ => (StatusCode::BAD_REQUEST, "unknown state").into_response(),
        };
    };
    match broken {
        Broken::CallbackMissing => StatusCode::NOT_FOUND.into_response(),
        Broken::CallbackLimited => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Broken::CallbackCrashes if !cancelled => (StatusCode::INTERNAL_SERVER_ERROR, "invalid_grant").into_response(),
        Broken::CallbackLogsIn if !cancelled => redirect(&format!("{return_to}#access_token=eyJ.x.y")),
        Broken::CallbackGivesCookie if !cancelled => {
            let cookie = (header::SET_COOKIE, "session=\"Bearer eyJ.x.y\"; HttpOnly");
            let mut response = redirect(&return_to);
            response.headers_mut().insert(cookie.0, cookie.1.parse().unwrap());
            response
        }
        _ => redirect(&format!("{return_to}?error=access_denied")),
    }
}

fn deployment(broken: Broken) -> String {
    let start = move |State(waiting): State<Waiting>,
                      Query(query): Query<HashMap<String, String>>,
                      headers: HeaderMap| async move { authorize(broken, &waiting, &query, &headers) };
    let back = move |State(waiting): State<Waiting>, Query(query): Query<HashMap<String, String>>| async move {
        callback(broken, &waiting, &query)
    };
    // Frameworks redirect to the path with a slash, or without, first.
    let slash = |request: Request| async move {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        redirect(&format!("/auth/google{query}"))
    };
    let json = |headers: HeaderMap| async move {
        let host = headers[header::HOST].to_str().unwrap().to_owned();
        let id = uuid::Uuid::new_v4();
        format!(
            "{{\"url\":\"https://accounts.google.com/auth?client_id=1&redirect_uri=http://{host}/auth/callback&state={id}\"}}"
        )
    };
    serve(
        Router::new()
            .route("/auth/google", get(start))
            .route("/auth/google/", get(slash))
            .route("/auth/json", get(json))
            .route("/auth/callback", get(back))
            .with_state(Waiting::default()),
    )
}

const FULL: &str = "client_id = { ends_with = \".apps.googleusercontent.com\" }\nscopes = [\"openid\", \"email\"]\n\
                    params.access_type = \"offline\"\npkce = true\n";

const RETURN: &str = "query = { redirect_to = \"https://app.example.com/cb\" }\nreturn_param = \"redirect_to\"\n\
                      falls_back = { starts_with = \"https://www.example.com/\" }\n";

fn try_it(broken: Broken, more: &str) -> Said {
    let suite = format!("[oauth.tried]\nget = \"/auth/google\"\nprovider = \"accounts.google.com\"\n{more}");
    Project::http(&deployment(broken), &suite).run().flat()
}

#[test]
fn a_start_that_is_right() {
    try_it(Broken::Not, "").exits(0);
    try_it(Broken::Not, FULL).exits(0);
    try_it(Broken::Not, RETURN).exits(0);
    try_it(Broken::NeedsLogin, "bearer = \"token\"").exits(0);
    for path in ["get = \"/auth/google/\"\n", "get = \"/auth/json\"\nurl = \"$.url\"\n"] {
        let suite = format!("[oauth.tried]\nprovider = \"accounts.google.com\"\n{path}");
        Project::http(&deployment(Broken::Not), &suite).run().exits(0);
    }
}

#[test]
fn a_start_that_is_wrong_is_named() {
    let said: &[(Broken, &[&str])] = &[
        (
            Broken::ToLocalhost,
            &[
                "redirect_uri",
                "seen: \"http://localhost:8000/auth/callback\"",
                "the variable that the code reads",
            ],
        ),
        (Broken::ClientUndefined, &["client_id", "seen: \"undefined\""]),
        (
            Broken::OtherProvider,
            &["provider", "https://accounts.google.com.evil.example/"],
        ),
        (Broken::PlainHttp, &["provider", "seen: http://accounts.google.com/"]),
        (Broken::NoState, &["state", "nothing there"]),
        (Broken::ConstantState, &["state", "the same one twice"]),
        (Broken::SecretInAddress, &["client_secret", "in the address"]),
        (Broken::NeedsLogin, &["401: log in first", "Give bearer or cookies"]),
        (
            Broken::StartCrashes,
            &["500: client_id is None", "is the provider configured"],
        ),
    ];
    for (broken, parts) in said {
        try_it(*broken, "").exits(1).says(parts);
    }
    try_it(Broken::SameChallenge, "").exits(0);
    try_it(Broken::SameChallenge, FULL)
        .exits(1)
        .says(&["code_challenge", "the same one twice"]);
    try_it(Broken::Not, "scopes = [\"https://www.googleapis.com/auth/adwords\"]")
        .exits(1)
        .says(&["scope https://www.googleapis.com/auth/adwords", "openid email profile"]);
    try_it(Broken::Not, "params.prompt = \"consent\"")
        .exits(1)
        .says(&["parameter prompt"]);
    try_it(Broken::NoState, "state = false").exits(0);
}

#[test]
fn a_callback_that_crashes_or_logs_anyone_in() {
    try_it(Broken::CallbackCrashes, "")
        .exits(1)
        .says(&["callback with a made-up code expected: refused: 3xx or 4xx seen: 500: invalid_grant"]);
    try_it(Broken::CallbackMissing, "")
        .exits(1)
        .says(&["seen: 404", "is the route of the callback deployed"]);
    try_it(Broken::CallbackLimited, "")
        .exits(3)
        .says(&["seen: 429", "a limiter answered"]);
    try_it(Broken::CallbackLimited, RETURN).exits(3).says(&[
        "who cancels expected: returns to",
        "seen: status 429, which leads nowhere",
    ]);
    try_it(Broken::CallbackLogsIn, "")
        .exits(1)
        .says(&["with an access_token"]);
    try_it(Broken::CallbackGivesCookie, "")
        .exits(1)
        .says(&["with a token in the cookie session"]);
    try_it(Broken::Not, "refuses = 403").exits(1).says(&["refused: 403"]);
}

#[test]
fn a_foreign_return_address_is_not_honoured() {
    try_it(Broken::OpenRedirect, RETURN).exits(1).says(&[
        "redirect_to=https://evil.example/ expected: not honoured seen: who cancels is sent to https://evil.example/",
        "redirect_to=https://app.example.com.evil.example/",
    ]);
    let said = try_it(Broken::PrefixRedirect, RETURN);
    said.exits(1)
        .says(&["redirect_to=https://app.example.com.evil.example/"]);
    assert!(
        !said.stdout.contains("redirect_to=https://evil.example/"),
        "{}",
        said.stdout
    );
    try_it(Broken::ReturnIgnored, RETURN).exits(1).says(&[
        "who cancels",
        "returns to https://app.example.com",
        "https://www.example.com/",
    ]);
    let elsewhere = RETURN.replace("https://www", "https://other");
    try_it(Broken::Not, &elsewhere)
        .exits(1)
        .says(&["starting with \"https://other.example.com/\""]);
}
