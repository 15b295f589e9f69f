//! What `judge` makes of rows and files, and what is read from plain SQL.

use super::super::testing::{kind, lines, mistakes};
use super::*;

fn row(name: &str, done: bool) -> Row {
    Row {
        name: name.to_owned(),
        done,
        undone: false,
        checksum: None,
        baseline: false,
    }
}

fn seen(rows: Vec<Row>) -> Seen {
    Seen {
        table: Some("t".to_owned()),
        kept: true,
        rows,
        ..Seen::default()
    }
}

fn judged(table: &str, seen: &Seen) -> String {
    lines(&kind::<Migrations>(table).judge(seen))
}

#[test]
fn alembic_has_exactly_one_row() {
    let table = "tool = 'alembic'\nhead = 'b2'";
    assert_eq!(
        judged(table, &seen(vec![row("b2", true)])),
        "passed finished: expected every migration that was started, seen all 1 are\npassed head: expected b2, seen b2\n"
    );
    assert!(
        judged(table, &seen(vec![row("a1", true)]))
            .contains("failed head: expected b2, seen a1 (try: alembic upgrade head")
    );
    assert!(
        judged(table, &seen(vec![row("a1", true), row("b2", true)]))
            .contains("failed head: expected b2, seen a1, b2 (try: several heads")
    );
}

#[test]
fn what_is_unfinished_failed_missing_or_changed_is_told() {
    let rolled_back = Row {
        undone: true,
        ..row("1_a", false)
    };
    let mut rows = vec![rolled_back, row("1_a", true), row("2_b", false)];
    let table = "tool = 'prisma'\nfolder = 'x'";
    let file = |name: &str, checksum: &str| files::File {
        name: name.to_owned(),
        checksum: Some(checksum.to_owned()),
        after: Vec::new(),
    };
    rows[1].checksum = Some("ff".to_owned());
    rows.push(row("0_z", true));
    let seen = Seen {
        files: Some(vec![file("1_a", "00"), file("2_b", "11")]),
        ..seen(rows)
    };
    let said = judged(table, &seen);
    assert!(
        said.contains(
            "failed finished: expected every migration that was started, seen 2_b is unfinished, or failed (try"
        ),
        "{said}"
    );
    assert!(
        said.contains("failed applied: expected all 2 of x, seen pending: 2_b"),
        "{said}"
    );
    assert!(
        said.contains("failed applied, but not in the folder: expected none, seen 0_z"),
        "{said}"
    );
    assert!(
        said.contains("failed changed since it was applied: expected none, seen 1_a"),
        "{said}"
    );
}

#[test]
fn nothing_applied_is_no_success() {
    assert!(judged("tool = 'sqlx'", &seen(vec![])).starts_with("failed migrations: expected rows in t, seen none"));
    let none = Seen {
        kept: false,
        ..seen(vec![])
    };
    assert!(judged("tool = 'sqlx'", &none).starts_with("failed migrations: expected the table t, seen no table"));
    let empty = Seen {
        files: Some(vec![]),
        ..seen(vec![row("1", true)])
    };
    assert!(
        judged("tool = 'sqlx'\nfolder = 'x'", &empty).contains("unclear files: expected migrations, seen none in x")
    );
    assert!(judged("tool = 'sql'\nfiles = ['x']", &Seen::default()).starts_with("unclear files"));
}

#[test]
fn the_newest_is_found_by_number() {
    let rows = || seen(vec![row("9", true), row("10", true)]);
    assert!(judged("tool = 'table'\ntable = 't'\nhead = '10'", &rows()).contains("passed head"));
    assert!(
        judged("tool = 'table'\ntable = 't'\nhead = '9'", &rows())
            .contains("failed head: expected 9, seen 10 (try: the database is ahead")
    );
}

#[test]
fn plain_sql_promises_what_it_creates_and_does_not_drop() {
    let sql = r#"
-- create table commented (id int);
CREATE EXTENSION IF NOT EXISTS "uuid-ossp"; create table if not exists public."Users" (id int default 'create table quoted (id int)');
create unique index concurrently idx_a on users (id); create index on users (id);
create or replace function f(a int) returns int language plpgsql as $body$ begin create table inner_one (id int); end $body$;
create policy "Own rows" on users for select using (true); create trigger touch before update on public.users execute function f();
do $$ begin create type mood as enum ('a'); exception when others then null; end $$;
alter table users add column if not exists credits integer, add constraint positive check (credits >= 0), add primary key (id);
create materialized view totals as select 1; create table gone (id int); create policy p on gone; drop table if exists gone;
create table old (id int); alter table old rename to new; /* create view hidden as select 1; */ drop policy if exists "Own rows" on users;
"#;
    let promised: Vec<String> = promises::of(&[sql.to_owned()])
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        promised,
        [
            "extension uuid-ossp",
            "table Users",
            "index idx_a",
            "function f",
            "trigger touch on users",
            "type mood",
            "column credits on users",
            "constraint positive on users",
            "view totals",
        ]
    );
    let promise = &promises::of(&["create table audit.events (id int)".to_owned()])[0];
    assert!(promise.is_among(&["table|audit|events|".to_owned()]));
    assert!(!promise.is_among(&["table|public|events|".to_owned(), "view|audit|events|".to_owned()]));
}

#[test]
fn keys_of_another_tool_are_mistakes() {
    assert_eq!(mistakes::<Migrations>("tool = 'sql'"), ["`files` is missing"]);
    assert_eq!(
        mistakes::<Migrations>("tool = 'prisma'\nfiles = ['x']\nversion = 'v'"),
        [
            "`files` is for `tool = \"sql\"`; others have a `folder`",
            "`version` is for `tool = \"table\"`"
        ]
    );
    assert_eq!(
        mistakes::<Migrations>("tool = 'table'"),
        ["`table` is missing: where are the migrations noted?"]
    );
}
