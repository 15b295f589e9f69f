//! The front end of mvp: static files, as Cloudflare Pages serves them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::app::{App, Mvp};
use super::{COMMIT, GEMINI_API_KEY, SENTRY_KEY};
use crate::standin::answer::{html, text, with};

/// One page for every path, and what it loads.
pub(super) fn router(state: Arc<Mvp>) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/assets/{file}", get(asset))
        .fallback(deep)
        .with_state(state)
}

async fn deep(State(app): App) -> Response {
    if app.broken("deep_links_lost") {
        return html(404, "Not found");
    }
    let mut answer = page(&app);
    if app.broken("headers_on_the_front_page_only") {
        for name in [
            "content-security-policy",
            "x-frame-options",
            "referrer-policy",
            "permissions-policy",
        ] {
            answer.headers_mut().remove(name);
        }
    }
    answer
}

async fn front(State(app): App) -> Response {
    page(&app)
}

fn page(app: &Mvp) -> Response {
    if app.broken("site_down") {
        return html(522, "connection timed out");
    }
    let build = if app.broken("old_build") { "0000000" } else { COMMIT };
    let image = if app.broken("mixed_content") {
        "<img src=\"http://cdn.your-domain.com/logo.png\">"
    } else {
        ""
    };
    let page = format!(
        "<!doctype html><html><head><title>Avatar studio</title><meta name=\"build\" content=\"{build}\">\
         <link rel=\"stylesheet\" href=\"/assets/index-9c1d2f7a.css\">\
         <script type=\"module\" src=\"/assets/index-4f3ab21c.js\"></script></head><body><div id=\"root\"></div>{image}</body></html>"
    );
    let kept = if app.broken("page_kept_for_a_day") {
        "max-age=86400"
    } else {
        "public, max-age=0, must-revalidate"
    };
    let head = [
        (
            "no_csp",
            "content-security-policy",
            "default-src 'self'; img-src 'self' https:; frame-ancestors 'none'",
        ),
        ("no_frame_options", "x-frame-options", "DENY"),
        (
            "no_referrer_policy",
            "referrer-policy",
            "strict-origin-when-cross-origin",
        ),
        (
            "no_permissions_policy",
            "permissions-policy",
            "camera=(), microphone=()",
        ),
        ("", "cache-control", kept),
    ];
    let head = head.into_iter().filter(|(missing, ..)| !app.broken(missing));
    let answer = head.fold(html(200, page), |answer, (_, name, value)| with(answer, name, value));
    at_the_edge(app, answer, "DYNAMIC")
}

/// What Cloudflare adds.
fn at_the_edge(app: &Mvp, mut answer: Response, cache: &str) -> Response {
    if !app.broken("no_cdn") {
        answer = with(answer, "cf-cache-status", cache);
    }
    if !app.broken("no_http3") {
        answer = with(answer, "alt-svc", "h3=\":443\"; ma=86400");
    }
    answer
}

async fn asset(State(app): App, Path(file): Path<String>, head: HeaderMap) -> Response {
    let (kind, content) = match file.as_str() {
        _ if app.broken("assets_missing") => return page(&app),
        "index-4f3ab21c.js" => ("text/javascript", bundle(&app)),
        "index-9c1d2f7a.css" if !app.broken("style_missing") => ("text/css", "body { margin: 0 }".to_owned()),
        _ => return page(&app),
    };
    let cache = if app.broken("assets_not_kept") {
        "no-store"
    } else {
        "public, max-age=31536000, immutable"
    };
    let packed = text(&head, "accept-encoding").is_some_and(|said| said.contains("br")) && !app.broken("no_brotli");
    let mut answer = with(Response::default(), "content-type", kind);
    if packed {
        let mut bytes = Vec::new();
        let params = brotli::enc::BrotliEncoderParams {
            quality: 1,
            ..Default::default()
        };
        brotli::BrotliCompress(&mut content.as_bytes(), &mut bytes, &params).unwrap();
        *answer.body_mut() = bytes.into();
        answer = with(answer, "content-encoding", "br");
    } else {
        *answer.body_mut() = content.into();
    }
    at_the_edge(&app, with(answer, "cache-control", cache), "HIT")
}

/// The front end's one script, with what Vite put into it.
fn bundle(app: &Mvp) -> String {
    let unless = |broken: &str, good: &str, bad: &str| {
        if app.broken(broken) {
            bad.to_owned()
        } else {
            good.to_owned()
        }
    };
    let api = unless(
        "built_for_localhost",
        "https://your-api-domain.fly.dev",
        "http://localhost:8000",
    );
    let stripe = unless("built_with_test_key", "pk_live_51H8xKQ2mTz", "pk_test_51H8xKQ2mTz");
    let secret = match () {
        () if app.broken("built_with_secret") => "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        () if app.broken("built_with_gemini_key") => GEMINI_API_KEY,
        () => "",
    };
    let sentry = unless(
        "built_without_sentry",
        &format!("https://{SENTRY_KEY}@o1.ingest.sentry.io/42"),
        "",
    );
    let rest = if app.broken("script_too_large") {
        "/* */".repeat(120_000)
    } else {
        String::new()
    };
    format!(
        "const c={{api:\"{api}\",stripe:\"{stripe}\",fb:\"AIzaSyD-0123456789abcdefghijklmnopqrstu\",project:\"avatar-studio\",\
         dsn:\"{sentry}\",x:\"{secret}\"}};{rest}"
    )
}
