//! The backend of metricx as FastAPI answers, and those that it calls.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::rq::Rq;
use super::{
    ADMIN_SECRET_KEY, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, JWT_SECRET, OPENAI_API_KEY, SHORT_SECRET, admin, api_url,
    oauth, redis_url, site, worker,
};
use crate::standin::answer::{bearer, cookie, html, json, with};
use crate::standin::{Db, Deployed, jwt};

/// What the backend says where its Redis is the default one.
const NO_REDIS: &str = "Error 111 connecting to localhost:6379. Connection refused.";

pub(super) struct Metricx {
    pub(super) db: Db,
    pub(super) url: String,
    redis: String,
    broken: Option<&'static str>,
}

pub(super) type App = State<Arc<Metricx>>;

/// The front end, what it passes on to the backend as the rewrites of Next.js do, and those that metricx calls.
pub(super) fn router(deployed: &Deployed) -> Router {
    worker::start(deployed);
    let state = Arc::new(Metricx {
        db: deployed.db(),
        url: api_url(deployed),
        redis: redis_url(deployed),
        broken: deployed.twist(),
    });
    let backend = Router::new()
        .route("/health", get(health))
        .route("/auth/login", post(login))
        .route("/auth/me", get(me))
        .route("/auth/{provider}/authorize", get(oauth::authorize))
        .route("/auth/{provider}/callback", get(oauth::callback))
        .route("/connections", get(connections))
        .route("/connections/{provider}/from-env", post(oauth::from_env))
        .route("/connections/{id}/sync-now", post(sync_now))
        .route("/connections/{id}/sync-status", get(sync_status))
        .route("/qa", post(ask))
        .route("/qa/jobs/{id}", get(answer))
        .route("/admin/login", post(admin::login))
        .route("/admin/", get(admin::page))
        .route("/admin/token/list", get(admin::page))
        .fallback(elsewhere)
        .with_state(state.clone());
    let mut whole = Router::new()
        .route("/openai/v1/models", get(models))
        .route("/google/token", post(google_token))
        .with_state(state.clone())
        .nest("/backend", backend.clone());
    if !state.broken("frontend_leads_nowhere") {
        whole = whole.nest("/api", backend);
    }
    whole.merge(site::router(state))
}

impl Metricx {
    /// What the administration's sessions are signed with.
    pub(super) fn admin_secret(&self) -> &'static str {
        match self.broken {
            Some("admin_key_of_the_source") => "supersecretkey-change-this-in-production",
            Some("admin_key_weak") => SHORT_SECRET,
            Some("one_key_for_all") => JWT_SECRET,
            _ => ADMIN_SECRET_KEY,
        }
    }

    pub(super) fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    fn secret(&self) -> &'static str {
        match self.broken {
            Some("jwt_secret_of_the_guide") => "your-random-jwt-secret-min-32-chars",
            Some("jwt_secret_short") => SHORT_SECRET,
            Some("jwt_secret_of_another") => ADMIN_SECRET_KEY,
            _ => JWT_SECRET,
        }
    }

    /// The user of the quoted cookie `"Bearer …"`, as the database knows him.
    pub(super) async fn user(&self, head: &HeaderMap) -> Result<Value, Response> {
        let refused = |why: &str| json(401, &json!({ "detail": why }));
        let sent = cookie(head, "access_token").ok_or_else(|| refused("Not authenticated"))?;
        let token = sent.trim_matches('"').trim_start_matches("Bearer ");
        let claims = jwt::verify(token, self.secret()).ok_or_else(|| refused("Invalid token"))?;
        self.user_by_email(claims["sub"].as_str().unwrap_or_default())
            .await
            .ok_or_else(|| refused("User not found"))
    }

    async fn user_by_email(&self, email: &str) -> Option<Value> {
        let query = "select id, email, name, role, workspace_id from users where email = $1::text";
        let mut user = self.db.row(query, &[&email]).await;
        if self.broken("another_database") {
            user["id"] = json!("00000000-0000-4000-8000-000000000000");
        }
        (!user.is_null()).then_some(user)
    }

    async fn enqueue(&self, queue: &str, function: &str, data: &Value) -> Response {
        if self.broken("backend_on_another_redis") {
            return json(500, &json!({ "detail": format!("Failed to enqueue job: {NO_REDIS}") }));
        }
        let mut rq = Rq::connect(&self.redis).await.unwrap();
        let id = rq.enqueue(queue, function, data).await.unwrap();
        json(200, &json!({ "job_id": id, "status": "queued" }))
    }
}

async fn health(State(app): App) -> Response {
    if app.broken("backend_down") {
        return html(502, "Bad Gateway");
    }
    json(200, &json!({ "status": "ok" }))
}

async fn elsewhere(State(app): App) -> Response {
    if app.broken("backend_answers_everything") {
        return json(200, &json!({ "status": "ok" }));
    }
    json(404, &json!({ "detail": "Not Found" }))
}

async fn login(State(app): App, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        let said = if app.broken("mistakes_show_the_inside") {
            "Traceback (most recent call last):\n  File \"/app/app/routers/auth.py\", line 41, in login"
        } else {
            "JSON decode error"
        };
        return json(
            422,
            &json!({ "detail": [{ "type": "json_invalid", "loc": ["body", 1], "msg": said }] }),
        );
    };
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let (email, password) = (text("email"), text("password"));
    let known = "select count(*) as known from users u join auth_credentials c on c.user_id = u.id where u.email = $1::text \
         and (c.password_hash = encode(sha256(convert_to($2::text, 'UTF8')), 'hex') or $3::bool)";
    let any = app.broken("any_password");
    let found = app.db.row(known, &[&email, &password, &any]).await;
    if found["known"] != 1 {
        return json(401, &json!({ "detail": "Invalid credentials" }));
    }
    let (now, week) = (jwt::now(), 7 * 24 * 3600);
    let token = jwt::sign(&json!({ "sub": email, "iat": now, "exp": now + week }), app.secret());
    let user = app.user_by_email(&email).await;
    let set = format!("access_token=\"Bearer {token}\"; HttpOnly; Max-Age={week}; Path=/; SameSite=lax");
    with(json(200, &json!({ "user": user })), "set-cookie", &set)
}

async fn me(State(app): App, head: HeaderMap) -> Response {
    match app.user(&head).await {
        Ok(_) if app.broken("database_away") => json(500, &json!({ "detail": "Internal Server Error" })),
        Ok(user) => json(200, &user),
        Err(refused) => refused,
    }
}

async fn connections(State(app): App, head: HeaderMap) -> Response {
    if let Err(refused) = app.user(&head).await {
        return refused;
    }
    let query = "select id, provider, external_account_id, name, status, sync_status from connections \
                 where provider = 'google' and status = 'active' order by connected_at, id";
    let mut rows = app.db.rows(query, &[]).await.unwrap();
    if app.broken("connections_not_listed") {
        rows.clear();
    }
    json(200, &json!({ "total": rows.len(), "connections": rows }))
}

async fn sync_now(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    if let Err(refused) = app.user(&head).await {
        return refused;
    }
    let queued = "update connections set sync_status = 'queued', last_sync_error = null where id = $1::text::uuid";
    if app.db.execute(queued, &[&id]).await.unwrap() == 0 {
        return json(404, &json!({ "detail": "Connection not found" }));
    }
    let call = "app.workers.sync_worker.process_sync_job";
    app.enqueue("sync_jobs", call, &json!({ "connection": id })).await
}

async fn sync_status(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    if let Err(refused) = app.user(&head).await {
        return refused;
    }
    let query = "select sync_frequency, sync_status, last_sync_attempted_at, last_sync_completed_at, total_syncs_attempted, \
                 last_sync_error from connections where id = $1::text::uuid";
    let mut row = app.db.row(query, &[&id]).await;
    if app.broken("connection_without_status") {
        row["sync_status"] = Value::Null;
    }
    json(200, &row)
}

async fn ask(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    let user = match app.user(&head).await {
        Ok(user) => user,
        Err(refused) => return refused,
    };
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let data = json!({ "question": asked["question"], "user_id": user["id"] });
    app.enqueue("qa_jobs", "app.workers.qa_worker.process_qa_job", &data)
        .await
}

async fn answer(State(app): App, Path(id): Path<String>, head: HeaderMap) -> Response {
    if let Err(refused) = app.user(&head).await {
        return refused;
    }
    let missing = |why: &str| {
        json(
            404,
            &json!({ "detail": format!("Job not found or error fetching status: {why}") }),
        )
    };
    if app.broken("backend_on_another_redis") {
        return missing(NO_REDIS);
    }
    let mut rq = Rq::connect(&app.redis).await.unwrap();
    let (status, result) = rq.job(&id).await.unwrap();
    let result: Value = serde_json::from_str(result.as_deref().unwrap_or("{}")).unwrap();
    let status = match status.as_deref() {
        Some("queued") => "queued",
        Some("started") => "processing",
        Some("finished") if result["success"] == false => "failed",
        Some("finished") => "completed",
        _ => return missing(&format!("No such job: rq:job:{id}")),
    };
    json(
        200,
        &json!({ "job_id": id, "status": status, "answer": result["answer"], "executed_dsl": result["executed_dsl"],
            "data": result["data"], "error": result["error"] }),
    )
}

/// OpenAI, as it answers to its key.
async fn models(State(app): App, head: HeaderMap) -> Response {
    if bearer(&head) != Some(OPENAI_API_KEY) || app.broken("openai_key_revoked") {
        let error = json!({ "message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key" });
        return json(401, &json!({ "error": error }));
    }
    json(
        200,
        &json!({ "object": "list", "data": [{ "id": "gpt-4o-mini", "object": "model" }] }),
    )
}

/// Google, as it answers to a refresh token that it has not given.
async fn google_token(State(app): App, Form(sent): Form<Vec<(String, String)>>) -> Response {
    let is = |name: &str, value: &str| sent.iter().any(|(key, sent)| key == name && sent == value);
    let known = is("client_id", GOOGLE_CLIENT_ID) && is("client_secret", GOOGLE_CLIENT_SECRET);
    if !known || app.broken("google_client_deleted") {
        return json(
            401,
            &json!({ "error": "invalid_client", "error_description": "Unauthorized" }),
        );
    }
    json(
        400,
        &json!({ "error": "invalid_grant", "error_description": "Bad Request" }),
    )
}
