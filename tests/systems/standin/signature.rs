//! Signatures of webhooks as the stand-ins' applications verify them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::jwt::now;

pub(crate) fn hmac_sha256(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `header` (`t=…,v1=…`) signs `body`, not more than five minutes ago: Stripe's scheme.
pub(crate) fn stripe(header: &str, body: &[u8], secret: &str) -> bool {
    let time = part(header, "t").and_then(|time| time.parse::<i64>().ok());
    time.is_some_and(|time| (now() - time).abs() <= 300) && stripe_of_any_age(header, body, secret)
}

/// The same, however long ago.
pub(crate) fn stripe_of_any_age(header: &str, body: &[u8], secret: &str) -> bool {
    let (Some(time), Some(signature)) = (part(header, "t"), part(header, "v1")) else {
        return false;
    };
    let text = [time.as_bytes(), b".", body].concat();
    signature == hex(&hmac_sha256(secret.as_bytes(), &text))
}

fn part<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header
        .split(',')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}
