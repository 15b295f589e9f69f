use super::super::testing::{kind, lines, mistakes};
use super::*;

const CHECK: &str = "get = \"/\"\nlimit = 3\nper = \"1s\"\n";

fn answers(statuses: &[u16]) -> Vec<Answer> {
    statuses
        .iter()
        .map(|status| Answer {
            status: *status,
            limit: None,
            remaining: None,
        })
        .collect()
}

fn burst(statuses: &[u16]) -> Seen {
    let refused = statuses.contains(&429);
    let refusal = refused.then(|| Response {
        status: 429,
        ..Response::default()
    });
    Seen {
        answers: answers(statuses),
        refusal,
        ..Seen::default()
    }
}

fn judged(check: &str, seen: &Seen) -> String {
    lines(&kind::<RateLimit>(check).judge(seen))
}

#[test]
fn exactly_the_limit_is_let_through() {
    assert_eq!(
        judged(CHECK, &burst(&[200, 200, 200, 429])),
        "passed let through: expected 3 requests, seen 3 requests, then 429\npassed status: expected 429, seen 429\n"
    );
}

#[test]
fn one_too_many_one_too_few_never_and_once_per_instance() {
    let first = |statuses: &[u16]| judged(CHECK, &burst(statuses)).lines().next().unwrap().to_owned();
    assert!(
        first(&[200, 200, 200, 200, 429])
            .starts_with("failed let through: expected 3 requests, seen 4 requests, then 429 (try: one too many")
    );
    assert!(first(&[200, 200, 429]).starts_with("failed let through: expected 3 requests, seen 2 requests"));
    assert!(
        first(&[200; 8]).starts_with("failed let through: expected 3 requests, seen no 429 in 8 requests: 8 × 200")
    );
    assert!(first(&[200, 200, 200, 200, 200, 200, 429]).contains("2 × the limit"));
}

#[test]
fn what_was_spent_before_is_taken_off() {
    let seen = Seen {
        spent: 1,
        ..burst(&[200, 200, 429])
    };
    assert!(judged(CHECK, &seen).starts_with("passed let through: expected 2 requests (3 less 1 already used)"));
    let mut seen = burst(&[401, 429]);
    seen.answers[0].limit = Some(3);
    seen.answers[0].remaining = Some(0);
    assert!(judged(CHECK, &seen).contains("passed let through: expected 1 request (3 less 2 already used)"));
    let seen = Seen {
        spent: 3,
        ..burst(&[429])
    };
    assert!(judged(CHECK, &seen).starts_with("unclear budget: expected some of 3 left"));
}

#[test]
fn headers_that_announce_another_limit_and_errors_under_the_burst() {
    let mut seen = burst(&[200, 500, 200, 429]);
    seen.answers[0].limit = Some(4);
    let said = judged(CHECK, &seen);
    assert!(
        said.contains("failed limit in the headers: expected 3, seen 4"),
        "{said}"
    );
    assert!(
        said.contains("failed answers: expected no server error under the burst, seen 1 of 4 were 500"),
        "{said}"
    );
}

#[test]
fn a_window_shorter_than_the_burst_tells_nothing() {
    let seen = Seen {
        burst_millis: 1200,
        ..burst(&[200, 200, 200, 200, 429])
    };
    assert!(judged(CHECK, &seen).starts_with("unclear let through"));
}

#[test]
fn escapes_others_and_recovery() {
    let check = format!("{CHECK}bearer = \"a\"\nother = {{ bearer = \"b\" }}\n");
    let seen = Seen {
        spoofed: vec![("X-Forwarded-For".to_owned(), vec![200, 429, 200])],
        other: Some(429),
        recovery: Some(Recovery {
            waited_millis: 1150,
            status: 429,
        }),
        ..burst(&[200, 200, 200, 429])
    };
    let said = judged(&check, &seen);
    assert!(
        said.contains("failed with made-up values of X-Forwarded-For: expected still refused, seen 2 of 3 let through"),
        "{said}"
    );
    assert!(
        said.contains("failed somebody else, meanwhile: expected let through, seen 429"),
        "{said}"
    );
    assert!(
        said.contains("failed after 1150 ms: expected let through again, seen 429"),
        "{said}"
    );
}

#[test]
fn the_servers_word_on_what_is_left_counts_more_than_what_was_sent() {
    let mut seen = Seen {
        spent: 9,
        ..burst(&[200, 200, 429])
    };
    assert!(judged(CHECK, &seen).contains("unclear budget"));
    for (answer, left) in seen.answers.iter_mut().zip([1, 0, 0]) {
        answer.limit = Some(3);
        answer.remaining = Some(left);
    }
    assert!(
        judged(CHECK, &seen).contains("passed let through"),
        "{}",
        judged(CHECK, &seen)
    );
}

#[test]
fn mistakes_say_what_to_write() {
    assert_eq!(
        mistakes::<RateLimit>("get = \"/\"\nlimit = 0\nper = \"0s\"\nburst = 0\n").len(),
        3
    );
    let other = "get = \"/\"\nlimit = 1\nper = \"1s\"\nother = { bearer = \"x\" }\n";
    assert_eq!(
        mistakes::<RateLimit>(other),
        ["where addresses are counted, another identity from here shares the budget"]
    );
}

#[test]
fn several_ask_in_turn_where_their_address_is_counted() {
    let check =
        "get = \"/\"\nlimit = 4\nper = \"1s\"\nturns = [{ bearer = \"a\" }, { headers = { Cookie = \"b\" } }]\n";
    assert!(mistakes::<RateLimit>(check).is_empty());
    let alone = "get = \"/\"\nlimit = 4\nper = \"1s\"\nturns = [{ bearer = \"a\" }]\n";
    assert_eq!(mistakes::<RateLimit>(alone).len(), 1);
    let identity = format!("{check}by = \"identity\"\n");
    assert_eq!(mistakes::<RateLimit>(&identity).len(), 1);
}
