//! What is said of books, from made-up observations.

use proptest::prelude::*;
use serde_json::json;

use super::super::testing::{kind, lines, mistakes};
use super::*;

const QUERY: &str = "query = 'select 1 where false'\npopulation = 'select count(*) from users'\n";

fn rows(population: &str, discrepancies: u64) -> Seen {
    let row = json!({ "id": 7, "credits": 999, "plan": "free" });
    Seen {
        population: Some(population.to_owned()),
        discrepancies,
        first: (0..discrepancies.min(5))
            .map(|_| row.as_object().cloned().unwrap())
            .collect(),
        ..Seen::default()
    }
}

fn values(left: Option<&str>, right: Option<&str>) -> Seen {
    Seen {
        values: Some((left.map(str::to_owned), right.map(str::to_owned))),
        ..Seen::default()
    }
}

#[test]
fn discrepancies_are_counted_and_shown_in_the_order_of_the_columns() {
    let reconcile: Reconcile = kind(QUERY);
    assert_eq!(
        lines(&reconcile.judge(&rows("400", 1))),
        "failed discrepancies: expected none of 400, seen 1 of 400 (0.25 %): id=7, credits=999, plan=free\n\
         passed population: expected at least 1, seen 400\n"
    );
    assert_eq!(
        lines(&reconcile.judge(&rows("400", 0))),
        "passed discrepancies: expected none of 400, seen none\npassed population: expected at least 1, seen 400\n"
    );
    assert!(lines(&reconcile.judge(&rows("400", 6))).contains("plan=free; …\n"));
}

#[test]
fn an_empty_population_proves_nothing() {
    let reconcile: Reconcile = kind(QUERY);
    assert_eq!(
        lines(&reconcile.judge(&rows("0", 0))),
        "unclear discrepancies: expected none of 0, seen none\n\
         unclear population: expected at least 1, seen 0: there is too little to reconcile, so this proves nothing \
         (try: is this the right database, and was it ever filled?)\n"
    );
    let many: Reconcile = kind(&format!("{QUERY}at_least = 50"));
    assert!(lines(&many.judge(&rows("49", 0))).contains("unclear population: expected at least 50, seen 49"));
}

#[test]
fn a_rate_may_be_allowed() {
    let reconcile: Reconcile = kind(&format!("{QUERY}max_rate = 0.01"));
    assert!(lines(&reconcile.judge(&rows("100", 1))).starts_with("passed discrepancies: expected at most 1 % of 100"));
    assert!(lines(&reconcile.judge(&rows("100", 2))).starts_with("failed discrepancies"));
}

#[test]
fn two_values_must_agree() {
    let exact: Reconcile = kind("left = 'select 1'\nright = 'select 1'");
    let verdict = |reconcile: &Reconcile, left, right| reconcile.judge(&values(left, right))[0].verdict.to_string();
    assert_eq!(verdict(&exact, Some("1.50"), Some("1.5")), "passed");
    assert_eq!(
        verdict(&exact, Some("100000000000000000.01"), Some("100000000000000000.02")),
        "failed"
    );
    assert_eq!(verdict(&exact, Some("1e+20"), Some("100000000000000000000")), "passed");
    assert_eq!(verdict(&exact, Some("5"), None), "failed");
    assert_eq!(verdict(&exact, None, None), "unclear");
    assert_eq!(verdict(&exact, Some("0.00"), Some("0")), "unclear");
    let near: Reconcile = kind("left = 'select 1'\nright = 'select 1'\ntolerance = 0.01");
    assert_eq!(verdict(&near, Some("1.00"), Some("1.01")), "passed");
    assert_eq!(verdict(&near, Some("1.00"), Some("1.02")), "failed");
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    assert_eq!(
        mistakes::<Reconcile>("query = 'select 1'"),
        ["`population` is missing: no discrepancy among no rows would pass"]
    );
    assert_eq!(
        mistakes::<Reconcile>("left = 'select 1'"),
        ["`left` and `right` are needed together"]
    );
    assert_eq!(mistakes::<Reconcile>(""), ["`query` is missing, or `left` and `right`"]);
    assert_eq!(mistakes::<Reconcile>(&format!("{QUERY}max_rate = 1.5")).len(), 1);
}

proptest! {
    #[test]
    fn a_number_agrees_with_itself_however_many_zeros_follow(whole in 0_i64.., cents in 0_u8..100, zeros in 0_usize..4) {
        let number = format!("{whole}.{cents:02}");
        let padded = format!("{number}{}", "0".repeat(zeros));
        prop_assert!(agree(&number, &padded, 0.0));
    }
}
