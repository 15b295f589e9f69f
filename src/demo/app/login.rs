//! Logging in, staying logged in, and logging out.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Body, Refusal};
use super::sessions::Caller;
use super::token::{Claims, LIFETIME, now};
use super::{Account, App, Shared};
use crate::demo::faults::Twist;

#[derive(Deserialize)]
pub(super) struct Credentials {
    email: String,
    password: String,
}

#[derive(Deserialize)]
pub(super) struct Refresh {
    refresh_token: String,
}

pub(super) async fn login(State(app): Shared, Body(given): Body<Credentials>) -> Result<Json<Value>, Refusal> {
    let account = authenticate(&app, &given).await?;
    Ok(Json(tokens(&app, &account, &Uuid::new_v4().to_string())))
}

/// The same for browsers: the token goes into a cookie.
pub(super) async fn session(State(app): Shared, Body(given): Body<Credentials>) -> Result<impl IntoResponse, Refusal> {
    let account = authenticate(&app, &given).await?;
    let token = access_token(&app, &account, &Uuid::new_v4().to_string());
    let hidden = if app.has(Twist::CookieReadable) {
        ""
    } else {
        "; HttpOnly"
    };
    let cookie = format!("sid={token}; Path=/; Max-Age={LIFETIME}; SameSite=Lax{hidden}");
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({ "email": account.email }))))
}

pub(super) async fn refresh(State(app): Shared, Body(given): Body<Refresh>) -> Result<Json<Value>, Refusal> {
    match app.sessions.redeem(&given.refresh_token) {
        Some((account, session)) if !app.has(Twist::RefreshBroken) => Ok(Json(tokens(&app, &account, &session))),
        _ => Err(Refusal(StatusCode::UNAUTHORIZED, "please log in again")),
    }
}

pub(super) async fn logout(State(app): Shared, Caller(claims): Caller) -> StatusCode {
    if !app.has(Twist::LogoutIgnored) {
        app.sessions.end(&claims.sid);
    }
    StatusCode::NO_CONTENT
}

pub(super) async fn me(Caller(claims): Caller) -> Json<Value> {
    Json(json!({ "id": claims.sub, "email": claims.email, "role": claims.role }))
}

/// An unknown user and a wrong password are answered alike, so that nobody learns who has an account.
async fn authenticate(app: &App, given: &Credentials) -> Result<Account, Refusal> {
    let refused = Refusal(StatusCode::UNAUTHORIZED, "wrong email or password");
    // Whoever has logged in before can do so while the database is away.
    let found = match app.store.account(&given.email).await {
        Ok(found) => found,
        Err(_) => app
            .accounts
            .iter()
            .find(|account| account.email == given.email)
            .cloned(),
    };
    let Some(account) = found else {
        let told = Refusal(StatusCode::NOT_FOUND, "there is no user with this email");
        return Err(if app.has(Twist::LoginTellsUsersApart) {
            told
        } else {
            refused
        });
    };
    let default_password = app.has(Twist::DefaultPassword) && account.is_admin() && given.password == "admin123";
    if account.accepts(&given.password) || default_password || app.has(Twist::LoginAcceptsAnything) {
        Ok(account)
    } else {
        Err(refused)
    }
}

fn tokens(app: &App, account: &Account, session: &str) -> Value {
    json!({
        "token_type": "Bearer",
        "access_token": access_token(app, account, session),
        "refresh_token": app.sessions.remember(account, session),
        "expires_in": LIFETIME,
        "user": { "id": account.id, "email": account.email, "role": account.role },
    })
}

fn access_token(app: &App, account: &Account, session: &str) -> String {
    app.keys.sign(&Claims {
        sub: account.id.clone(),
        email: account.email.clone(),
        role: account.role.clone(),
        sid: session.to_owned(),
        iat: now(),
        exp: app.keys.expiry(),
    })
}
