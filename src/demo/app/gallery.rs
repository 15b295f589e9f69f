//! The page that everybody opens at the same time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Shared;
use super::answer::Refusal;
use crate::demo::faults::Twist;

/// How many look at once.
#[derive(Default)]
pub(super) struct Visitors(AtomicU32);

/// More than these are too many, where the gallery is to break.
const ROOM: u32 = 3;

pub(super) async fn gallery(State(app): Shared) -> Result<Json<Value>, Refusal> {
    let now = app.visitors.0.fetch_add(1, Ordering::SeqCst) + 1;
    let crowded = now > ROOM;
    // As long as it takes to look something up.
    sleep(Duration::from_millis(5)).await;
    if crowded && app.has(Twist::SlowUnderLoad) {
        sleep(Duration::from_millis(150) * now).await;
    }
    app.visitors.0.fetch_sub(1, Ordering::SeqCst);
    if crowded && app.has(Twist::BreaksUnderLoad) {
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "too many connections"));
    }
    Ok(Json(json!({ "pictures": ["a lighthouse in fog", "a cat in a hat"] })))
}
