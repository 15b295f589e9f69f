//! Making an image, which is what costs: so many a window for each user.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::answer::{Body, Refusal};
use super::limiter::{self, Count};
use super::sessions::Caller;
use super::{App, Shared};
use crate::demo::faults::Twist;

/// How many requests a user has in one window.
const LIMIT: u64 = 10;

#[derive(Deserialize)]
pub(super) struct Wish {
    prompt: String,
}

pub(super) async fn generate(
    State(app): Shared,
    Caller(claims): Caller,
    headers: HeaderMap,
    wish: Result<Body<Wish>, Refusal>,
) -> Result<Response, Refusal> {
    let count = count(&app, &claims.sub, &headers).await;
    let limit = if app.has(Twist::RateLimitOffByOne) {
        LIMIT + 1
    } else {
        LIMIT
    };
    let left = limit.saturating_sub(count.requests);
    let mut answer = if count.requests > limit && !app.has(Twist::RateLimitNever) {
        refused(&app, &count)
    } else {
        made(&wish?)?
    };
    let seconds = count.resets_in.as_secs_f64().ceil();
    for (name, value) in [
        ("ratelimit-limit", LIMIT.to_string()),
        ("ratelimit-remaining", left.to_string()),
        ("ratelimit-reset", seconds.to_string()),
    ] {
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(answer)
}

/// By user, whatever address the request says it comes from.
async fn count(app: &App, user: &str, headers: &HeaderMap) -> Count {
    let claimed = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let key = match claimed {
        _ if app.has(Twist::RateLimitGlobal) => "everyone".to_owned(),
        Some(address) if app.has(Twist::RateLimitEscapes) => address.to_owned(),
        _ => user.to_owned(),
    };
    limiter::count(app, &key).await
}

fn refused(app: &App, count: &Count) -> Response {
    let seconds = count.resets_in.as_secs_f64().ceil();
    let mut answer = Refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests, please wait").into_response();
    if !app.has(Twist::RateLimitNoRetryAfter)
        && let Ok(value) = seconds.to_string().parse()
    {
        answer.headers_mut().insert("retry-after", value);
    }
    answer
}

fn made(Body(Wish { prompt }): &Body<Wish>) -> Result<Response, Refusal> {
    if prompt.trim().is_empty() {
        return Err(Refusal(StatusCode::BAD_REQUEST, "a prompt is needed"));
    }
    let image = format!("https://cdn.demo.example/{}.png", Uuid::new_v4().simple());
    Ok(Json(json!({ "image": image, "prompt": prompt })).into_response())
}
