//! What `judge` makes of rights.

use serde_json::{Value, json};

use super::super::testing::{kind, lines, mistakes};
use super::*;

fn object(name: &str, held: &[&str]) -> Value {
    json!({ "schema": "public", "name": name, "kind": "table", "held": held, "partly": [], "reachable": true })
}

fn seen(changes: &[(&str, Value)]) -> Seen {
    let mut seen = json!({
        "name": "app", "role": { "name": "app", "attributes": ["login"], "member_of": [
            { "name": "boss", "attributes": ["superuser"] }] },
        "database": ["connect"],
        "schemas": [object("public", &["usage"])],
        "tables": [object("users", &["select", "insert"]), object("plans", &["select"]), object("audit", &["own"])],
        "sequences": [], "known": ["service"], "creates_extension": false,
        "functions": [{ "schema": "public", "name": "refund", "arguments": "uuid", "held": true,
                        "granted": ["public", "service"], "may": ["service"] }],
        "future": [{ "by": "owner", "exists": true, "owner": true, "tables": ["select"], "sequences": [], "functions": [] }],
    });
    for (path, value) in changes {
        seen[*path] = value.clone();
    }
    serde_json::from_value(seen).unwrap()
}

fn judged(table: &str) -> String {
    lines(&kind::<Privileges>(table).judge(&seen(&[])))
}

#[test]
fn what_a_role_must_have_is_looked_for_on_every_table() {
    assert_eq!(
        judged(
            "must.tables = { '*' = ['select', 'insert'], audit = [], users = ['select'], none = ['select'], 'x*' = ['select'] }"
        ),
        "passed role app: expected not a superuser, seen not one\n\
         failed app: tables *: expected select, insert on each of 1, seen no insert on plans (try: grant insert on plans to \"app\")\n\
         passed app: table users: expected select, seen held\n\
         failed app: table none: expected select, seen no table of that name (try: was the migration applied to this database?)\n\
         unclear app: tables x*: expected select on each of 0, seen no table matches, so this proves nothing \
         (try: was the migration applied to this database?)\n"
    );
}

#[test]
fn what_a_role_must_not_have_is_looked_for_too() {
    assert_eq!(
        judged(
            "must_not.tables = { '*' = ['own', 'delete'], users = ['delete'], user = ['delete'] }\n\
             must_not.attributes = ['superuser', 'createdb', 'login']\nmust_not.roles = ['boss']\n\
             must_not.schemas = { public = ['create'] }\nmust_not.database = ['connect']\nmust_not.functions = ['refund']\n\
             must_not.create_extension = true\nmust_not.future = { tables = ['select'] }"
        ),
        "failed role app: expected no superuser, seen superuser, by becoming boss (try: revoke \"boss\" from \"app\")\n\
         passed role app: expected no createdb, seen no createdb\n\
         failed role app: expected no login, seen login (try: alter role \"app\" nologin)\n\
         failed role app: expected no member of boss, seen a member of boss (try: revoke \"boss\" from \"app\")\n\
         failed app: database: expected no connect, seen connect (try: revoke it, also from public)\n\
         passed app: schema public: expected no create, seen none\n\
         failed app: tables *: expected no own, no delete, seen own on audit (try: give them to another role: \
         `alter table … owner to …`; \"app\" may be a member of the owner)\n\
         passed app: table users: expected no delete, seen none\n\
         unclear app: table user: expected no delete, seen no table of that name, so this proves nothing \
         (try: did you mean `users`?)\n\
         failed app: execute refund: expected refused, seen allowed: refund(uuid) \
         (try: revoke execute on function refund(uuid) from public)\n\
         passed app: create an extension: expected refused, seen refused\n\
         failed app: future tables of owner: expected no select, seen select (try: alter default privileges for role \
         \"owner\" in schema \"public\" revoke select on tables from \"app\")\n"
    );
}

#[test]
fn exactly_the_roles_named_execute_a_function() {
    assert_eq!(
        judged("functions.refund = ['service', 'ghost']\nfunctions.charge = []"),
        "failed who may execute refund(uuid): expected service, ghost, seen also public (everybody); there is no role ghost \
         (try: revoke execute on function refund(uuid) from public)\n\
         failed who may execute charge: expected a function, seen no function of that name \
         (try: was the migration applied to this database?)\n"
    );
    let closed = seen(&[(
        "functions",
        json!([{ "schema": "public", "name": "refund", "arguments": "", "held": false, "granted": [], "may": [] }]),
    )]);
    assert_eq!(
        lines(&kind::<Privileges>("functions.refund = ['service']").judge(&closed)),
        "failed who may execute refund(): expected service, seen not service \
         (try: grant execute on function refund() to \"service\")\n"
    );
    assert_eq!(
        lines(&kind::<Privileges>("functions.refund = []").judge(&closed)),
        "passed who may execute refund(): expected nobody but its owner, seen nobody but its owner\n"
    );
}

#[test]
fn a_role_that_is_missing_or_a_superuser_is_no_success() {
    let table = "role = 'app'\nmust.database = ['connect']";
    assert_eq!(
        lines(&kind::<Privileges>(table).judge(&seen(&[("role", Value::Null)]))),
        "failed role app: expected a role, seen none of that name (try: was the script that creates the roles run on this server?)\n"
    );
    let superuser = seen(&[(
        "role",
        json!({ "name": "app", "attributes": ["superuser"], "member_of": [] }),
    )]);
    assert!(
        lines(&kind::<Privileges>(table).judge(&superuser))
            .starts_with("failed role app: expected not a superuser, seen a superuser: nothing is forbidden to it")
    );
}

#[test]
fn an_attempt_that_fails_for_another_reason_proves_nothing() {
    let attempt = |must: bool, code: Option<&str>| {
        let error = code.map(|code| json!({ "code": code, "message": "no" }));
        json!({ "what": "do it", "must": must, "error": error, "not_the_role": false })
    };
    let attempts = seen(&[(
        "attempts",
        json!([
            attempt(true, None), attempt(false, None), attempt(false, Some("42501")), attempt(true, Some("42501")),
            attempt(false, Some("55P03")), { "what": "act", "must": true, "error": { "code": "42501", "message": "no" }, "not_the_role": true },
        ]),
    )]);
    let all = lines(&kind::<Privileges>("attempts = true\nmust.database = ['connect']").judge(&attempts));
    let verdicts: Vec<&str> = all
        .lines()
        .skip(2)
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(verdicts, ["passed", "failed", "passed", "failed", "unclear", "unclear"]);
    let none = lines(&kind::<Privileges>("attempts = true\nmust.database = ['connect']").judge(&seen(&[])));
    assert!(none.contains("unclear attempts"), "{none}");
}

#[test]
fn what_cannot_be_meant_is_a_mistake() {
    assert!(kind::<Privileges>("role = 'app'").expects_nothing());
    assert!(kind::<Privileges>("must.tables = { users = [] }").expects_nothing());
    assert_eq!(
        mistakes::<Privileges>(
            "must.tables = { '*' = [], users = ['select'] }\nmust_not.tables = { users = ['select'] }\n\
             must_not.create_extension = false\nmust.future = {}"
        ),
        [
            "no right is named on `*`",
            "`future` names no right on tables, sequences or functions",
            "`create_extension` is true where it is named",
            "select on `users` is in `must` and in `must_not`",
        ]
    );
}
