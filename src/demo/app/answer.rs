//! How the API says no, and how it reads JSON.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;

use super::App;
use crate::demo::faults::Twist;

/// A status and a sentence, as JSON.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// The server that an answer needs does not answer itself.
pub(super) fn unavailable<E>(_: E) -> Refusal {
    Refusal(
        StatusCode::SERVICE_UNAVAILABLE,
        "a server behind this one does not answer",
    )
}

/// The body as JSON; 400 with a sentence otherwise.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        match Json::from_request(request, app).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(_) if app.has(Twist::BadInputCrashes) => Err(Refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "SyntaxError: Unexpected token in JSON",
            )),
            Err(_) => Err(Refusal(
                StatusCode::BAD_REQUEST,
                "the body is not the JSON that is expected here",
            )),
        }
    }
}
