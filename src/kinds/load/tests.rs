use super::super::testing::{kind, lines, mistakes};
use super::*;

const CHECK: &str =
    "get = \"/\"\nrequests = 100\n[load.tried.expect]\np50 = \"50ms\"\np95 = \"90ms\"\nthroughput = 40\n";

/// A hundred answers of 1 to 100 ms, the first `broken` of them with `status`, in two seconds.
fn seen(broken: u64, status: u16) -> Seen {
    let answer = |at: u64| Answer {
        status: Some(if at <= broken { status } else { 200 }),
        error: None,
        micros: at * 1000,
    };
    Seen {
        answers: (1..=100).map(answer).collect(),
        took_micros: 2_000_000,
        unsent: 0,
    }
}

fn judged(check: &str, seen: &Seen) -> String {
    lines(&kind::<Load>(check).judge(seen))
}

#[test]
fn percentiles_by_rank_and_throughput() {
    let said = judged(CHECK, &seen(0, 0));
    assert!(said.contains("passed p50: expected at most 50ms, seen 50 ms"), "{said}");
    assert!(said.contains("failed p95: expected at most 90ms, seen 95 ms"), "{said}");
    assert!(
        said.contains("passed throughput: expected at least 40 a second, seen 50.0 a second"),
        "{said}"
    );
}

#[test]
fn failures_refusals_and_a_rate_limit() {
    let said = judged(CHECK, &seen(2, 503));
    assert!(
        said.starts_with("failed failed requests: expected none, seen 2 of 100 (98 × 200, 2 × 503)"),
        "{said}"
    );
    assert!(judged(&format!("{CHECK}errors = 0.02\n"), &seen(2, 503)).starts_with("passed failed requests"));
    assert!(judged(CHECK, &seen(2, 429)).contains("(try: a rate limit answered"));
    let plan = format!("{CHECK}refused = {{ status = [402, 429], at_least = 3 }}\n");
    assert!(judged(&plan, &seen(2, 429)).contains("failed refused: expected at least 3 with 402 or 429, seen 2"));
    assert!(judged(&plan, &seen(3, 429)).contains("passed failed requests"));
    let any = "get = '/'\nrequests = 100\nexpect.refused = { status = 429 }\n";
    assert!(judged(any, &seen(100, 429)).contains("unclear successes: expected some, seen none of 100"));
}

#[test]
fn nothing_answered_and_not_all_sent_are_unclear() {
    assert!(judged(CHECK, &Seen::default()).starts_with("unclear answers"));
    assert!(
        judged(
            CHECK,
            &Seen {
                unsent: 5,
                ..seen(0, 0)
            }
        )
        .contains("unclear requests: expected 105, seen 100 in 2000 ms")
    );
}

#[test]
fn mistakes_say_what_to_write() {
    assert_eq!(mistakes::<Load>("get = \"/\"\n"), ["how many requests?"]);
    let wrong = "get = \"/\"\nrequests = 20000\nconcurrency = 0\nrate = 0.0\nfor = \"0s\"\nexpect.errors = 1.0\n";
    assert_eq!(mistakes::<Load>(wrong).len(), 5);
    assert!(kind::<Load>("get = \"/\"\nrequests = 1\n").expects_nothing());
}
