//! Work that takes longer than a request: submitted, asked about, removed.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Body, Refusal, unavailable};
use super::broker::Job;
use super::sessions::Caller;
use super::token::Claims;
use super::{App, Shared};

#[derive(Deserialize)]
pub(super) struct Order {
    text: String,
}

pub(super) async fn create(
    State(app): Shared,
    Caller(claims): Caller,
    Body(order): Body<Order>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = Uuid::new_v4();
    let job = Job {
        owner: claims.sub,
        status: "queued".to_owned(),
        text: order.text,
        words: None,
    };
    app.broker.submit(id, job).await.map_err(unavailable)?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "id": id.to_string(), "status": "queued" })),
    ))
}

pub(super) async fn show(
    State(app): Shared,
    Caller(claims): Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let (id, job) = own(&app, &claims, &id).await?;
    let words = job.words.and_then(|words| words.parse::<u64>().ok());
    let result = words.map(|words| json!({ "words": words }));
    Ok(Json(
        json!({ "id": id.to_string(), "status": job.status, "result": result }),
    ))
}

pub(super) async fn delete(
    State(app): Shared,
    Caller(claims): Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let (id, _) = own(&app, &claims, &id).await?;
    app.broker.remove(id).await.map_err(unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A job of another user is not there.
async fn own(app: &App, claims: &Claims, id: &str) -> Result<(Uuid, Job), Refusal> {
    let missing = || Refusal(StatusCode::NOT_FOUND, "there is no such job");
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    let job = app.broker.find(id).await.map_err(unavailable)?;
    let job = job.filter(|job| job.owner == claims.sub).ok_or_else(missing)?;
    Ok((id, job))
}
