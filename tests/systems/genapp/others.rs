//! The routes of genapp besides those that make something: accounts, what is saved and deleted, the administration.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::app::{Shared, unauthorized};
use super::{ADMIN_PASSWORD, CRON_SECRET, USERS};
use crate::standin::answer::{bearer, json};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/user/ledger", get(ledger))
        .route("/api/edited-images", get(edits))
        .route("/api/images", get(pictures))
        .route("/api/videos", get(pictures))
        .route("/api/saved-images", get(pictures))
        .route("/api/list-images", get(all_pictures))
        .route("/api/save-image", post(signed_in::<200>))
        .route("/api/delete-image", delete(signed_in::<200>))
        .route("/api/save-video", post(save_video))
        .route("/api/delete-video", delete(signed_in::<200>))
        .route("/api/save-edited-image", post(signed_in::<400>))
        .route("/api/delete-edited-image", delete(signed_in::<400>))
        .route("/api/crypto/create-invoice", post(invoice))
        .route("/api/admin/control", get(administration))
        .route("/api/admin/settings", get(settings).post(set_settings))
        .route("/api/user/add-credits", post(add_credits))
        .route("/api/cleanup-temp", post(cleanup))
}

async fn ledger(State(app): State<Shared>, head: HeaderMap) -> Response {
    if app.user(&head).is_none() && !app.broken("ledger_public") {
        return unauthorized();
    }
    let all = USERS.map(|(id, ..)| json!({ "user_id": id, "delta": 3000 }));
    let shown = if app.broken("ledger_of_all") {
        &all[..]
    } else {
        &all[..0]
    };
    json(200, &json!({ "ledger": shown }))
}

async fn edits(State(app): State<Shared>, head: HeaderMap) -> Response {
    match app.user(&head) {
        Some(_) => json(200, &json!({ "images": [] })),
        None => unauthorized(),
    }
}

/// Opens with the administration's own password.
async fn administration(State(app): State<Shared>, head: HeaderMap) -> Response {
    let password = if app.broken("admin_password_default") {
        "admin123"
    } else {
        ADMIN_PASSWORD
    };
    if bearer(&head) != Some(password) {
        return unauthorized();
    }
    json(200, &json!({ "appEnabled": true }))
}

/// What answers so to whoever is signed in.
async fn signed_in<const STATUS: u16>(State(app): State<Shared>, head: HeaderMap) -> Response {
    match app.user(&head) {
        Some(_) => json(STATUS, &json!({ "error": "Image ID is required" })),
        None => unauthorized(),
    }
}

async fn invoice(app: State<Shared>, head: HeaderMap) -> Response {
    if app.broken("invoices_for_strangers") {
        return json(400, &json!({ "error": "Invalid package" }));
    }
    signed_in::<400>(app, head).await
}

async fn settings(app: State<Shared>, head: HeaderMap) -> Response {
    if app.broken("settings_for_users") && app.user(&head).is_some() {
        return json(200, &json!({ "settings": [] }));
    }
    signed_in::<403>(app, head).await
}

/// Credits for who knows the administration's password; here they are for nobody that there is.
async fn add_credits(State(app): State<Shared>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let password = match () {
        () if app.broken("no_admin_password") => Value::Null,
        () if app.broken("admin_password_default") => json!("admin123"),
        () => json!(ADMIN_PASSWORD),
    };
    if asked["password"] != password {
        return unauthorized();
    }
    json(404, &json!({ "error": "User not found" }))
}

async fn set_settings(app: State<Shared>, head: HeaderMap) -> Response {
    if app.broken("settings_changed_by_users") && app.user(&head).is_some() {
        return json(200, &json!({ "success": true }));
    }
    signed_in::<403>(app, head).await
}

/// One's own pictures or videos; who is not signed in has none.
async fn pictures(State(app): State<Shared>, head: HeaderMap) -> Response {
    let own = json!([{ "url": "https://blob.example/1.png" }]);
    let seen = app.user(&head).map_or(json!([]), |_| own);
    json(200, &json!({ "images": seen }))
}

async fn all_pictures(app: State<Shared>, head: HeaderMap) -> Response {
    if app.broken("everybodys_pictures") {
        return json(200, &json!({ "images": [{ "url": "https://blob.example/2.png" }] }));
    }
    pictures(app, head).await
}

async fn save_video(app: State<Shared>, head: HeaderMap) -> Response {
    if app.broken("saving_guard_forgotten") {
        return json(200, &json!({ "success": true }));
    }
    signed_in::<200>(app, head).await
}

/// Deletes temporary files, every night.
async fn cleanup(State(app): State<Shared>, head: HeaderMap) -> Response {
    let secret = if app.broken("cron_secret_default") {
        "your-secret-key"
    } else {
        CRON_SECRET
    };
    if bearer(&head) != Some(secret) {
        return unauthorized();
    }
    json(200, &json!({ "deleted": 0 }))
}
