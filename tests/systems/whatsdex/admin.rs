//! What the platform's administrator sees.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::app::{App, PERIOD};
use crate::standin::answer::json;

#[derive(serde::Deserialize)]
pub(super) struct In {
    period: Option<String>,
}

/// Tenants, their plans, and what they have used in a month.
pub(super) async fn metrics(State(app): App, head: HeaderMap, Query(within): Query<In>) -> Result<Response, Response> {
    if !app.broken("metrics_open") {
        app.administrator(&head)?;
    }
    let sql = format!(
        "select t.id, t.name, t.status, coalesce(p.code, 'FREE') as plan, coalesce(u.\"aiRequests\", 0) as ai, \
         coalesce(u.messages, 0) as messages from tenants t \
         left join lateral (select \"planId\" from tenant_subscriptions \
         where \"tenantId\" = t.id and status = 'active' limit 1) s on true left join plans p on p.id = s.\"planId\" \
         left join usage_counters u on u.\"tenantId\" = t.id and u.period = coalesce($1::text, {PERIOD})"
    );
    let rows = app.db.rows(&sql, &[&within.period]).await.unwrap();
    let sum = |name: &str| rows.iter().map(|row| row[name].as_i64().unwrap()).sum::<i64>();
    let on = |plan: &str| rows.iter().filter(|row| row["plan"] == plan).count();
    let tenants: Value = rows
        .iter()
        .map(|row| json!({ "id": row["id"], "name": row["name"], "plan": { "code": row["plan"] }, "usage": { "aiRequests": row["ai"], "messages": row["messages"] } }))
        .collect();
    let mut said = json!({
        "summary": {
            "totalTenants": rows.len(), "activeTenants": rows.iter().filter(|row| row["status"] == "active").count(),
            "planDistribution": { "FREE": on("FREE"), "PRO": on("PRO"), "BUSINESS": on("BUSINESS") },
            "totalUsage": { "aiRequests": sum("ai"), "messages": sum("messages") },
        },
        "tenants": tenants,
    });
    if app.broken("usage_shown_wrong") {
        said["summary"]["totalUsage"]["aiRequests"] = json!(5_000);
    }
    if app.broken("usage_of_last_month") {
        said["summary"]["totalUsage"]["messages"] = json!(1);
    }
    if app.broken("distribution_wrong") {
        said["summary"]["planDistribution"] = json!({ "FREE": rows.len(), "PRO": 0, "BUSINESS": 0 });
    }
    if app.broken("distribution_off_by_one") {
        said["summary"]["planDistribution"]["PRO"] = json!(on("PRO") + 1);
    }
    let all = match app.broken {
        Some("plans_mixed_up") => Some(json!({ "code": "PRO" })),
        Some("tenants_without_plan") => Some(json!({})),
        _ => None,
    };
    if let Some(plan) = all {
        let tenants = said["tenants"].as_array_mut().unwrap().iter_mut();
        tenants.for_each(|tenant| tenant["plan"] = plan.clone());
    }
    if app.broken("usage_of_others") {
        let tenants = said["tenants"].as_array_mut().unwrap();
        let mut usage: Vec<Value> = tenants.iter().map(|tenant| tenant["usage"].clone()).collect();
        usage.rotate_left(1);
        tenants
            .iter_mut()
            .zip(usage)
            .for_each(|(tenant, usage)| tenant["usage"] = usage);
    }
    if app.broken("no_active_tenants") {
        said["summary"]["activeTenants"] = json!(0);
    }
    Ok(json(200, &said))
}
