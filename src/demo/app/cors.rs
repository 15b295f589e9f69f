//! Which sites may use the API from a browser: the front end, and nobody else.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{App, Shared};
use crate::demo::faults::Twist;

/// Where the front end would live.
const FRONT_END: &str = "https://app.demo.example";

/// Answers preflights, and says in every other answer whether its origin may read it.
pub(super) async fn cors(State(app): Shared, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let preflight = request.method() == Method::OPTIONS && origin.is_some();
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.filter(|origin| allows(&app, origin)) {
        grant(headers, origin);
    }
    response
}

fn allows(app: &App, origin: &HeaderValue) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    match origin {
        FRONT_END => !app.has(Twist::CorsForgotten),
        _ => app.has(Twist::CorsEchoes) || (app.has(Twist::CorsLookalikes) && origin.contains("localhost")),
    }
}

fn grant(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
