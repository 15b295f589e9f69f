//! `login` against a small server that keeps its promises, and then breaks one at a time.

mod support;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use support::{Project, Said, serve};

const SECRET: &str = "a-long-and-random-secret-of-the-test";

/// That before it.
const OLD_SECRET: &str = "a-secret-of-last-quarter";

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    AnyPassword,
    TellsUsersApart,
    DefaultPassword,
    NeverExpires,
    EndsInAMinute,
    ExpiredAccepted,
    ChangedAccepted,
    NoneAccepted,
    Open,
    Locked,
    WeakSecret,
    OldSecretToo,
    Limited,
    LimitsGuesses,
    Fails,
    LogoutIgnored,
    RefreshesAnything,
    NoToken,
    BearerRefused,
}

struct Server {
    fault: Fault,
    ended: Mutex<HashSet<String>>,
    logins: Mutex<u32>,
}

type Shared = State<Arc<Server>>;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Server {
    fn mac(&self, text: &str) -> String {
        let weak = self.fault == Fault::WeakSecret;
        Self::mac_by(if weak { "changeme" } else { SECRET }, text)
    }

    fn mac_by(secret: &str, text: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .unwrap()
            .chain_update(text);
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn token(&self, user: &str) -> String {
        *self.logins.lock().unwrap() += 1;
        let mut claims = json!({ "sub": user, "role": "admin", "jti": *self.logins.lock().unwrap() });
        if self.fault != Fault::NeverExpires {
            let minute = self.fault == Fault::EndsInAMinute;
            claims["iat"] = json!(now());
            claims["exp"] = json!(now() + if minute { 60 } else { 3600 });
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
        format!("{signed}.{}", self.mac(&signed))
    }

    fn accepts(&self, token: &str) -> bool {
        let parts: Vec<&str> = token.split('.').collect();
        let [head, body, signature] = parts[..] else {
            return false;
        };
        let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
        let (Ok(head_json), Ok(claims)) = (json(head), json(body)) else {
            return false;
        };
        let text = format!("{head}.{body}");
        let old = || self.fault == Fault::OldSecretToo && Self::mac_by(OLD_SECRET, &text) == signature;
        let signed = match head_json["alg"].as_str() {
            Some("none") => self.fault == Fault::NoneAccepted,
            _ => self.fault == Fault::ChangedAccepted || self.mac(&text) == signature || old(),
        };
        let lives = claims["exp"].as_u64().is_none_or(|exp| exp > now()) || self.fault == Fault::ExpiredAccepted;
        signed && lives && !self.ended.lock().unwrap().contains(token)
    }

    #[expect(clippy::result_large_err, reason = "a test's server is in no hurry")]
    fn authenticate(&self, user: &str, password: &str) -> Result<String, Response> {
        let known = user == "admin@example.com";
        let good = known && password == "correct horse battery"
            || self.fault == Fault::AnyPassword
            || self.fault == Fault::DefaultPassword && known && password == "admin123";
        let wrong = (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "error": "wrong credentials", "request": now() })),
        );
        match self.fault {
            Fault::Limited => {
                Err((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")], "slow down").into_response())
            }
            Fault::LimitsGuesses if !good => Err(StatusCode::TOO_MANY_REQUESTS.into_response()),
            Fault::Fails if !good => Err((StatusCode::INTERNAL_SERVER_ERROR, "Traceback").into_response()),
            Fault::TellsUsersApart if !known => Err((StatusCode::NOT_FOUND, "no such user").into_response()),
            _ if good => Ok(self.token(user)),
            _ => Err(wrong.into_response()),
        }
    }
}

async fn login(State(server): Shared, Json(given): Json<Value>) -> Response {
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    match server.authenticate(&text("email"), &text("password")) {
        Ok(_) if server.fault == Fault::NoToken => Json(json!({ "data": { "jwt": "x", "user": "y" } })).into_response(),
        Ok(token) => {
            Json(json!({ "data": { "access_token": token, "refresh_token": "refresh-me-please" } })).into_response()
        }
        Err(refusal) => refusal,
    }
}

/// As metricx does: the value is quoted and has a space.
async fn quoted(State(server): Shared, Json(given): Json<Value>) -> Response {
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    match server.authenticate(&text("email"), &text("password")) {
        Ok(token) => (
            [(
                header::SET_COOKIE,
                format!("access_token=\"Bearer {token}\"; HttpOnly; Secure; Path=/"),
            )],
            "{}",
        )
            .into_response(),
        Err(refusal) => refusal,
    }
}

/// As servers with pages do: always a redirect, always a session; the session tells.
async fn form(State(server): Shared, body: String) -> Response {
    let given: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let text = |name: &str| given.get(name).cloned().unwrap_or_default();
    let (to, session) = match server.authenticate(&text("username"), &text("password")) {
        Ok(token) => ("/home", token),
        Err(_) => ("/login?error=1", "anonymous".to_owned()),
    };
    let headers = [
        (header::LOCATION, to.to_owned()),
        (header::SET_COOKIE, format!("sid={session}; Path=/")),
    ];
    (StatusCode::FOUND, headers).into_response()
}

fn credential(headers: &HeaderMap) -> Option<String> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    if let Some(bearer) = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")) {
        return Some(bearer.to_owned());
    }
    let (name, value) = text(header::COOKIE)?.split_once('=')?;
    if name == "access_token" && !(value.starts_with("\"Bearer ") && value.ends_with('"')) {
        // As metricx: a value that does not come back as it was sent is no login.
        return None;
    }
    let value = value.trim_matches('"');
    Some(value.strip_prefix("Bearer ").unwrap_or(value).to_owned())
}

async fn admin(State(server): Shared, headers: HeaderMap) -> StatusCode {
    let bearer = headers.contains_key(header::AUTHORIZATION) && server.fault == Fault::BearerRefused;
    let known = !bearer && credential(&headers).is_some_and(|token| server.accepts(&token));
    match server.fault {
        Fault::Open => StatusCode::OK,
        Fault::Locked => StatusCode::FORBIDDEN,
        _ if known => StatusCode::OK,
        _ => StatusCode::UNAUTHORIZED,
    }
}

async fn logout(State(server): Shared, request: Request) -> StatusCode {
    if let Some(token) = credential(request.headers()).filter(|_| server.fault != Fault::LogoutIgnored) {
        server.ended.lock().unwrap().insert(token);
    }
    StatusCode::NO_CONTENT
}

async fn refresh(State(server): Shared, Json(given): Json<Value>) -> Response {
    if given["refresh_token"] == "refresh-me-please" || server.fault == Fault::RefreshesAnything {
        Json(json!({ "access_token": server.token("admin@example.com") })).into_response()
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

fn server(fault: Fault) -> String {
    let server = Server {
        fault,
        ended: Mutex::default(),
        logins: Mutex::new(0),
    };
    serve(
        Router::new()
            .route("/login", post(login))
            .route("/quoted", post(quoted))
            .route("/form", post(form))
            .route("/admin", get(admin))
            .route("/logout", post(logout))
            .route("/refresh", post(refresh))
            .with_state(Arc::new(server)),
    )
}

const JSON: &str = r#"
[login.admin]
post = "/login"
json = { email = "admin@example.com", password = "{{ env.ADMIN_PASSWORD }}" }
token = "$.data.access_token"
refuses = [{ password = "admin123" }, { email = "admin", password = "admin" }]
alike = true
protects = "/admin"
old_secrets = ["never-used", "a-secret-of-last-quarter"]
secret = "{{ env.JWT_SECRET }}"
expect.status = 200
expect.jwt = { expires_within = "1h", lifetime = "1h", algorithm = "HS256", claims.role = "admin" }
refresh_token = "$.data.refresh_token"
refresh = { post = "/refresh", field = "refresh_token", token = "$.access_token" }
logout = "/logout"

[http.dashboard]
get = "/admin"
bearer = "{{ admin.token }}"
expect.status = 200
"#;

fn run(fault: Fault, suite: &str) -> Said {
    Project::http(&server(fault), suite)
        .env("ADMIN_PASSWORD", "correct horse battery")
        .env("JWT_SECRET", SECRET)
        .run()
}

#[test]
fn a_login_that_keeps_its_promises_passes_and_hands_on_its_token() {
    run(Fault::None, JSON)
        .exits(0)
        .says(&["passed   login.admin", "passed   http.dashboard"]);
}

#[test]
fn every_broken_promise_is_told() {
    let cases: &[(Fault, &[&str])] = &[
        (
            Fault::AnyPassword,
            &[
                "a wrong password",
                "200, logged in",
                "an unknown user",
                "`refuses` 1, as admin@example.com",
            ],
        ),
        (
            Fault::TellsUsersApart,
            &[
                "a wrong password and an unknown user",
                "the same answer",
                "404 no such user",
            ],
        ),
        (
            Fault::DefaultPassword,
            &["`refuses` 1, as admin@example.com", "change this password"],
        ),
        (
            Fault::NeverExpires,
            &["JWT expiry", "within 1h", "never: it has no `exp`", "JWT lifetime"],
        ),
        (
            Fault::EndsInAMinute,
            &["JWT lifetime", "1h", "1m", "is it in seconds there, or in minutes?"],
        ),
        (
            Fault::ExpiredAccepted,
            &["GET /admin with an expired token", "the server does not look at `exp`"],
        ),
        (
            Fault::ChangedAccepted,
            &[
                "GET /admin with a changed token",
                "with a token signed by \"secret\"",
                "does not verify",
            ],
        ),
        (
            Fault::NoneAccepted,
            &["GET /admin with an unsigned token (alg: none)", "seen: 200"],
        ),
        (Fault::Open, &["GET /admin without a token", "the route answers anyone"]),
        (Fault::Locked, &["GET /admin with the token", "2xx", "seen: 403"]),
        (
            Fault::OldSecretToo,
            &[
                "GET /admin with a token signed by `old_secrets` 2",
                "this service verifies with that secret",
            ],
        ),
        (Fault::WeakSecret, &["the secret that signs tokens", "\"changeme\""]),
        (
            Fault::Fails,
            &["a wrong password", "500: Traceback", "an error is not a refusal"],
        ),
        (Fault::LogoutIgnored, &["GET /admin after logging out", "seen: 200"]),
        (
            Fault::RefreshesAnything,
            &["POST /refresh with a made-up refresh token", "seen: 200"],
        ),
        (
            Fault::NoToken,
            &[
                "token $.data.access_token",
                "nothing there",
                "the answer has $.data.jwt, $.data.user",
            ],
        ),
        (
            Fault::BearerRefused,
            &["GET /admin with the token", "where it wants a cookie"],
        ),
    ];
    for (fault, said) in cases {
        let run = run(*fault, JSON);
        run.exits(1).says(&["FAILED  login.admin"]).says(said);
        assert!(
            !run.stdout.contains("correct horse") && !run.stdout.contains(SECRET),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn one_broken_promise_is_one_finding() {
    let failed = |fault| run(fault, JSON).stdout.matches("expected:").count();
    for fault in [
        Fault::NoneAccepted,
        Fault::Open,
        Fault::ExpiredAccepted,
        Fault::LogoutIgnored,
        Fault::TellsUsersApart,
    ] {
        assert_eq!(failed(fault), 1, "{fault:?}: {}", run(fault, JSON).stdout);
    }
}

#[test]
fn a_rate_limit_of_the_login_is_no_verdict() {
    run(Fault::Limited, JSON).exits(3).says(&[
        "UNCLEAR login.admin",
        "rate limit refused the right credentials (429, Retry-After 30)",
        "SKIPPED",
    ]);
    run(Fault::LimitsGuesses, JSON).exits(3).says(&[
        "UNCLEAR login.admin",
        "a wrong password",
        "429: a rate limit refused it",
    ]);
}

const QUOTED: &str = r#"
[login.admin]
post = "/quoted"
json = { email = "admin@example.com", password = "{{ env.ADMIN_PASSWORD }}" }
cookie = "access_token"
protects = "/admin"
secret = "{{ env.JWT_SECRET }}"
expect.jwt.expires_within = "1h"

[http.by_cookie]
get = "/admin"
cookies = "admin"
expect.status = 200

[http.by_header]
get = "/admin"
headers.Cookie = "access_token={{ admin.cookie }}"
expect.status = 200

[http.claims]
get = "/admin?{{ admin.claims.sub }}"
bearer = "{{ admin.token }}"
expect.status = 200
"#;

#[test]
fn a_quoted_cookie_with_a_space_is_a_token() {
    run(Fault::None, QUOTED).exits(0).says(&["4 passed"]);
    for (fault, said) in [
        (Fault::NoneAccepted, "with an unsigned token"),
        (Fault::ChangedAccepted, "with a changed token"),
        (Fault::ExpiredAccepted, "with an expired token"),
        (Fault::Open, "without a token"),
        (Fault::AnyPassword, "a wrong password"),
    ] {
        run(fault, QUOTED).exits(1).says(&["FAILED  login.admin", said]);
    }
}

#[test]
fn a_form_that_always_redirects_tells_by_where_to() {
    let suite = r#"
[login.page]
post = "/form"
form = { username = "admin@example.com", password = "{{ env.ADMIN_PASSWORD }}" }
cookie = "sid"
protects = "/admin"
alike = true
expect.status = 302
"#;
    run(Fault::None, suite).exits(0);
    run(Fault::AnyPassword, suite)
        .exits(1)
        .says(&["a wrong password", "302, logged in"]);
}

#[test]
fn another_secret_than_the_servers_makes_no_expired_token() {
    Project::http(&server(Fault::None), JSON)
        .env("ADMIN_PASSWORD", "correct horse battery")
        .env("JWT_SECRET", "quite another secret")
        .run()
        .exits(3)
        .says(&["UNCLEAR login.admin", "an expired token", "another secret"]);
}

#[test]
fn the_wrong_password_in_the_suite_fails_at_the_first_answer() {
    Project::http(&server(Fault::None), JSON)
        .env("ADMIN_PASSWORD", "forgotten")
        .env("JWT_SECRET", SECRET)
        .run()
        .exits(1)
        .says(&[
            "FAILED  login.admin",
            "status",
            "401: {\"error\":\"wrong credentials\"",
            "try: are user and password those of this environment?",
            "SKIPPED 1 check that needs login.admin",
        ]);
}

#[test]
fn a_misspelt_field_of_refuses_is_a_mistake() {
    let suite =
        "[login.a]\npost = \"/\"\njson = { email = \"a\", password = \"b\" }\nrefuses = [{ pasword = \"admin\" }]\n";
    let said = Project::http(&support::nobody(), suite).smoke(&["validate"]);
    said.exits(2);
    assert!(
        said.stderr.contains("the request has no field `pasword`"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("did you mean `password`?"), "{}", said.stderr);
}

#[test]
fn what_cannot_be_tried_is_a_mistake() {
    let said = Project::http(
        "http://127.0.0.1:9",
        "[login.x]\npost = \"/login\"\nbody = \"x\"\nprotects = \"admin\"\nsecret = \"s\"\n",
    )
    .run();
    said.exits(2);
    for part in [
        "no user in the request",
        "a path starts with `/`",
        "`protects` needs a token",
    ] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
}

/// As GoTrue, the part of Supabase that logs people in: nothing is answered without the project's `apikey`.
async fn gotrue(State(server): Shared, request: Request) -> Response {
    let grant = request.uri().query().unwrap_or_default().to_owned();
    if request.headers().get("apikey").is_none_or(|key| key != "anon-key") {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "message": "No API key found in request" })),
        )
            .into_response();
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.unwrap();
    let given: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| given[name].as_str().unwrap_or_default();
    let token = match grant.as_str() {
        "grant_type=password" => server.authenticate(text("email"), text("password")).ok(),
        "grant_type=refresh_token" if text("refresh_token") == "v1-refresh" => Some(server.token("admin@example.com")),
        _ => None,
    };
    match token {
        Some(token) => Json(json!({
            "access_token": token, "token_type": "bearer", "expires_in": 3600,
            "refresh_token": "v1-refresh", "user": { "id": "u1", "email": "admin@example.com" },
        }))
        .into_response(),
        None => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error_code": "invalid_credentials", "msg": "Invalid login credentials" })),
        )
            .into_response(),
    }
}

async fn gotrue_user(State(server): Shared, headers: HeaderMap) -> StatusCode {
    let keyed = headers.get("apikey").is_some_and(|key| key == "anon-key");
    let known = credential(&headers).is_some_and(|token| server.accepts(&token));
    if keyed && known {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}

#[test]
fn the_password_grant_of_supabase() {
    let suite = r#"
[login.client]
post = "/auth/v1/token?grant_type=password"
headers.apikey = "anon-key"
json = { email = "admin@example.com", password = "{{ env.ADMIN_PASSWORD }}" }
token = "$.access_token"
alike = true
protects = "/auth/v1/user"
refresh_token = "$.refresh_token"
refresh = { post = "/auth/v1/token?grant_type=refresh_token" }
expect.json."$.user.email" = "admin@example.com"
expect.jwt = { expires_within = "1h", claims.role = "admin" }
"#;
    let run = |fault, suite: &str| {
        let server = Arc::new(Server {
            fault,
            ended: Mutex::default(),
            logins: Mutex::new(0),
        });
        let routes = Router::new()
            .route("/auth/v1/token", post(gotrue))
            .route("/auth/v1/user", get(gotrue_user));
        Project::http(&serve(routes.with_state(server)), suite)
            .env("ADMIN_PASSWORD", "correct horse battery")
            .run()
    };
    run(Fault::None, suite).exits(0);
    run(Fault::AnyPassword, suite)
        .exits(1)
        .says(&["a wrong password", "200, logged in"]);
    run(Fault::NoneAccepted, suite)
        .exits(1)
        .says(&["with an unsigned token"]);
    run(Fault::None, &suite.replace("anon-key", "another"))
        .exits(1)
        .says(&["No API key found"]);
    let stale = suite.replace("grant_type=refresh_token", "grant_type=refresh");
    run(Fault::None, &stale)
        .exits(1)
        .says(&["with the refresh token", "a new token"]);
}

/// The login of an administration as forms have it: in by a redirect to it, out as `outside` answers.
fn administration(default_works: bool, outside: fn() -> Response) -> String {
    let login = move |body: String| async move {
        let good = body.contains("password=long-and-random") || default_works && body.contains("password=secret");
        if good {
            (StatusCode::FOUND, [(header::LOCATION, "/admin/")]).into_response()
        } else {
            outside()
        }
    };
    serve(Router::new().route("/admin/login", post(login)))
}

const DEFAULT_ADMIN: &str = r#"
[login.default_admin]
post = "/admin/login"
form = { username = "admin", password = "secret" }
refused = true
refuses = [{ password = "admin" }]
"#;

fn bad_request() -> Response {
    StatusCode::BAD_REQUEST.into_response()
}

#[test]
fn default_credentials_are_refused_where_no_good_ones_are_known() {
    let page: fn() -> Response = || "<form><input name=\"password\" type=\"password\"></form>".into_response();
    let back: fn() -> Response = || (StatusCode::FOUND, [(header::LOCATION, "/admin/login?error=1")]).into_response();
    for outside in [bad_request, page, back] {
        Project::http(&administration(false, outside), DEFAULT_ADMIN)
            .run()
            .exits(0);
        Project::http(&administration(true, outside), DEFAULT_ADMIN)
            .run()
            .exits(1)
            .says(&[
                "these credentials, as admin",
                "302 to /admin/, logged in",
                "refused = true",
            ]);
    }
}

/// A door that nobody passes, or everybody, says nothing about the default password.
#[test]
fn a_login_that_refuses_nothing_or_is_not_there_is_unclear() {
    let everybody: fn() -> Response = || (StatusCode::FOUND, [(header::LOCATION, "/admin/")]).into_response();
    let crashed: fn() -> Response = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
    for (outside, why) in [
        (everybody, "it looks as if it were let in"),
        (crashed, "an error is no refusal"),
    ] {
        Project::http(&administration(false, outside), DEFAULT_ADMIN)
            .run()
            .exits(3)
            .says(&["a made-up password", why]);
    }
    Project::http(&serve(Router::new()), DEFAULT_ADMIN)
        .run()
        .exits(3)
        .says(&["404: nothing there logs anyone in"]);
}

#[test]
fn refused_excludes_what_needs_somebody_who_logs_in() {
    let suite = format!("{DEFAULT_ADMIN}protects = \"/admin/\"\n");
    let said = Project::http("http://127.0.0.1:1", &suite).run();
    said.exits(2);
    assert!(
        said.stderr.contains("`protects` needs somebody who logs in"),
        "{}",
        said.stderr
    );
}
