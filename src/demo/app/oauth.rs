//! Signing in with Google, as far as that goes without Google: nobody who comes back has a code that is good.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Redirect;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::Shared;
use super::answer::Refusal;
use crate::demo::faults::Twist;

/// Where users go in the end, by the state of those who are at the provider.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<HashMap<String, String>>);

#[derive(Deserialize)]
pub(super) struct Start {
    return_to: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Back {
    state: Option<String>,
    error: Option<String>,
}

pub(super) async fn authorize(
    State(app): Shared,
    headers: HeaderMap,
    Query(start): Query<Start>,
) -> Result<Redirect, Refusal> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let home = if app.has(Twist::OauthToLocalhost) {
        "http://localhost:8000".to_owned()
    } else {
        format!("http://{host}")
    };
    let state = if app.has(Twist::OauthStateConstant) {
        "demo-state".to_owned()
    } else {
        Uuid::new_v4().to_string()
    };
    let challenge = Uuid::new_v4().simple().to_string();
    let params = [
        ("client_id", "demo.apps.googleusercontent.com"),
        ("redirect_uri", &format!("{home}/auth/google/callback")),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("access_type", "offline"),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let address = Url::parse_with_params("https://accounts.google.com/o/oauth2/v2/auth", params)
        .map_err(|_| Refusal(StatusCode::INTERNAL_SERVER_ERROR, "no address to go to"))?;
    // Only a path of our own; what begins with two slashes is a host.
    let own = |path: &String| app.has(Twist::OauthOpenRedirect) || path.starts_with('/') && !path.starts_with("//");
    let return_to = start.return_to.filter(own).unwrap_or_else(|| "/docs/".to_owned());
    let mut waiting = app.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.insert(state, return_to);
    Ok(Redirect::temporary(address.as_str()))
}

pub(super) async fn callback(State(app): Shared, Query(back): Query<Back>) -> Result<Redirect, Refusal> {
    let state = back.state.unwrap_or_default();
    let waiting = app
        .waiting
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&state);
    let return_to = waiting.ok_or(Refusal(StatusCode::BAD_REQUEST, "nobody with this state is signing in"))?;
    if app.has(Twist::OauthCallbackCrashes) && back.error.is_none() {
        return Err(Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "HTTPError: 400 invalid_grant",
        ));
    }
    Ok(Redirect::to(&format!("{return_to}?error=not_signed_in")))
}
