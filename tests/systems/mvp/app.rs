//! The application of mvp: the API as FastAPI and SlowAPI answer, and the static front end as Cloudflare Pages serves it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::{ADMIN_PASSWORD, ORIGINS, PASSWORD, SECRET_KEY, USER, WEBHOOK_SECRET, WINDOW};
use crate::standin::answer::{bearer, cors, headers, html, json, text, with};
use crate::standin::limiter::Limiter;
use crate::standin::{Db, Deployed, jwt, signature};

struct Mvp {
    db: Db,
    redis: redis::Client,
    broken: Option<&'static str>,
    limiter: Limiter,
}

type App = State<Arc<Mvp>>;

impl Mvp {
    fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    fn secret(&self) -> &'static str {
        if self.broken("jwt_secret_weak") {
            "secret"
        } else {
            SECRET_KEY
        }
    }

    /// Counts a request as SlowAPI does, and leaves its key in Redis.
    async fn limited(&self) -> Option<Response> {
        let limit = if self.broken("rate_limit_off") {
            1_000
        } else {
            self.limiter.limit()
        };
        let hit = self.limiter.hit("127.0.0.1");
        if !self.broken("limits_in_memory") {
            let mut redis = self.redis.get_multiplexed_async_connection().await.unwrap();
            let key = format!("LIMITS:LIMITER/127.0.0.1/api/avatars/{limit}/1/minute");
            redis::cmd("SET")
                .arg(key)
                .arg(hit.limit - hit.remaining)
                .arg("EX")
                .arg(60)
                .exec_async(&mut redis)
                .await
                .unwrap();
        }
        let over = !hit.allowed && limit < 1_000;
        let said = json!({ "error": format!("Rate limit exceeded: {limit} per 1 minute") });
        over.then(|| with(json(429, &said), "retry-after", &hit.reset.to_string()))
    }

    fn user(&self, head: &HeaderMap) -> Option<Value> {
        let token = bearer(head)?;
        if self.broken("old_tokens_live") && token == super::old_token() {
            return Some(json!({ "sub": USER }));
        }
        jwt::verify(token, self.secret())
    }
}

/// Everything behind one address; the front end answers whatever is not `/api`.
pub(super) fn router(deployed: &Deployed) -> Router {
    let broken = deployed.twist();
    let state = Arc::new(Mvp {
        db: deployed.db(),
        redis: redis::Client::open(deployed.redis_url()).unwrap(),
        broken,
        limiter: Limiter::new(5, Duration::from_secs(WINDOW)),
    });
    let api = Router::new()
        .route("/api/health", get(health))
        .route("/api/auth/login", post(login))
        .route("/api/admin/login", post(admin_login))
        .route("/api/me", get(me))
        .route("/api/avatars", get(avatars).post(create_avatar))
        .route("/api/stripe/webhook", post(webhook))
        .route("/api/{*rest}", get(not_found).post(not_found))
        .with_state(Arc::clone(&state));
    let api = cors(api, move |origin| allowed(broken, origin));
    let site = Router::new()
        .route("/", get(page))
        .route("/assets/{file}", get(asset))
        .fallback(page)
        .with_state(state);
    let mut common = vec![
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
    ];
    if broken == Some("no_nosniff") {
        common.pop();
    }
    headers(api.merge(site), common)
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

async fn health(State(app): App) -> Response {
    if app.broken("health_down") {
        return json(503, &json!({ "status": "unhealthy" }));
    }
    let database = app.db.rows("select 1 as one", &[]).await.is_ok();
    let redis = if app.broken("redis_not_used") { "memory" } else { "ok" };
    let said = if database { "ok" } else { "down" };
    json(
        200,
        &json!({ "status": "healthy", "database": said, "redis": redis, "version": "1.4.2" }),
    )
}

async fn login(State(app): App, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let good = asked["email"] == USER && asked["password"] == PASSWORD;
    if !good && !app.broken("any_password") {
        return json(401, &json!({ "detail": "Invalid credentials" }));
    }
    let claims = json!({ "sub": USER, "iat": jwt::now(), "exp": jwt::now() + 3600 });
    let token = jwt::sign(&claims, app.secret());
    json(200, &json!({ "access_token": token, "token_type": "bearer" }))
}

async fn admin_login(State(app): App, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let weak = app.broken("admin_password_weak") && asked["password"] == "admin123";
    if weak || asked["password"] == ADMIN_PASSWORD {
        return json(
            200,
            &json!({ "admin": true, "access_token": jwt::sign(&json!({ "sub": "admin", "exp": jwt::now() + 3600 }), app.secret()) }),
        );
    }
    json(401, &json!({ "detail": "Invalid admin password" }))
}

async fn me(State(app): App, head: HeaderMap) -> Response {
    let Some(claims) = app.user(&head) else {
        return json(401, &json!({ "detail": "Not authenticated" }));
    };
    let email = claims["sub"].as_str().unwrap_or_default();
    let user = app
        .db
        .row("select id, email, plan from users where email = $1::text", &[&email])
        .await;
    json(200, &user)
}

async fn avatars(State(app): App) -> Response {
    if app.broken("slow_under_load") {
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    let rows = app
        .db
        .rows("select id, prompt, url from avatars order by created_at", &[])
        .await
        .unwrap();
    json(200, &json!({ "avatars": rows }))
}

async fn create_avatar(State(app): App, head: HeaderMap) -> Response {
    if app.user(&head).is_none() {
        return json(401, &json!({ "detail": "Not authenticated" }));
    }
    match app.limited().await {
        Some(refused) => refused,
        None => json(
            422,
            &json!({ "detail": [{ "loc": ["body", "prompt"], "msg": "Field required", "type": "missing" }] }),
        ),
    }
}

async fn webhook(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    let header = text(&head, "stripe-signature").unwrap_or_default();
    let good = signature::stripe(header, &body, WEBHOOK_SECRET) && !app.broken("webhook_refuses_all");
    if good || app.broken("webhook_accepts_all") {
        return json(200, &json!({ "received": true }));
    }
    json(400, &json!({ "detail": "Invalid signature" }))
}

async fn not_found() -> Response {
    json(404, &json!({ "detail": "Not Found" }))
}

async fn page(State(app): App) -> Response {
    if app.broken("site_down") {
        return html(522, "connection timed out");
    }
    let insecure = if app.broken("mixed_content") {
        "<img src=\"http://cdn.your-domain.com/logo.png\">"
    } else {
        ""
    };
    let page = format!(
        "<!doctype html><html><head><title>Avatar studio</title><meta name=\"build\" content=\"1.4.2\">\
         <link rel=\"stylesheet\" href=\"/assets/index-9c1d2f7a.css\">\
         <script type=\"module\" src=\"/assets/index-4f3ab21c.js\"></script></head><body><div id=\"root\"></div>{insecure}</body></html>"
    );
    let mut answer = html(200, page);
    if !app.broken("no_csp") {
        answer = with(
            answer,
            "content-security-policy",
            "default-src 'self'; img-src 'self' https:; frame-ancestors 'none'",
        );
    }
    let head = [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", "camera=(), microphone=()"),
        ("cache-control", "no-cache"),
    ];
    for (name, value) in head {
        answer = with(answer, name, value);
    }
    at_the_edge(&app, answer)
}

/// What Cloudflare adds.
fn at_the_edge(app: &Mvp, mut answer: Response) -> Response {
    if !app.broken("no_cdn") {
        answer = with(answer, "cf-cache-status", "DYNAMIC");
    }
    if !app.broken("no_http3") {
        answer = with(answer, "alt-svc", "h3=\":443\"; ma=86400");
    }
    answer
}

async fn asset(State(app): App, Path(file): Path<String>) -> Response {
    let (kind, text) = match file.as_str() {
        "index-4f3ab21c.js" => ("text/javascript", app.bundle()),
        "index-9c1d2f7a.css" => ("text/css", "body { margin: 0 }".to_owned()),
        _ => return html(404, "no such asset"),
    };
    if app.broken("assets_missing") {
        return html(404, "no such asset");
    }
    let cache = if app.broken("assets_not_cached") {
        "no-store"
    } else {
        "public, max-age=31536000, immutable"
    };
    let mut answer = with(json(200, &Value::Null), "cache-control", cache);
    *answer.body_mut() = text.into();
    answer.headers_mut().remove("content-type");
    at_the_edge(&app, with(answer, "content-type", kind))
}

impl Mvp {
    /// The front end's one script, with what Vite put into it.
    fn bundle(&self) -> String {
        let api = if self.broken("bundle_calls_localhost") {
            "http://localhost:8000"
        } else {
            "https://your-api-domain.fly.dev"
        };
        let stripe = if self.broken("bundle_test_key") {
            "pk_test_51H"
        } else {
            "pk_live_51H"
        };
        let secret = if self.broken("bundle_holds_secret") {
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
        } else {
            ""
        };
        let sentry = if self.broken("no_sentry") {
            ""
        } else {
            "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42"
        };
        format!(
            "const c={{api:\"{api}\",stripe:\"{stripe}8xKQ2mTz\",fb:\"AIzaSyD-0123456789abcdefghijklmnopqrstu\",project:\"avatar-studio\",dsn:\"{sentry}\",x:\"{secret}\"}};"
        )
    }
}
