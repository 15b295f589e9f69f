//! Events of a payment provider, signed as Stripe signs.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::answer::Refusal;
use super::token::now;
use super::{App, Shared};
use crate::demo::faults::Twist;

/// How old a signature may be, in seconds.
const TOLERANCE: u64 = 300;

pub(super) async fn stripe(State(app): Shared, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Refusal> {
    let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    if app.has(Twist::WebhookDead) || !(app.has(Twist::WebhookOpen) || is_genuine(&app, header, &body)?) {
        return Err(Refusal(StatusCode::BAD_REQUEST, "no valid signature"));
    }
    let event: Value =
        serde_json::from_slice(&body).map_err(|_| Refusal(StatusCode::BAD_REQUEST, "the event is no JSON"))?;
    Ok(Json(json!({ "received": true, "id": event["id"] })))
}

fn is_genuine(app: &App, header: Option<&str>, body: &[u8]) -> Result<bool, Refusal> {
    let parts = header.and_then(|header| header.strip_prefix("t=")?.split_once(",v1="));
    let Some((at, signature)) = parts else {
        return Ok(false);
    };
    if app.has(Twist::WebhookCrashes) && signature.len() != 64 {
        return Err(Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "RangeError: input buffers must have the same byte length",
        ));
    }
    let fresh = at.parse().is_ok_and(|at: u64| now().abs_diff(at) <= TOLERANCE);
    let mac = Hmac::<Sha256>::new_from_slice(app.webhook_secret.as_bytes());
    let mac = mac.map(|mac| mac.chain_update(at).chain_update(".").chain_update(body));
    let signed = mac.is_ok_and(|mac| mac.verify_slice(&bytes(signature)).is_ok());
    Ok(signed && (fresh || app.has(Twist::WebhookNeverStale)))
}

/// The bytes of a hexadecimal text; none where it is not one.
fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let read = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    read.collect::<Option<_>>().unwrap_or_default()
}
