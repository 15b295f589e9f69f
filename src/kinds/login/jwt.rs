//! JSON Web Tokens: read, and forged in the ways that a server must refuse.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::deployment::secrets::GUESSED;

/// A token that could be read. Whether its signature is good only the server knows.
pub(super) struct Token {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    signed: String,
    signature: String,
}

/// The token in `text`, if it is one.
pub(super) fn parse(text: &str) -> Option<Token> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    Some(Token {
        header: decoded(header)?,
        claims: decoded(claims)?,
        signed: signed.to_owned(),
        signature: signature.to_owned(),
    })
}

fn decoded(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn encoded(value: &Map<String, Value>) -> String {
    URL_SAFE_NO_PAD.encode(Value::from(value.clone()).to_string())
}

impl Token {
    pub(super) fn algorithm(&self) -> Option<&Value> {
        self.header.get("alg")
    }

    /// When it expires, in seconds since 1970.
    pub(super) fn expiry(&self) -> Option<f64> {
        self.claims.get("exp")?.as_f64()
    }

    /// When it was made, in seconds since 1970.
    pub(super) fn issued(&self) -> Option<f64> {
        self.claims.get("iat")?.as_f64()
    }

    /// The secret that has signed it, if that is one that everybody knows.
    pub(super) fn well_known_secret(&self) -> Option<&'static str> {
        [""].iter()
            .chain(GUESSED)
            .copied()
            .find(|secret| self.is_signed_by(secret.as_bytes()))
    }

    fn is_signed_by(&self, secret: &[u8]) -> bool {
        let algorithm = self.algorithm().and_then(Value::as_str).unwrap_or_default();
        sign(algorithm, secret, &self.signed).is_some_and(|signature| signature == self.signature)
    }

    /// Other claims under the old signature.
    pub(super) fn changed(&self) -> String {
        let mut claims = self.claims.clone();
        claims.insert("smoke".to_owned(), json!("changed"));
        format!("{}.{}.{}", encoded(&self.header), encoded(&claims), self.signature)
    }

    /// The same claims without a signature, and a header that says that there is none.
    pub(super) fn unsigned(&self) -> String {
        let mut header = self.header.clone();
        header.insert("alg".to_owned(), json!("none"));
        format!("{}.{}.", encoded(&header), encoded(&self.claims))
    }

    /// The same claims, signed by the first secret that anyone would try.
    pub(super) fn forged(&self) -> Option<String> {
        self.signed_by("secret")
    }

    /// The same claims, signed by `secret`.
    pub(super) fn signed_by(&self, secret: &str) -> Option<String> {
        let mut header = self.header.clone();
        header.insert("alg".to_owned(), json!("HS256"));
        signed(&header, &self.claims, "HS256", secret.as_bytes())
    }

    /// As the server would sign it, but expired an hour before `now`; nothing, where `secret` does not sign its tokens.
    pub(super) fn expired(&self, secret: &str, now: i64) -> Option<String> {
        let key = [Some(secret.as_bytes().to_vec()), STANDARD.decode(secret).ok()]
            .into_iter()
            .flatten()
            .find(|key| self.is_signed_by(key))?;
        let mut claims = self.claims.clone();
        claims.insert("exp".to_owned(), json!(now - 3600));
        for begins in ["iat", "nbf"] {
            if claims.contains_key(begins) {
                claims.insert(begins.to_owned(), json!(now - 7200));
            }
        }
        let algorithm = self.algorithm()?.as_str()?;
        signed(&self.header, &claims, algorithm, &key)
    }
}

fn signed(header: &Map<String, Value>, claims: &Map<String, Value>, algorithm: &str, key: &[u8]) -> Option<String> {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = sign(algorithm, key, &signed)?;
    Some(format!("{signed}.{signature}"))
}

fn sign(algorithm: &str, key: &[u8], text: &str) -> Option<String> {
    let bytes = match algorithm {
        "HS256" => Hmac::<Sha256>::new_from_slice(key)
            .ok()?
            .chain_update(text)
            .finalize()
            .into_bytes()
            .to_vec(),
        "HS384" => Hmac::<Sha384>::new_from_slice(key)
            .ok()?
            .chain_update(text)
            .finalize()
            .into_bytes()
            .to_vec(),
        "HS512" => Hmac::<Sha512>::new_from_slice(key)
            .ok()?
            .chain_update(text)
            .finalize()
            .into_bytes()
            .to_vec(),
        _ => return None,
    };
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
pub(super) fn make(header: &Value, claims: &Value, secret: &str) -> String {
    let algorithm = header["alg"].as_str().unwrap();
    signed(
        header.as_object().unwrap(),
        claims.as_object().unwrap(),
        algorithm,
        secret.as_bytes(),
    )
    .unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: &str) -> Token {
        let claims = json!({ "sub": "7", "iat": 1_000, "exp": 5_000 });
        parse(&make(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, secret)).unwrap()
    }

    #[test]
    fn reads_what_is_a_token_and_nothing_else() {
        assert_eq!(token("x").expiry(), Some(5_000.0));
        for text in ["", "a.b.c", "abc", "eyJ.eyJ.x"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn guesses_secrets_that_everybody_knows() {
        assert_eq!(token("changeme").well_known_secret(), Some("changeme"));
        assert_eq!(token("").well_known_secret(), Some(""));
        assert_eq!(token("v3ry-random").well_known_secret(), None);
        let long = json!({ "alg": "HS512" });
        assert_eq!(
            parse(&make(&long, &json!({}), "secret")).unwrap().well_known_secret(),
            Some("secret")
        );
    }

    #[test]
    fn an_expired_token_needs_the_right_secret() {
        assert!(token("right").expired("wrong", 10_000).is_none());
        let expired = parse(&token("right").expired("right", 10_000).unwrap()).unwrap();
        assert_eq!(
            (expired.claims["exp"].as_i64(), expired.claims["iat"].as_i64()),
            (Some(6_400), Some(2_800))
        );
        assert!(expired.is_signed_by(b"right"));
        // As some servers keep it, in base64.
        assert!(token("right").expired(&STANDARD.encode("right"), 10_000).is_some());
    }

    #[test]
    fn forgeries_differ_where_they_should() {
        let good = token("right");
        let changed = parse(&good.changed()).unwrap();
        assert!(changed.claims.contains_key("smoke") && changed.signature == good.signature);
        let unsigned = parse(&good.unsigned()).unwrap();
        assert!(unsigned.header["alg"] == "none" && unsigned.signature.is_empty() && unsigned.claims == good.claims);
        assert!(parse(&good.forged().unwrap()).unwrap().is_signed_by(b"secret"));
    }
}
