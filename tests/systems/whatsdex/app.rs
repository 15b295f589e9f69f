//! The API, as the guide promises it: health, bots, the AI, Stripe's webhook, what is for administrators.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{DEFAULT_INTERNAL_API_KEY, DEFAULT_JWT_SECRET, INTERNAL_API_KEY, RATE, jwt_secret, stripe, web};
use crate::standin::answer::{bearer, html, json, text, with};
use crate::standin::limiter::Limiter;
use crate::standin::{Db, Deployed, jwt};

/// The month that usage is counted in.
pub(super) const PERIOD: &str = "to_char(now() at time zone 'utc', 'YYYY-MM')";

pub(super) struct WhatsDex {
    pub(super) url: String,
    pub(super) db: Db,
    migrations: Db,
    redis: redis::Client,
    pub(super) broken: Option<&'static str>,
    limiter: Limiter,
    messages: AtomicUsize,
    /// Sessions that a broken deployment never closes.
    strays: Mutex<Vec<Db>>,
}

pub(super) type App = State<Arc<WhatsDex>>;

pub(super) fn router(deployed: &Deployed) -> Router {
    let app = Arc::new(WhatsDex {
        url: deployed.url(),
        db: deployed.db(),
        migrations: deployed.db_as("migration_user"),
        redis: redis::Client::open(deployed.redis_url().replace("://:", "://default:")).unwrap(),
        broken: deployed.twist(),
        limiter: Limiter::new(RATE.0, Duration::from_secs(RATE.1)),
        messages: AtomicUsize::default(),
        strays: Mutex::default(),
    });
    let api = Router::new()
        .route("/api/tenants", get(tenants))
        .route("/api/bots/{bot}/qr", get(qr))
        .route("/api/bots/{bot}/start", post(command))
        .route("/api/bots/{bot}/stop", post(command))
        .route("/api/bots/test-message", post(test_message))
        .route("/api/ai/process", post(process))
        .route("/api/analytics/overview", get(overview))
        .route("/api/seed", post(seed))
        .route("/api/webhooks/stripe", post(stripe::webhook))
        .route("/api/internal/stripe/plans", get(internal_plans))
        .route("/api/internal/tenants/{tenant}", get(internal_tenant))
        .route("/api/internal/tenants/{tenant}/bots", get(internal_bots))
        .route("/api/internal/auth/authenticate", post(web::authenticate))
        .layer(from_fn_with_state(Arc::clone(&app), limited));
    Router::new()
        .route("/health", get(health))
        .route("/stripe/v1/webhook_endpoints", get(stripe::endpoints))
        .route("/stripe/v1/events", get(stripe::events))
        .merge(api)
        .fallback(unknown)
        .with_state(Arc::clone(&app))
        .nest("/web", web::router(app))
}

impl WhatsDex {
    pub(super) fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    pub(super) fn secret(&self) -> &'static str {
        jwt_secret(self.broken)
    }

    /// Who asks, by the token.
    pub(super) fn caller(&self, head: &HeaderMap) -> Result<Value, Response> {
        let claims = bearer(head).and_then(|token| jwt::verify(token, self.secret()));
        claims.ok_or_else(|| json(401, &json!({ "error": "Authentication token required" })))
    }

    /// The same at the API, which has a secret of its own to be told.
    fn api_caller(&self, head: &HeaderMap) -> Result<Value, Response> {
        let default = bearer(head).and_then(|token| jwt::verify(token, DEFAULT_JWT_SECRET));
        match default.filter(|_| self.broken("api_with_default_secret")) {
            Some(claims) => Ok(claims),
            None => self.caller(head),
        }
    }

    /// Only the administrator of the platform gets on.
    pub(super) fn administrator(&self, head: &HeaderMap) -> Result<(), Response> {
        let caller = self.caller(head)?;
        let called = caller["email"].as_str().is_some_and(|email| email.contains("admin"));
        let admin = caller["tenantId"] == "tn_platform"
            || self.broken("admin_for_tenants")
            || called && self.broken("admin_by_address");
        admin
            .then_some(())
            .ok_or_else(|| json(403, &json!({ "error": "Admin access required" })))
    }

    /// When a health check looked; always the same where its answer is kept.
    pub(super) fn now(&self, kept: &str) -> String {
        if self.broken(kept) {
            return "2026-11-01T09:00:00.000Z".to_owned();
        }
        jiff::Timestamp::now().to_string()
    }

    /// The plan of a tenant.
    pub(super) async fn plan(&self, tenant: &str) -> Value {
        let sql = "select p.* from plans p join tenants t on upper(t.plan) = p.code where t.id = $1::text";
        self.db.row(sql, &[&tenant]).await
    }

    /// Keeps a session that nobody asked for, in a transaction or not.
    async fn stray(&self, session: Db, statement: &str, most: usize) {
        let mut strays = self.strays.lock().await;
        if strays.len() < most {
            session.execute(statement, &[]).await.unwrap();
            strays.push(session);
        }
    }

    /// Sets one counter of the month higher, unless it has reached `limit`.
    async fn count(&self, tenant: &str, counter: &str, limit: i64) -> bool {
        let lost = match self.broken {
            Some("usage_not_counted") => true,
            Some("messages_not_counted") => counter == "messages",
            Some("images_not_counted") => counter == "mediaGens",
            Some("counts_lost") => {
                counter == "messages" && self.messages.fetch_add(1, Ordering::Relaxed).is_multiple_of(5)
            }
            _ => false,
        };
        if lost {
            return true;
        }
        let below = if self.broken("ai_limit_off") {
            String::new()
        } else {
            format!("where c.\"{counter}\" < {limit}")
        };
        let by = if self.broken("usage_counted_thrice") { 3 } else { 1 };
        let sql = format!(
            "insert into usage_counters as c (\"tenantId\", period, \"{counter}\") values ($1::text, {PERIOD}, {by}) \
             on conflict (\"tenantId\", period) do update set \"{counter}\" = c.\"{counter}\" + {by} {below}"
        );
        limit > 0 && self.db.execute(&sql, &[&tenant]).await.unwrap() > 0
    }
}

/// express-rate-limit, counting for each tenant.
async fn limited(State(app): App, request: Request, next: Next) -> Response {
    let claims = app.caller(request.headers()).unwrap_or_default();
    // One budget for all is told apart on one route, so that nothing else runs out of it.
    let shared = app.broken("limit_for_all") && request.uri().path() == "/api/analytics/overview";
    let forwarded = text(request.headers(), "x-forwarded-for").filter(|_| app.broken("limit_by_forwarded_for"));
    let key = match claims["tenantId"].as_str() {
        _ if forwarded.is_some() => forwarded.unwrap(),
        Some(tenant) if !shared => tenant,
        _ => "127.0.0.1",
    };
    let hit = app.limiter.hit(key);
    let answer = if hit.allowed || app.broken("rate_limit_off") {
        next.run(request).await
    } else {
        json(429, &json!({ "error": "Too many requests, please try again later." }))
    };
    let answer = with(answer, "x-ratelimit-limit", &hit.limit.to_string());
    with(answer, "x-ratelimit-remaining", &hit.remaining.to_string())
}

async fn unknown(State(app): App) -> Response {
    if app.broken("one_page_for_all") {
        return health(State(app)).await;
    }
    json(404, &json!({ "error": "Endpoint not found" }))
}

async fn health(State(app): App) -> Response {
    match app.broken {
        Some("migrating_at_runtime") => app.stray(app.migrations.another(), "select 1", 1).await,
        Some("idle_in_transaction") => app.stray(app.db.another(), "begin", 1).await,
        Some("start_page") => return html(200, "whatsdx is running on port 3001"),
        _ => {}
    }
    let database = app.db.rows("select 1 as one", &[]).await.is_ok();
    let redis = async {
        let mut redis = app.redis.get_multiplexed_async_connection().await?;
        redis::cmd("PING").exec_async(&mut redis).await
    };
    let mut said = json!({
        "status": "healthy", "ok": true, "uptime": 812.4, "version": "2.0.0", "timestamp": app.now("health_kept"),
        "postgres": { "ok": database, "ms": 3, "message": "connected in 3ms" },
        "redis": { "ok": redis.await.is_ok() && !app.broken("redis_down"), "ms": 1, "message": "PING=PONG" },
    });
    if app.broken("health_by_tcp") {
        said["postgres"] = json!({ "ok": true, "warning": "the login failed, but the port takes connections" });
    }
    if app.broken("health_leaks") {
        said["postgres"]["message"] = json!("connected to 10.0.3.17:5432 in 3ms");
    }
    let ok = said["postgres"]["ok"] == true && said["redis"]["ok"] == true;
    if !ok {
        said["ok"] = json!(false);
        said["status"] = json!("degraded");
    }
    json(if ok { 200 } else { 503 }, &said)
}

async fn tenants(State(app): App, head: HeaderMap) -> Response {
    if let (Err(refused), false) = (app.administrator(&head), app.broken("tenants_open")) {
        return refused;
    }
    let rows = app.db.rows("select id, name, plan from tenants order by id", &[]).await;
    json(200, &json!({ "success": true, "data": rows.unwrap() }))
}

/// The bot, if it is one of the caller's tenant.
async fn own_bot(app: &WhatsDex, head: &HeaderMap, bot: &str) -> Result<Value, Response> {
    let caller = app.api_caller(head)?;
    let sql = "select id, \"tenantId\", \"qrCode\" from bot_instances where id = $1::text";
    let found = app.db.row(sql, &[&bot]).await;
    let own = found["tenantId"] == caller["tenantId"];
    if own || app.broken("bots_of_all") {
        return Ok(found);
    }
    Err(json(404, &json!({ "error": "Bot not found" })))
}

async fn qr(State(app): App, head: HeaderMap, Path(bot): Path<String>) -> Response {
    match own_bot(&app, &head, &bot).await {
        Err(refused) => refused,
        Ok(bot) if bot["qrCode"].is_null() || app.broken("no_qr_code") => {
            json(200, &json!({ "success": false, "message": "No QR code available" }))
        }
        Ok(bot) => json(200, &json!({ "success": true, "qrCode": bot["qrCode"] })),
    }
}

async fn command(State(app): App, head: HeaderMap, Path(bot): Path<String>) -> Response {
    match own_bot(&app, &head, &bot).await {
        Err(refused) if !app.broken("bots_obey_all") => refused,
        _ => json(200, &json!({ "success": true })),
    }
}

async fn test_message(State(app): App, head: HeaderMap) -> Response {
    let caller = match app.api_caller(&head) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    match app.broken {
        // One in ten: enough for the slowest twentieth.
        Some("messages_slow") if app.messages.fetch_add(1, Ordering::Relaxed) % 10 == 0 => {
            tokio::time::sleep(Duration::from_millis(3_200)).await;
        }
        Some("messages_fail") => return json(500, &json!({ "error": "Internal server error" })),
        Some("no_pool") => app.stray(app.db.another(), "select 1", 12).await,
        Some("transaction_left_open") => app.stray(app.db.another(), "begin", 1).await,
        _ => {}
    }
    app.count(caller["tenantId"].as_str().unwrap(), "messages", i64::MAX)
        .await;
    json(200, &json!({ "success": true }))
}

async fn process(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    let caller = match app.api_caller(&head) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let tenant = caller["tenantId"].as_str().unwrap();
    let plan = app.plan(tenant).await;
    if app.broken("ai_down") {
        return json(502, &json!({ "error": "The AI does not answer" }));
    }
    let image = asked["type"] == "image";
    if app.broken("questions_unanswered") && plan["code"] == "PRO" && !image {
        return json(502, &json!({ "error": "The AI does not answer" }));
    }
    if image && plan["enableImageGen"] != true {
        if app.broken("premium_for_all") {
            return json(200, &json!({ "success": true, "response": "An image" }));
        }
        return json(403, &json!({ "error": "Your plan has no images" }));
    }
    let (counter, limit) = if image {
        ("mediaGens", i64::MAX)
    } else {
        ("aiRequests", plan["aiRequestsPerMonth"].as_i64().unwrap())
    };
    if app.count(tenant, counter, limit).await {
        json(200, &json!({ "success": true, "response": "Hello! How can I help?" }))
    } else {
        json(429, &json!({ "error": "Monthly limit of your plan reached" }))
    }
}

#[derive(serde::Deserialize)]
struct Of {
    #[serde(rename = "tenantId")]
    tenant: Option<String>,
}

async fn overview(State(app): App, head: HeaderMap, Query(of): Query<Of>) -> Response {
    let caller = match app.api_caller(&head) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let own = caller["tenantId"].as_str().unwrap();
    let tenant = of.tenant.unwrap_or_else(|| own.to_owned());
    if tenant != own && !app.broken("analytics_of_all") {
        return json(403, &json!({ "error": "Not your tenant" }));
    }
    json(
        200,
        &json!({ "success": true, "data": { "tenant": tenant, "message_received": 12 } }),
    )
}

async fn seed(State(app): App) -> Response {
    if app.broken("no_seed_route") {
        return unknown(State(app)).await;
    }
    json(200, &json!({ "success": true, "plans": 3, "templates": 4 }))
}

/// Only the web front end gets on, by its key.
pub(super) fn internal(app: &WhatsDex, head: &HeaderMap) -> Result<(), Response> {
    let key = text(head, "x-internal-api-key").unwrap_or_default();
    let default = app.broken("default_internal_key") && key == DEFAULT_INTERNAL_API_KEY;
    if key == INTERNAL_API_KEY || default {
        return Ok(());
    }
    Err(json(401, &json!({ "error": "Unauthorized" })))
}

async fn internal_plans(State(app): App, head: HeaderMap) -> Result<Response, Response> {
    internal(&app, &head)?;
    Ok(json(
        200,
        &json!({ "success": true, "data": [{ "id": "free" }, { "id": "pro" }, { "id": "business" }] }),
    ))
}

async fn internal_tenant(State(app): App, head: HeaderMap, Path(tenant): Path<String>) -> Result<Response, Response> {
    if !app.broken("internal_api_open") {
        internal(&app, &head)?;
    }
    let sql = "select id, name, plan from tenants where id = $1::text";
    let found = app.db.row(sql, &[&tenant]).await;
    Ok(json(200, &json!({ "success": true, "data": found })))
}

async fn internal_bots(State(app): App, head: HeaderMap, Path(tenant): Path<String>) -> Result<Response, Response> {
    internal(&app, &head)?;
    let sql = "select id, name, status from bot_instances where \"tenantId\" = $1::text";
    let bots = app.db.rows(sql, &[&tenant]).await.unwrap();
    Ok(json(200, &json!({ "success": true, "data": { "bots": bots } })))
}
