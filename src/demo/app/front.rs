//! The front end: a page and its script, as a build left them; and what must not be served beside them.

use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};

use super::{Shared, pages};
use crate::demo::faults::Twist;

pub(super) async fn page() -> Html<&'static str> {
    Html("<!doctype html><title>Demo</title><div id=app></div><script type=module src=/assets/app.js></script>")
}

pub(super) async fn script(State(app): Shared) -> Response {
    // In two parts, for this source is searched for keys as well.
    let secret = if app.has(Twist::BundleHoldsSecret) {
        concat!(",stripe:\"sk_live", "_51HxDemoDemoDemoDemo2\"")
    } else {
        ""
    };
    let script = format!(
        "const config={{api:\"/api\",publishable:\"pk_live_51HxDemo\"{secret}}};fetch(config.api+\"/models\");\n"
    );
    ([(CONTENT_TYPE, "text/javascript")], script).into_response()
}

pub(super) async fn env_file(State(app): Shared, uri: Uri) -> Response {
    if app.has(Twist::EnvFileServed) {
        return "DATABASE_URL=postgres://demo@db/demo\nLOG_LEVEL=info\n".into_response();
    }
    pages::unknown(State(app), uri).await
}
