//! Work that takes longer than a request: submitted, asked about, removed.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::answer::{Body, Refusal, unavailable};
use super::broker::Job;
use super::sessions::Caller;
use super::token::Claims;
use super::{App, Shared};
use crate::demo::faults::Twist;

#[derive(Deserialize)]
pub(super) struct Order {
    text: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Seconds for which to wait for the result.
    #[serde(default)]
    wait: u64,
}

const LONGEST_WAIT: u64 = 5;

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
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Refusal> {
    let patience = Duration::from_secs(asked.wait.min(LONGEST_WAIT));
    let asked = Instant::now();
    let (id, mut job) = own(&app, &claims, &id).await?;
    while job.status != "completed" && asked.elapsed() < patience {
        sleep(Duration::from_millis(10)).await;
        job = own(&app, &claims, &id.to_string()).await?.1;
    }
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
    let job = job
        .filter(|job| job.owner == claims.sub || app.has(Twist::JobsShared))
        .ok_or_else(missing)?;
    Ok((id, job))
}
