//! JSON Web Tokens, HS256.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::demo::faults::Twist;

/// How long an access token is good for.
pub(super) const LIFETIME: u64 = 15 * 60;

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) email: String,
    pub(super) role: String,
    /// The session, which logging out ends.
    pub(super) sid: String,
    pub(super) iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<u64>,
}

/// Signs tokens and verifies them.
#[derive(Debug, Clone)]
pub(in crate::demo) struct Keys {
    secret: String,
    twists: Vec<Twist>,
}

impl Keys {
    pub(in crate::demo) fn new(secret: String, twists: Vec<Twist>) -> Self {
        Self { secret, twists }
    }

    /// When a token that is made now expires.
    pub(super) fn expiry(&self) -> Option<u64> {
        (!self.has(Twist::JwtNeverExpires)).then(|| now() + LIFETIME)
    }

    pub(super) fn sign(&self, claims: &Claims) -> String {
        let header = encode(&json!({ "alg": "HS256", "typ": "JWT" }));
        let payload = encode(&serde_json::to_value(claims).unwrap_or_default());
        let signed = format!("{header}.{payload}");
        let signature = self.mac(&signed).map(|mac| mac.finalize().into_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap_or_default()))
    }

    /// The claims of a token that we have signed and that has not expired.
    pub(super) fn verify(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Value = decode(header)?;
        if !self.is_signed(&header, signed, signature) {
            return None;
        }
        let claims: Claims = serde_json::from_value(decode(payload)?).ok()?;
        let lives = match claims.exp {
            Some(expiry) => expiry > now() || self.has(Twist::ExpiredTokenAccepted),
            None => self.has(Twist::JwtNeverExpires),
        };
        lives.then_some(claims)
    }

    fn is_signed(&self, header: &Value, signed: &str, signature: &str) -> bool {
        match header["alg"].as_str() {
            Some("HS256") if self.has(Twist::ForgedTokenAccepted) => true,
            Some("HS256") => {
                let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
                self.mac(signed).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
            }
            Some(alg) => alg.eq_ignore_ascii_case("none") && self.has(Twist::AlgNoneAccepted),
            None => false,
        }
    }

    fn mac(&self, signed: &str) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).ok()?;
        Some(mac.chain_update(signed))
    }

    fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|since| since.as_secs())
        .unwrap_or_default()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: Option<u64>) -> Claims {
        Claims {
            sub: "a".to_owned(),
            email: "a@demo.example".to_owned(),
            role: "user".to_owned(),
            sid: "s".to_owned(),
            iat: now(),
            exp,
        }
    }

    fn keys(secret: &str, twists: &[Twist]) -> Keys {
        Keys::new(secret.to_owned(), twists.to_vec())
    }

    #[test]
    fn only_our_own_signature_and_a_future_expiry_are_accepted() {
        let ours = keys("ours", &[]);
        let good = ours.sign(&claims(ours.expiry()));
        assert!(ours.verify(&good).is_some());
        assert!(ours.verify(&keys("theirs", &[]).sign(&claims(ours.expiry()))).is_none());
        assert!(ours.verify(&ours.sign(&claims(Some(now() - 1)))).is_none());
        assert!(ours.verify(&ours.sign(&claims(None))).is_none());
        let (signed, _) = good.rsplit_once('.').unwrap();
        let (_, payload) = signed.split_once('.').unwrap();
        assert!(ours.verify(&format!("{signed}.")).is_none());
        let none = format!("{}.{payload}.", encode(&json!({ "alg": "none" })));
        assert!(ours.verify(&none).is_none());
        assert!(keys("ours", &[Twist::AlgNoneAccepted]).verify(&none).is_some());
        assert!(keys("theirs", &[Twist::ForgedTokenAccepted]).verify(&good).is_some());
    }
}
