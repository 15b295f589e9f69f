//! The routes of the web front end: accounts, bots, plans, templates, and what the administrator sees.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::PASSWORD;
use super::app::{App, WhatsDex, internal};
use super::{admin, stripe};
use crate::standin::answer::{json, text};
use crate::standin::jwt;

pub(super) fn router(app: Arc<WhatsDex>) -> Router {
    Router::new()
        .route("/api/health", get(health))
        .route("/api/auth/register", post(register))
        .route("/api/auth/login", post(login))
        .route("/api/bots", get(bots).post(create_bot))
        .route("/api/bots/apply-template", post(apply_template))
        .route("/api/subscription", get(subscription).post(subscribe))
        .route("/api/whatsapp/session/{user}/{session}", get(whatsapp_session))
        .route("/api/templates", get(templates).post(create_template))
        .route("/api/admin/metrics", get(admin::metrics))
        .route("/api/metrics", get(metrics))
        .route("/api/qr-code", get(qr_code))
        .route("/api/webhooks/stripe", post(stripe_event))
        .fallback(async || json(404, &json!({ "error": "This page could not be found." })))
        .with_state(app)
}

fn parse(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

async fn health(State(app): App) -> Response {
    let redis = if app.broken("web_without_redis") {
        "unhealthy"
    } else {
        "healthy"
    };
    let mut said = json!({ "services": { "database": "healthy", "redis": redis, "whatsapp": "connected" }, "status": "healthy",
        "timestamp": app.now("web_health_of_the_build") });
    if app.db.rows("select 1 as one", &[]).await.is_err() || app.broken("web_without_database") {
        said["services"]["database"] = json!("unhealthy");
    }
    if app.broken("web_health_leaks") {
        said["system"] = json!({ "nodeVersion": "v20.11.1" });
    }
    json(200, &said)
}

/// A token of a user of a tenant, and who it is, as login and registration answer.
async fn session(app: &WhatsDex, email: &str, subdomain: &str) -> Option<Value> {
    let sql = "select u.id, u.email, u.name, u.role, t.id as tenant, t.name as company, t.subdomain, t.plan \
               from tenant_users u join tenants t on t.id = u.\"tenantId\" where (u.email = $1::text or $3::bool) and t.subdomain = $2::text";
    let any = app.broken("users_of_all_tenants") && email == "smoke-free@yourcompany.com";
    let found = app.db.row(sql, &[&email, &subdomain, &any]).await;
    found.is_object().then(|| {
        let life = if app.broken("tokens_live_long") { 90 } else { 1 };
        let claims = json!({ "userId": found["id"], "tenantId": found["tenant"], "email": email, "role": found["role"],
            "tenantSubdomain": subdomain, "iat": jwt::now(), "exp": jwt::now() + life * 86_400 });
        json!({
            "token": jwt::sign(&claims, app.secret()),
            "user": { "id": found["id"], "email": email, "name": found["name"], "role": found["role"] },
            "tenant": { "id": found["tenant"], "name": found["company"], "subdomain": subdomain, "plan": found["plan"] },
        })
    })
}

async fn login(State(app): App, body: Bytes) -> Response {
    let asked = parse(&body);
    let word = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let demo = app.broken("demo_account") && word("email") == "admin@demo.com";
    let right = word("password") == PASSWORD || app.broken("any_password");
    let session = match (demo, right) {
        (true, _) => session(&app, "hello@bakery.example", "bakery").await,
        (_, true) => session(&app, &word("email"), &word("subdomain")).await,
        _ => None,
    };
    match session {
        Some(data) => json(200, &json!({ "success": true, "data": data })),
        None => json(401, &json!({ "error": "Invalid email or password" })),
    }
}

/// The login behind the web front end's, for which the API wants the internal key.
pub(super) async fn authenticate(State(app): App, head: HeaderMap, body: Bytes) -> Result<Response, Response> {
    internal(&app, &head)?;
    let asked = parse(&body);
    let word = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let sql = "select subdomain from tenants where id = $1::text";
    let tenant = app.db.row(sql, &[&word("tenantId")]).await;
    let right = word("password") == PASSWORD || app.broken("any_password");
    let session = session(&app, &word("email"), tenant["subdomain"].as_str().unwrap_or_default()).await;
    match session.filter(|_| right) {
        Some(data) => Ok(json(200, &json!({ "success": true, "data": data }))),
        None => Err(json(401, &json!({ "error": "Invalid credentials" }))),
    }
}

/// Events that reach the web front end: it hands them on.
async fn stripe_event(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    if app.broken("web_webhook_accepts_all") {
        return json(200, &json!({ "received": true }));
    }
    stripe::webhook(State(app), head, body).await
}

async fn register(State(app): App, body: Bytes) -> Response {
    let asked = parse(&body);
    let word = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let (company, subdomain, email) = (word("companyName"), word("subdomain"), word("email"));
    let id = format!("tn_{subdomain}");
    let taken = app
        .db
        .row("select id from tenants where subdomain = $1::text", &[&subdomain])
        .await;
    if !taken.is_null() && !app.broken("subdomain_twice") {
        return json(409, &json!({ "error": "Subdomain already taken" }));
    }
    if app.broken("registration_fails") {
        return json(500, &json!({ "error": "Registration failed. Please try again." }));
    }
    let add = "insert into tenants (id, name, subdomain, email) values ($1::text, $2::text, $3::text, $4::text) \
               on conflict do nothing";
    app.db.execute(add, &[&id, &company, &subdomain, &email]).await.unwrap();
    let add = "insert into tenant_users (id, \"tenantId\", email, name, \"passwordHash\", role) \
               values ('us_' || $2::text, $1::text, $2::text, $3::text, '$2b$12$kept', 'admin') on conflict do nothing";
    app.db.execute(add, &[&id, &email, &word("name")]).await.unwrap();
    let add = "insert into bot_instances (id, \"tenantId\", name) values ('bot_' || $1::text, $1::text, $2::text || ' Bot') \
               on conflict do nothing";
    app.db.execute(add, &[&id, &company]).await.unwrap();
    let mut data = session(&app, &email, &subdomain).await.unwrap_or_default();
    data["botInstance"] = json!({ "id": format!("bot_{id}"), "status": "disconnected" });
    json(200, &json!({ "success": true, "data": data }))
}

/// The caller's tenant, or the refusal.
fn tenant(app: &WhatsDex, head: &HeaderMap) -> Result<String, Response> {
    let caller = app.caller(head)?;
    let named = text(head, "x-tenant-id").filter(|_| app.broken("tenant_by_header"));
    Ok(named.or(caller["tenantId"].as_str()).unwrap().to_owned())
}

async fn bots(State(app): App, head: HeaderMap) -> Result<Response, Response> {
    let tenant = tenant(&app, &head)?;
    let all = app.broken("bots_of_all_listed");
    let sql = "select id, name, status from bot_instances where \"tenantId\" = $1::text or $2::bool";
    let rows = app.db.rows(sql, &[&tenant, &all]).await.unwrap();
    let plan = app.plan(&tenant).await;
    let code = plan["code"].as_str().unwrap().to_lowercase();
    let most = if app.broken("limits_of_the_free_plan") {
        json!(1)
    } else {
        plan["maxBots"].clone()
    };
    Ok(json(
        200,
        &json!({ "success": true, "data": { "bots": rows, "limits": { "maxBots": most }, "plan": code } }),
    ))
}

async fn create_bot(State(app): App, head: HeaderMap, body: Bytes) -> Result<Response, Response> {
    let tenant = tenant(&app, &head)?;
    let name = parse(&body)["name"].as_str().unwrap_or_default().to_owned();
    let plan = app.plan(&tenant).await;
    let limit = if app.broken("upgrade_without_effect") && plan["code"] == "BUSINESS" {
        1
    } else {
        plan["maxBots"].as_i64().unwrap()
    };
    let has = app
        .db
        .row(
            "select count(*) as n from bot_instances where \"tenantId\" = $1::text",
            &[&tenant],
        )
        .await;
    let id = format!("bot_{tenant}_{}", has["n"]);
    let add = "insert into bot_instances (id, \"tenantId\", name) values ($1::text, $2::text, $3::text)";
    if has["n"].as_i64().unwrap() >= limit && !app.broken("bots_without_limit") {
        if app.broken("refused_bot_stays") {
            app.db.execute(add, &[&id, &tenant, &name]).await.unwrap();
        }
        let said = format!("Bot limit exceeded. Current plan allows {limit} bots.");
        return Err(json(403, &json!({ "error": said })));
    }
    if app.broken("no_bot_created") {
        return Err(json(500, &json!({ "error": "Failed to create bot" })));
    }
    let owner = if app.broken("bot_of_another") {
        "tn_bakery"
    } else {
        &tenant
    };
    app.db.execute(add, &[&id, &owner, &name]).await.unwrap();
    Ok(json(
        200,
        &json!({ "success": true, "data": { "id": id, "name": name } }),
    ))
}

async fn apply_template(State(app): App, head: HeaderMap, body: Bytes) -> Result<Response, Response> {
    let tenant = tenant(&app, &head)?;
    let asked = parse(&body);
    let word = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let (bot, template) = (word("botInstanceId"), word("templateId"));
    if app.broken("template_not_applied") {
        return Err(json(500, &json!({ "error": "Failed to apply template" })));
    }
    let any = app.broken("templates_for_all_bots");
    let sql = "select id from bot_instances where id = $1::text and (\"tenantId\" = $2::text or $3::bool)";
    if app.db.row(sql, &[&bot, &tenant, &any]).await.is_null() {
        return Err(json(404, &json!({ "error": "Bot not found" })));
    }
    let set = "insert into bot_settings (id, \"botInstanceId\", \"welcomeMessage\") \
               select 'set_' || $1::text, $1::text, \"welcomeMessage\" from bot_templates where id = $2::text \
               on conflict (\"botInstanceId\") do update set \"welcomeMessage\" = excluded.\"welcomeMessage\"";
    app.db.execute(set, &[&bot, &template]).await.unwrap();
    if !app.broken("menu_not_applied") {
        let clear = "delete from bot_settings_menu_items where \"settingsId\" = 'set_' || $1::text";
        app.db.execute(clear, &[&bot]).await.unwrap();
        let of = if app.broken("menu_of_another_template") {
            "tpl_support"
        } else {
            &template
        };
        let menu = "insert into bot_settings_menu_items (\"settingsId\", label, \"order\") \
                    select 'set_' || $1::text, label, \"order\" from bot_template_menu_items where \"templateId\" = $2::text";
        app.db.execute(menu, &[&bot, &of]).await.unwrap();
    }
    Ok(json(
        200,
        &json!({ "id": format!("set_{bot}"), "botInstanceId": bot, "menuEnabled": true }),
    ))
}

async fn subscribe(State(app): App, head: HeaderMap, body: Bytes) -> Result<Response, Response> {
    let tenant = tenant(&app, &head)?;
    let plan = parse(&body)["plan"].as_str().unwrap_or_default().to_owned();
    if app.broken("no_plan_selection") {
        return Err(json(500, &json!({ "error": "Failed to create subscription" })));
    }
    let id = format!("sub_{tenant}");
    let saved = if app.broken("plan_not_saved") { "free" } else { &plan };
    let add = "with s as (insert into tenant_subscriptions (\"tenantId\", \"stripeSubscriptionId\", \"stripePriceId\", \
               status, \"currentPeriodEnd\", \"planId\") \
               values ($1::text, $2::text, 'price_' || $3::text, 'active', now() + interval '1 month', 'plan_' || $3::text)) \
               update tenants set plan = $3::text where id = $1::text";
    app.db.execute(add, &[&tenant, &id, &saved]).await.unwrap();
    Ok(json(
        200,
        &json!({ "success": true, "data": { "subscription": { "id": id, "status": "active" } } }),
    ))
}

async fn templates(State(app): App, head: HeaderMap) -> Result<Response, Response> {
    let tenant = tenant(&app, &head)?;
    let sql = "select t.id, t.name, (select json_agg(i) from bot_template_menu_items i where i.\"templateId\" = t.id) as \"menuItems\" \
               from bot_templates t where t.\"tenantId\" is null or t.\"tenantId\" = $1::text or $2::bool";
    let all = app.broken("templates_of_all_offered");
    let rows = app.db.rows(sql, &[&tenant, &all]).await.unwrap();
    let rows = if app.broken("no_templates_offered") {
        Vec::new()
    } else {
        rows
    };
    Ok(json(200, &Value::Array(rows)))
}

async fn create_template(State(app): App, head: HeaderMap, body: Bytes) -> Result<Response, Response> {
    let tenant = tenant(&app, &head)?;
    if app.broken("no_template_created") {
        return Err(json(500, &json!({ "error": "Failed to create template" })));
    }
    let name = parse(&body)["name"].as_str().unwrap_or_default().to_owned();
    let add = "insert into bot_templates (id, \"tenantId\", name, category) \
               values ('tpl_' || $1::text, $1::text, $2::text, 'welcome') returning id, name";
    let row = app.db.row(add, &[&tenant, &name]).await;
    Ok(json(201, &row))
}

async fn metrics(State(app): App) -> Response {
    let sql = "select count(*) as total, avg(\"executionTime\") as mean from command_usage";
    let used = app.db.row(sql, &[]).await;
    let mean = if app.broken("metrics_without_numbers") {
        Value::Null
    } else {
        used["mean"].clone()
    };
    json(
        200,
        &json!({ "activeUsers": 3, "messagesToday": used["total"], "avgResponseTime": mean, "uptime": 812,
            "totalCommands": used["total"], "errorRate": 0.0 }),
    )
}

async fn subscription(State(app): App, head: HeaderMap) -> Result<Response, Response> {
    let own = tenant(&app, &head)?;
    let of = if app.broken("subscription_of_another") {
        "tn_garage"
    } else {
        &own
    };
    let sql = "select id, name, plan, status from tenants where id = $1::text";
    let tenant = app.db.row(sql, &[&of]).await;
    let plans = json!([{ "id": "free" }, { "id": "pro" }, { "id": "business" }]);
    Ok(json(
        200,
        &json!({ "success": true, "data": { "tenant": tenant, "plans": plans } }),
    ))
}

async fn whatsapp_session(State(app): App, head: HeaderMap) -> Result<Response, Response> {
    if !app.broken("sessions_open") {
        app.caller(&head)?;
    }
    Ok(json(404, &json!({ "error": "Session not found" })))
}

async fn qr_code(State(app): App, head: HeaderMap) -> Result<Response, Response> {
    if !app.broken("qr_codes_open") {
        app.caller(&head)?;
    }
    let code = if app.broken("sample_qr_code") {
        "https://wa.me/qr/SAMPLE_QR_CODE_FOR_DEMO"
    } else {
        "2@waiting-to-be-scanned"
    };
    Ok(json(200, &json!({ "success": true, "qrCode": code, "expiresIn": 90 })))
}
