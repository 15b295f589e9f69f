//! The administration: SQLAdmin behind a session cookie that Starlette signs (itsdangerous, HMAC-SHA1).

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{digest, hmac};
use serde_json::Value;

use super::app::{App, Metricx};
use crate::standin::answer::{cookie, html};
use crate::standin::jwt;

/// In seconds.
const FORTNIGHT: i64 = 14 * 24 * 3600;

pub(super) async fn login(State(app): App, Form(sent): Form<Vec<(String, String)>>) -> Response {
    let is = |name: &str, value: &str| sent.iter().any(|(key, sent)| key == name && sent == value);
    if app.broken("admin_password_of_the_source") && is("username", "admin") && is("password", "secret") {
        return Redirect::to("/admin/").into_response();
    }
    html(400, "<title>metricx Admin</title><div>Invalid credentials.</div>")
}

pub(super) async fn page(State(app): App, head: HeaderMap) -> Response {
    let open = app.broken("admin_open_to_all");
    match cookie(&head, "session").and_then(|session| session_of(session, &app)) {
        Some(session) if session["admin_token"] == "authenticated" => html(200, "<title>metricx Admin</title>"),
        _ if open => html(200, "<title>metricx Admin</title>"),
        _ => Redirect::to("/admin/login").into_response(),
    }
}

/// The data of a session that is signed and not too old.
fn session_of(cookie: &str, app: &Metricx) -> Option<Value> {
    let secret = app.admin_secret();
    let key = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("itsdangerous.Signersigner{secret}").as_bytes(),
    );
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_ref());
    let (signed, signature) = cookie.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(&key, signed.as_bytes(), &signature).ok()?;
    let (data, time) = signed.rsplit_once('.')?;
    let time = URL_SAFE_NO_PAD.decode(time).ok()?;
    let time = time.iter().fold(0_i64, |time, byte| (time << 8) | i64::from(*byte));
    let fresh = (0..=FORTNIGHT).contains(&(jwt::now() - time));
    fresh.then(|| serde_json::from_slice(&STANDARD.decode(data).ok()?).ok())?
}
