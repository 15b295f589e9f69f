//! The front end of metricx, as Next.js serves it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use super::BUILD;
use super::app::{App, Metricx};
use crate::standin::answer::{headers, html, with};

const SCRIPT: &str = "main-app-7f3c9a1e42b8d065.js";

/// A page, its script, and what answers to every other path.
pub(super) fn router(state: Arc<Metricx>) -> Router {
    let site = Router::new()
        .route("/", get(page))
        .route("/_next/static/chunks/{file}", get(script))
        .route("/_next/static/{build}/_buildManifest.js", get(manifest))
        .fallback(elsewhere)
        .with_state(state);
    headers(site, vec![("x-powered-by", "Next.js")])
}

async fn page(State(app): App) -> Response {
    if app.broken("frontend_down") {
        return html(502, "Bad Gateway");
    }
    let title = if app.broken("frontend_of_somebody_else") {
        "Create Next App"
    } else {
        "metricx"
    };
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>{title}</title>\
         <script src=\"/_next/static/chunks/{SCRIPT}\" async=\"\"></script></head><body><main>Ads, answered.</main></body></html>"
    );
    html(200, page)
}

async fn script(State(app): App, Path(file): Path<String>) -> Response {
    if file != SCRIPT || app.broken("frontend_of_two_builds") {
        return not_found();
    }
    let api = if app.broken("frontend_of_a_developer") {
        "http://localhost:8000"
    } else {
        "/api"
    };
    let script = format!("(self.webpackChunk_N_E=self.webpackChunk_N_E||[]).push([[744],{{1:()=>\"{api}\"}}]);");
    let answer = Response::new(script.into());
    let answer = with(answer, "content-type", "application/javascript; charset=UTF-8");
    with(answer, "cache-control", "public, max-age=31536000, immutable")
}

async fn manifest(State(app): App, Path(build): Path<String>) -> Response {
    if build != BUILD || app.broken("frontend_of_last_week") {
        return not_found();
    }
    with(
        Response::new("self.__BUILD_MANIFEST={};".into()),
        "content-type",
        "application/javascript; charset=UTF-8",
    )
}

async fn elsewhere(State(app): App) -> Response {
    if app.broken("frontend_finds_everything") {
        return page(State(app)).await;
    }
    not_found()
}

fn not_found() -> Response {
    html(404, "<!DOCTYPE html><title>404: This page could not be found.</title>")
}
