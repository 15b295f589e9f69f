-- The database of the demo: an application on Supabase in miniature. What stands between dollars is filled in.

-- Roles. `anon` and `authenticated` are whom requests of visitors and users act as, `service_role` is the backend.
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role api login bypassrls password '$PASSWORD$';
create role smoke_demo login bypassrls password '$PASSWORD$';
create role migrator login password '$PASSWORD$';
grant anon, authenticated, service_role to api;
grant anon, authenticated, service_role, pg_monitor to smoke_demo;

grant create on schema public to api;
revoke create on schema public from public;
grant usage on schema public to anon, authenticated, service_role;

-- Who is asking: the subject of the token that the request came with.
create schema auth;
create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;
grant usage on schema auth to public;

-- Tables, owned by the API.
set role api;

create table users (
    id            uuid primary key default gen_random_uuid(),
    email         text not null unique,
    display_name  text,
    password_hash text not null,
    role          text not null default 'user' check (role in ('user', 'admin')),
    credits       integer not null default 0 constraint users_credits_non_negative check (credits >= 0),
    created_at    timestamptz not null default now()
);

create table credit_ledger (
    id             bigint generated always as identity primary key,
    user_id        uuid not null references users,
    operation_type text not null check (operation_type in ('signup', 'charge', 'refund')),
    delta          integer not null,
    balance_after  integer not null,
    reason         text not null,
    created_at     timestamptz not null default now()
);
create index on credit_ledger (user_id);

create table generation_jobs (
    id              uuid primary key default gen_random_uuid(),
    user_id         uuid not null references users,
    kind            text not null default 'image',
    status          text not null default 'pending'
                    check (status in ('pending', 'processing', 'completed', 'failed')),
    cost            integer not null,
    idempotency_key text,
    metadata        jsonb not null default '{}',
    created_at      timestamptz not null default now(),
    completed_at    timestamptz,
    unique (user_id, idempotency_key)
);

create table images (
    id         uuid primary key default gen_random_uuid(),
    user_id    uuid not null references users,
    url        text not null,
    prompt     text,
    created_at timestamptz not null default now()
);
create index on images (user_id);

create table videos (
    id         uuid primary key default gen_random_uuid(),
    user_id    uuid not null references users,
    url        text not null,
    seconds    numeric(6, 2) not null,
    created_at timestamptz not null default now()
);
create index on videos (user_id);

create table rate_limits (
    identifier    text not null,
    kind          text not null check (kind in ('user', 'ip')),
    request_count integer not null,
    window_start  timestamptz not null,
    window_end    timestamptz not null,
    primary key (identifier, kind)
);

create table workflows (
    id      integer primary key,
    name    text not null unique,
    enabled boolean not null default true
);

create table app_settings (
    setting_key   text primary key,
    setting_value text not null
);

create table schema_migrations (
    version     integer primary key,
    name        text not null,
    started_at  timestamptz not null default now(),
    finished_at timestamptz
);

-- The ledger is only ever added to.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'credit_ledger is append-only';
end
$$;
create trigger credit_ledger_append_only before update or delete on credit_ledger
    for each row execute function refuse_change();

-- Who may touch what at all; row level security then says which rows.
grant select, insert, update, delete on all tables in schema public to service_role;
grant usage on all sequences in schema public to service_role;
-- … also the tables of the next migration.
alter default privileges in schema public grant select, insert, update, delete on tables to service_role;
alter default privileges in schema public grant usage on sequences to service_role;
grant select on users, credit_ledger, generation_jobs, images, videos, workflows to anon, authenticated;
grant insert, delete on images, videos to authenticated;
grant update (url, prompt) on images to authenticated;
grant update (url) on videos to authenticated;
grant update (display_name) on users to authenticated;

alter table users           enable row level security;
alter table credit_ledger   enable row level security;
alter table credit_ledger   force row level security;
alter table generation_jobs enable row level security;
alter table images          enable row level security;
alter table videos          enable row level security;
alter table rate_limits     enable row level security;
alter table workflows       enable row level security;
alter table app_settings    enable row level security;
alter table schema_migrations enable row level security;

create policy "Users see themselves"     on users for select to authenticated using (id = auth.uid());
create policy "Users rename themselves"  on users for update to authenticated
    using (id = auth.uid()) with check (id = auth.uid());
create policy "Users see their ledger"   on credit_ledger for select to authenticated using (user_id = auth.uid());
create policy "Users see their jobs"     on generation_jobs for select to authenticated using (user_id = auth.uid());
create policy "Users see their images"   on images for select to authenticated using (user_id = auth.uid());
create policy "Users add images"         on images for insert to authenticated with check (user_id = auth.uid());
create policy "Users change their images" on images for update to authenticated
    using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy "Users delete their images" on images for delete to authenticated using (user_id = auth.uid());
create policy "Users see their videos"   on videos for select to authenticated using (user_id = auth.uid());
create policy "Users add videos"         on videos for insert to authenticated with check (user_id = auth.uid());
create policy "Users change their videos" on videos for update to authenticated
    using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy "Users delete their videos" on videos for delete to authenticated using (user_id = auth.uid());
create policy "Everyone sees workflows"  on workflows for select to anon, authenticated using (true);

reset role;
