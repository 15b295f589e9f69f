//! What `judge` makes of a catalogue.

use serde_json::json;

use super::super::testing::{kind, lines};
use super::*;

fn seen() -> Seen {
    let table = |schema: &str, name: &str, columns: serde_json::Value| {
        json!({ "schema": schema, "name": name, "kind": "table", "owner": "app", "rls": false, "forced": false,
                "rows": 1.0, "columns": columns })
    };
    let part = |table: &str, name: &str, valid: bool| json!({ "schema": "public", "table": table, "name": name, "valid": valid });
    let column =
        |name: &str, r#type: &str| json!({ "name": name, "type": r#type, "nullable": true, "generated": false });
    let function = |name: &str, arguments: &[&str], result: &str| {
        json!({ "schema": "public", "name": name, "arguments": arguments, "defaults": 0, "result": result,
                "security_definer": false, "extension": null })
    };
    serde_json::from_value(json!({
        "tables": [
            table("public", "users", json!([column("id", "uuid"), column("credits", "bigint")])),
            table("audit", "events", json!([])),
        ],
        "functions": [function("charge", &["uuid", "integer"], "integer"), function("charge", &["uuid"], "void")],
        "extensions": [{ "name": "vector", "version": "0.7.4" }],
        "objects": {
            "triggers": [part("users", "touch", true), part("users", "asleep", false)],
            "constraints": [part("users", "positive", false)],
            "indexes": [part("users", "users_pkey", true)],
            "enums": [{ "schema": "public", "name": "mood", "labels": ["sad", "ok"] }],
            "foreign_keys": [
                { "schema": "public", "table": "ledger", "columns": ["user_id"], "indexed": false },
                { "schema": "public", "table": "jobs", "columns": ["user_id"], "indexed": true },
            ],
        },
    }))
    .unwrap()
}

fn judged(table: &str) -> String {
    lines(&kind::<SchemaCheck>(table).judge(&seen()))
}

#[test]
fn a_missing_table_is_told_with_what_could_be_meant() {
    assert_eq!(
        judged("tables = ['users', 'user', 'events', 'audit.events', 'ledger']"),
        "passed users: expected a table or view, seen table\n\
         failed user: expected a table or view, seen none of that name \
         (try: did you mean `users`? or was the migration not applied here?)\n\
         failed events: expected a table or view, seen none of that name (try: there is `audit.events`)\n\
         passed audit.events: expected a table or view, seen table\n\
         failed ledger: expected a table or view, seen none of that name \
         (try: was the migration applied to this database?)\n"
    );
}

#[test]
fn columns_have_types() {
    assert_eq!(
        judged("columns.users = { id = 'uuid', credits = 'int', credit = 'any' }\ncolumns.nothing = { id = 'uuid' }"),
        "passed users.id: expected uuid, seen uuid\n\
         failed users.credits: expected int, seen bigint\n\
         failed users.credit: expected any, seen no such column (try: did you mean `credits`?)\n\
         failed nothing: expected a table or view, seen none of that name \
         (try: was the migration applied to this database?)\n"
    );
}

#[test]
fn functions_have_overloads() {
    assert_eq!(
        judged("functions = ['charge', 'charge(uuid, int) -> int', 'charge(text)', 'charge(uuid) -> int', 'refund']"),
        "passed charge: expected a function, seen charge(uuid, integer)\n\
         passed charge(uuid, int) -> int: expected a function, seen charge(uuid, integer)\n\
         failed charge(text): expected these arguments, seen charge(uuid, integer), charge(uuid) \
         (try: a call with the old arguments fails: which side was deployed without the other?)\n\
         failed charge(uuid) -> int: expected returns int, seen returns void\n\
         failed refund: expected a function, seen none of that name (try: was the migration applied to this database?)\n"
    );
}

#[test]
fn extensions_have_versions() {
    assert_eq!(
        judged("extensions = ['vector', 'vector >= 0.8', 'pgcrypto']"),
        "passed extension vector: expected installed, seen installed, 0.7.4\n\
         failed extension vector: expected installed, >= 0.8, seen installed, 0.7.4 \
         (try: alter extension \"vector\" update)\n\
         failed extension pgcrypto: expected installed, seen not installed (try: create extension \"pgcrypto\")\n"
    );
}

#[test]
fn nothing_asked_is_a_mistake() {
    assert!(kind::<SchemaCheck>("").expects_nothing());
}

#[test]
fn what_belongs_to_tables_is_there_and_works() {
    assert_eq!(
        judged(
            "triggers = ['touch on users', 'asleep', 'toch']\nconstraints = ['positive on users']\nindexes = ['users_pkey on audit.events']"
        ),
        "passed trigger touch on users: expected there, seen there\n\
         failed trigger asleep: expected there, seen disabled\n\
         failed trigger toch: expected there, seen none of that name \
         (try: did you mean `touch`? or was the migration not applied here?)\n\
         failed constraint positive on users: expected there, seen not valid: older rows may break it\n\
         failed index users_pkey on audit.events: expected there, seen none of that name (try: there is one on public.users)\n"
    );
    assert_eq!(
        judged("enums.mood = ['sad', 'ok', 'happy']\nforeign_keys_indexed = true\nvalid = true\nviews = ['users']"),
        "failed users: expected a view, seen table\n\
         failed enum mood: expected sad, ok, happy, seen sad, ok (try: alter type mood add value 'happy')\n\
         failed indexes on foreign keys: ledger (user_id): expected an index, seen none \
         (try: create index concurrently on ledger (user_id))\n\
         passed indexes on foreign keys: expected one each, seen 1 of 2 have one\n\
         failed constraint positive on users: expected valid, seen not valid (try: alter table users validate constraint positive)\n\
         failed trigger asleep on users: expected valid, seen disabled (try: alter table users enable trigger asleep)\n"
    );
    let nothing =
        lines(&kind::<SchemaCheck>("foreign_keys_indexed = true\nvalid = true\nschema = 'empty'").judge(&seen()));
    assert!(nothing.lines().all(|line| line.starts_with("unclear")), "{nothing}");
}
