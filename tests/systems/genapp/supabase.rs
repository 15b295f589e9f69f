//! Supabase as genapp uses it: logins, the REST API, the management API; and the other providers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::HashMap;

use super::app::{App, Shared};
use super::{
    BLOB_TOKEN, HUGGINGFACE_TOKEN, JWT_SECRET, SECOND_WAVESPEED_TOKEN, SITE_URL, SUPABASE_TOKEN, USERS, WAVESPEED_TOKEN,
};
use crate::standin::answer::{bearer, json, text};
use crate::standin::jwt;

type Parameters = Query<HashMap<String, String>>;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/auth/v1/token", post(token))
        .route("/auth/v1/user", get(user))
        .route("/auth/v1/settings", get(settings))
        .route("/auth/v1/authorize", get(authorize))
        .route("/auth/v1/callback", get(callback))
        .route("/rest/v1/users", get(rest_users))
        .route("/management/v1/projects/{project}/database/backups", get(backups))
        .route("/blob/", get(blob))
        .route("/blob/delete", post(blob_delete))
        .route(
            "/wavespeed/api/v3/balance",
            get(async |app: State<Shared>, head: HeaderMap| {
                if bearer(&head) == Some(SECOND_WAVESPEED_TOKEN) {
                    return known(&app, &head, SECOND_WAVESPEED_TOKEN, "second_token_revoked");
                }
                known(&app, &head, WAVESPEED_TOKEN, "wavespeed_token_revoked")
            }),
        )
        .route(
            "/huggingface/api/whoami-v2",
            get(async |app: State<Shared>, head: HeaderMap| {
                known(&app, &head, HUGGINGFACE_TOKEN, "huggingface_token_revoked")
            }),
        )
}

/// The user behind a token, as a place in `USERS`.
pub(super) fn user_of(app: &App, token: &str) -> Option<usize> {
    let claims = if app.broken("tokens_not_verified") {
        unverified(token)?
    } else {
        jwt::verify(token, JWT_SECRET)?
    };
    USERS.iter().position(|(id, ..)| claims["sub"] == *id)
}

/// The same, of a refresh token.
pub(super) fn place_of(refresh_token: &str) -> Option<usize> {
    let place = refresh_token.strip_prefix("refresh-")?.parse().ok()?;
    (place < USERS.len()).then_some(place)
}

fn unverified(token: &str) -> Option<Value> {
    use base64::Engine as _;
    let claims = token.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// The role of the key that a request carries.
fn role(head: &HeaderMap) -> Option<Value> {
    jwt::verify(text(head, "apikey")?, JWT_SECRET).map(|claims| claims["role"].clone())
}

fn no_key() -> Response {
    json(401, &json!({ "message": "No API key found in request" }))
}

async fn token(State(app): State<Shared>, head: HeaderMap, Query(asked): Parameters, body: Bytes) -> Response {
    if role(&head).is_none() {
        return no_key();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let found = if asked["grant_type"] == "refresh_token" {
        let kept = !app.broken("sessions_end");
        body["refresh_token"].as_str().and_then(place_of).filter(|_| kept)
    } else {
        let any = app.broken("any_password");
        USERS
            .iter()
            .position(|(_, email, password)| body["email"] == *email && (any || body["password"] == *password))
    };
    let Some(place) = found else {
        return json(
            400,
            &json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" }),
        );
    };
    let (id, email, _) = USERS[place];
    let claims = json!({ "sub": id, "email": email, "role": "authenticated", "aud": "authenticated",
        "session_id": uuid::Uuid::new_v4().to_string(), "iat": jwt::now(), "exp": jwt::now() + 3600 });
    let said = json!({ "access_token": jwt::sign(&claims, JWT_SECRET), "token_type": "bearer", "expires_in": 3600,
        "refresh_token": format!("refresh-{place}"), "user": { "id": id, "email": email } });
    json(200, &said)
}

async fn user(State(app): State<Shared>, head: HeaderMap) -> Response {
    match bearer(&head).and_then(|token| user_of(&app, token)) {
        Some(place) => json(200, &json!({ "id": USERS[place].0, "email": USERS[place].1 })),
        None => json(
            403,
            &json!({ "code": 403, "error_code": "bad_jwt", "msg": "invalid JWT" }),
        ),
    }
}

async fn settings(State(app): State<Shared>, head: HeaderMap) -> Response {
    if role(&head).is_none() && !app.broken("supabase_without_key") {
        return no_key();
    }
    let external = json!({ "google": !app.broken("google_disabled"), "email": true, "github": false });
    json(
        200,
        &json!({ "external": external, "disable_signup": app.broken("signup_disabled") }),
    )
}

/// Where users may be sent in the end.
fn end_of(app: &App, asked: &str) -> String {
    let listed = asked == format!("{SITE_URL}/auth/callback") && !app.broken("callback_not_listed");
    let also = app.broken("redirects_anywhere")
        || (app.broken("redirects_by_prefix") && asked.starts_with(SITE_URL))
        || (app.broken("redirects_to_neighbours") && asked.trim_end_matches('/').ends_with(".replit.app"));
    if listed || also {
        asked.to_owned()
    } else if app.broken("site_url_localhost") {
        "http://localhost:3000".to_owned()
    } else {
        SITE_URL.to_owned()
    }
}

async fn authorize(State(app): State<Shared>, Query(asked): Parameters) -> Response {
    if app.broken("google_disabled") {
        return json(
            400,
            &json!({ "code": 400, "msg": "Unsupported provider: provider is not enabled" }),
        );
    }
    let end = end_of(&app, asked.get("redirect_to").map_or("", String::as_str));
    let state = jwt::sign(
        &json!({ "referrer": end, "flow_state_id": uuid::Uuid::new_v4().to_string(), "exp": jwt::now() + 300 }),
        JWT_SECRET,
    );
    let client = if app.broken("google_client_missing") {
        "undefined"
    } else {
        "407408718192.apps.googleusercontent.com"
    };
    let back = format!("{}/auth/v1/callback", app.url);
    found(&format!(
        "https://accounts.google.com/o/oauth2/v2/auth?client_id={client}&redirect_uri={back}&response_type=code\
         &scope=email+profile&state={state}"
    ))
}

async fn callback(State(app): State<Shared>, Query(asked): Parameters) -> Response {
    let state = asked.get("state").and_then(|state| jwt::verify(state, JWT_SECRET));
    let end = match &state {
        Some(state) => state["referrer"].as_str().unwrap_or(SITE_URL).to_owned(),
        None => end_of(&app, ""),
    };
    found(&format!("{end}?error=access_denied&error_description=refused"))
}

pub(super) fn found(address: &str) -> Response {
    (axum::http::StatusCode::FOUND, [("location", address.to_owned())]).into_response()
}

async fn rest_users(State(app): State<Shared>, head: HeaderMap) -> Response {
    let Some(role) = role(&head) else {
        return no_key();
    };
    if role == "service_role" || app.broken("accounts_public") {
        return json(200, &json!([{ "id": USERS[0].0 }]));
    }
    json(200, &json!([]))
}

async fn backups(State(app): State<Shared>, head: HeaderMap, Path(_): Path<String>) -> Response {
    if bearer(&head) != Some(SUPABASE_TOKEN) {
        return json(401, &json!({ "message": "Unauthorized" }));
    }
    let days = if app.broken("backup_old") { 9 } else { 1 };
    let made = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    let backup = json!({ "is_physical_backup": true, "status": "COMPLETED", "inserted_at": made.to_string() });
    let all = match () {
        () if app.broken("no_backups") => json!([]),
        () if app.broken("backups_fail") => json!([{ "status": "FAILED", "inserted_at": made.to_string() }]),
        () => json!([backup]),
    };
    json(
        200,
        &json!({ "region": "eu-central-1", "pitr_enabled": false, "backups": all }),
    )
}

/// Vercel Blob, asked for all files or for one.
async fn blob(State(app): State<Shared>, head: HeaderMap, Query(asked): Parameters) -> Response {
    let answer = known(&app, &head, BLOB_TOKEN, "blob_token_revoked");
    let gone = |url: &String| !app.stored.lock().unwrap().contains(url);
    if answer.status().is_success() && asked.get("url").is_some_and(gone) {
        return json(404, &json!({ "error": { "code": "not_found" } }));
    }
    answer
}

async fn blob_delete(State(app): State<Shared>, head: HeaderMap, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !app.broken("blob_keeps_everything") {
        let urls = asked["urls"].as_array().into_iter().flatten().filter_map(Value::as_str);
        urls.for_each(|url| _ = app.stored.lock().unwrap().remove(url));
    }
    known(&app, &head, BLOB_TOKEN, "blob_token_cannot_delete")
}

/// A provider that knows our token, unless that was revoked.
fn known(app: &App, head: &HeaderMap, token: &str, revoked: &str) -> Response {
    if bearer(head) == Some(token) && !app.broken(revoked) {
        return json(200, &json!({ "ok": true }));
    }
    json(401, &json!({ "error": "Invalid credentials" }))
}

/// The error page of the app, where who comes back without a code ends.
pub(super) async fn app_callback(State(app): State<Shared>) -> Redirect {
    let base = match () {
        () if app.broken("callback_leaves") => "https://old-app.vercel.app/auth",
        () if app.broken("callback_inside") => "https://0.0.0.0:5000/auth/error",
        () => "/auth/error",
    };
    Redirect::temporary(base)
}
