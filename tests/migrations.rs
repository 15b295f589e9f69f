//! `migrations` against a real PostgreSQL, with the tables that the tools keep.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use smoke::demo::servers::{Postgres, PostgresOptions};
use support::{Project, block_on};

const SCHEMA: &str = "
create schema good; create schema bad;
create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('20251127_000001');
create table bad.alembic_version (version_num varchar(32)); insert into bad.alembic_version values ('a'), ('b');
create table good._prisma_migrations (migration_name text, checksum text, started_at timestamptz default now(), finished_at timestamptz, rolled_back_at timestamptz);
create table bad._prisma_migrations (like good._prisma_migrations including all);
insert into good._prisma_migrations values ('1_init', encode(sha256('create table a ();'), 'hex'), now(), now(), null),
  ('2_more', 'x', now(), null, now()), ('2_more', encode(sha256('create table b ();'), 'hex'), now(), now(), null);
insert into bad._prisma_migrations values ('1_init', 'edited', now(), now(), null), ('2_more', 'x', now(), null, null), ('9_other', 'x', now(), now(), null);
create table _sqlx_migrations (version bigint, description text, success boolean, checksum bytea);
insert into _sqlx_migrations values (1, 'init', true, sha384('create table a ();')), (2, 'more', false, '');
create table flyway_schema_history (installed_rank int, version text, script text, type text, success boolean);
insert into flyway_schema_history values (0, '0.9', '<< Flyway Baseline >>', 'BASELINE', true), (3, null, 'R__views.sql', 'SQL', true),
  (1, '1', 'V1__init.sql', 'SQL', true), (2, '1.1', 'V1_1__more.sql', 'SQL', true);
create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text); insert into supabase_migrations.schema_migrations values ('20250101');
create table own (number int, finished timestamptz); insert into own values (9, now()), (10, now());
create table users (id int); create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touched before update on users for each row execute function touch();
";

const SUITE: &str = r#"
[migrations.passed_alembic]
tool = "alembic"
head = "20251127_000001"
folder = "alembic"

[migrations.failed_two_heads]
tool = "alembic"
table = "bad.alembic_version"
head = "b"

[migrations.passed_prisma]
tool = "prisma"
table = "good._prisma_migrations"
folder = "prisma"
head = "2_more"

[migrations.failed_prisma]
tool = "prisma"
table = "bad._prisma_migrations"
folder = "prisma"

[migrations.failed_sqlx]
tool = "sqlx"
folder = "sqlx"

[migrations.passed_flyway]
tool = "flyway"
folder = "flyway"
head = "1.1"

[migrations.failed_supabase]
tool = "supabase"
folder = "supabase"

[migrations.passed_table]
tool = "table"
table = "own"
version = "number"
done = "finished is not null"
head = "10"

[migrations.failed_done]
tool = "table"
table = "own"
version = "number"
done = "number < 10"

[migrations.failed_none]
tool = "prisma"

[migrations.passed_sql]
tool = "sql"
files = ["sql/001_*.sql"]

[migrations.failed_sql]
tool = "sql"
files = ["sql/*.sql"]

[migrations.unclear_folder]
tool = "sqlx"
folder = "nowhere"

[migrations.unclear_files]
tool = "sql"
files = ["sql/9*.sql"]
"#;

#[test]
fn every_tool_is_told_to_be_at_head_or_not() {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    block_on(postgres.execute("postgres", SCHEMA)).unwrap();
    let address = postgres.superuser_url("postgres");
    let project = Project::prod(&format!("postgres = {address:?}"), SUITE);
    let put = |path: &str, text: &str| {
        let file = project.file(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    put(
        "alembic/a.py",
        "revision: str = 'first'\ndown_revision: Union[str, None] = None\n",
    );
    put(
        "alembic/b.py",
        "revision = \"20251127_000001\"\ndown_revision = \"first\"\n",
    );
    for (folder, name) in [("prisma", "1_init"), ("prisma", "2_more")] {
        let table = if name == "1_init" { "a" } else { "b" };
        put(
            &format!("{folder}/{name}/migration.sql"),
            &format!("create table {table} ();"),
        );
    }
    put("prisma/migration_lock.toml", "provider = 'postgresql'");
    put("sqlx/0001_init.sql", "create table a ();");
    put("sqlx/0002_more.up.sql", "create table b ();");
    put("sqlx/0002_more.down.sql", "drop table b;");
    put("flyway/V0_5__before_flyway.sql", "");
    put("flyway/R__views.sql", "");
    put("flyway/V1__init.sql", "");
    put("flyway/V1_1__more.sql", "");
    put("supabase/20250101_init.sql", "");
    put("supabase/20250202_later.sql", "");
    put(
        "sql/001_users.sql",
        "create table users (id int); create or replace function touch() returns trigger language plpgsql as $$ begin \
         create table never_run (); end $$; create trigger touched before update on users execute function touch();",
    );
    put(
        "sql/002_limits.sql",
        "create table rate_limits (id int); create policy \"Own\" on users using (true);",
    );
    let said = project.run();
    said.ends_as_named(SUITE);
    said.exits(1).says(&[
        "several heads",
        "2_more is unfinished, or failed",
        "seen: 9_other",
        "changed since it was applied",
        "2 is unfinished, or failed",
        "pending: 20250202",
        "10 is unfinished, or failed",
        "no table of that name",
        "table rate_limits ",
        "policy Own on users",
        "the folder nowhere cannot be read",
    ]);
}
