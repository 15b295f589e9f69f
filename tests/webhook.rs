//! The kind `webhook` against receivers that verify, and against each that does not.

mod support;

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Sha256, Sha512};
use support::{Project, Said, serve};

const SECRET: &str = "whsec_c21va2UtdGVzdHMtc2VjcmV0LTEyMw==";

/// How a receiver fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Not,
    /// It refuses everything.
    Dead,
    /// It signs the JSON that a parser made of the body.
    Parses,
    /// It knows another secret.
    OtherSecret,
    /// It accepts everything.
    Open,
    /// What carries no signature is waved through.
    UnsignedPasses,
    /// A signature that begins rightly will do.
    ComparesPrefix,
    /// A signature of another length panics.
    CrashesOnLength,
    /// An empty secret counts as well.
    EmptySecret,
    /// The signature is remembered, the body is not looked at.
    IgnoresBody,
    /// The time is not compared.
    NeverStale,
    /// The handler behind the verification fails.
    HandlerCrashes,
    /// A login page is in front of it.
    Redirects,
    /// Refuses what it has seen.
    RefusesReplays,
    /// A limiter is in front of it.
    Limited,
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn hmac256(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The signature that `body` should have had under `key`, the one that it has, and when it was signed.
fn signatures(scheme: &str, key: &[u8], headers: &HeaderMap, body: &str) -> Option<(String, String, Option<i64>)> {
    let header = |name: &str| Some(headers.get(name)?.to_str().unwrap().to_owned());
    Some(match scheme {
        "stripe" => {
            let given = header("stripe-signature")?;
            let (at, given) = given.strip_prefix("t=")?.split_once(",v1=")?;
            let right = hex(&hmac256(key, &format!("{at}.{body}")));
            (right, given.to_owned(), at.parse().ok())
        }
        "github" => {
            let given = header("x-hub-signature-256")?;
            assert!(header("x-github-delivery").is_some() && header("x-github-event").is_some());
            (format!("sha256={}", hex(&hmac256(key, body))), given, None)
        }
        "shopify" => (
            STANDARD.encode(hmac256(key, body)),
            header("x-shopify-hmac-sha256")?,
            None,
        ),
        "nowpayments" => {
            let sorted: BTreeMap<String, Value> = serde_json::from_str(body).ok()?;
            let sorted = serde_json::to_string(&sorted).unwrap();
            let mac = Hmac::<Sha512>::new_from_slice(key).unwrap().chain_update(sorted);
            (hex(&mac.finalize().into_bytes()), header("x-nowpayments-sig")?, None)
        }
        _ => {
            let prefix = if scheme == "svix" { "svix" } else { "webhook" };
            let (id, at) = (
                header(&format!("{prefix}-id"))?,
                header(&format!("{prefix}-timestamp"))?,
            );
            let right = STANDARD.encode(hmac256(key, &format!("{id}.{at}.{body}")));
            (
                format!("v1,{right}"),
                header(&format!("{prefix}-signature"))?,
                at.parse().ok(),
            )
        }
    })
}

fn key(scheme: &str, secret: &str) -> Vec<u8> {
    match scheme {
        "standard" | "svix" => STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap(),
        _ => secret.as_bytes().to_vec(),
    }
}

fn verify(scheme: &str, broken: Broken, headers: &HeaderMap, body: &str) -> (StatusCode, &'static str) {
    let refused = (StatusCode::BAD_REQUEST, "{\"error\":\"bad signature\"}");
    let key = if broken == Broken::OtherSecret {
        b"other".to_vec()
    } else {
        key(scheme, SECRET)
    };
    let accepted = (StatusCode::OK, "{\"received\":true}");
    match broken {
        Broken::Open => return accepted,
        Broken::Dead => return refused,
        Broken::Redirects => return (StatusCode::FOUND, ""),
        _ => {}
    }
    let parsed = (broken == Broken::Parses).then(|| serde_json::from_str::<Value>(body).unwrap().to_string());
    let Some((right, given, at)) = signatures(scheme, &key, headers, parsed.as_deref().unwrap_or(body)) else {
        return if broken == Broken::UnsignedPasses {
            accepted
        } else {
            refused
        };
    };
    if broken == Broken::CrashesOnLength && right.len() != given.len() {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "RangeError: Input buffers must have the same byte length",
        );
    }
    if broken == Broken::Limited && right != given {
        return (StatusCode::TOO_MANY_REQUESTS, "slow down");
    }
    let empty = || signatures(scheme, b"", headers, body).unwrap().0 == given;
    let unchanged = || body.replace(",\"changed\":\"after signing\"", "");
    let other_body = || signatures(scheme, &key, headers, &unchanged()).unwrap().0 == given;
    let good = right == given
        || broken == Broken::ComparesPrefix && right.starts_with(&given)
        || broken == Broken::EmptySecret && empty()
        || broken == Broken::IgnoresBody && other_body();
    let stale = at.is_some_and(|at| (now() - at).abs() > 300) && broken != Broken::NeverStale;
    if !good || stale {
        return refused;
    }
    if broken == Broken::HandlerCrashes {
        return (StatusCode::INTERNAL_SERVER_ERROR, "null value in column \"amount\"");
    }
    accepted
}

fn receiver(scheme: &'static str, broken: Broken) -> String {
    let known: &'static Mutex<HashSet<String>> = Box::leak(Box::default());
    let receive = move |headers: HeaderMap, body: Bytes| async move {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let mut answer = verify(scheme, broken, &headers, &body);
        let first = answer.0 != StatusCode::OK || known.lock().unwrap().insert(body);
        if !first && broken == Broken::RefusesReplays {
            answer = (StatusCode::CONFLICT, "seen before");
        }
        answer
    };
    serve(Router::new().route("/hook", post(receive)))
}

fn try_it(scheme: &'static str, broken: Broken, more: &str) -> Said {
    let suite = format!(
        "[webhook.tried]\npost = \"/hook\"\nscheme = \"{scheme}\"\nsecret = \"{{{{ env.HOOK_SECRET }}}}\"\n\
         json = {{ type = \"ping\", amount = 5, data = \"é\" }}\n{more}"
    );
    Project::http(&receiver(scheme, broken), &suite)
        .env("HOOK_SECRET", SECRET)
        .run()
        .flat()
}

#[test]
fn a_receiver_that_verifies_passes_in_every_scheme() {
    for scheme in ["stripe", "github", "shopify", "standard", "svix", "nowpayments"] {
        try_it(
            scheme,
            Broken::Not,
            "expect.json.\"$.received\" = true\nreplay = \"accepted\"",
        )
        .exits(0);
        try_it(scheme, Broken::OtherSecret, "").exits(1);
        try_it(scheme, Broken::Open, "").exits(1);
        try_it(scheme, Broken::CrashesOnLength, "")
            .exits(1)
            .says(&["cut short", "500: RangeError"]);
    }
}

#[test]
fn one_that_refuses_everything_is_dead_and_not_secure() {
    for broken in [Broken::Dead, Broken::OtherSecret, Broken::Parses] {
        try_it("stripe", broken, "").exits(1).says(&[
            "rightly signed expected: 2xx seen: 400: {\"error\":\"bad signature\"}; as for every other delivery",
            "it refuses everything",
            "forged deliveries",
        ]);
    }
}

#[test]
fn each_forgery_that_passes_is_named() {
    let forged: &[(Broken, &str)] = &[
        (Broken::UnsignedPasses, "without a signature"),
        (Broken::ComparesPrefix, "with a signature cut short"),
        (Broken::EmptySecret, "signed with an empty secret"),
        (Broken::IgnoresBody, "changed after it was signed"),
        (Broken::NeverStale, "signed longer ago than 5m"),
    ];
    for (broken, what) in forged {
        let said = try_it("stripe", *broken, "");
        said.exits(1)
            .says(&[&format!("{what} expected: refused: 4xx seen: 200")]);
        for (_, other) in forged.iter().filter(|(_, other)| other != what) {
            assert!(!said.stdout.contains(other), "{}", said.stdout);
        }
    }
    try_it("stripe", Broken::Open, "").exits(1).says(&[
        "without a signature",
        "signed with another secret",
        "anyone can send events",
    ]);
}

#[test]
fn crashes_redirects_and_limits_are_no_refusals() {
    try_it("github", Broken::CrashesOnLength, "").exits(1).says(&[
        "cut short expected: refused: 4xx seen: 500: RangeError",
        "a crash is no refusal",
    ]);
    try_it("nowpayments", Broken::HandlerCrashes, "").exits(1).says(&[
        "rightly signed expected: 2xx seen: 500: null value",
        "crashes on this event",
    ]);
    try_it("stripe", Broken::Redirects, "")
        .exits(1)
        .says(&["providers do not follow"]);
    try_it("stripe", Broken::Limited, "")
        .exits(3)
        .says(&["429: a rate limit"]);
}

#[test]
fn replays_are_judged_as_the_suite_wants_them() {
    try_it("shopify", Broken::RefusesReplays, "replay = \"refused\"").exits(0);
    try_it("shopify", Broken::RefusesReplays, "replay = \"accepted\"")
        .exits(1)
        .says(&["the same delivery once more expected: accepted: 2xx seen: 409: seen before"]);
    try_it("shopify", Broken::Not, "replay = \"refused\"")
        .exits(1)
        .says(&["the same delivery once more", "remember the ids"]);
}

#[test]
fn what_the_suite_says_about_statuses_and_answers_counts() {
    try_it("stripe", Broken::Not, "refuses = 401")
        .exits(1)
        .says(&["refused: 401", "seen: 400"]);
    try_it("stripe", Broken::Not, "accepts = 204")
        .exits(1)
        .says(&["rightly signed expected: 204 seen: 200"]);
    try_it("stripe", Broken::Not, "expect.json.\"$.received\" = false")
        .exits(1)
        .says(&["$.received expected: false seen: true"]);
}

#[test]
fn the_secret_stays_at_home_and_the_id_is_handed_on() {
    let suite = "[webhook.tried]\npost = \"/hook\"\nscheme = \"stripe\"\nsecret = \"{{ env.HOOK_SECRET }}\"\n\
         json = { type = \"ping\" }\nrefuses = 499\n\
         [http.next]\nget = \"/hook\"\nneeds = [\"named\"]\nexpect.status = 405\n\
         [http.named]\nget = \"/{{ tried.id }}\"\nexpect.status = 404\n"
        .to_string();
    let project = Project::http(&receiver("stripe", Broken::Not), &suite).env("HOOK_SECRET", SECRET);
    let said = project.smoke(&["run", "prod", "--report", "json=run.json"]);
    said.exits(1);
    let everything = format!("{}{}{}", said.stdout, said.stderr, project.read("run.json"));
    assert!(!everything.contains("c21va2UtdGVzdHMt"), "{everything}");
    let refused = suite.replace("refuses = 499\n", "");
    Project::http(&receiver("stripe", Broken::Not), &refused)
        .env("HOOK_SECRET", SECRET)
        .run()
        .exits(0);
}

#[test]
fn a_secret_of_another_form_is_unclear_and_says_so() {
    let said = |more: &str| {
        let suite = format!(
            "[webhook.tried]\npost = \"/hook\"\nscheme = \"standard\"\nsecret = \"polar_whs_x\"\njson = {{ type = \"ping\" }}\n{more}"
        );
        Project::http(&receiver("standard", Broken::Not), &suite).run()
    };
    said("").exits(3).says(&["the secret is not base64", "key = \"text\""]);
    // Signed with the text; this receiver knows another secret.
    said("key = \"text\"").exits(1).says(&["it refuses everything"]);
}
