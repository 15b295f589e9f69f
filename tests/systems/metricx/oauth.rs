//! "Connect Google Ads" and "Connect Meta Ads": to the provider and back, and the shortcuts for developers.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use url::Url;

use super::app::App;
use super::{FRONT_END, GOOGLE_CLIENT_ID, META_APP_ID};
use crate::standin::answer::json;

pub(super) async fn authorize(State(app): App, Path(provider): Path<String>, head: HeaderMap) -> Response {
    let user = match app.user(&head).await {
        Ok(user) => user,
        Err(refused) => return refused,
    };
    let is = |name: &str| app.broken(&format!("{provider}_{name}"));
    let site = if is("redirects_to_localhost") {
        "http://localhost:8000"
    } else {
        &app.url
    };
    let back = format!("{site}/auth/{provider}/callback");
    let state = user["workspace_id"].as_str().unwrap_or_default();
    let common = [
        ("redirect_uri", back.as_str()),
        ("response_type", "code"),
        ("state", state),
    ];
    let (place, own) = if provider == "google" {
        let scope = "https://www.googleapis.com/auth/adwords";
        let own = [
            ("client_id", GOOGLE_CLIENT_ID),
            ("scope", scope),
            ("access_type", "offline"),
            ("prompt", "consent"),
        ];
        ("https://accounts.google.com/o/oauth2/v2/auth", own.to_vec())
    } else {
        let own = [
            ("client_id", META_APP_ID),
            ("scope", "ads_management,ads_read,business_management"),
        ];
        ("https://www.facebook.com/v24.0/dialog/oauth", own.to_vec())
    };
    let forgotten = match () {
        () if is("forgets_the_client") => "client_id",
        () if is("asks_for_no_refresh_token") => "access_type",
        () => "",
    };
    let own = own.into_iter().filter(|(name, _)| *name != forgotten);
    let address = Url::parse_with_params(place, own.chain(common)).unwrap();
    Redirect::temporary(address.as_str()).into_response()
}

/// Whoever comes back with a code that the provider does not know ends in the settings.
pub(super) async fn callback(
    State(app): App,
    Path(provider): Path<String>,
    Query(sent): Query<Vec<(String, String)>>,
) -> Response {
    let is = |name: &str| app.broken(&format!("{provider}_{name}"));
    if is("callback_crashes") {
        return json(500, &json!({ "detail": "Internal Server Error" }));
    }
    let sent = |name: &str| sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
    let workspace = "select count(*) as known from workspaces where id::text = $1::text";
    let known = app.db.row(workspace, &[&sent("state")]).await;
    if known["known"] != 1 && is("callback_dies_of_a_state") {
        return json(500, &json!({ "detail": "Internal Server Error" }));
    }
    let message = if sent("code").is_empty() {
        "missing_code"
    } else if known["known"] != 1 {
        "invalid_workspace"
    } else if is("callback_not_configured") {
        "oauth_not_configured"
    } else {
        "token_exchange_failed"
    };
    let place = format!("{FRONT_END}/settings?{provider}_oauth=error&message={message}");
    Redirect::temporary(&place).into_response()
}

/// A connection out of the environment's variables, which production has not.
pub(super) async fn from_env(State(app): App, Path(provider): Path<String>, head: HeaderMap) -> Response {
    if let Err(refused) = app.user(&head).await {
        return refused;
    }
    if app.broken(&format!("{provider}_variables_are_set")) {
        return json(201, &json!({ "provider": provider, "status": "active" }));
    }
    let missing = match provider.as_str() {
        "google" => "Missing env vars: GOOGLE_CUSTOMER_ID, GOOGLE_REFRESH_TOKEN",
        _ => "Missing env var: META_ACCESS_TOKEN",
    };
    json(400, &json!({ "detail": missing }))
}
