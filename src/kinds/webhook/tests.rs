use super::super::testing::{kind, lines, mistakes};
use super::observe::event;
use super::*;

const CHECK: &str = "post = \"/hook\"\nscheme = \"stripe\"\nsecret = \"s\"\njson = { type = \"ping\" }\n";

/// The answer to a good delivery, and to each forgery.
fn seen(good: u16, forged: &[(How, u16)]) -> Seen {
    let answer = |how, status| Delivered {
        how,
        answer: Response {
            status,
            ..Response::default()
        },
    };
    let forged = forged.iter().map(|(how, status)| answer(*how, *status));
    Seen {
        id: "evt_1".to_owned(),
        deliveries: std::iter::once(answer(How::Rightly, good)).chain(forged).collect(),
    }
}

fn judged(check: &str, seen: &Seen) -> String {
    lines(&kind::<Webhook>(check).judge(seen))
}

#[test]
fn accepted_and_refused() {
    assert_eq!(
        judged(CHECK, &seen(200, &[(How::Unsigned, 400), (How::Stale, 401)])),
        "passed rightly signed: expected 2xx, seen 200\n\
         passed without a signature: expected refused: 4xx, seen 400\n\
         passed signed longer ago than 5m: expected refused: 4xx, seen 401\n"
    );
}

#[test]
fn refusals_prove_nothing_where_everything_is_refused_but_acceptance_does() {
    let said = judged(CHECK, &seen(400, &[(How::Unsigned, 400), (How::OtherSecret, 400)]));
    assert!(
        said.starts_with("failed rightly signed: expected 2xx, seen 400; as for every other delivery (try: it refuses")
    );
    assert!(said.contains("unclear forged deliveries: expected refused, for their signatures, seen 2 refused"));
    let said = judged(CHECK, &seen(500, &[(How::Unsigned, 200), (How::OtherSecret, 400)]));
    assert!(said.contains("crashes on this event"));
    assert!(said.contains("failed without a signature: expected refused: 4xx, seen 200"));
}

#[test]
fn no_refusal_is_a_crash_a_redirect_or_a_rate_limit() {
    let said = judged(
        CHECK,
        &seen(200, &[(How::CutShort, 500), (How::Unsigned, 302), (How::Changed, 429)]),
    );
    assert!(said.contains("failed with a signature cut short: expected refused: 4xx, seen 500 (try: a crash is no"));
    assert!(said.contains("failed without a signature: expected refused: 4xx, seen 302\n"));
    assert!(said.contains("unclear changed after it was signed"));
}

/// A receiver that verifies the JSON it has parsed refuses Stripe's own events, and must not pass here.
#[test]
fn stripes_events_are_written_over_several_lines() {
    let (id, body, _) = event(&kind(CHECK), 1_760_000_000);
    assert!(body.starts_with("{\n  \""), "{body}");
    let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(parsed["id"], id);
    assert_ne!(parsed.to_string(), body);
}

/// A route that is not there would pass otherwise.
#[test]
fn what_says_accepted_says_not_refused_as_well() {
    let check = format!("{CHECK}accepts = 404\n");
    let said = judged(&check, &seen(404, &[(How::Unsigned, 404), (How::Stale, 403)]));
    assert!(said.contains("failed without a signature: expected refused, and not answered as the rightly signed one"));
    assert!(said.contains("passed signed longer ago"));
}

#[test]
fn nothing_delivered_is_unclear() {
    assert!(judged(CHECK, &Seen::default()).starts_with("unclear"));
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let found = |more: &str| mistakes::<Webhook>(&format!("scheme = \"github\"\nsecret = \"s\"\n{more}"));
    assert_eq!(found("post = \"/\"\nbody = \"x\""), [""; 0]);
    assert_eq!(found("post = \"/\""), ["no event"]);
    assert_eq!(found("get = \"/\"\nbody = \"x\""), ["an event is delivered by POST"]);
    assert_eq!(
        found("post = \"/\"\nbody = \"x\"\naccepts = 200\nexpect.status = 200"),
        ["the accepted status twice"]
    );
    assert_eq!(
        found("post = \"/\"\nbody = \"x\"\ntolerance = \"1m\""),
        ["this scheme does not sign the time, so nothing is too old"]
    );
    let nowpayments = "post = \"/\"\nscheme = \"nowpayments\"\nsecret = \"s\"\nbody = \"x\"";
    assert_eq!(mistakes::<Webhook>(nowpayments), ["nowpayments signs JSON"]);
}
