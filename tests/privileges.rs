//! `privileges` against a real PostgreSQL: what a role can do and cannot, each promise broken once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use smoke::demo::servers::{PgBouncer, Postgres, PostgresOptions};
use support::{Project, block_on};

const SCHEMA: &str = "
create role anon; create role authenticated; create role service_role bypassrls; create role boss superuser; create role owner;
create role app login password 'p@ss'; create role wide login password 'p@ss' createdb in role boss;
create role closed; create role looker login password 'p@ss' in role app;
revoke create on schema public from public; revoke temporary on database postgres from public;
grant create on schema public to owner; set role owner;
create table users (id serial primary key, role text); create table plans (code text); create table log_a (id int); create table log_b (id int);
create function refund(p_user int) returns int language sql security definer as 'select 1';
create function spend(p_user int) returns int language sql as 'select 1';
create function open_to_all() returns int language sql as 'select 1';
revoke execute on function refund, spend from public; grant execute on function refund to service_role;
grant execute on function spend to service_role, authenticated; grant execute on function refund to closed;
grant select, insert, update, delete on users, plans to app; grant select, insert on log_a to app; grant select on log_b to app;
grant usage on all sequences in schema public to app; grant update (role) on users to authenticated;
alter default privileges in schema public grant select on tables to app;
create table later (id int); reset role;
create schema inner_part; create table inner_part.things (id int); grant select on inner_part.things to app;
create table wide_own (id int); alter table wide_own owner to wide; grant create on schema public to wide; grant create on database postgres to wide;
";

const SUITE: &str = r#"
[privileges.passed_app]
must.attributes = ["login"]
must.database = ["connect"]
must.schemas = { public = ["usage"] }
must.tables = { users = ["select", "insert", "update", "delete"], "log_*" = ["select"], later = ["select"] }
must.sequences = { "*" = ["usage"] }
must.future = { by = ["owner"], tables = ["select"] }
must_not.attributes = ["superuser", "bypassrls", "createdb", "createrole"]
must_not.roles = ["boss"]
must_not.database = ["create", "temporary"]
must_not.schemas = { public = ["create"] }
must_not.tables = { "*" = ["own", "truncate"] }
must_not.functions = ["refund"]
must_not.create_extension = true
attempts = true

[privileges.passed_functions]
functions.spend = ["service_role", "authenticated"]
functions.open_to_all = ["public"]

[privileges.failed_must]
must.tables = { "log_*" = ["select", "insert"], "inner_part.things" = ["select"], gone = ["select"] }
must.future = { by = ["owner", "nobody"], tables = ["insert"], sequences = ["usage"] }
must.functions = ["refund"]
must.roles = ["owner"]
must.create_extension = true
must.database = ["create"]

[privileges.failed_future]
must.future = { tables = ["select"] }
must_not.future = { by = ["boss"], tables = ["select"] }

[privileges.failed_columns]
role = "authenticated"
must_not.tables.users = ["update"]

[privileges.failed_wide]
on = "wide"
must_not.attributes = ["superuser", "createdb"]
must_not.schemas = { public = ["create"] }
must_not.tables = { wide_own = ["own"] }
must_not.create_extension = true
attempts = true

[privileges.failed_superuser]
role = "boss"
must.tables = { "*" = ["select"] }

[privileges.failed_functions]
functions.refund = ["service_role"]

[privileges.failed_open]
functions.open_to_all = []

[privileges.failed_missing_role]
role = "app_user"
must.tables = { "*" = ["select"] }

[privileges.unclear_nothing]
must.schemas = { public = ["usage"] }
must_not.tables = { "metric_*" = ["delete"] }

[privileges.unclear_other_role]
role = "closed"
must_not.schemas = { public = ["create"] }
attempts = true

[privileges.passed_other_role]
on = "looker"
role = "app"
must.tables = { users = ["select"] }
must_not.schemas = { public = ["create"] }
attempts = true
"#;

#[test]
fn every_promise_is_told_when_it_is_broken_also_through_a_pooler() {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    block_on(postgres.execute("postgres", SCHEMA)).unwrap();
    let users = [("app", "p@ss"), ("wide", "p@ss"), ("looker", "p@ss")];
    let pooler = PgBouncer::start(&postgres, &users, 3).unwrap();
    let direct = users.map(|(user, password)| postgres.url(user, password, "postgres"));
    let pooled = users.map(|(user, password)| pooler.url(user, password, "postgres"));
    for [app, wide, looker] in [direct, pooled] {
        let addresses = format!("postgres = {{ default = {app:?}, wide = {wide:?}, looker = {looker:?} }}");
        let said = Project::prod(&addresses, SUITE).run();
        said.ends_as_named(SUITE);
        said.exits(1).says(&[
            "no insert on log_b",
            "grant insert on log_b to \"app\"",
            "no usage of the schema inner_part",
            "no table of that name",
            "alter default privileges for role \"owner\" in schema \"public\" grant insert on tables to \"app\"",
            "no role of that name",
            "future tables of wide",
            "update (on some columns)",
            "superuser, by becoming boss",
            "create a table in public",
            "done (and rolled back)",
            "a superuser: nothing is forbidden to it",
            "also closed",
            "also public (everybody)",
            "none of that name",
            "no table matches, so this proves nothing",
            "permission denied to set role \"closed\" (42501)",
        ]);
    }
    let left = "[sql.left]\nquery = \"select count(*) from pg_class where relname = 'smoke_attempt'\"\nexpect.value = 0\n\
                [schema.tables_left]\ntables = ['users', 'plans', 'wide_own']";
    let address = postgres.url("app", "p@ss", "postgres");
    Project::prod(&format!("postgres = {address:?}"), left).run().exits(0);
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let suite = "[privileges.a]\nrole = 'x'\n[privileges.b]\nmust.tables = { users = ['selec'] }\n\
                 [privileges.c]\nmust_not.tables = { '*' = [] }\n";
    let said = Project::prod("postgres = 'postgres://app:x@127.0.0.1:1/db'", suite).run();
    said.exits(2);
    for sentence in [
        "a check without any expectation cannot fail",
        "selec",
        "no right is named on `*`",
    ] {
        assert!(said.stderr.contains(sentence), "no {sentence:?} in {}", said.stderr);
    }
}
