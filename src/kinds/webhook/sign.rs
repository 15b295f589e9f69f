//! How providers sign what they deliver.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use sha2::{Sha256, Sha512};

/// Whose way of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scheme {
    /// `Stripe-Signature: t=…,v1=…`: hex HMAC-SHA256 of `time.body`.
    Stripe,
    /// `X-Hub-Signature-256: sha256=…`: hex HMAC-SHA256 of the body.
    Github,
    /// `X-Shopify-Hmac-SHA256`: base64 HMAC-SHA256 of the body.
    Shopify,
    /// Standard Webhooks, `webhook-signature: v1,…`: base64 HMAC-SHA256 of `id.time.body`.
    Standard,
    /// The same with `svix-` headers (Svix, Clerk, Resend).
    Svix,
    /// `x-nowpayments-sig`: hex HMAC-SHA512 of the JSON with its keys sorted.
    Nowpayments,
}

/// One delivery to be signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery<'a> {
    /// The delivery's own id.
    pub(super) id: &'a str,
    /// When it is said to be signed, in seconds since 1970.
    pub(super) at: i64,
    /// The body, byte for byte.
    pub(super) body: &'a str,
}

impl Scheme {
    /// The header that carries the signature.
    pub(super) fn signature_header(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe-Signature",
            Self::Github => "X-Hub-Signature-256",
            Self::Shopify => "X-Shopify-Hmac-SHA256",
            Self::Standard => "webhook-signature",
            Self::Svix => "svix-signature",
            Self::Nowpayments => "x-nowpayments-sig",
        }
    }

    /// Whether the signature covers the time at which it was made.
    pub(super) fn is_timed(self) -> bool {
        matches!(self, Self::Stripe | Self::Standard | Self::Svix)
    }

    /// Whether secrets are base64 of the key, rather than the key itself.
    pub(super) fn has_encoded_secrets(self) -> bool {
        matches!(self, Self::Standard | Self::Svix)
    }

    /// Headers that tell one delivery from another, besides the signature.
    pub(super) fn about(self, delivery: Delivery<'_>) -> Vec<(&'static str, String)> {
        let (id, at) = (delivery.id.to_owned(), delivery.at.to_string());
        match self {
            Self::Stripe | Self::Nowpayments => Vec::new(),
            Self::Github => vec![("X-GitHub-Delivery", id), ("X-GitHub-Event", "ping".to_owned())],
            Self::Shopify => vec![("X-Shopify-Webhook-Id", id)],
            Self::Standard => vec![("webhook-id", id), ("webhook-timestamp", at)],
            Self::Svix => vec![("svix-id", id), ("svix-timestamp", at)],
        }
    }

    /// The value of the signature header.
    pub(super) fn sign(self, key: &[u8], delivery: Delivery<'_>) -> String {
        let Delivery { id, at, body } = delivery;
        match self {
            Self::Stripe => format!("t={at},v1={}", hex(&sha256(key, &format!("{at}.{body}")))),
            Self::Github => format!("sha256={}", hex(&sha256(key, body))),
            Self::Shopify => STANDARD.encode(sha256(key, body)),
            Self::Standard | Self::Svix => format!("v1,{}", STANDARD.encode(sha256(key, &format!("{id}.{at}.{body}")))),
            Self::Nowpayments => hex(&sha512(key, &sorted(body))),
        }
    }
}

/// The key that a Standard Webhooks secret stands for: base64, after `whsec_`.
pub(super) fn decoded(secret: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, lenient);
    engine.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()
}

fn sha256(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(text));
    mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

fn sha512(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha512>::new_from_slice(key).map(|mac| mac.chain_update(text));
    mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `body` as `JSON.stringify` writes it, once the keys of every object are sorted.
fn sorted(body: &str) -> String {
    serde_json::from_str(body).map_or_else(|_| body.to_owned(), |value: Value| sort(value).to_string())
}

fn sort(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            let members = members.into_iter().map(|(key, value)| (key, sort(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sort).collect()),
        Value::Number(number) => Value::Number(as_in_javascript(number)),
        other => other,
    }
}

/// JavaScript knows no `1.0`: it writes `1`.
fn as_in_javascript(number: Number) -> Number {
    /// Up to here every integer is exact in a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(float) = number
        .as_f64()
        .filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT)
    else {
        return number;
    };
    format!("{float:.0}").parse::<i64>().map_or(number, Number::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery<'a>(id: &'a str, at: i64, body: &'a str) -> Delivery<'a> {
        Delivery { id, at, body }
    }

    /// The event and the secret of stripe-node's own tests, signed by its `generateTestHeaderString`.
    #[test]
    fn stripe_as_its_library_signs() {
        let body = "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";
        assert_eq!(
            Scheme::Stripe.sign(b"whsec_test_secret", delivery("", 1_614_265_330, body)),
            "t=1614265330,v1=af4ead0627a34a8cca29808e8de9ada8e41a92e6237c63cef6eacf51d36cca34"
        );
    }

    /// From GitHub's "Validating webhook deliveries".
    #[test]
    fn github_as_documented() {
        assert_eq!(
            Scheme::Github.sign(b"It's a Secret to Everybody", delivery("", 0, "Hello, World!")),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    /// From the Standard Webhooks specification and its libraries' tests, which are Svix's as well.
    #[test]
    fn standard_webhooks_as_documented() {
        let key = decoded("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(key, decoded("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let delivery = delivery("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(Scheme::Standard.sign(&key, delivery), signature);
        assert_eq!(Scheme::Svix.sign(&key, delivery), signature);
    }

    #[test]
    fn secrets_are_base64_with_or_without_padding() {
        assert_eq!(decoded("whsec_YQ==").unwrap(), b"a");
        assert_eq!(decoded("whsec_YQ").unwrap(), b"a");
        assert_eq!(decoded("polar_whs_abc"), None);
    }

    #[test]
    fn nowpayments_sorts_all_keys_and_writes_numbers_as_javascript_does() {
        assert_eq!(
            sorted(r#"{"b":{"z":1.0,"a":[{"d":1,"c":0.5}]},"a":null}"#),
            r#"{"a":null,"b":{"a":[{"c":0.5,"d":1}],"z":1}}"#
        );
    }
}
