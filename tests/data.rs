//! The kinds that look into PostgreSQL and Redis, against real servers: every promise broken once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use smoke::demo::servers::{PgBouncer, Postgres, PostgresOptions, Redis, RedisOptions};
use support::{Project, Said, block_on};

const SCHEMA: &str = "
create role authenticated; create role app login password 'p@ss/w:rd' in role authenticated;
create schema audit; create table audit.events (id int);
create table users (id uuid primary key, email varchar(255), credits bigint not null, tags text[]);
create table credit_ledger (id int generated always as identity, user_id uuid references users, amount numeric(10, 2) not null);
create table nobody (id int);
create table secrets (id int); revoke all on secrets from public;
insert into users values ('a0000000-0000-4000-8000-000000000001', 'ann', 5, '{a}'), ('b0000000-0000-4000-8000-000000000002', 'bob', 7, null);
insert into credit_ledger (user_id, amount) values ('a0000000-0000-4000-8000-000000000001', 5), ('b0000000-0000-4000-8000-000000000002', 6);
create function charge(p_user uuid, p_amount integer) returns bigint language plpgsql as $$
declare left_over bigint;
begin
  update users set credits = credits - p_amount where id = p_user and credits >= p_amount returning credits into left_over;
  if not found then raise exception 'insufficient credits'; end if;
  return left_over;
end $$;
create function whoami() returns text language sql as $$ select current_user || ' ' || current_setting('request.jwt.claim.sub', true) $$;
create function broken(p_user uuid) returns void language sql as $$ insert into credit_ledger (user_id, amount) values (p_user, null) $$;
create function hidden() returns int language sql as $$ select 1 $$; revoke all on function hidden() from public;
create schema parts; create schema views_of; create view views_of.totals as select sum(credits) from users;
create table parts.parent (id int primary key, a int, b int, unique (a, b)); create type parts.mood as enum ('sad', 'ok');
create table parts.child (id int, parent int references parts.parent, a int, b int, foreign key (a, b) references parts.parent (a, b));
create index child_parent on parts.child (parent); alter table parts.child add constraint positive check (id > 0);
alter table parts.child add constraint later check (id < 9) not valid;
create function parts.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touched before update on parts.child for each row execute function parts.touch();
create trigger asleep before update on parts.child for each row execute function parts.touch(); alter table parts.child disable trigger asleep;
create table views_of.a (id int primary key); create table views_of.b (id int primary key references views_of.a);
grant select, update, insert, delete on users, credit_ledger, nobody, audit.events to app;
grant usage on schema audit to app;
";

fn started() -> Postgres {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    block_on(postgres.execute("postgres", SCHEMA)).unwrap();
    postgres
}

fn app(postgres: &Postgres) -> String {
    postgres.url("app", "p@ss/w:rd", "postgres")
}

fn run(address: &str, suite: &str) -> Said {
    let said = Project::prod(&format!("postgres = {address:?}"), suite).run();
    for secret in ["p@ss", "p%40ss", "w:rd", "w%3Ard"] {
        assert!(
            !said.stdout.contains(secret) && !said.stderr.contains(secret),
            "{said:?}"
        );
    }
    said
}

const SUITE: &str = r#"
[sql.passed_value]
query = "select count(*) from users -- all of them;"
expect.value = 2
expect.rows = 1
expect.within = "5s"

[sql.passed_json]
query = "select * from users where id = any($1) order by email"
params = [["a0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000002"]]
expect.json."$[0].tags" = ["a"]
expect.json."$[*].email" = { len = 2 }
capture.ann = "$[0].id"

[sql.passed_captured]
query = "select email from users where id = $1"
params = ["{{ passed_json.ann }}"]
expect.value = "ann"

[sql.passed_plan]
query = "explain select * from users where id = 'a0000000-0000-4000-8000-000000000001'"
expect.json."$[0]['QUERY PLAN']" = { contains = "Scan" }

[sql.failed_value]
query = "select count(*) from nobody"
expect.value = { ge = 1 }

[sql.failed_missing_table]
query = "select * from plans"
expect.rows = 1

[sql.failed_slow]
query = "select pg_sleep(0.2)"
expect.within = "50ms"

[sql.unclear_denied]
query = "select * from secrets"
expect.rows = 1

[sql.unclear_timeout]
query = "select pg_sleep(20)"
expect.rows = 1
timeout = "500ms"

[sql.unclear_write]
query = "select * from users for update"
expect.rows = 1

[schema.passed_all]
tables = ["users", "audit.events"]
columns.users = { id = "uuid", email = "varchar", credits = "int8", tags = "text[]" }
columns.credit_ledger = { amount = "decimal(10, 2)" }
functions = ["charge(uuid, int) -> bigint", "whoami"]
extensions = ["plpgsql >= 1.0"]

[schema.failed_all]
tables = ["user", "events"]
columns.users = { credits = "integer", emial = "text" }
functions = ["charge(uuid, text)", "charg", "charge -> int"]
extensions = ["vector"]

[schema.passed_objects]
views = ["views_of.totals"]
triggers = ["touched on parts.child"]
constraints = ["positive on parts.child"]
indexes = ["child_parent on parts.child"]
enums."parts.mood" = ["sad", "ok"]

[schema.passed_valid]
schema = "views_of"
foreign_keys_indexed = true
valid = true

[schema.failed_objects]
schema = "parts"
views = ["child"]
triggers = ["asleep on child"]
constraints = ["later on child"]
indexes = ["chil_parent"]
enums.mood = ["sad", "ok", "happy"]

[schema.failed_valid]
schema = "parts"
foreign_keys_indexed = true
valid = true

[schema.unclear_valid]
schema = "nowhere"
foreign_keys_indexed = true
valid = true

[call.passed_charge]
call = "select charge($1, 3)"
params = ["a0000000-0000-4000-8000-000000000001"]
expect.value = 2
then."select credits from users where email = 'ann'" = 2

[call.passed_given]
given = ["insert into users values ('c0000000-0000-4000-8000-000000000003', 'eve', 1)"]
call = "select charge('c0000000-0000-4000-8000-000000000003', 1)"
times = 2
expect.error = "P0001 insufficient credits"
then."select credits from users where email = 'eve'" = 0

[call.passed_identity]
call = "select whoami()"
as = { role = "authenticated", user = "7c1f" }
expect.value = "authenticated 7c1f"

[call.failed_broken]
call = "select broken('a0000000-0000-4000-8000-000000000001')"

[call.failed_missing]
call = "select check_rate_limit('x')"

[call.failed_not_refused]
call = "select charge('a0000000-0000-4000-8000-000000000001', 1)"
expect.error = { contains = "insufficient" }

[call.failed_right]
call = "select hidden()"
as = { role = "authenticated" }

[call.unclear_right]
call = "select hidden()"

[call.unclear_role]
call = "select whoami()"
as = { role = "postgres" }

[call.unclear_given]
given = ["insert into users (id) values (null)"]
call = "select whoami()"

[call.unclear_commit]
given = ["commit"]
call = "select whoami()"

[reconcile.passed_ann]
query = "select 1 from users u join credit_ledger l on l.user_id = u.id where u.email = 'ann' and credits <> amount;"
population = "select count(*) from users"

[reconcile.failed_bob]
query = """
select u.email, u.credits, sum(l.amount) as ledger from users u join credit_ledger l on l.user_id = u.id
group by u.id having u.credits <> sum(l.amount)  -- who is wrong"""
population = "select count(*) from users"

[reconcile.unclear_nobody]
query = "select * from nobody"
population = "select count(*) from nobody"

[reconcile.passed_totals]
left = "select sum(credits) from users"
right = "select sum(amount) from credit_ledger"
tolerance = 1

[reconcile.failed_totals]
left = "select sum(credits) from users"
right = "select sum(amount) from credit_ledger"
"#;

#[test]
fn every_promise_of_the_sql_kinds_is_told_when_it_is_broken_also_through_a_pooler() {
    let postgres = started();
    let pooler = PgBouncer::start(&postgres, &[("app", "p@ss/w:rd")], 3).unwrap();
    for address in [app(&postgres), pooler.url("app", "p@ss/w:rd", "postgres")] {
        let said = run(&address, SUITE);
        said.ends_as_named(SUITE);
        said.exits(1).says(&[
            "relation \"plans\" does not exist (42P01)",
            "permission denied for table secrets (42501)",
            "canceling statement due to statement timeout (57014)",
            "in a read-only transaction (25006)",
            "did you mean `users`?",
            "there is `audit.events`",
            "did you mean `email`?",
            "expected: integer",
            "seen: disabled",
            "not valid: older rows may break it",
            "did you mean `child_parent`?",
            "alter type mood add value 'happy'",
            "create index concurrently on child (a, b)",
            "validate constraint later",
            "no foreign key in nowhere",
            "seen: charge(uuid, integer)",
            "did you mean `charge`?",
            "seen: returns bigint",
            "try: create extension \"vector\"",
            "null value in column \"amount\"",
            "function check_rate_limit(unknown) does not exist (42883)",
            "no error, but 1 row: [{\"charge\":4}]",
            "permission denied for function hidden (42501)",
            "permission denied to set role \"postgres\" (42501)",
            "null value in column \"id\"",
            "`commit` is not allowed",
            "seen: 1 of 2 (50 %): email=bob, credits=7, ledger=6.00",
            "0: there is too little to reconcile, so this proves nothing",
            "expected: 11.00, as on the right",
        ]);
        // Rolled back: both see the same credits, and no one was added.
        let after = "[sql.after]\nquery = \"select sum(credits), count(*) from users\"\nexpect.json.'$[0]' = { eq = { sum = 12, count = 2 } }";
        run(&address, after).exits(0);
    }
}

#[test]
fn a_write_is_committed_and_only_where_it_is_allowed() {
    let postgres = started();
    let suite = "[sql.add]\nexecute = 'insert into nobody values ($1), ($1)'\nparams = [7]\nexpect.affected = 2\n\
                 finally = [{ execute = 'delete from nobody where id = $1', params = [7] }]\n\
                 [sql.count]\nneeds = ['add']\nquery = 'select count(*) from nobody'\nexpect.value = 2\n";
    run(&app(&postgres), suite).exits(0);
    run(
        &app(&postgres),
        "[sql.none]\nquery = 'select count(*) from nobody'\nexpect.value = 0",
    )
    .exits(0);
    let reader = Project::new(&format!(
        "[env.prod]\nsuites = [\"s\"]\npostgres = {:?}",
        app(&postgres)
    ));
    let said = reader.suite("s", suite).run();
    assert!(said.stdout.contains("write"), "{said:?}");
    run(
        &app(&postgres),
        "[sql.none]\nquery = 'select count(*) from nobody'\nexpect.value = 0",
    )
    .exits(0);
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let said = run(
        "postgres://app:s3cr3t@127.0.0.1:1/db",
        "[sql.a]\nquery = 'select 1'\n[schema.b]\nfunctions = ['f(']\n[reconcile.c]\nquery = 'select 1'\n\
         [rls.d]\ntables = []\n[call.e]\ncall = 'select 1'\nexpect.error = 'x'\nexpect.value = 1\n\
         [redis.f]\nkeys.x = { lenght = 1 }\n[redis.g]\nkeys.x = { type = 'strng' }\n\
         [sql.h]\nquery = 'delete from users'\nexpect.rows = 0\n[sql.i]\nquery = 'select 1'\nparams = [3]\nexpect.value = 1\n\
         [sql.j]\nquery = 'select 1'\nexpect.value = { gt = 5, lt = 3 }\n[sql.k]\nquery = 'select 1'\nexpect.value = { exists = false, eq = 1 }\n",
    );
    said.exits(2);
    for sentence in [
        "a check without any expectation cannot fail",
        "`f(` does not name a function",
        "`population` is missing",
        "`tables` names no table",
        "excludes value, rows and json",
        "unknown key `lenght`",
        "did you mean `string`?",
        "what writes is `execute`",
        "`params` has 1, and the statement no $1",
        "nothing is greater than the one and less than the other",
        "what is absent has no value",
    ] {
        assert!(said.stderr.contains(sentence), "no {sentence:?} in {}", said.stderr);
    }
}

#[test]
fn a_bad_address_is_told_without_the_password() {
    let said = Project::prod(
        "postgres = '{{ env.DATABASE_URL }}'",
        "[sql.a]\nquery = 'select 1'\nexpect.value = 1",
    )
    .env("DATABASE_URL", "postgres://app:p@ss/w:rd@127.0.0.1:5432/db")
    .run();
    said.exits(2);
    assert!(said.stderr.contains("must be percent-encoded"), "{}", said.stderr);
    assert!(
        !said.stderr.contains("p@ss") && !said.stderr.contains("w:rd"),
        "{}",
        said.stderr
    );
}

#[test]
fn every_promise_of_redis_is_told_when_it_is_broken() {
    let redis = Redis::start(&RedisOptions {
        password: Some("s3cr3t-word".to_owned()),
        ..RedisOptions::default()
    })
    .unwrap();
    let open = Redis::start(&RedisOptions::default()).unwrap();
    for server in [&redis, &open] {
        block_on(async {
            let client = redis::Client::open(server.url()).unwrap();
            let mut raw = client.get_multiplexed_async_connection().await.unwrap();
            let mut pipe = redis::pipe();
            pipe.cmd("RPUSH").arg("jobs").arg("a").arg("b");
            pipe.cmd("SET").arg("beat").arg("42").arg("EX").arg(100);
            pipe.cmd("SET").arg("session:1").arg("x");
            pipe.exec_async(&mut raw).await.unwrap();
        });
    }
    let suite = r#"
[redis.passed_all]
auth_required = true
keys.jobs = { type = "list", length = { lt = 100 }, value = ["a", "b"] }
keys.beat = { ttl = { gt = 0 }, value = { gt = 40 } }
keys.failed = { length = 0 }
keys.gone = { exists = false }
count."session:*" = 1
info.maxmemory_policy = { exists = true }
info.used_memory = { gt = 0 }

[redis.failed_keys]
keys.jobs = { type = "hash", length = { gt = 2 }, ttl = { gt = 0 } }
keys.gone = { exists = true }
count."session:*" = { ge = 2 }
info.used_memory = 0
info.uptime_in_second = 1

[redis.failed_auth]
on = "open"
auth_required = true

[redis.unclear_password]
on = "stranger"

[redis.unclear_wrong]
on = "wrong"

[redis.unclear_down]
on = "down"
"#;
    let addresses = format!(
        "redis = {{ default = {:?}, open = {:?}, stranger = \"redis://127.0.0.1:{2}\", wrong = \"redis://:wr0ng-word@127.0.0.1:{2}\", \
         down = \"redis://127.0.0.1:1\" }}",
        redis.url(),
        open.url(),
        redis.port()
    );
    let said = Project::prod(&addresses, suite).run();
    said.ends_as_named(suite);
    said.exits(1).says(&[
        "jobs: type",
        "it stays for ever",
        "gone",
        "keys like session:*",
        "did you mean `uptime_in_seconds`?",
        "it may do as it likes",
        "asks for a password",
        "refused the login",
        "127.0.0.1:1/0 refused the connection",
    ]);
    assert!(
        !said.stdout.contains("s3cr3t-word") && !said.stdout.contains("wr0ng-word"),
        "{}",
        said.stdout
    );
}
