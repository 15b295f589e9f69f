//! Signs one event in all the ways, and delivers it.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::deployment::http::Request;
use crate::deployment::{Target, Unobserved};

use super::sign::{Delivery, Scheme, decoded};
use super::{Delivered, How, KeyForm, Seen, Webhook};

/// So much older than the tolerance is what is too old: clocks differ.
const MARGIN: i64 = 60;

pub(super) async fn observe(check: &Webhook, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let key = key(check)?;
    let (good, id) = request(check, &key, How::Rightly);
    let mut all = vec![(How::Rightly, good.clone())];
    all.extend(
        check
            .forgeries()
            .into_iter()
            .map(|how| (how, request(check, &key, how).0)),
    );
    let deliver = async |how: How, request: &Request| {
        let answer = target.send(request).await?;
        Ok::<_, Unobserved>(Delivered { how, answer })
    };
    let mut deliveries = try_join_all(all.iter().map(|(how, request)| deliver(*how, request))).await?;
    if check.replay.is_some() {
        deliveries.push(deliver(How::Again, &good).await?);
    }
    Ok(Seen { id, deliveries })
}

fn key(check: &Webhook) -> Result<Vec<u8>, Unobserved> {
    if check.secret.is_empty() {
        return Err(Unobserved::new("the secret is empty, so nothing can be signed with it"));
    }
    let encoded = check
        .key
        .map_or(check.scheme.has_encoded_secrets(), |form| form == KeyForm::Base64);
    if !encoded {
        return Ok(check.secret.as_bytes().to_vec());
    }
    decoded(&check.secret).filter(|key| !key.is_empty()).ok_or_else(|| {
        Unobserved::new("the secret is not base64, as this scheme's are, after `whsec_`")
            .hint("key = \"text\" takes it as it is")
    })
}

/// The delivery, and its id.
fn request(check: &Webhook, key: &[u8], how: How) -> (Request, String) {
    let scheme = *check.scheme;
    let now = now();
    let (id, body, content_type) = event(check, now);
    let tolerance = i64::try_from(check.tolerance.0.as_secs()).unwrap_or(i64::MAX / 2);
    let at = if how == How::Stale {
        now - tolerance - MARGIN
    } else {
        now
    };
    let delivery = Delivery {
        id: &id,
        at,
        body: &body,
    };
    let signature = match how {
        How::OtherSecret => scheme.sign(&[key, b"x"].concat(), delivery),
        How::EmptySecret => scheme.sign(b"", delivery),
        _ => scheme.sign(key, delivery),
    };
    let sent = if how == How::Changed {
        changed(&body)
    } else {
        body.clone()
    };
    let mut request = check.request.with_body(sent, content_type);
    for (name, value) in scheme.about(delivery) {
        if !request.has_header(name) {
            request = request.with_header(name, &value);
        }
    }
    let header = check.header.as_deref().unwrap_or(scheme.signature_header());
    request.headers.remove_if(|name| name.eq_ignore_ascii_case(header));
    match how {
        How::Unsigned => {}
        // Two characters less: neither a prefix nor another length may pass, or crash a comparison in constant time.
        How::CutShort => request.headers.put(header, signature[..signature.len() - 2].to_owned()),
        _ => request.headers.put(header, signature),
    }
    (request, id)
}

/// A delivery's id, the event in it, and its content type.
fn event(check: &Webhook, now: i64) -> (String, String, &'static str) {
    let (body, content_type) = check.request.payload().unwrap_or_default();
    let content_type = content_type.unwrap_or("application/json");
    let id = Uuid::new_v4();
    match *check.scheme {
        Scheme::Stripe => {
            let id = format!("evt_smoke_{}", id.simple());
            match check.request.json.as_deref() {
                Some(Value::Object(event)) => {
                    let mut event = event.clone();
                    let id = event.entry("id").or_insert_with(|| json!(id)).clone();
                    event.entry("object").or_insert_with(|| json!("event"));
                    event.entry("created").or_insert_with(|| json!(now));
                    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                    (id, indented(&Value::Object(event)), content_type)
                }
                _ => (id, body, content_type),
            }
        }
        Scheme::Standard | Scheme::Svix => (format!("msg_smoke_{}", id.simple()), body, content_type),
        Scheme::Github | Scheme::Shopify | Scheme::Nowpayments => (id.to_string(), body, content_type),
    }
}

/// As Stripe writes its events: a receiver that signs what it has parsed and written again gets another text, and must not pass.
fn indented(event: &Value) -> String {
    format!("{event:#}")
}

/// `body` with something more in it that a receiver which reads only the JSON sees as well.
fn changed(body: &str) -> String {
    match serde_json::from_str(body) {
        Ok(Value::Object(mut event)) => {
            event.insert("changed".to_owned(), json!("after signing"));
            let event = Value::Object(event);
            if body.contains('\n') {
                indented(&event)
            } else {
                event.to_string()
            }
        }
        _ => format!("{body}&changed=after-signing"),
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
