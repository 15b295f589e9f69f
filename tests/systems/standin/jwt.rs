//! JSON Web Tokens as the stand-ins' applications make and read them: HS256 (RFC 7515, RFC 7519).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::signature::hmac_sha256;

/// Now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A token with `claims`, signed with `secret`.
pub(crate) fn sign(claims: &Value, secret: &str) -> String {
    let head = json!({ "alg": "HS256", "typ": "JWT" });
    let text = [&head, claims]
        .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
        .join(".");
    let signature = hmac_sha256(secret.as_bytes(), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a token that is signed with `secret` and has not expired.
pub(crate) fn verify(token: &str, secret: &str) -> Option<Value> {
    let (text, signature) = token.rsplit_once('.')?;
    let (head, claims) = text.split_once('.')?;
    let part = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let signed = URL_SAFE_NO_PAD.decode(signature).ok()? == hmac_sha256(secret.as_bytes(), text.as_bytes());
    let claims = part(claims)?;
    let fresh = claims["exp"].as_i64().is_some_and(|end| end > now());
    (part(head)?["alg"] == "HS256" && signed && fresh).then_some(claims)
}

/// The claims of a token, whoever signed it and whenever it ends.
pub(crate) fn claims(token: &str) -> Option<Value> {
    let claims = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
