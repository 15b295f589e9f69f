use std::time::Duration;

use jiff::Timestamp;

use super::dialects;
use super::observe::{Count, Recovered, Spoofed};
use super::*;
use crate::deployment::http::Response;
use crate::kinds::testing::{kind, lines, mistakes};

fn limit(more: &str) -> RateLimit {
    kind(&format!("get = \"/x\"\nlimit = 10\nper = \"1m\"\n{more}"))
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Response {
        status,
        headers: headers.iter().map(owned).collect(),
        ..Response::default()
    }
}

fn count(accepted: u32, refusal: Option<u16>) -> Count {
    Count {
        accepted,
        statuses: vec![(200, accepted)],
        first: answer(200, &[]),
        refusal: refusal.map(|status| answer(status, &[])),
    }
}

fn said(limit: &RateLimit, seen: &Seen) -> String {
    let lines = lines(&limit.judge(seen));
    lines.lines().next().unwrap_or_default().to_owned()
}

fn counts(spent: u32, counts: Vec<Count>) -> Seen {
    Seen {
        spent,
        counts,
        ..Seen::default()
    }
}

#[test]
fn exactly_the_limit_passes_and_nothing_else() {
    let limit = limit("");
    let one = |accepted| said(&limit, &counts(0, vec![count(accepted, Some(429))]));
    assert!(one(10).starts_with("passed requests let through: expected 10 in 1m, seen 10, then 429"));
    assert!(one(11).starts_with("failed"));
    assert!(one(9).starts_with("unclear"), "somebody may have spent one");
    let two = |accepted| {
        said(
            &limit,
            &counts(0, vec![count(3, Some(429)), count(accepted, Some(429))]),
        )
    };
    assert!(two(10).starts_with("passed"));
    assert!(two(9).starts_with("failed") && two(11).starts_with("failed"));
    let never = said(&limit, &counts(0, vec![count(23, None)]));
    assert!(
        never.starts_with("failed requests let through: expected 10 in 1m, seen all 23 that were sent (23 × 200)"),
        "{never}"
    );
}

#[test]
fn what_the_run_has_spent_is_no_fault_of_the_limit() {
    let limit = limit("");
    let one = |spent, accepted| said(&limit, &counts(spent, vec![count(accepted, Some(429))]));
    assert!(one(3, 7).contains("passed") && one(3, 7).contains("3 had been spent before"));
    assert!(
        one(3, 10).starts_with("passed"),
        "by somebody else, with a budget of his own"
    );
    assert!(one(3, 5).starts_with("unclear"));
    assert!(one(12, 0).starts_with("unclear"), "no request was let through at all");
    let mut told = count(4, Some(429));
    told.first = answer(200, &[("x-ratelimit-remaining", "3")]);
    assert!(said(&limit, &counts(0, vec![told])).starts_with("passed"));
    let mut too_many = count(11, Some(429));
    too_many.first = answer(200, &[("x-ratelimit-remaining", "10")]);
    assert!(said(&limit, &counts(0, vec![too_many])).starts_with("failed"));
}

#[test]
fn the_answers_must_state_the_same_limit() {
    let mut counted = count(10, Some(429));
    counted.first = answer(200, &[("ratelimit-limit", "100")]);
    let lines = lines(&limit("").judge(&counts(0, vec![counted])));
    assert!(
        lines.contains("failed the limit that the answers state: expected 10, seen 100"),
        "{lines}"
    );
}

#[test]
fn one_answer_of_a_bucket_that_fills_is_no_escape() {
    let limit = limit("recovers = true");
    let verdict = |statuses: [u16; 3], control| {
        let mut seen = counts(0, vec![count(10, Some(429))]);
        seen.spoofed.push(Spoofed {
            header: "X-Real-IP".into(),
            statuses: statuses.into(),
            control,
        });
        seen.recovered = Some(Recovered {
            after_millis: 61_234,
            status: 429,
        });
        lines(&limit.judge(&seen))
    };
    assert!(verdict([429, 429, 429], 429).contains("passed with made-up addresses in X-Real-IP"));
    assert!(verdict([429, 200, 429], 429).contains("passed with made-up"));
    assert!(verdict([200, 200, 200], 429).contains("failed with made-up"));
    assert!(verdict([200, 200, 200], 200).contains("unclear with made-up"));
    assert!(
        verdict([429; 3], 429)
            .contains("failed after the window: expected let through again, seen 429 after 1m 1s 200ms")
    );
}

#[test]
fn all_dialects_are_understood() {
    let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let epoch = now.as_second() + 30;
    let (seconds, millis) = (epoch.to_string(), (epoch * 1_000).to_string());
    for headers in [
        &[
            ("ratelimit-limit", "10"),
            ("ratelimit-remaining", "3"),
            ("ratelimit-reset", "30"),
        ][..],
        &[
            ("ratelimit-policy", "10;w=60"),
            ("ratelimit", "limit=10, remaining=3, reset=30"),
        ],
        &[
            ("ratelimit-policy", "\"default\";q=10;w=60"),
            ("ratelimit", "\"default\";r=3;t=30"),
        ],
        &[
            ("x-ratelimit-limit", "10, 10;w=60"),
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", &seconds),
        ],
        &[
            ("x-rate-limit-limit", "10"),
            ("x-rate-limit-remaining", "3"),
            ("x-rate-limit-reset", &millis),
        ],
        &[
            ("x-ratelimit-limit", "10"),
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "2026-03-04T05:06:37.000Z"),
        ],
        &[
            ("x-ratelimit-limit", "10"),
            ("x-ratelimit-remaining", "3"),
            ("retry-after", "30"),
            ("x-ratelimit-reset", "99"),
        ],
    ] {
        let answer = answer(429, headers);
        assert_eq!(dialects::limit(&answer), Some(10), "{headers:?}");
        assert_eq!(dialects::remaining(&answer), Some(3), "{headers:?}");
        assert_eq!(
            dialects::wait(&answer, now),
            Some(Duration::from_secs(30)),
            "{headers:?}"
        );
    }
    let silent = answer(
        429,
        &[
            ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("x-ratelimit-limit", "1m"),
        ],
    );
    assert_eq!((dialects::limit(&silent), dialects::wait(&silent, now)), (None, None));
}

#[test]
fn statuses_mean_what_the_suite_says() {
    let meaning = |more: &str, status| limit(more).meaning(status);
    assert_eq!(meaning("", 200), Meaning::Accepted);
    assert_eq!(meaning("", 401), Meaning::Accepted);
    assert_eq!(meaning("", 429), Meaning::Refused);
    assert_eq!(meaning("", 503), Meaning::Odd);
    assert_eq!(meaning("expect.status = 403", 403), Meaning::Refused);
    assert_eq!(meaning("expect.status = 403", 429), Meaning::Odd);
    assert_eq!(meaning("accepted = 201", 200), Meaning::Odd);
}

#[test]
fn the_number_of_requests_is_bounded() {
    assert_eq!(limit("").most(), 23);
    assert_eq!(
        mistakes::<RateLimit>("get = \"/x\"\nlimit = 0\nper = \"1m\""),
        ["`limit` is between 1 and 5000"]
    );
    let more = "get = \"/x\"\nlimit = 6000\nper = \"0s\"\nburst = 0\nscope = \"api\"\nother = {}";
    assert_eq!(mistakes::<RateLimit>(more).len(), 5);
}
