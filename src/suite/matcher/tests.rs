use proptest::prelude::*;
use serde_json::json;

use super::super::tree::parse;
use super::super::{Node, decode, tree};
use super::*;

fn matcher(text: &str) -> Result<Matcher, String> {
    let (table, problems) = parse(&format!("m = {text}"));
    assert!(problems.is_empty(), "{problems:?}");
    decode(&table.0[0].node, &[]).map_err(|problems| {
        problems
            .iter()
            .map(|problem| problem.message.clone())
            .collect::<Vec<_>>()
            .join("; ")
    })
}

fn check(text: &str, seen: impl Into<Option<Value>>) -> Match {
    matcher(text).unwrap().check(seen.into().as_ref())
}

#[test]
fn operators_hold_and_fail() {
    let table = [
        ("1", json!(1.0), json!("1")),
        ("{ ne = 1 }", json!(2), json!(1)),
        ("{ gt = 0, lt = 10 }", json!(5), json!(10)),
        (
            "{ ge = \"2026-01-01\" }",
            json!("2026-05-01T00:00:00Z"),
            json!("2025-12-31"),
        ),
        ("{ one_of = [\"a\", 2] }", json!(2), json!("b")),
        ("{ contains = \"ell\" }", json!("hello"), json!("help")),
        ("{ contains = 2 }", json!([1, 2]), json!([1])),
        ("{ lacks = \"x\" }", json!("abc"), json!("x")),
        ("{ lacks = \"x\" }", json!({ "a": 1 }), json!({ "x": 1 })),
        ("{ matches = '^v\\d+$' }", json!("v12"), json!("12")),
        ("{ starts_with = \"a\", ends_with = \"c\" }", json!("abc"), json!("ab")),
        (
            "{ type = \"uuid\" }",
            json!("7c1f0000-0000-4000-8000-000000000000"),
            json!("7c1f"),
        ),
        ("{ type = \"integer\" }", json!(3.0), json!(3.5)),
        (
            "{ type = \"date_time\" }",
            json!("2026-11-21T07:44:00Z"),
            json!("2026-11-21"),
        ),
        ("{ type = \"email\" }", json!("a@b.co"), json!("a@b")),
        ("{ type = \"url\" }", json!("https://a.b/c"), json!("/c")),
        ("{ empty = true }", json!([]), json!([1])),
        ("{ len = { ge = 2 } }", json!([1, 2]), json!([1])),
        ("{ every = { gt = 0 } }", json!([1, 2]), json!([1, 0])),
        ("{ some = { eq = 1 } }", json!([1, 2]), json!([])),
        ("{ none = { contains = \"err\" } }", json!(["ok"]), json!(["an err"])),
        ("{ not = { contains = \"x\" } }", json!("abc"), json!("x")),
        ("{ exists = true }", json!(null), json!(null)),
    ];
    for (text, good, bad) in table {
        assert_eq!(check(text, Some(good)), Match::Holds, "{text}");
        if text != "{ exists = true }" {
            assert_eq!(check(text, Some(bad)), Match::Fails, "{text}");
        }
    }
}

#[test]
fn nothing_there_satisfies_only_exists_false() {
    assert_eq!(check("{ exists = false }", None), Match::Holds);
    for text in [
        "1",
        "{ ne = 1 }",
        "{ lacks = \"x\" }",
        "{ not = 1 }",
        "{ exists = true }",
        "{ empty = true }",
    ] {
        assert_eq!(check(text, None), Match::Fails, "{text}");
    }
}

#[test]
fn a_statement_about_no_items_is_vacuous() {
    assert_eq!(check("{ every = 1 }", Some(json!([]))), Match::Vacuous);
    assert_eq!(check("{ none = 1 }", Some(json!([]))), Match::Vacuous);
    assert_eq!(check("{ every = 1 }", Some(json!("no list"))), Match::Fails);
    assert_eq!(check("{ every = 1, len = 1 }", Some(json!([]))), Match::Fails);
}

#[test]
fn mistakes_say_what_to_write() {
    assert_eq!(matcher("{ greater = 1 }").unwrap_err(), "unknown key `greater`");
    assert_eq!(
        matcher("{}").unwrap_err(),
        "an empty table expects nothing; write for instance { exists = true }"
    );
    assert!(
        matcher("{ matches = '(' }")
            .unwrap_err()
            .starts_with("bad regular expression `(`")
    );
    assert_eq!(matcher("{ type = 'uid' }").unwrap_err(), "unknown value `uid`");
    assert_eq!(
        matcher("{ len = '2' }").unwrap_err(),
        "a length is a number, and never \"2\""
    );
    assert_eq!(
        matcher("{ len = { one_of = [1, true] } }").unwrap_err(),
        "a length is a number, and never true"
    );
    assert!(matcher("{ len = { ge = 1, not = 7 } }").is_ok());
    assert!(matcher("{ len = '⟨workflows⟩' }").is_ok());
    assert_eq!(
        matcher("{ gt = true }").unwrap_err(),
        "expected a number or a text to compare with"
    );
}

#[test]
fn phrases_complete_the_word_expected() {
    assert_eq!(
        matcher("{ gt = 0, lt = 9 }").unwrap().describe(),
        "greater than 0 and less than 9"
    );
    assert_eq!(
        matcher("{ every = { type = \"uuid\" } }").unwrap().describe(),
        "every item of type uuid"
    );
    assert_eq!(matcher("\"a\"").unwrap().describe(), "\"a\"");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_equals_itself_and_its_negation_never_does(value in json_value()) {
        let table = |operator: &str| {
            let entry = tree::Entry { key: operator.to_owned(), key_span: 0..0, node: Node::from_json(&value, &(0..0)) };
            Node::new(0..0, tree::Value::Table(tree::Table(vec![entry])))
        };
        let eq: Matcher = decode(&table("eq"), &[]).unwrap();
        let ne: Matcher = decode(&table("ne"), &[]).unwrap();
        prop_assert_eq!(eq.check(Some(&value)), Match::Holds);
        prop_assert_eq!(ne.check(Some(&value)), Match::Fails);
    }
}
