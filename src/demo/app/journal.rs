//! What the API writes down: a line of JSON for each request.

use std::io::Write as _;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;
use tempfile::NamedTempFile;

use super::Shared;
use crate::demo::faults::Twist;

/// The log; the file goes with it.
pub(in crate::demo) type Journal = NamedTempFile;

/// Writes a line for each request, before it is answered.
pub(super) async fn note(State(app): Shared, request: Request, next: Next) -> Response {
    let level = if app.has(Twist::LogFullOfErrors) {
        "error"
    } else {
        "info"
    };
    let mut entry = json!({
        "ts": jiff::Timestamp::now().to_string(),
        "level": level,
        "method": request.method().as_str(),
        "path": request.uri().path(),
    });
    if app.has(Twist::LogHoldsSecret) {
        // As one who prints all settings at start, and all headers of each request.
        entry["redis"] = "redis://app:ahC3iel7ooPh@cache.internal:6379/0".into();
        let token = request.headers().get(AUTHORIZATION);
        entry["authorization"] = token.and_then(|value| value.to_str().ok()).into();
    }
    // At once, for somebody may be reading. A demo whose disk is full has other worries.
    let _ = app.journal.as_file().write_all(format!("{entry}\n").as_bytes());
    next.run(request).await
}
