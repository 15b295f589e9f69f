//! What belongs to no resource: the manual, unknown paths, and the headers of every answer.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;

use super::Shared;
use super::answer::Refusal;
use super::health::health;
use crate::demo::faults::Twist;

pub(super) async fn docs_without_slash(State(app): Shared) -> Redirect {
    Redirect::permanent(if app.has(Twist::RedirectToLocalhost) {
        "http://localhost:3000/docs/"
    } else {
        "/docs/"
    })
}

pub(super) async fn docs() -> Html<&'static str> {
    Html("<!doctype html><title>Demo API</title><h1>Demo API</h1><p>POST /api/auth/login to begin.</p>")
}

pub(super) async fn unknown(State(app): Shared, uri: Uri) -> Response {
    if app.has(Twist::CatchAll200) {
        return health(State(app)).await.into_response();
    }
    let body = json!({ "error": "not found", "path": uri.path() });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

pub(super) async fn wrong_method() -> Refusal {
    Refusal(StatusCode::METHOD_NOT_ALLOWED, "this method is not allowed here")
}

/// Adds the headers that tell browsers to be careful.
pub(super) async fn security_headers(State(app): Shared, request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        if name != header::X_CONTENT_TYPE_OPTIONS || !app.has(Twist::MissingHeader) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    let headers = response.headers_mut();
    if app.has(Twist::CspLoose) {
        let loose = HeaderValue::from_static("default-src * 'unsafe-inline' 'unsafe-eval'");
        headers.insert(header::CONTENT_SECURITY_POLICY, loose);
    }
    if app.has(Twist::PoweredByShown) {
        headers.insert("x-powered-by", HeaderValue::from_static("Express"));
    }
    response
}
