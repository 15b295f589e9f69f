//! What the service has to offer, and what it costs.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Refusal, unavailable};
use super::sessions::Caller;
use crate::demo::faults::Twist;

pub(super) async fn workflows(State(app): Shared) -> Result<Json<Value>, Refusal> {
    if app.has(Twist::Slow) {
        tokio::time::sleep(Duration::from_millis(4500)).await;
    }
    let workflows = app.store.workflows().await.map_err(unavailable)?;
    Ok(Json(json!({ "workflows": workflows })))
}

pub(super) async fn models(State(app): Shared) -> Json<Value> {
    if app.has(Twist::Hang) {
        std::future::pending::<()>().await;
    }
    Json(json!({ "models": [{ "id": "sketch-1", "kind": "image" }, { "id": "reel-1", "kind": "video" }] }))
}

pub(super) async fn pricing(State(app): Shared) -> Response {
    if app.has(Twist::ConnectionReset) {
        let cut = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("reset")) });
        return Body::from_stream(cut).into_response();
    }
    Json(json!({ "currency": "credits", "image": 500, "video": 1000 })).into_response()
}

pub(super) async fn credits(State(app): Shared, Caller(claims): Caller) -> Result<Response, Refusal> {
    let credits = app.store.credits(&claims.sub).await.map_err(unavailable)?;
    let body = json!({ "user": claims.sub, "credits": credits });
    if app.has(Twist::GarbageJson) {
        let text = body.to_string();
        let half = text[..text.len() / 2].to_owned();
        return Ok(([(header::CONTENT_TYPE, "application/json")], half).into_response());
    }
    Ok(Json(body).into_response())
}
