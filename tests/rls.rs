//! `rls` against a real PostgreSQL: every promise of the kind, broken once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use smoke::demo::servers::{PgBouncer, Postgres, PostgresOptions};
use support::{Project, block_on};
use tokio_postgres::NoTls;

/// Tables with rows of two users each; every one breaks one promise.
const SCHEMA: &str = r#"
create role anon; create role authenticated; create role bypasser bypassrls; create role boss superuser;
create role landlord; create role app login password 'p@ss' in role anon, authenticated, bypasser, landlord;
grant boss to app;
create schema auth; grant usage on schema auth, public to anon, authenticated;
create function auth.uid() returns uuid language sql stable
  as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
create function own(name text) returns void language plpgsql as $$
begin
  execute format('create table %I (id serial primary key, user_id uuid not null, note text)', name);
  execute format('insert into %I (user_id, note) select u, ''x'' from unnest(array[
    ''a0000000-0000-4000-8000-000000000001'', ''a0000000-0000-4000-8000-000000000001'',
    ''b0000000-0000-4000-8000-000000000002'']::uuid[]) u', name);
  execute format('alter table %I enable row level security', name);
  execute format('grant all on %I to anon, authenticated', name);
end $$;
select own(name) from unnest(array['good', 'off', 'wide', 'recursive', 'insertable', 'updatable', 'deletable', 'open_insert',
  'dead', 'ungranted', 'alone', 'empty', 'owned', 'guarded', 'public_notes', 'settings']) name;
create policy own on good for all to authenticated using (user_id = auth.uid());
create policy own on off for all to authenticated using (user_id = auth.uid());
alter table off disable row level security;
create policy "Anyone can view" on wide for select using (true);
create policy recursion on recursive for select to authenticated using (exists (select 1 from recursive r where r.user_id = auth.uid()));
create policy own on insertable for select to authenticated using (user_id = auth.uid());
create policy adding on insertable for insert to authenticated with check (note is not null);
create policy own on updatable for select to authenticated using (note is not null);
create policy change on updatable for update to authenticated using (note is not null);
create policy own on deletable for select to authenticated using (note is not null);
create policy removing on deletable for delete to authenticated using (note is not null);
create policy own on open_insert for select to authenticated using (user_id = auth.uid());
create policy "System can insert" on open_insert for insert with check (true);
create policy own on ungranted for all to authenticated using (user_id = auth.uid());
revoke all on ungranted from authenticated;
create policy own on alone for all to authenticated using (user_id = auth.uid());
delete from alone where user_id <> 'a0000000-0000-4000-8000-000000000001';
create policy own on empty for all to authenticated using (user_id = auth.uid());
delete from empty;
create policy own on owned for all to public using (user_id = auth.uid());
alter table owned owner to landlord;
create policy own on guarded for select to authenticated using (user_id = auth.uid());
create policy change on guarded for update to authenticated using (user_id = auth.uid());
create function refuse() returns trigger language plpgsql as $$ begin raise 'not yours'; end $$;
create trigger refuse before insert or delete on guarded for each row execute function refuse();
create policy own on public_notes for select to authenticated using (user_id = auth.uid());
create policy visitors on public_notes for select to anon using (note is not null);
create policy tenant on settings for all to authenticated using (user_id = current_setting('app.user_id', true)::uuid);
create type rank as enum ('member', 'admin');
create table users (id uuid primary key, email text, credits int not null check (credits >= 0), rank rank not null default 'member',
  role text not null default 'user' check (role in ('user', 'admin')), bio text);
insert into users (id, email, credits) values ('a0000000-0000-4000-8000-000000000001', 'ann', 5), ('b0000000-0000-4000-8000-000000000002', 'bob', 5);
alter table users enable row level security;
grant select, insert, update on users to authenticated;
create policy own on users for all to authenticated using (id = auth.uid());
create table safe_users (like users including all);
insert into safe_users select * from users;
alter table safe_users enable row level security;
grant select, insert on safe_users to authenticated; grant update (bio) on safe_users to authenticated;
create policy own on safe_users for all to authenticated using (id = auth.uid());
create view windows as select * from good;
grant select on windows to app;
"#;

fn started() -> Postgres {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    block_on(postgres.execute("postgres", SCHEMA)).unwrap();
    postgres
}

/// All rows of all tables, and the sessions that are left.
fn remains(postgres: &Postgres) -> (String, String) {
    block_on(async {
        let (client, connection) = tokio_postgres::connect(&postgres.superuser_url("postgres"), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let rows = "select string_agg(t::text, ' ' order by t::text) from (select 'u' || xmin, * from users \
                    union all select 's' || xmin, * from safe_users) t";
        let tables = "select string_agg(query_to_xml('select count(*), sum(id) from ' || quote_ident(relname), true, true, '')::text, \
                      ' ' order by relname) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
                      and relname not like '%users'";
        let open = "select count(*)::text from pg_stat_activity where state like 'idle in transaction%'";
        let mut seen = Vec::new();
        for query in [rows, tables, open] {
            seen.push(client.query_one(query, &[]).await.unwrap().get::<_, String>(0));
        }
        let open = seen.pop().unwrap();
        (seen.concat(), open)
    })
}

fn suite() -> String {
    let table = |name: &str| format!("[rls.{name}]\ntables = ['{name}']\nowner = 'user_id'\n");
    let single = [
        "good",
        "off",
        "wide",
        "recursive",
        "insertable",
        "updatable",
        "deletable",
        "open_insert",
        "dead",
        "ungranted",
        "alone",
        "empty",
        "guarded",
        "public_notes",
    ];
    let mut suite = single.map(table).concat();
    suite += "[rls.public_read]\ntables = ['public_notes']\nowner = 'user_id'\nanon = 'read'\n";
    suite += "[rls.set]\ntables = ['settings']\nowner = 'user_id'\nset = { 'app.user_id' = ':user' }\n";
    suite += "[rls.server_only]\ntables = ['dead']\nowner = 'user_id'\nreads = false\n";
    suite += "[rls.owned]\ntables = ['owned']\nowner = 'user_id'\nroles.user = 'landlord'\n";
    suite += "[rls.bypass]\ntables = ['good']\nowner = 'user_id'\nroles.user = 'bypasser'\n";
    suite += "[rls.superuser]\ntables = ['good']\nowner = 'user_id'\nroles.user = 'boss'\n";
    suite += "[rls.no_role]\ntables = ['good']\nowner = 'user_id'\nroles = { anon = 'visitor', user = '' }\n";
    suite += "[rls.users]\ntables = ['users']\nowner = 'id'\nprotected.users = ['credits', 'role', 'rank']\n";
    suite +=
        "[rls.safe_users]\ntables = ['safe_users']\nowner = 'id'\nprotected.safe_users = ['credits', 'role', 'rank']\n";
    suite += "[rls.forced]\ntables = ['good', 'windows', 'nothing']\nforced = true\n\
              policies.good = { select = ['authenticated'], insert = [] }\n";
    suite += "[rls.columns]\ntables = ['good']\nowner = 'owner'\n";
    suite += "[rls.stranger]\ntables = ['good']\nowner = 'user_id'\nuser = 'c0000000-0000-4000-8000-000000000001'\n";
    suite
}

/// Each check, its verdict, and what is said of it.
const EXPECTED: &[(&str, &str, &[&str])] = &[
    ("good", "passed", &[]),
    (
        "off",
        "failed",
        &[
            "row level security enabled   seen: disabled",
            "try: alter table \"public\".\"off\" enable row level",
        ],
    ),
    (
        "wide",
        "failed",
        &[
            "seen: 1 of 1 (policy \"Anyone can view\")",
            "seen: 3 of 3 (policy \"Anyone can view\")",
        ],
    ),
    (
        "recursive",
        "failed",
        &[
            "they error: infinite recursion detected in policy",
            "(42P17)",
            "`security definer`",
        ],
    ),
    (
        "insertable",
        "failed",
        &[
            "cannot insert a row of others",
            "only a constraint stopped it",
            "(policy \"adding\")",
        ],
    ),
    (
        "updatable",
        "failed",
        &[
            "cannot update a row of others",
            "seen: 1 row written (policy \"change\")",
        ],
    ),
    (
        "deletable",
        "failed",
        &[
            "cannot delete a row of others",
            "seen: 1 row written (policy \"removing\")",
        ],
    ),
    (
        "open_insert",
        "failed",
        &[
            "policy \"System can insert\"",
            "lets public insert any row",
            "open_insert as anon",
        ],
    ),
    ("dead", "failed", &["sees rows of their own   seen: 0 of 2"]),
    (
        "ungranted",
        "failed",
        &[
            "permission denied for table ungranted (42501)",
            "try: grant select on \"public\".\"ungranted\"",
        ],
    ),
    (
        "alone",
        "unclear",
        &["all rows belong to a0000000-0000-4000-8000-000000000001, so nothing was examined"],
    ),
    ("empty", "unclear", &["the table is empty, so nothing was examined"]),
    ("guarded", "passed", &[]),
    (
        "public_notes",
        "failed",
        &["public_notes as anon", "seen: 3 of 3 (policy \"visitors\")"],
    ),
    ("public_read", "passed", &[]),
    ("set", "passed", &[]),
    ("server_only", "passed", &[]),
    (
        "owned",
        "failed",
        &["it owns the table (or is a member of its owner), so no policy applies to it"],
    ),
    ("bypass", "failed", &["it has BYPASSRLS, so no policy applies to it"]),
    ("superuser", "failed", &["it is a superuser, to whom no policy applies"]),
    ("no_role", "unclear", &["role visitor", "there is no such role"]),
    (
        "users",
        "failed",
        &[
            "cannot change credits of their own row",
            "cannot change role of their own row",
            "only a constraint stopped it: new row for relation \"users\" violates check constraint",
            "cannot change rank of their own row",
            "try: revoke update on \"public\".\"users\" from \"authenticated\"",
        ],
    ),
    ("safe_users", "passed", &[]),
    (
        "forced",
        "failed",
        &[
            "row level security forced",
            "not forced",
            "policies for insert",
            "a view",
            "none of that name",
        ],
    ),
    ("columns", "failed", &["a column owner", "no such column"]),
    (
        "stranger",
        "unclear",
        &["sees rows of their own", "there are none, so nothing was examined"],
    ),
];

/// What the report says of one check.
fn block<'a>(stdout: &'a str, name: &str) -> &'a str {
    let title = format!(" rls.{name}\n  ");
    stdout
        .split("\n\n")
        .find(|block| format!("{block}\n").contains(&title))
        .unwrap_or_default()
}

#[test]
fn every_promise_is_told_when_it_is_broken_also_through_a_pooler_and_nothing_is_left_behind() {
    let postgres = started();
    let pooler = PgBouncer::start(&postgres, &[("postgres", postgres.password())], 2).unwrap();
    let before = remains(&postgres);
    for address in [
        postgres.superuser_url("postgres"),
        pooler.url("postgres", postgres.password(), "postgres"),
    ] {
        let said = Project::prod(&format!("postgres = {address:?}"), &suite()).run();
        said.exits(1);
        for (name, verdict, sentences) in EXPECTED {
            let line = format!("\n{verdict:<8} rls.{name}\n");
            assert!(said.stdout.contains(&line), "no {line:?} in {}", said.stdout);
            let block = block(&said.stdout, name);
            for sentence in *sentences {
                assert!(
                    block.contains(sentence),
                    "no {sentence:?} about {name} in\n{}",
                    said.stdout
                );
            }
        }
        assert!(!said.stdout.contains(postgres.password()), "{}", said.stdout);
        assert_eq!(remains(&postgres), before);
    }
    assert_eq!(before.1, "0");
}

/// A setting that was made and taken back is empty in its session, and absent in a new one.
#[test]
fn what_one_check_sets_no_other_one_meets() {
    let postgres = started();
    let suite = "[rls.set]\ntables = ['settings']\nowner = 'user_id'\nset = { 'app.user_id' = ':user' }\n\
                 [privileges.after]\nneeds = ['set']\nrole = 'authenticated'\nattempts = true\n\
                 must.tables = { settings = ['select'] }\n";
    let address = format!("postgres = {:?}", postgres.superuser_url("postgres"));
    Project::prod(&address, suite).run().exits(0);
}

#[test]
fn a_role_that_sees_too_little_says_so() {
    let postgres = started();
    block_on(postgres.execute(
        "postgres",
        "create role stranger login password 'p'; grant select on good to stranger;
         create role reader login password 'p' in role anon, authenticated; grant select on good to reader",
    ))
    .unwrap();
    let suite = "[rls.good]\ntables = ['good']\nowner = 'user_id'\n";
    let run = |user: &str| {
        let project = Project::prod(&format!("postgres = {:?}", postgres.url(user, "p", "postgres")), suite);
        project.run()
    };
    run("stranger").exits(3).says(&[
        "permission denied to set role \"authenticated\" (42501)",
        "try: grant \"authenticated\" to \"stranger\"",
    ]);
    run("reader")
        .exits(3)
        .says(&["no row that reader itself may see", "a role with BYPASSRLS"]);
}
