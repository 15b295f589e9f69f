//! Requests and answers of the stand-ins' applications.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// `body` as JSON, with this status.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    let head = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), head, body.to_string()).into_response()
}

/// `page` as HTML, with this status.
pub(crate) fn html(status: u16, page: impl Into<String>) -> Response {
    let head = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (StatusCode::from_u16(status).unwrap(), head, page.into()).into_response()
}

/// The answer with another header.
pub(crate) fn with(mut response: Response, name: &str, value: &str) -> Response {
    let name: HeaderName = name.parse().unwrap();
    response.headers_mut().append(name, value.parse().unwrap());
    response
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, "authorization")?.strip_prefix("Bearer ")
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A cookie's value as it was sent, quotes included.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = text(headers, "cookie")?.split("; ");
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Adds headers to every answer of `router` that has them not.
pub(crate) fn headers(router: Router, added: Vec<(&'static str, &'static str)>) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let added = added.clone();
        async move {
            let mut response = next.run(request).await;
            for (name, value) in added {
                let headers = response.headers_mut();
                headers.entry(name).or_insert(HeaderValue::from_static(value));
            }
            response
        }
    }))
}

/// Cross-origin sharing with credentials in front of `router`: `allowed` says what `Access-Control-Allow-Origin` an origin
/// gets. A preflight from any other is a 400, as Starlette has it.
pub(crate) fn cors(router: Router, allowed: impl Fn(&str) -> Option<String> + Clone + Send + Sync + 'static) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let allowed = allowed.clone();
        async move {
            let origin = text(request.headers(), "origin").map(str::to_owned);
            let granted = origin.as_deref().and_then(&allowed);
            let preflight = request.method() == Method::OPTIONS
                && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            let mut response = match (preflight, &granted) {
                (true, None) => (StatusCode::BAD_REQUEST, "Disallowed CORS origin").into_response(),
                (true, Some(_)) => {
                    let response = Body::empty().into_response();
                    let response = with(
                        response,
                        "access-control-allow-methods",
                        "GET, POST, PUT, PATCH, DELETE, OPTIONS",
                    );
                    with(response, "access-control-allow-headers", "Authorization, Content-Type")
                }
                (false, _) => next.run(request).await,
            };
            if let Some(granted) = granted {
                response = with(response, "access-control-allow-origin", &granted);
                response = with(response, "access-control-allow-credentials", "true");
                response = with(response, "vary", "Origin");
            }
            response
        }
    }))
}
