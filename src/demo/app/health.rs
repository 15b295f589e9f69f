//! Whether the API and what it needs are well.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Shared;
use crate::demo::faults::Twist;

/// How long a part may take to answer before it counts as down.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn health(State(app): Shared) -> (StatusCode, Json<Value>) {
    let database = timeout(PATIENCE, app.store.state());
    let redis = timeout(PATIENCE, app.broker.state());
    let (database, redis) = tokio::join!(database, redis);
    let (database, redis) = (database.unwrap_or("down"), redis.unwrap_or("down"));
    let (status, word) = match (database, redis) {
        ("down", _) | (_, "down") => (StatusCode::SERVICE_UNAVAILABLE, "degraded"),
        _ if app.has(Twist::HealthDegraded) => (StatusCode::OK, "degraded"),
        _ => (StatusCode::OK, "healthy"),
    };
    let mut body = json!({
        "status": word,
        "version": app.version,
        "uptime": app.started.elapsed().as_secs_f64(),
        "parts": { "database": database, "redis": redis },
    });
    if app.has(Twist::HealthTellsHosts) {
        body["host"] = "pg-main.internal:5432".into();
    }
    (status, Json(body))
}
