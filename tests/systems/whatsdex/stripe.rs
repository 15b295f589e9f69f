//! Stripe: its webhook as the deployment has it, and what Stripe itself says of it.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::app::App;
use super::{STRIPE_SECRET_KEY, WEBHOOK_SECRET};
use crate::standin::answer::{bearer, json, text};
use crate::standin::signature;

/// Stripe, asked where it sends events.
pub(super) async fn endpoints(State(app): App, head: HeaderMap) -> Response {
    let mut endpoint = json!({ "object": "webhook_endpoint", "status": "enabled", "livemode": true,
        "url": format!("{}/api/webhooks/stripe", app.url),
        "enabled_events": ["customer.subscription.updated", "customer.subscription.deleted", "invoice.payment_succeeded",
            "invoice.payment_failed"] });
    match app.broken {
        Some("stripe_sends_elsewhere") => endpoint["url"] = json!("https://old.whatsdx.com/api/webhooks/stripe"),
        Some("stripe_endpoint_disabled") => endpoint["status"] = json!("disabled"),
        Some("stripe_keeps_cancellations") => {
            endpoint["enabled_events"].as_array_mut().unwrap().remove(1);
        }
        _ => {}
    }
    list(&head, &json!([endpoint]))
}

/// Stripe, asked for the events that were not taken.
pub(super) async fn events(State(app): App, head: HeaderMap) -> Response {
    let waiting = if app.broken("events_not_taken") {
        json!([{ "id": "evt_1", "object": "event", "type": "invoice.payment_failed", "pending_webhooks": 1 }])
    } else {
        json!([])
    };
    list(&head, &waiting)
}

fn list(head: &HeaderMap, data: &Value) -> Response {
    if bearer(head) != Some(STRIPE_SECRET_KEY) {
        return json(401, &json!({ "error": { "type": "invalid_request_error" } }));
    }
    json(200, &json!({ "object": "list", "has_more": false, "data": data }))
}

/// The webhook, of the API and behind the web front end.
pub(super) async fn webhook(State(app): App, head: HeaderMap, body: Bytes) -> Response {
    let header = text(&head, "stripe-signature").unwrap_or_default();
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let good = match app.broken {
        Some("webhook_signs_parsed_json") => signature::stripe(header, parsed.to_string().as_bytes(), WEBHOOK_SECRET),
        Some("webhook_refuses_all") => false,
        Some("webhook_accepts_all") => true,
        Some("webhook_takes_old_events") => signature::stripe_of_any_age(header, &body, WEBHOOK_SECRET),
        Some("webhook_secret_of_staging") => signature::stripe(header, &body, "whsec_of_another_environment"),
        _ => signature::stripe(header, &body, WEBHOOK_SECRET),
    };
    if !good {
        return json(400, &json!({ "error": "Webhook processing failed" }));
    }
    let event = parsed;
    let subscription = &event["data"]["object"];
    let tenant = subscription["metadata"]["tenant_id"].as_str().unwrap_or_default();
    if event["type"] == "customer.subscription.deleted" && app.broken("cancellation_fails") {
        return json(500, &json!({ "error": "Webhook processing failed" }));
    }
    let plan = match event["type"].as_str().unwrap_or_default() {
        "customer.subscription.updated" if !app.broken("upgrade_ignored") => {
            let price = subscription["items"]["data"][0]["price"]["id"].as_str();
            price.and_then(|price| price.strip_prefix("price_"))
        }
        "customer.subscription.deleted" if !app.broken("cancellation_ignored") => Some("free"),
        _ => None,
    };
    if let Some(plan) = plan {
        let id = subscription["id"].as_str().unwrap_or_default();
        let status = subscription["status"].as_str().unwrap_or_default();
        let all = app.broken("upgrade_for_all") && plan == "business";
        let sql = "with s as (update tenant_subscriptions set status = $2::text, \"planId\" = 'plan_' || $3::text \
                   where \"stripeSubscriptionId\" = $1::text) update tenants set plan = $3::text where id = $4::text or id = 'tn_pro' and $5::bool";
        app.db
            .execute(sql, &[&id, &status, &plan, &tenant, &all])
            .await
            .unwrap();
    }
    json(200, &json!({ "received": true }))
}
