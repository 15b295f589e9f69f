use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

fn knowing(values: &[&str]) -> Secrets {
    let secrets = Secrets::new();
    for value in values {
        secrets.add(value);
    }
    secrets
}

/// What `encodeURIComponent` leaves alone, beyond letters and digits.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

const FORM: &AsciiSet = &COMPONENT.remove(b' ');

const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'%')
    .add(b'?')
    .add(b'#');

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn each_char(text: &str, escape: impl Fn(char) -> String) -> String {
    text.chars().map(escape).collect()
}

fn each_byte(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes().map(escape).collect()
}

/// As .NET and Go do, and as a server may do with every character.
fn json_units(text: &str, which: impl Fn(char) -> bool) -> String {
    each_char(text, |char| {
        if which(char) {
            let mut units = [0; 2];
            let units: Vec<String> = char
                .encode_utf16(&mut units)
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect();
            units.concat()
        } else {
            json(&char.to_string())
        }
    })
}

fn html(text: &str) -> String {
    each_char(text, |char| match char {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#x27;".to_owned(),
        _ => char.to_string(),
    })
}

/// Every encoding that a text as a whole can be in.
fn encodings(text: &str) -> Vec<(&'static str, String)> {
    vec![
        ("raw", text.to_owned()),
        ("encodeURIComponent", utf8_percent_encode(text, COMPONENT).to_string()),
        ("path", utf8_percent_encode(text, PATH).to_string()),
        ("percent, all", each_byte(text, |byte| format!("%{byte:02X}"))),
        ("percent, all, lower", each_byte(text, |byte| format!("%{byte:02x}"))),
        ("form", utf8_percent_encode(text, FORM).to_string().replace(' ', "+")),
        ("json", json(text)),
        ("json twice", json(&json(text))),
        (
            "json, php",
            json_units(text, |char| !char.is_ascii()).replace('/', "\\/"),
        ),
        ("json, go", json_units(text, |char| "<>&\u{2028}".contains(char))),
        (
            "json, .net",
            json_units(text, |char| "<>&+'\"`".contains(char) || !char.is_ascii()),
        ),
        ("json, all", json_units(text, |_| true)),
        (
            "json, all, upper",
            json_units(text, |_| true).to_uppercase().replace("\\U", "\\u"),
        ),
        ("debug", format!("{text:?}")),
        ("debug of json", format!("{:?}", json(text))),
        (
            "debug of bytes",
            each_byte(text, |byte| byte.escape_ascii().to_string()),
        ),
        ("html", html(text)),
        ("html, decimal", each_char(text, |char| format!("&#{};", char as u32))),
        ("html in json", json(&html(text))),
        (
            "percent in json in html",
            html(&json(&utf8_percent_encode(text, COMPONENT).to_string())),
        ),
        ("hex", each_byte(text, |byte| format!("{byte:02x}"))),
        ("hex, upper", each_byte(text, |byte| format!("{byte:02X}"))),
        ("base64", STANDARD.encode(text)),
        ("base64, unpadded", STANDARD_NO_PAD.encode(text)),
        ("base64, url", URL_SAFE.encode(text)),
        ("base64, url, unpadded", URL_SAFE_NO_PAD.encode(text)),
        (
            "base64 in a query",
            utf8_percent_encode(&STANDARD.encode(text), COMPONENT).to_string(),
        ),
        ("base64 in json, php", STANDARD.encode(text).replace('/', "\\/")),
    ]
}

#[test]
fn masks_what_it_knows_and_leaves_the_rest() {
    let secrets = knowing(&["hunter22", "abc"]);
    assert_eq!(secrets.redact("password hunter22, not abc"), "password ***, not abc");
    assert!(matches!(secrets.redact("nothing here"), Cow::Borrowed(_)));
    assert_eq!(format!("{secrets:?}"), "Secrets(***)");
    assert_eq!(secrets.clone().redact("hunter22hunter22"), "***");
}

#[test]
fn masks_every_encoding_of_an_awkward_secret() {
    let secret = "pä\"ss w/ör+d%41&'<\\n🦀>";
    let secrets = knowing(&[secret]);
    for (encoding, text) in encodings(secret) {
        let text = format!("see: {text} end");
        let clean = secrets.redact(&text);
        assert!(
            ["see: *** end", "see: \"***\" end"].contains(&&*clean),
            "{encoding}: {text} became {clean}"
        );
    }
}

#[test]
fn overlapping_secrets_are_masked_together() {
    assert_eq!(knowing(&["abcdefgh", "efghijkl"]).redact("x abcdefghijkl y"), "x *** y");
}

#[test]
fn a_value_from_a_file_is_masked_without_its_newline() {
    assert_eq!(knowing(&["s3cret-value\n"]).redact("got s3cret-value!"), "got ***!");
}

#[test]
fn lines_of_a_pem_are_secrets() {
    let secrets = knowing(&["-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"]);
    assert_eq!(secrets.redact("MIIEvQIBADAN / BgkqhkiG9w0B"), "*** / ***");
}

#[test]
fn the_password_of_an_address_is_a_secret() {
    let secrets = knowing(&["postgres://app:p%40ss%2Fword@db.example.com:5432/x"]);
    assert_eq!(
        secrets.redact("user app, password p@ss/word or p%40ss%2Fword"),
        "user app, password *** or ***"
    );
    assert_eq!(secrets.redact("db.example.com:5432"), "db.example.com:5432");
    let header = format!("Basic {}", STANDARD.encode("app:p@ss/word"));
    assert_eq!(secrets.redact(&header), "Basic ***");
    assert_eq!(knowing(&["redis://:p/s#w?rd@h:1"]).redact("p/s#w?rd"), "***");
    assert_eq!(knowing(&["host=h password='it''s' user=x"]).redact("xit''s"), "xit''s");
    assert_eq!(
        knowing(&[r"host=h password='it\'s me' user=x"]).redact("it's me"),
        "***"
    );
    assert_eq!(
        knowing(&["host=h user=x password=abcdef"]).redact("abcdef at h"),
        "*** at h"
    );
    assert_eq!(knowing(&["http://h:8080/@x/y"]).redact("port 8080"), "port 8080");
}

#[test]
fn the_segments_of_a_token_are_secrets() {
    let secrets = knowing(&["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"]);
    assert_eq!(
        secrets.redact("payload eyJzdWIiOiIxIn0 signed c2lnbmF0dXJl"),
        "payload *** signed ***"
    );
}

#[test]
fn a_secret_inside_of_longer_base64_is_masked_with_its_edges() {
    let secrets = knowing(&["correct horse"]);
    for before in ["", "u", "us", "use", "user:"] {
        for behind in ["", "!", "!!", "!!!"] {
            let text = STANDARD.encode(format!("{before}correct horse{behind}"));
            let clean = secrets.redact(&text).into_owned();
            assert!(clean.contains(MASK), "{text} became {clean}");
            let kept = clean.replace(MASK, "").replace('=', "");
            assert!(
                kept.len() <= (before.len() + behind.len()) * 4 / 3 + 1,
                "{text} became {clean}"
            );
        }
    }
}

#[test]
fn a_secret_cut_at_the_end_is_masked() {
    let secrets = knowing(&["abcdefghijklmnop"]);
    assert_eq!(secrets.redact("token abcdefghij"), "token ***");
    assert_eq!(secrets.redact("token \"abcdefghij…\""), "token \"***…\"");
    assert_eq!(secrets.redact("token abcdefghij and more"), "token abcdefghij and more");
    assert_eq!(secrets.redact("token abcdefg"), "token abcdefg");
    assert_eq!(
        knowing(&["abcd\"efghijklmnop"]).redact(r#"{"t": "abcd\"efghi"#),
        "{\"t\": \"***"
    );
}

#[test]
fn what_looks_like_a_credential_is_masked_without_registration() {
    let secrets = Secrets::new();
    for (text, clean) in [
        ("t=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.;", "t=***;"),
        ("a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln b", "a *** b"),
        ("postgres://app:s3cr3t@db:5432/x", "postgres://app:***@db:5432/x"),
        ("redis://:pw@h", "redis://:***@h"),
        ("https://example.com:8080/a@b", "https://example.com:8080/a@b"),
        ("Authorization: Bearer x1", "Authorization: Bearer ***"),
        (
            "{\"authorization\":\"Basic dTpw\"}",
            "{\"authorization\":\"Basic ***\"}",
        ),
        ("sent Basic dTpw", "sent Basic ***"),
        ("sent Bearer 0123456789abcdef", "sent Bearer ***"),
        ("needs a Bearer token", "needs a Bearer token"),
        ("Basic authentication", "Basic authentication"),
        (
            "WWW-Authenticate: Bearer realm=\"api\"",
            "WWW-Authenticate: Bearer realm=\"api\"",
        ),
        ("key sk_live_51Habcdefghijk", "key sk_live_***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        ("task_live_abcdefghijklmnop", "task_live_abcdefghijklmnop"),
        ("Bearer%200123456789abcdef", "Bearer%20***"),
    ] {
        assert_eq!(secrets.redact(text), clean);
        assert_eq!(secrets.redact(clean), clean);
    }
}

#[test]
fn secrets_that_touch_the_mask_end() {
    let secrets = knowing(&["x***", "bbbb", "***a", "****"]);
    for text in ["bbbba", "xxxbbbb", "*****", "bbbb*", "xxxx****"] {
        let clean = secrets.redact(text).into_owned();
        assert_eq!(secrets.redact(&clean), clean);
    }
}

#[test]
fn starts_are_long_enough_to_be_found() {
    for (start, _) in generic::STARTS {
        assert!(start.len() >= SHORTEST, "{start}");
    }
}

/// 2,000 checks with 20 texts each; run with `--release --nocapture --ignored`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let secrets = Secrets::new();
    for number in 0..10 {
        secrets.add(&format!(
            "postgres://app:pa55word{number}@db.example.com:5432/app{number}"
        ));
        secrets.add(&format!(
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{number}In0.c2lnbmF0dXJl{number}"
        ));
    }
    let texts = [
        "status",
        "200",
        "$.data.workflows[0].id",
        "application/json; charset=utf-8",
        "/api/v1/workflows/0d0f9c1e-3d0c-4e34-9d5e-1b1f5a5f5a5f",
        "expected a list of 10 elements, seen a list of 9",
        "connection refused: https://masstock-backend.onrender.com/health",
        "x-request-id",
    ];
    let started = std::time::Instant::now();
    let _ = secrets.redact("nothing");
    println!("{:?} to build", started.elapsed());
    let started = std::time::Instant::now();
    let mut masked = 0;
    for round in 0..40_000 {
        masked += usize::from(matches!(secrets.redact(texts[round % texts.len()]), Cow::Owned(_)));
    }
    println!("{:?} for 40,000 texts, {masked} masked", started.elapsed());
    let body = "{\"id\": 12, \"name\": \"x\\\"y\", \"url\": \"https:\\/\\/example.com\\/a%20b\"},\n".repeat(16_000);
    let started = std::time::Instant::now();
    let clean = secrets.redact(&body).len();
    println!("{:?} for {clean} bytes of escapes", started.elapsed());
    let started = std::time::Instant::now();
    for number in 0..2_000 {
        secrets.add(&format!("captured-token-{number}"));
        let _ = secrets.redact("nothing");
    }
    println!("{:?} for 2,000 captures", started.elapsed());
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{4,40}",
        "[!-~]{4,40}",
        "[ -~]{4,24}",
        "\\PC{4,16}",
        "[%\\\\&;u0-9a-f\"]{4,16}",
    ]
    .prop_filter("the rules are about what is there", |secret| {
        secret.trim().chars().count() >= SHORTEST && secret.trim() == secret
    })
}

proptest! {
    #[test]
    fn no_encoding_of_a_secret_survives(secret in secret(), before in "\\PC{0,8}", behind in "\\PC{0,8}") {
        let secrets = knowing(&[&secret]);
        for ((encoding, form), (_, text)) in encodings(&secret).into_iter().zip(encodings(&format!("{before}{secret}{behind}"))) {
            let clean = secrets.redact(&text);
            // What a longer base64 text shows of the secret is not the base64 of the secret, hence `MASK`.
            prop_assert!(clean.contains(MASK) || form == MASK, "{encoding}: {text:?} became {clean:?}");
            prop_assert!(!clean.contains(form.trim_matches('"')), "{encoding}: {text:?} became {clean:?}");
        }
    }

    #[test]
    fn surroundings_survive_where_nothing_is_encoded(secret in "[a-z]{8,20}", before in "[0-9 ]{0,9}", behind in "[0-9 ]{0,9}") {
        let secrets = knowing(&[&secret]);
        let text = format!("{before}{secret}{behind}");
        prop_assert_eq!(secrets.redact(&text), format!("{before}***{behind}"));
    }

    #[test]
    fn redaction_is_idempotent(all in prop::collection::vec(secret(), 1..4), noise in "\\PC{0,40}") {
        let secrets = Secrets::new();
        for secret in &all {
            secrets.add(secret);
        }
        for (_, text) in encodings(&format!("{noise}{}{noise}", all.join(&noise))) {
            let once = secrets.redact(&text).into_owned();
            prop_assert_eq!(secrets.redact(&once), once.clone());
        }
    }

    #[test]
    fn a_secret_cut_anywhere_is_masked(secret in "[!-~]{9,40}", noise in "[a-z ]{0,9}", cut in 8_usize..40) {
        let secrets = knowing(&[&secret]);
        let cut = cut.min(secret.len());
        let clean = secrets.redact(&format!("{noise}{}", &secret[..cut])).into_owned();
        prop_assert!(clean.ends_with(MASK), "{clean}");
    }

    #[test]
    fn any_text_is_taken(secret in "\\PC*", text in any::<String>()) {
        let secrets = knowing(&[&secret]);
        let _ = secrets.redact(&text);
    }
}
