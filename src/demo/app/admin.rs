//! What only administrators see.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use super::answer::Refusal;
use super::sessions::Caller;
use crate::demo::faults::Twist;

pub(super) async fn dashboard(State(app): Shared, caller: Result<Caller, Refusal>) -> Result<Json<Value>, Refusal> {
    if !app.has(Twist::AdminOpen) {
        let Caller(claims) = caller?;
        if claims.role != "admin" && !app.has(Twist::AdminForUsers) {
            return Err(Refusal(StatusCode::FORBIDDEN, "only administrators may see this"));
        }
    }
    Ok(Json(json!({
        "version": app.version,
        "uptime": app.started.elapsed().as_secs_f64(),
        "accounts": app.accounts.len(),
    })))
}
