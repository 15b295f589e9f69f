//! The application of genapp: its pages, and the routes that make images and videos for credits.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use serde_json::{Value, json};

use super::supabase::{self, place_of, user_of};
use super::{SUPABASE_URL, USERS, WINDOW, others};
use crate::standin::answer::{cookie, html, json, text, with};
use crate::standin::limiter::Limiter;
use crate::standin::{Db, Deployed, jwt};

pub(super) struct App {
    pub(super) url: String,
    db: Db,
    broken: Option<&'static str>,
    /// What each of the two instances, which take turns, has in its own memory.
    own: [Limiter; 2],
    asked: AtomicUsize,
    /// The addresses in Vercel Blob.
    pub(super) stored: Mutex<BTreeSet<String>>,
}

#[derive(Clone)]
pub(super) struct Shared(Arc<App>);

impl Deref for Shared {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

const SIZES: [i64; 8] = [512, 768, 832, 1024, 1216, 1280, 1536, 2048];
/// The styles of videos.
const STYLES: [&str; 6] = ["basic", "lovely", "express", "express_hd", "elite", "elitist"];
/// Those that an app prices as the longer videos, however long they are.
const DEAR: [&str; 2] = ["elite", "elitist"];

/// What is made: the word for it, the kind and price of the charge, the file.
struct Order {
    verb: &'static str,
    kind: &'static str,
    price: i32,
    file: &'static str,
}

impl App {
    pub(super) fn broken(&self, name: &str) -> bool {
        self.broken == Some(name)
    }

    pub(super) fn user(&self, head: &HeaderMap) -> Option<usize> {
        let session: Value = serde_json::from_str(cookie(head, "sb-your-project-auth-token")?).ok()?;
        let ended = session["expires_at"].as_i64()? < jwt::now();
        if ended && !self.broken("sessions_not_renewed") {
            return place_of(session["refresh_token"].as_str()?);
        }
        user_of(self, session["access_token"].as_str()?)
    }

    /// Counts a request of `whom`; the answer, where that is one too many.
    async fn limited(&self, whom: &str, kind: &str, limit: i32) -> Option<Response> {
        let window = if self.broken("window_too_short") {
            WINDOW / 2
        } else {
            WINDOW
        };
        if self.broken("limits_per_instance") || self.broken("limits_in_memory") {
            let instances = if self.broken("limits_in_memory") { 1 } else { 2 };
            let hit = self.own[self.asked.fetch_add(1, Ordering::Relaxed) % instances].hit(whom);
            let allowed = i64::from(hit.limit - hit.remaining) <= i64::from(limit) && hit.allowed;
            return (!allowed).then(|| refused(kind, limit, 2, "soon"));
        }
        let sql = "select *, ceil(extract(epoch from window_end - now()))::int as wait from check_rate_limit($1::text, $2::text, $3::int, $4::int)";
        let hit = self.db.rows(sql, &[&whom, &kind, &limit, &window]).await;
        // As the app does: without an answer of the database everybody is let through.
        let hit = hit.ok()?.into_iter().next()?;
        let allowed = hit["allowed"] == true || self.broken("limits_off");
        (!allowed).then(|| {
            let wait = hit["wait"].as_i64().unwrap_or_default();
            refused(kind, limit, wait, hit["window_end"].as_str().unwrap_or_default())
        })
    }

    /// Charges, makes, records; or gives the credits back.
    async fn make(&self, user: usize, order: &Order, body: &Value) -> Response {
        let (id, ..) = USERS[user];
        let key = body["idempotency_key"].as_str();
        let price = if self.broken("image_overpriced") && order.kind == "image" {
            600
        } else {
            order.price
        };
        if self.broken("charges_race") && user == 2 {
            return self.race(id).await;
        }
        let about = json!({ "prompt": body["prompt"] }).to_string();
        let charge = "select job_id::text, new_balance from atomic_charge_credits($1::text::uuid, $2::text, $3::int, $4::text, $5::text::jsonb)";
        let charged = match self.db.rows(charge, &[&id, &order.kind, &price, &key, &about]).await {
            Ok(rows) => rows[0].clone(),
            Err(error) => {
                let said = error
                    .as_db_error()
                    .map_or(String::new(), |error| error.message().to_owned());
                if said.contains("Insufficient") {
                    let status = if self.broken("poverty_is_a_crash") { 500 } else { 402 };
                    return json(
                        status,
                        &json!({ "error": "Insufficient credits", "insufficientCredits": true }),
                    );
                }
                return json(500, &json!({ "error": said }));
            }
        };
        let job = charged["job_id"].as_str().unwrap();
        let fails = self.broken("provider_down")
            || (self.broken("style_unknown") && body["style"] == "express_hd")
            || ((self.broken("edits_fail") || self.broken("no_edit_for_weeks")) && order.kind == "edit")
            || (self.broken("landscape_fails") && body["width"] == 1216);
        if fails {
            let refund = "select refund_credits($1::text::uuid, $2::text::uuid, $3::int, 'provider')";
            let _ = self.db.rows(refund, &[&id, &job, &price]).await;
            return json(500, &json!({ "error": "The provider did not answer" }));
        }
        let side = |name: &str| match body[name].as_i64() {
            Some(side) if !self.broken("one_size_for_all") => side,
            _ => 1024,
        };
        let url = format!(
            "{}/media/{}{job}-{}x{}.{}",
            self.url,
            if order.kind == "edit" { "edit-" } else { "" },
            side("width"),
            side("height"),
            order.file
        );
        let lost = self.broken("videos_not_completed") && order.file == "mp4";
        if !lost && !self.broken("jobs_not_completed") && !self.broken("nothing_completed_today") {
            let done = "update generation_jobs set status = 'completed', result_url = $2::text, \
                        completed_at = created_at + interval '3 s' where id = $1::text::uuid";
            self.db.execute(done, &[&job, &url]).await.unwrap();
        }
        json(
            200,
            &json!({ "url": url, "credits": charged["new_balance"], "metadata": { "jobId": job } }),
        )
    }

    /// Reads the balance, thinks, and writes what it has thought.
    async fn race(&self, id: &str) -> Response {
        let has = self
            .db
            .row("select credits from users where id = $1::text::uuid", &[&id])
            .await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        let left = i32::try_from(has["credits"].as_i64().unwrap()).unwrap() - 500;
        if left < 0 {
            return json(
                402,
                &json!({ "error": "Insufficient credits", "insufficientCredits": true }),
            );
        }
        let write = "update users set credits = $2::int where id = $1::text::uuid";
        self.db.execute(write, &[&id, &left]).await.unwrap();
        json(
            200,
            &json!({ "url": format!("{}/media/1.png", self.url), "credits": left, "metadata": { "jobId": uuid::Uuid::new_v4().to_string() } }),
        )
    }
}

fn refused(kind: &str, limit: i32, wait: i64, reset: &str) -> Response {
    let said = if kind == "ip" {
        "Too many requests from this IP address. Please try again in a moment."
    } else {
        "You're making requests too quickly. Please wait a moment before trying again."
    };
    let answer = json(429, &json!({ "error": said, "retryAfter": wait }));
    let answer = with(answer, "retry-after", &wait.to_string());
    let answer = with(answer, "x-ratelimit-limit", &limit.to_string());
    with(with(answer, "x-ratelimit-remaining", "0"), "x-ratelimit-reset", reset)
}

pub(super) fn router(deployed: &Deployed) -> Router {
    let limiter = || Limiter::new(20, Duration::from_secs(u64::try_from(WINDOW).unwrap()));
    let app = Shared(Arc::new(App {
        url: deployed.url(),
        db: deployed.db(),
        broken: deployed.twist(),
        own: [limiter(), limiter()],
        asked: AtomicUsize::new(0),
        stored: Mutex::default(),
    }));
    Router::new()
        .route("/", get(home))
        .route("/_next/static/chunks/app-4f3ab21c.js", get(script))
        .route("/auth/callback", get(supabase::app_callback))
        .route("/media/{file}", get(media))
        .route("/stored/{*data}", get(stored))
        .route("/api/user/credits", get(credits))
        .route("/api/generate", post(generate))
        .route("/api/edit-image", post(edit))
        .route("/api/generate-video", post(video))
        .route("/api/generate-unified", post(unified))
        .route("/api/ingest", post(ingest))
        .merge(others::router())
        .merge(supabase::router())
        .fallback(not_found)
        .with_state(app)
}

async fn not_found(State(app): State<Shared>) -> Response {
    if app.broken("answers_everything") {
        return home(State(app)).await;
    }
    html(404, "<!doctype html><title>404: This page could not be found.</title>")
}

async fn home(State(app): State<Shared>) -> Response {
    if app.broken("app_down") {
        return html(502, "<title>Replit: run this app to see the results here</title>");
    }
    let script = if app.broken("development_server") {
        "/_next/static/development/_buildManifest.js"
    } else {
        "/_next/static/chunks/app-4f3ab21c.js"
    };
    html(
        200,
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>v0 App</title>\
             <script src=\"/_next/static/chunks/app-4f3ab21c.js\" async></script><script src=\"{script}\"></script></head><body></body></html>"
        ),
    )
}

async fn script(State(app): State<Shared>) -> Response {
    let image = if app.broken("price_not_shown") { "400" } else { "500" };
    let secret = if app.broken("service_key_in_script") {
        super::key("service_role")
    } else {
        String::new()
    };
    let project = if app.broken("built_for_another_project") {
        "https://wmtrblncydpsgfkqzvhx.supabase.co"
    } else {
        SUPABASE_URL
    };
    let text = format!(
        "self.__next_f=[\"Generate Image ({image} credits \",\"Edit Image (1,000 credits \",1===e?\"1,000\":3===e?\"2,000\":\"3,000\",\"{secret}\",\"{project}\"]"
    );
    let mut answer = with(
        json(200, &Value::Null),
        "cache-control",
        "public, max-age=31536000, immutable",
    );
    *answer.body_mut() = text.into();
    answer
        .headers_mut()
        .insert("content-type", "text/javascript".parse().unwrap());
    answer
}

/// What was made: `JOB-WIDTHxHEIGHT.png`, as far as its header.
async fn media(State(app): State<Shared>, Path(file): Path<String>) -> Response {
    let video = file.rsplit('.').next() == Some("mp4");
    let edit = file.starts_with("edit");
    let lost = (app.broken("image_is_an_error_page") && !video && !edit)
        || (app.broken("edit_is_an_error_page") && edit)
        || (app.broken("video_is_an_error_page") && video);
    if lost {
        return html(200, "<title>This store has been suspended</title>");
    }
    if video {
        return file_of("video/mp4", [b"\0\0\0\x18ftypmp42".as_slice(), &[0; 64]].concat());
    }
    let (sides, _) = file.split_once('.').unwrap_or_default();
    let (_, sides) = sides.rsplit_once('-').unwrap_or_default();
    let sides = sides.split('x').map(|side| side.parse::<u32>().unwrap_or_default());
    let sides: Vec<u8> = sides.flat_map(u32::to_be_bytes).collect();
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    file_of(
        "image/png",
        [head.as_slice(), &sides, &[8, 6, 0, 0, 0], &[0; 40]].concat(),
    )
}

fn file_of(kind: &str, bytes: Vec<u8>) -> Response {
    let mut answer = json(200, &Value::Null);
    *answer.body_mut() = bytes.into();
    answer.headers_mut().insert("content-type", kind.parse().unwrap());
    answer
}

pub(super) fn unauthorized() -> Response {
    json(401, &json!({ "error": "Unauthorized" }))
}

async fn credits(State(app): State<Shared>, head: HeaderMap) -> Response {
    let Some(user) = app.user(&head).filter(|_| !app.broken("sessions_unknown")) else {
        return unauthorized();
    };
    if app.broken("sessions_forgotten") && user == 0 && app.asked.fetch_add(1, Ordering::Relaxed) > 0 {
        return unauthorized();
    }
    let sql = "select credits, membership_tier as \"membershipTier\" from users where id = $1::text::uuid";
    json(200, &app.db.row(sql, &[&USERS[user].0]).await)
}

async fn generate(app: State<Shared>, head: HeaderMap, body: Bytes) -> Response {
    let order = Order {
        verb: "generate images",
        kind: "image",
        price: 500,
        file: "png",
    };
    serve(&app, &head, &body, order).await
}

/// What chooses the model itself, and otherwise does as `generate`.
async fn unified(app: State<Shared>, head: HeaderMap, body: Bytes) -> Response {
    let signed_in = app.user(&head).is_some();
    if (app.broken("unified_guard_forgotten") && !signed_in) || (app.broken("unified_unlimited") && signed_in) {
        return json(400, &json!({ "error": "Please describe what you want to create" }));
    }
    generate(app, head, body).await
}

/// Keeps what lies at an address, in Vercel Blob.
async fn ingest(State(app): State<Shared>, head: HeaderMap, body: Bytes) -> Response {
    let Some(user) = app.user(&head) else {
        return unauthorized();
    };
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some((_, data)) = asked["imageUrl"].as_str().and_then(|url| url.split_once("base64,")) else {
        return json(400, &json!({ "error": "Image URL is required" }));
    };
    if app.broken("blob_token_cannot_write") || app.broken("blob_token_revoked") {
        return json(500, &json!({ "error": "Vercel Blob: Access denied" }));
    }
    let key = format!("temp/{}/{}.png", USERS[user].0, uuid::Uuid::new_v4());
    let url = format!("{}/stored/{data}", app.url);
    if !app.broken("upload_lost") {
        app.stored.lock().unwrap().insert(url.clone());
    }
    let keep = "insert into media (user_id, status, storage_key, mime_type, size_bytes) \
                values ($1::text::uuid, 'temp', $2::text, 'image/png', 70) returning id";
    let kept = app.db.row(keep, &[&USERS[user].0, &key]).await;
    json(200, &json!({ "id": kept["id"], "url": url, "status": "temp" }))
}

/// What is stored, for anybody.
async fn stored(State(app): State<Shared>, Path(data): Path<String>) -> Response {
    let url = format!("{}/stored/{data}", app.url);
    if !app.stored.lock().unwrap().contains(&url) {
        return json(404, &json!({ "error": { "code": "not_found" } }));
    }
    file_of(
        "image/png",
        base64::engine::general_purpose::STANDARD.decode(data).unwrap(),
    )
}

async fn edit(app: State<Shared>, head: HeaderMap, body: Bytes) -> Response {
    let order = Order {
        verb: "edit images",
        kind: "edit",
        price: 1000,
        file: "png",
    };
    serve(&app, &head, &body, order).await
}

async fn video(app: State<Shared>, head: HeaderMap, body: Bytes) -> Response {
    let order = Order {
        verb: "generate videos",
        kind: "video3",
        price: 2000,
        file: "mp4",
    };
    serve(&app, &head, &body, order).await
}

/// The order of the refusals is the app's: images switched off, not signed in, too many, not valid.
async fn serve(app: &Shared, head: &HeaderMap, body: &Bytes, mut order: Order) -> Response {
    let enabled = "select setting_value from app_settings where setting_key = 'app_enabled'";
    if order.kind == "image" && app.db.row(enabled, &[]).await["setting_value"] == false {
        let said = "Image generation is temporarily disabled. Please try again later.";
        return json(503, &json!({ "error": said }));
    }
    let user = match app.user(head) {
        Some(user) => user,
        None if app.broken("guard_forgotten") && order.kind == "edit" => 0,
        None if app.broken("refusal_technical") => {
            return json(401, &json!({ "error": "AuthSessionMissingError" }));
        }
        None => {
            let said = format!("Please sign in to {}", order.verb);
            return json(401, &json!({ "error": said }));
        }
    };
    let claimed = text(head, "x-forwarded-for").filter(|_| app.broken("trusts_forwarded_for"));
    let seen = if app.broken("callers_unknown") {
        "unknown"
    } else {
        "127.0.0.1"
    };
    if let Some(refusal) = app.limited(claimed.unwrap_or(seen), "ip", 20).await {
        return refusal;
    }
    let per_user = if app.broken("user_limit_is_100") { 100 } else { 10 };
    let unlimited = app.broken("videos_unlimited") && order.file == "mp4";
    if !unlimited && let Some(refusal) = app.limited(USERS[user].0, "user", per_user).await {
        return refusal;
    }
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(said) = invalid(app, &mut order, &asked) {
        if app.broken("charged_before_looked_at") && asked["prompt"].is_string() {
            app.make(user, &order, &asked).await;
        }
        return said;
    }
    app.make(user, &order, &asked).await
}

/// What is wrong with a request, in words for people.
fn invalid(app: &App, order: &mut Order, asked: &Value) -> Option<Response> {
    let refuse = |field: &str, said: &str| Some(json(400, &json!({ "error": said, "details": { field: [said] } })));
    if asked["prompt"].as_str().is_none_or(str::is_empty) {
        return refuse("prompt", "Please describe what you want to create");
    }
    for side in ["width", "height"] {
        let size = asked[side].as_i64().unwrap_or(1024);
        let unseen = app.broken("any_size") || (app.broken("any_height") && side == "height");
        if SIZES.contains(&size) || unseen {
            continue;
        }
        let said = if app.broken("refusal_of_sizes_technical") {
            "ZodError: invalid_type at width"
        } else {
            "Please select a valid image size from the available options"
        };
        return refuse(side, said);
    }
    if order.file == "mp4" {
        let style = asked["style"].as_str().unwrap_or("lovely");
        if !STYLES.contains(&style) {
            return refuse("style", &format!("Invalid style: {style}"));
        }
        if asked["duration"] == "5" || (app.broken("videos_priced_by_style") && DEAR.contains(&style)) {
            (order.kind, order.price) = ("video5", 3000);
        }
    }
    None
}
