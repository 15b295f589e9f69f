//! The API of mvp, as FastAPI and SlowAPI answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{ADMIN_PASSWORD, GUIDE_SECRET, ORIGINS, PASSWORD, SECRET_KEY, USER, WEBHOOK_SECRET, WINDOW, site};
use crate::standin::answer::{bearer, cors, headers, json, text, with};
use crate::standin::limiter::Limiter;
use crate::standin::{Db, Deployed, jwt, signature};

pub(super) struct Mvp {
    db: Db,
    redis: redis::Client,
    broken: Option<&'static str>,
    limiter: Limiter,
    requests: AtomicUsize,
    seats: Semaphore,
}

pub(super) type App = State<Arc<Mvp>>;

/// Everything behind one address; the front end answers whatever is not `/api`.
pub(super) fn router(deployed: &Deployed) -> Router {
    let broken = deployed.twist();
    let state = Arc::new(Mvp {
        db: deployed.db(),
        redis: redis::Client::open(deployed.redis_url()).unwrap(),
        broken,
        limiter: Limiter::new(
            5,
            Duration::from_secs(if broken == Some("rate_limit_never_recovers") {
                3600
            } else {
                WINDOW
            }),
        ),
        requests: AtomicUsize::new(0),
        seats: Semaphore::new(3),
    });
    let api = Router::new()
        .route("/api/health", get(health))
        .route("/api/auth/login", post(login))
        .route("/api/admin/login", post(admin_login))
        .route("/api/admin/stats", get(admin_stats))
        .route("/api/me", get(me))
        .route("/api/gallery", get(gallery))
        .route("/api/avatars", get(avatars))
        .route("/api/stripe/webhook", post(webhook))
        .route("/api/42/store/", post(sentry))
        .route("/api/{*rest}", get(not_found).post(not_found))
        .with_state(Arc::clone(&state));
    let api = cors(api, move |origin| allowed(broken, origin));
    let api = api.layer(from_fn(move |request: Request, next: Next| async move {
        // A method that is not listed is a 400 to Starlette, whatever the origin.
        let posts = text(request.headers(), "access-control-request-method") == Some("POST");
        let mut answer = next.run(request).await;
        if broken == Some("cors_without_post") && posts {
            *answer.status_mut() = StatusCode::BAD_REQUEST;
        }
        answer
    }));
    let both = [
        (
            "no_hsts",
            "strict-transport-security",
            "max-age=31536000; includeSubDomains",
        ),
        ("no_nosniff", "x-content-type-options", "nosniff"),
    ];
    let kept = both.into_iter().filter(|(missing, ..)| broken != Some(missing));
    headers(
        api.merge(site::router(state)),
        kept.map(|(_, name, value)| (name, value)).collect(),
    )
}

fn allowed(broken: Option<&str>, origin: &str) -> Option<String> {
    let listed = ORIGINS.split(',').any(|allowed| allowed == origin);
    let also = match broken {
        Some("cors_reflects") => true,
        Some("cors_by_suffix") => origin.ends_with("your-domain.com"),
        Some("cors_localhost") => origin.starts_with("http://localhost"),
        _ => false,
    };
    let without = broken == Some("cors_forgets_www") && origin.contains("www.");
    ((listed && !without) || also).then(|| origin.to_owned())
}

impl Mvp {
    pub(super) fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    fn secret(&self) -> &'static str {
        match self.broken {
            Some("jwt_secret_weak") => "secret",
            Some("jwt_secret_of_another") => "Ab3kT9vXq2LmWz7RcYp5NdHs8JfGu4Ee",
            Some("jwt_secret_of_the_guide") => GUIDE_SECRET,
            _ => SECRET_KEY,
        }
    }

    fn token(&self, who: &str) -> Response {
        let mut claims = json!({ "sub": who, "iat": jwt::now(), "exp": jwt::now() + 3600 });
        if self.broken("tokens_last_for_years") {
            claims["exp"] = json!(jwt::now() + 100_000_000);
        }
        let token = jwt::sign(&claims, self.secret());
        json(200, &json!({ "access_token": token, "token_type": "bearer" }))
    }

    fn user(&self, head: &HeaderMap) -> Option<Value> {
        let token = bearer(head)?;
        if self.broken("old_tokens_live") && token == super::old_token() {
            return Some(json!({ "sub": USER }));
        }
        jwt::verify(token, self.secret())
    }

    /// Counts a request as SlowAPI does, and leaves its key in Redis.
    async fn limited(&self, head: &HeaderMap) -> Option<Response> {
        let limit = self.limiter.limit();
        let nth = self.requests.fetch_add(1, Ordering::Relaxed);
        let who = match self.broken {
            Some("each_machine_counts_alone") => format!("127.0.0.1#{}", nth % 3),
            Some("rate_limit_by_claimed_address") => text(head, "x-forwarded-for").unwrap_or("127.0.0.1").to_owned(),
            Some("rate_limit_by_cloudflares_header") => {
                text(head, "cf-connecting-ip").unwrap_or("127.0.0.1").to_owned()
            }
            _ => "127.0.0.1".to_owned(),
        };
        let hit = self.limiter.hit(&who);
        if !self.broken("limits_in_memory") {
            let mut redis = self.redis.get_multiplexed_async_connection().await.unwrap();
            let key = format!("LIMITS:LIMITER/{who}//api/avatars/{limit}/1/minute");
            let mut set = redis::cmd("SET");
            set.arg(key).arg(hit.limit - hit.remaining).arg("EX").arg(60);
            set.exec_async(&mut redis).await.unwrap();
        }
        let said = json!({ "error": format!("Rate limit exceeded: {limit} per 1 minute") });
        let over = !hit.allowed && !self.broken("rate_limit_off");
        over.then(|| with(json(429, &said), "retry-after", &hit.reset.to_string()))
    }
}

async fn health(State(app): App) -> Response {
    if app.broken("slow_start") {
        tokio::time::sleep(Duration::from_millis(5100)).await;
    }
    if app.broken("health_down") {
        return json(503, &json!({ "status": "unhealthy" }));
    }
    let database = app.db.rows("select 1 as one", &[]).await.is_ok();
    let redis = if app.broken("health_without_redis") {
        "memory"
    } else {
        "ok"
    };
    let database = database && !app.broken("health_without_database");
    let said = if database { "ok" } else { "down" };
    json(200, &json!({ "status": "healthy", "database": said, "redis": redis }))
}

async fn login(State(app): App, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let good = asked["email"] == USER && asked["password"] == PASSWORD;
    if good || app.broken("any_password") {
        app.token(USER)
    } else {
        json(401, &json!({ "detail": "Invalid credentials" }))
    }
}

async fn admin_login(State(app): App, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let known = asked["username"] == "admin";
    let weak = app.broken("admin_takes_a_default_password") && asked["password"] == "admin123";
    if known && (weak || asked["password"] == ADMIN_PASSWORD) {
        app.token("admin")
    } else {
        json(401, &json!({ "detail": "Invalid admin password" }))
    }
}

async fn admin_stats(State(app): App, head: HeaderMap) -> Response {
    let claims = app.user(&head);
    let admin = claims.as_ref().is_some_and(|claims| claims["sub"] == "admin");
    let any_user = app.broken("users_open_the_administration") && claims.is_some();
    if admin || any_user || app.broken("admin_open_to_all") {
        json(200, &json!({ "users": 1 }))
    } else if claims.is_some() {
        json(403, &json!({ "detail": "Not an administrator" }))
    } else {
        unauthorized()
    }
}

fn unauthorized() -> Response {
    json(401, &json!({ "detail": "Not authenticated" }))
}

async fn me(State(app): App, head: HeaderMap) -> Response {
    let Some(claims) = app.user(&head) else {
        return unauthorized();
    };
    let email = claims["sub"].as_str().unwrap_or_default();
    let sql = "select id, email, plan from users where email = $1::text";
    json(200, &app.db.row(sql, &[&email]).await)
}

async fn gallery(State(app): App) -> Response {
    let seat = app.seats.try_acquire();
    if app.broken("three_visitors_at_most") {
        if seat.is_err() {
            return json(503, &json!({ "detail": "Service Unavailable" }));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if app.broken("database_behind_health_gone") {
        return json(500, &json!({ "detail": "Internal Server Error" }));
    }
    let rows = app
        .db
        .rows("select prompt, url from avatars order by created_at", &[])
        .await
        .unwrap();
    json(200, &json!({ "avatars": rows }))
}

async fn avatars(State(app): App, head: HeaderMap) -> Response {
    let refused = app.limited(&head).await;
    refused.unwrap_or_else(|| json(200, &json!({ "styles": ["oil", "pencil"] })))
}

async fn webhook(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    let header = text(&head, "stripe-signature").unwrap_or_default();
    let good = match app.broken {
        Some("webhook_refuses_all") => false,
        Some("webhook_accepts_all") => true,
        Some("webhook_takes_old_events") => signature::stripe_of_any_age(header, &body, WEBHOOK_SECRET),
        Some("webhook_takes_a_made_up_signature") => header.contains("v1="),
        Some("webhook_verifies_what_it_parsed") => {
            let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
            signature::stripe(header, parsed.to_string().as_bytes(), WEBHOOK_SECRET)
        }
        _ => signature::stripe(header, &body, WEBHOOK_SECRET),
    };
    if good {
        json(200, &json!({ "received": true }))
    } else {
        json(400, &json!({ "detail": "Invalid signature" }))
    }
}

/// What Sentry answers, which is no part of the API, but somewhere it must be.
async fn sentry(State(app): App, head: HeaderMap) -> Response {
    let known = text(&head, "x-sentry-auth").is_some_and(|said| said.contains(super::SENTRY_KEY));
    if known && !app.broken("sentry_refuses") {
        json(200, &json!({ "id": "9ec79c33ec9942ab8353589fcb2e04dc" }))
    } else {
        json(
            403,
            &json!({ "detail": "event submission rejected with_reason: ProjectId" }),
        )
    }
}

async fn not_found(State(app): App) -> Response {
    if app.broken("every_path_is_healthy") {
        return health(State(app)).await;
    }
    json(404, &json!({ "detail": "Not Found" }))
}
