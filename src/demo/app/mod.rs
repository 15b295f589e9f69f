//! The HTTP API of the demo: an image service in miniature, on PostgreSQL and Redis where there are any.

mod account;
mod admin;
mod answer;
mod broker;
mod catalogue;
mod cors;
mod edge;
mod front;
mod gallery;
mod generate;
mod health;
mod jobs;
mod journal;
mod limiter;
mod login;
mod oauth;
mod pages;
mod sessions;
mod store;
mod token;
mod webhook;
mod worker;

pub(super) use account::Account;
pub(super) use broker::Broker;
pub(super) use edge::{Edge, TlsListener};
pub(super) use journal::Journal;
pub(super) use store::Store;
pub(super) use token::Keys;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use super::faults::Twist;
use sessions::Sessions;

/// What all requests share.
pub(super) struct App {
    version: &'static str,
    started: Instant,
    twists: Vec<Twist>,
    keys: Keys,
    accounts: Vec<Account>,
    store: Store,
    broker: Broker,
    limiter: limiter::Memory,
    sessions: Sessions,
    journal: Journal,
    waiting: oauth::Waiting,
    /// What a payment provider signs its events with.
    webhook_secret: String,
    visitors: gallery::Visitors,
}

type Shared = axum::extract::State<Arc<App>>;

impl App {
    pub(super) fn new(
        version: &'static str,
        twists: Vec<Twist>,
        keys: Keys,
        accounts: Vec<Account>,
        store: Store,
        broker: Broker,
        journal: Journal,
    ) -> Self {
        Self {
            version,
            started: Instant::now(),
            twists,
            keys,
            accounts,
            store,
            broker,
            limiter: limiter::Memory::default(),
            sessions: Sessions::default(),
            journal,
            waiting: oauth::Waiting::default(),
            webhook_secret: String::new(),
            visitors: gallery::Visitors::default(),
        }
    }

    /// With what a payment provider signs its events with.
    pub(super) fn with_webhook_secret(self, webhook_secret: String) -> Self {
        Self { webhook_secret, ..self }
    }

    /// Whether this promise is to be broken.
    fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(front::page))
        .route("/assets/app.js", get(front::script))
        .route("/.env", get(front::env_file))
        .route("/health", get(health::health))
        .route("/docs", get(pages::docs_without_slash))
        .route("/docs/", get(pages::docs))
        .route("/session", post(login::session))
        .route("/api/auth/login", post(login::login))
        .route("/api/auth/refresh", post(login::refresh))
        .route("/api/auth/logout", post(login::logout))
        .route("/api/me", get(login::me))
        .route("/auth/google/authorize", get(oauth::authorize))
        .route("/auth/google/callback", get(oauth::callback))
        .route("/webhooks/stripe", post(webhook::stripe))
        .route("/api/admin/dashboard", get(admin::dashboard))
        .route("/api/workflows", get(catalogue::workflows))
        .route("/api/models", get(catalogue::models))
        .route("/api/pricing", get(catalogue::pricing))
        .route("/api/credits", get(catalogue::credits))
        .route("/api/gallery", get(gallery::gallery))
        .route("/api/generate", post(generate::generate))
        .route("/api/jobs", post(jobs::create))
        .route("/api/jobs/{id}", get(jobs::show).delete(jobs::delete))
        .fallback(pages::unknown)
        .method_not_allowed_fallback(pages::wrong_method)
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&app),
            pages::security_headers,
        ))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), journal::note))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), cors::cors))
        .with_state(app)
}

/// Answers requests until `stop` is ready. The worker has given a sign of life before the first one.
pub(super) async fn serve(
    app: App,
    listener: TcpListener,
    tls: TlsListener,
    ready: impl FnOnce(),
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let app = Arc::new(app);
    worker::start(&app).await?;
    // Where a connection is to be reset, closing it must not say goodbye first.
    let abrupt = app.has(Twist::ConnectionReset);
    let listener = listener.tap_io(move |connection| {
        let _ = connection.set_nodelay(true);
        if abrupt {
            let _ = connection.set_zero_linger();
        }
    });
    let router = router(app);
    let encrypted = axum::serve(tls, router.clone()).into_future();
    let serving = axum::serve(listener, router).into_future();
    ready();
    tokio::select! {
        ended = serving => ended.map_err(|error| format!("the API ended: {error}")),
        ended = encrypted => ended.map_err(|error| format!("the API ended: {error}")),
        () = stop => Ok(()),
    }
}
