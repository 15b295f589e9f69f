//! What is said of row level security, from made-up observations.

use serde_json::{Value, json};

use super::super::testing::{kind, lines, mistakes};
use super::judge::judge;
use super::{Rls, Seen};

fn judged(table: &str, seen: &Value) -> String {
    let seen: Seen = serde_json::from_value(seen.clone()).unwrap();
    lines(&judge(&kind::<Rls>(table), &seen))
}

fn seen(changes: &Value) -> Value {
    let mut table = json!({
        "schema": "public", "name": "images", "kind": "table", "owner": "postgres", "enabled": true, "forced": false,
        "missing": [], "policies": [policy("Own rows", "all", &["authenticated"], "(auth.uid() = user_id)")],
        "sample": { "user": "7c1f", "partial": false, "own": 3, "others": 41 },
        "user": { "sees": { "Ok": { "own": 3, "others": 0 } } },
    });
    for (key, value) in changes.as_object().unwrap() {
        table[key] = value.clone();
    }
    json!({ "current_user": "postgres", "roles": {}, "tables": [table] })
}

fn policy(name: &str, command: &str, roles: &[&str], using: &str) -> Value {
    json!({ "schema": "public", "table": "images", "name": name, "command": command, "permissive": true,
            "roles": roles, "using": using, "check": null })
}

const TABLE: &str = "tables = ['images']\nowner = 'user_id'\n";
const GOOD: &str = "passed images: expected row level security enabled, seen enabled\n\
                    passed images as authenticated 7c1f: expected sees rows of their own, seen 3 of 3\n";

#[test]
fn own_rows_are_visible_and_others_are_not() {
    assert_eq!(
        judged(TABLE, &seen(&json!({}))),
        format!("{GOOD}passed images as authenticated 7c1f: expected sees no row of others, seen 0 of 41\n")
    );
    let wide = json!({
        "policies": [policy("Anyone can view", "select", &["public"], "true")],
        "user": { "sees": { "Ok": { "own": 3, "others": 38 } } },
    });
    assert_eq!(
        judged(TABLE, &seen(&wide)),
        format!(
            "{GOOD}failed images as authenticated 7c1f: expected sees no row of others, \
             seen 38 of 41 (policy \"Anyone can view\")\n"
        )
    );
}

#[test]
fn disabled_says_how_to_enable() {
    assert_eq!(
        judged(TABLE, &seen(&json!({ "enabled": false }))),
        "failed images: expected row level security enabled, seen disabled \
         (try: alter table \"public\".\"images\" enable row level security)\n"
    );
}

#[test]
fn a_policy_that_errors_is_told_from_one_that_denies() {
    let error =
        |code: &str, message: &str| json!({ "user": { "sees": { "Err": { "code": code, "message": message } } } });
    let recursion = judged(TABLE, &seen(&error("42P17", "infinite recursion detected in policy")));
    assert!(
        recursion.contains("expected policies that can be evaluated, seen they error: infinite recursion"),
        "{recursion}"
    );
    assert!(recursion.contains("security definer"), "{recursion}");
    let denied = judged(TABLE, &seen(&error("42501", "permission denied for table images")));
    assert!(
        denied.contains("failed images as authenticated 7c1f: expected sees rows of their own, seen permission denied")
    );
    assert!(
        denied.contains("passed images as authenticated 7c1f: expected sees no row of others, seen permission denied")
    );
    let meant = judged(
        &format!("{TABLE}reads = false"),
        &seen(&error("42501", "permission denied")),
    );
    assert!(!meant.contains("failed"), "{meant}");
}

#[test]
fn nothing_to_examine_is_unclear() {
    let empty = json!({ "sample": { "partial": false, "own": 0, "others": 0 }, "user": null });
    assert!(
        judged(TABLE, &seen(&empty))
            .contains("unclear images as authenticated: expected rows to try it on, seen the table is empty")
    );
    let hidden = json!({ "sample": { "partial": true, "own": 0, "others": 0 }, "user": null });
    assert!(judged(TABLE, &seen(&hidden)).contains("seen no row that postgres itself may see"));
    let alone = json!({ "sample": { "user": "7c1f", "partial": false, "own": 3, "others": 0 } });
    assert!(judged(TABLE, &seen(&alone)).contains(
        "unclear images as authenticated 7c1f: expected sees no row of others, seen all rows belong to 7c1f"
    ));
    let stranger = json!({ "sample": { "user": "7c1f", "partial": false, "own": 0, "others": 3 } });
    assert!(
        judged(TABLE, &seen(&stranger))
            .contains("unclear images as authenticated 7c1f: expected sees rows of their own")
    );
}

#[test]
fn roles_that_no_policy_applies_to_are_named() {
    for (exempt, sentence) in [
        ("superuser", "it is a superuser"),
        ("bypass_rls", "it has BYPASSRLS"),
        ("owner", "it owns the table"),
    ] {
        let told = judged(TABLE, &seen(&json!({ "user": { "exempt": exempt } })));
        assert!(
            told.contains(&format!(
                "failed images as authenticated: expected policies apply to the role, seen {sentence}"
            )),
            "{told}"
        );
    }
    let mut closed = seen(&json!({ "user": null, "sample": null }));
    closed["roles"] = json!({ "authenticated": { "closed": { "code": "42501", "message": "permission denied to set role" } }, "anon": "missing" });
    let told = judged(TABLE, &closed);
    assert!(
        told.contains("unclear role anon: expected can be tried, seen there is no such role"),
        "{told}"
    );
    assert!(
        told.contains("(try: grant \"authenticated\" to \"postgres\")"),
        "{told}"
    );
}

#[test]
fn writes_must_not_pass_the_policies() {
    let attempt = |attempt: Value| {
        let told = judged(
            TABLE,
            &seen(&json!({ "user": { "sees": { "Ok": { "own": 3, "others": 0 } }, "update": attempt } })),
        );
        told.lines()
            .find(|line| line.contains("cannot update"))
            .unwrap()
            .to_owned()
    };
    let stopped = |code: &str, message: &str| json!({ "stopped": { "code": code, "message": message } });
    assert!(attempt(json!({ "wrote": 0 })).starts_with("passed"));
    assert!(attempt(json!("no_right")).starts_with("passed"));
    assert!(attempt(stopped("42501", "new row violates row-level security policy")).starts_with("passed"));
    assert!(attempt(stopped("P0001", "not yours")).starts_with("passed"));
    assert!(attempt(json!({ "wrote": 1 })).ends_with("seen 1 row written (policy \"Own rows\")"));
    assert!(attempt(stopped("23505", "duplicate key")).contains("only a constraint stopped it: duplicate key (23505)"));
    assert!(attempt(stopped("22P02", "invalid input")).starts_with("unclear"));
    let recursion =
        json!({ "user": { "sees": { "Ok": { "own": 3, "others": 0 } }, "update": stopped("42P17", "recursion") } });
    let told = judged(TABLE, &seen(&recursion));
    assert!(
        told.contains("failed images as authenticated 7c1f: expected policies that can be evaluated"),
        "{told}"
    );
}

#[test]
fn protected_columns_must_not_be_writable() {
    let table = "tables = ['images']\nowner = 'user_id'\nprotected.images = ['credits']";
    let tried = |attempt: Value| json!({ "user": { "sees": { "Ok": { "own": 3, "others": 0 } }, "protected": [["credits", attempt]] } });
    assert!(
        judged(table, &seen(&tried(json!("no_right"))))
            .contains("passed images as authenticated 7c1f: expected cannot change credits")
    );
    let open = judged(table, &seen(&tried(json!({ "wrote": 1 }))));
    assert!(open.contains("failed images as authenticated 7c1f: expected cannot change credits of their own row, seen 1 row written (try: revoke update on"), "{open}");
    assert!(judged(table, &seen(&tried(Value::Null))).contains("unclear"));
}

#[test]
fn policies_have_exactly_the_roles_that_are_named() {
    let table = "tables = ['images']\npolicies.images = { select = ['authenticated'], insert = [] }";
    let told = judged(table, &seen(&json!({ "user": null, "sample": null })));
    assert!(
        told.contains("passed images: policies for select: expected authenticated, seen authenticated"),
        "{told}"
    );
    assert!(
        told.contains("failed images: policies for insert: expected nobody, seen authenticated"),
        "{told}"
    );
}

#[test]
fn a_policy_for_writing_needs_a_condition() {
    let open = json!({ "policies": [policy("System can write", "all", &["public"], "true")] });
    let told = judged(TABLE, &seen(&open));
    assert!(told.contains("failed images: policy \"System can write\": expected a condition on the row, seen lets public write any row"), "{told}");
    let server = json!({ "policies": [policy("System can write", "all", &["service_role"], "true")] });
    assert!(!judged(TABLE, &seen(&server)).contains("System"));
    assert!(!judged(&format!("{TABLE}writes = false"), &seen(&open)).contains("System"));
}

#[test]
fn tables_are_named_once() {
    assert_eq!(mistakes::<Rls>("tables = []").len(), 1);
    assert_eq!(
        mistakes::<Rls>("tables = ['a']\nprotected.b = ['c']"),
        [
            "`b` is not among `tables`",
            "`protected` needs `owner`: who must not change the columns?"
        ]
    );
}
