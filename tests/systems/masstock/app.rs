//! The application of masstock: the API as Express answers with helmet and express-rate-limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ADMIN, ESTEE, FRONTEND, LOGINS_WINDOW, TOKEN_SECRET, WINDOW, platform, redis_url, worker};
use crate::standin::answer::{bearer, cors, headers, html, json, text, with};
use crate::standin::limiter::{Hit, Limiter};
use crate::standin::{Db, Deployed, jwt};

pub(super) struct Masstock {
    pub(super) db: Db,
    redis: redis::Client,
    broken: Option<&'static str>,
    started: Instant,
    requests: Limiter,
    logins: Limiter,
    estee_is_in: AtomicBool,
}

type App = State<Arc<Masstock>>;

/// Who asks: the row of `users`, with `client_id` where the user has a client.
struct User(Value);

impl Masstock {
    pub(super) fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    fn secret(&self) -> &'static str {
        if self.broken("token_secret_guessable") {
            "secret"
        } else {
            TOKEN_SECRET
        }
    }

    async fn user(&self, head: &HeaderMap) -> Result<User, Response> {
        let Some(token) = bearer(head) else {
            return Err(refusal(401, "UNAUTHORIZED", "Missing or invalid authorization header"));
        };
        let claims = if self.broken("expired_tokens_accepted") {
            jwt::claims(token)
        } else {
            jwt::verify(token, self.secret())
        };
        let Some(claims) = claims else {
            return Err(refusal(401, "INVALID_TOKEN", "Invalid or expired token"));
        };
        let id = claims["sub"].as_str().unwrap_or_default().to_owned();
        let seen = "update users set last_login = now() where id::text = $1::text";
        self.db.execute(seen, &[&id]).await.unwrap();
        Ok(User(self.account("u.id::text", &id).await))
    }

    async fn account(&self, column: &str, value: &str) -> Value {
        let query = format!(
            "select u.id, u.email, u.role, u.status, c.id as client_id from users u left join clients c on c.user_id = u.id \
             where {column} = $1::text"
        );
        self.db.row(&query, &[&value]).await
    }

    async fn admin(&self, head: &HeaderMap, opened: &str) -> Result<User, Response> {
        let user = match self.user(head).await {
            Err(_) if self.broken(opened) => User(self.account("u.email", ADMIN.0).await),
            other => other?,
        };
        if user.0["role"] == "admin" || self.broken("admin_for_everyone") {
            return Ok(user);
        }
        Err(refusal(403, "FORBIDDEN", "Admin access required"))
    }

    async fn client(&self, head: &HeaderMap) -> Result<String, Response> {
        let user = self.user(head).await?;
        let client = user.0["client_id"].as_str().map(str::to_owned);
        client.ok_or_else(|| refusal(403, "NO_CLIENT_ACCOUNT", "No active client account"))
    }
}

/// An error as the API words it.
fn refusal(status: u16, code: &str, error: &str) -> Response {
    json(status, &json!({ "success": false, "error": error, "code": code }))
}

/// What went well.
fn success(status: u16, data: &Value) -> Response {
    json(status, &json!({ "success": true, "data": data }))
}

pub(super) fn router(deployed: &Deployed) -> Router {
    worker::start(deployed);
    let broken = deployed.twist();
    let is = |name| broken == Some(name);
    let state = Arc::new(Masstock {
        db: deployed.db(),
        redis: redis::Client::open(redis_url(deployed)).unwrap(),
        broken,
        started: Instant::now(),
        requests: Limiter::new(
            if is("limit_not_from_environment") { 90 } else { 100 },
            Duration::from_secs(if is("limit_never_lifted") { 3600 } else { WINDOW }),
        ),
        logins: Limiter::new(10, Duration::from_secs(LOGINS_WINDOW)),
        estee_is_in: AtomicBool::new(false),
    });
    let api = Router::new()
        .route("/", get(root))
        .route("/health", get(health))
        .route("/api-docs/{*file}", get(docs))
        .route("/api-docs/", get(docs))
        .route("/api-docs", get(docs))
        .route("/api/v1/auth/login", post(login))
        .route("/api/v1/auth/me", get(me))
        .route("/api/v1/workflows", get(workflows))
        .route("/api/v1/workflows/{id}", get(workflow))
        .route("/api/v1/workflows/{id}/execute", post(execute))
        .route("/api/v1/executions/{id}", get(execution))
        .route("/api/v1/admin/dashboard", get(dashboard))
        .route("/api/v1/admin/clients", get(admin_list))
        .route("/api/v1/admin/errors", get(admin_errors))
        .route("/api/v1/admin/create-admin", post(create_admin))
        .route("/api/v1/admin/audit-logs", get(admin_list))
        .route("/api/v1/admin/clients/{id}", get(admin_client))
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(&state), around))
        .with_state(Arc::clone(&state));
    let mut helmet = vec![
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=15552000; includeSubDomains"),
    ];
    if is("no_hsts") {
        helmet.pop();
    }
    if is("framework_named") {
        helmet.push(("x-powered-by", "Express"));
    }
    let api = headers(api, helmet).merge(platform::around(state));
    let api = cors(api, move |origin| allowed(broken, origin));
    if is("cors_star_before_the_api") {
        return api.layer(from_fn(star));
    }
    api
}

/// A proxy that lets every site in where the API is, and nowhere else.
async fn star(request: Request, next: Next) -> Response {
    let asked = request.uri().path().starts_with("/api/") && request.headers().contains_key("origin");
    let mut answer = next.run(request).await;
    if asked {
        answer
            .headers_mut()
            .insert("access-control-allow-origin", "*".parse().unwrap());
    }
    answer
}

fn allowed(broken: Option<&str>, origin: &str) -> Option<String> {
    match broken {
        Some("cors_star") => return Some("*".to_owned()),
        Some("cors_forgets_front_end") => return None,
        _ => {}
    }
    let lookalike = broken == Some("cors_by_part") && origin.contains("app.masstock.com");
    (origin == FRONTEND || lookalike).then(|| origin.to_owned())
}

/// Around every request: the limit for its address, and its line in the API log.
async fn around(State(app): App, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let (path, method) = (parts.uri.path().to_owned(), parts.method.to_string());
    let mut key = "127.0.0.1".to_owned();
    if app.broken("forwarded_for_believed") {
        key = text(&parts.headers, "x-forwarded-for").unwrap_or(&key).to_owned();
    }
    let limited = path.starts_with("/api/v1") && !(app.broken("limiter_behind_the_routes") && routed(&path));
    let hit = limited.then(|| app.requests.hit(&key));
    let mut answer = match &hit {
        Some(hit) if !hit.allowed && !app.broken("rate_limit_off") => too_many(hit, "RATE_LIMIT_EXCEEDED"),
        _ => next.run(Request::from_parts(parts, Body::from(body.clone()))).await,
    };
    if let Some(hit) = hit {
        answer = with(answer, "ratelimit-policy", &format!("{};w={WINDOW}", hit.limit));
        answer = with(answer, "ratelimit-limit", &hit.limit.to_string());
        answer = with(answer, "ratelimit-remaining", &hit.remaining.to_string());
        answer = with(answer, "ratelimit-reset", &hit.reset.to_string());
    }
    if !app.broken("requests_not_logged") {
        let status = answer.status().as_u16();
        if !(app.broken("refusals_not_logged") && answer.status().is_client_error()) {
            app.log(&path, &method, &body, status, began).await;
        }
    }
    answer
}

/// Whether a route has this path: a limiter behind the routes sees the others only.
fn routed(path: &str) -> bool {
    ["auth", "workflows", "executions", "admin"]
        .iter()
        .any(|part| path.starts_with(&format!("/api/v1/{part}")))
}

impl Masstock {
    async fn log(&self, path: &str, method: &str, body: &Bytes, status: u16, began: Instant) {
        let mut sent: Value = serde_json::from_slice(body).unwrap_or_default();
        if sent["password"].is_string() && !self.broken("passwords_logged") {
            sent["password"] = json!("[REDACTED]");
        }
        let told = if self.broken("tokens_logged") && path.ends_with("/login") && status == 200 {
            json!({ "success": true, "data": { "access_token": jwt::sign(&json!({ "sub": ADMIN.0 }), TOKEN_SECRET) } })
        } else {
            json!({ "success": status < 400 })
        };
        let status = i32::from(status);
        let millis = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        let line = "insert into api_logs (endpoint, method, status_code, response_time_ms, request_body, response_body) \
                    values ($1::text, $2::text, $3, $4, $5::text::jsonb, $6::text::jsonb)";
        let written = self
            .db
            .execute(
                line,
                &[&path, &method, &status, &millis, &sent.to_string(), &told.to_string()],
            )
            .await;
        written.unwrap();
    }
}

fn too_many(hit: &Hit, code: &str) -> Response {
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(i64::try_from(hit.reset).unwrap());
    let said = json!({ "success": false, "error": "Too many requests, please try again later", "code": code,
        "retry_after": until.to_string() });
    with(json(429, &said), "retry-after", &hit.reset.to_string())
}

async fn root() -> Response {
    json(
        200,
        &json!({ "success": true, "message": "MasStock Backend API", "version": "v1", "documentation": "/api-docs" }),
    )
}

async fn health(State(app): App) -> Response {
    if app.broken("health_down") {
        return json(503, &json!({ "success": false, "status": "unhealthy" }));
    }
    let time = if app.broken("health_cached") {
        "2026-01-05T10:00:00.000Z".to_owned()
    } else {
        jiff::Timestamp::now().to_string()
    };
    let version = if app.broken("health_other_version") { "v2" } else { "v1" };
    let uptime = app.started.elapsed().as_secs_f64();
    json(
        200,
        &json!({ "success": true, "status": "healthy", "timestamp": time, "uptime": uptime, "version": version }),
    )
}

async fn docs(State(app): App, uri: Uri) -> Response {
    if app.broken("docs_gone") {
        return not_found(State(app), uri).await;
    }
    match uri.path() {
        "/api-docs" => with(html(301, ""), "location", "/api-docs/"),
        "/api-docs/swagger-ui-init.js" => {
            let paths = if app.broken("swagger_spec_empty") {
                json!({})
            } else {
                json!({ "/auth/login": {}, "/workflows/{workflow_id}/execute": {} })
            };
            let spec = json!({ "openapi": "3.0.3", "paths": paths });
            let mut answer = html(200, format!("window.onload = function() {{ var options = {spec}; }}"));
            answer
                .headers_mut()
                .insert("content-type", "application/javascript".parse().unwrap());
            answer
        }
        _ => html(
            200,
            "<!doctype html><title>MasStock API Documentation</title><div id=\"swagger-ui\"></div>",
        ),
    }
}

async fn not_found(State(app): App, uri: Uri) -> Response {
    let said = format!("Route not found: GET {}", uri.path());
    if app.broken("unknown_route_is_html") {
        return html(404, format!("<pre>Cannot GET {}</pre>", uri.path()));
    }
    if app.broken("dotenv_served") && uri.path() == "/.env" {
        return html(
            200,
            "SUPABASE_URL=https://kqmvzdhy.supabase.co\nJWT_SECRET=p4Xk9ZtQ7mWv2RsB8nLc5YdJ3gHf6TeA\n",
        );
    }
    refusal(404, "NOT_FOUND", &said)
}

async fn login(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        let mut said =
            json!({ "success": false, "error": "Unexpected token t in JSON at position 2", "code": "INTERNAL_ERROR" });
        if app.broken("stack_shown") {
            said["stack"] = json!(
                "SyntaxError: Unexpected token t\n    at JSON.parse (<anonymous>)\n    at /opt/render/project/src/node_modules/body-parser/lib/types/json.js:92:19"
            );
        }
        return json(400, &said);
    };
    let user = match (asked["email"].as_str(), asked["password"].as_str()) {
        (Some(email), Some(password)) => app.sign_in(email, password).await,
        _ if app.broken("missing_field_is_500") => {
            Err(refusal(500, "INTERNAL_ERROR", "Cannot read properties of undefined"))
        }
        _ => Err(refusal(400, "VALIDATION_ERROR", "Validation failed")),
    };
    let user = match user {
        Ok(user)
            if user["email"] == ESTEE.0
                && app.estee_is_in.swap(true, Ordering::Relaxed)
                && app.broken("logs_in_once") =>
        {
            return refusal(500, "INTERNAL_ERROR", "Session already exists");
        }
        Ok(user) => user,
        Err(refused) => {
            let forwarded = text(&head, "x-forwarded-for").filter(|_| app.broken("login_limit_believes_headers"));
            let hit = app.logins.hit(forwarded.unwrap_or("127.0.0.1"));
            let answer = if hit.allowed || app.broken("login_limit_off") {
                refused
            } else {
                too_many(&hit, "AUTH_RATE_LIMIT_EXCEEDED")
            };
            let answer = with(answer, "x-ratelimit-limit", &hit.limit.to_string());
            return with(answer, "x-ratelimit-remaining", &hit.remaining.to_string());
        }
    };
    let (id, client) = (user["id"].as_str().unwrap(), user["client_id"].as_str());
    if !app.broken("logins_not_audited") {
        let proxy = app.broken("proxy_taken_for_users");
        let address = if proxy { "10.214.97.3" } else { "127.0.0.1" };
        let line = "insert into audit_logs (client_id, user_id, action, ip_address) \
                    values ($1::text::uuid, $2::text::uuid, 'user_login', $3::text::inet)";
        app.db.execute(line, &[&client, &id, &address]).await.unwrap();
    }
    let lifetime = match app.broken {
        Some("tokens_last_a_year") => 31_536_000,
        Some("tokens_last_a_minute") => 60,
        _ => 3600,
    };
    let mut claims = json!({ "sub": id, "aud": "authenticated", "role": "authenticated", "email": user["email"],
        "iat": jwt::now(), "exp": jwt::now() + lifetime });
    if app.broken("tokens_never_expire") {
        claims.as_object_mut().unwrap().remove("exp");
    }
    let field = if app.broken("token_renamed") {
        "token"
    } else {
        "access_token"
    };
    let data = json!({ field: jwt::sign(&claims, app.secret()), "refresh_token": Uuid::new_v4().to_string(), "expires_in": lifetime,
        "user": user, "client": client.map(|client| json!({ "id": client })) });
    success(200, &data)
}

impl Masstock {
    async fn sign_in(&self, email: &str, password: &str) -> Result<Value, Response> {
        let good = [ADMIN, ESTEE].contains(&(email, password));
        let weak = (self.broken("admin_password_weak") && (email, password) == (ADMIN.0, "admin123"))
            || (self.broken("client_password_of_the_guide") && (email, password) == (ESTEE.0, "password"));
        if !(good || weak || self.broken("any_password") && [ADMIN.0, ESTEE.0].contains(&email)) {
            return Err(refusal(401, "INVALID_CREDENTIALS", "Invalid email or password"));
        }
        let user = self.account("u.email", email).await;
        if user.is_null() {
            Err(refusal(401, "USER_NOT_FOUND", "User not found"))
        } else {
            Ok(user)
        }
    }
}

async fn me(State(app): App, head: HeaderMap) -> Response {
    match app.user(&head).await {
        Ok(User(user)) => success(200, &json!({ "user": user })),
        Err(refused) => refused,
    }
}

async fn workflows(State(app): App, head: HeaderMap) -> Response {
    let client = match app.client(&head).await {
        Ok(client) => client,
        Err(refused) => return refused,
    };
    if app.broken("slow") {
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    let whose = if app.broken("workflows_of_everyone") {
        "true or "
    } else {
        ""
    };
    let query =
        format!("select * from workflows where {whose}client_id = $1::text::uuid order by created_at desc, name");
    let mut rows = app.db.rows(&query, &[&client]).await.unwrap();
    if app.broken("workflow_not_shown") {
        rows.pop();
    }
    if app.broken("workflows_shown_twice") {
        rows.truncate(5);
        rows.extend(rows.clone());
    }
    success(200, &json!({ "total": rows.len(), "workflows": rows }))
}

async fn workflow(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    let client = match app.client(&head).await {
        Ok(client) => client,
        Err(_) if app.broken("own_workflow_open") => String::new(),
        Err(refused) => return refused,
    };
    let whose = if app.broken("foreign_workflow_opens") || client.is_empty() {
        "or true"
    } else {
        ""
    };
    let query = format!("select * from workflows where id::text = $1::text and (client_id::text = $2::text {whose})");
    match app.db.row(&query, &[&id, &client]).await {
        Value::Null => refusal(404, "WORKFLOW_NOT_FOUND", "Workflow not found"),
        row => success(200, &json!({ "workflow": row })),
    }
}

async fn execute(State(app): App, Path(id): Path<String>, head: HeaderMap, body: Bytes) -> Response {
    let client = match app.client(&head).await {
        Ok(client) => client,
        Err(refused) => return refused,
    };
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let own = "select id from workflows where id::text = $1::text and client_id::text = $2::text";
    if app.db.row(own, &[&id, &client]).await.is_null() && !app.broken("foreign_workflow_starts") {
        return refusal(404, "WORKFLOW_NOT_FOUND", "Workflow not found");
    }
    if app.broken("queue_unreachable") {
        return refusal(500, "QUEUE_ERROR", "Failed to queue workflow execution");
    }
    let (execution, input) = (Uuid::new_v4().to_string(), &asked["input_data"]);
    let line = "insert into workflow_executions (id, workflow_id, client_id, input_data, started_at) \
                values ($1::text::uuid, $2::text::uuid, $3::text::uuid, $4::text::jsonb, now())";
    app.db
        .execute(line, &[&execution, &id, &client, &input.to_string()])
        .await
        .unwrap();
    let data = json!({ "executionId": execution, "workflowId": id, "clientId": client, "inputData": input });
    if worker::add(&app.redis, &execution, &data).await.is_err() {
        return refusal(500, "QUEUE_ERROR", "Failed to queue workflow execution");
    }
    success(
        202,
        &json!({ "execution_id": execution, "status": "pending", "message": "Workflow execution queued successfully" }),
    )
}

async fn execution(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    let client = match app.client(&head).await {
        Ok(client) => client,
        Err(refused) => return refused,
    };
    let whose = if app.broken("foreign_execution_opens") {
        "or true"
    } else {
        ""
    };
    let query =
        format!("select * from workflow_executions where id::text = $1::text and (client_id::text = $2::text {whose})");
    let mut row = app.db.row(&query, &[&id, &client]).await;
    row["progress"] = match row["status"].as_str() {
        None => return refusal(404, "EXECUTION_NOT_FOUND", "Execution not found"),
        Some("pending") => json!(10),
        Some("processing") => json!(50),
        Some("completed") => json!(100),
        Some(_) => json!(0),
    };
    success(200, &row)
}

async fn dashboard(State(app): App, head: HeaderMap) -> Response {
    if let Err(refused) = app.admin(&head, "admin_open").await {
        return refused;
    }
    let query = "select count(*) as clients from clients where status = 'active'";
    let mut active = app.db.row(query, &[]).await["clients"].clone();
    if app.broken("dashboard_as_last_client") {
        active = json!(1);
    }
    let recent = app
        .db
        .rows(
            "select action, created_at from audit_logs order by created_at desc limit 10",
            &[],
        )
        .await
        .unwrap();
    let data = json!({ "uptime_percent": 100, "errors_24h": 0, "total_executions_24h": 2, "total_revenue_month": "0.00",
        "active_clients": active, "recent_activity": recent });
    success(200, &data)
}

async fn admin_list(State(app): App, head: HeaderMap) -> Response {
    match app.admin(&head, "audit_log_open").await {
        Ok(_) => success(200, &json!({ "total": 2 })),
        Err(refused) => refused,
    }
}

async fn admin_errors(State(app): App, head: HeaderMap) -> Response {
    match app.admin(&head, "errors_open").await {
        Ok(_) => success(200, &json!({ "errors": [], "total": 0 })),
        Err(refused) => refused,
    }
}

/// How the first administrator is made, while there is none.
async fn create_admin(State(app): App) -> Response {
    let admin = app
        .db
        .row("select id from users where role = 'admin' limit 1", &[])
        .await;
    if admin.is_null() || app.broken("second_administrator") {
        return refusal(400, "AUTH_CREATION_FAILED", "Auth creation failed: already registered");
    }
    refusal(403, "ADMIN_EXISTS", "Admin user already exists")
}

async fn admin_client(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    match app.admin(&head, "admin_open").await {
        Err(refused) => refused,
        Ok(_) if app.broken("bad_uuid_is_500") => refusal(500, "DATABASE_ERROR", "invalid input syntax for type uuid"),
        Ok(_) if Uuid::parse_str(&id).is_err() => refusal(400, "VALIDATION_ERROR", "Validation failed"),
        Ok(_) => refusal(404, "CLIENT_NOT_FOUND", "Client not found"),
    }
}
