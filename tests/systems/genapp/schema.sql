-- The database of the stand-in for genapp: Supabase's own schema `auth`, as far as it is used, then what the guide promises.

create schema auth;
create table auth.users (
    instance_id uuid,
    id uuid primary key,
    aud text,
    role text,
    email text unique,
    raw_user_meta_data jsonb,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create function auth.claims() returns jsonb language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;
create function auth.uid() returns uuid language sql stable as $$ select (auth.claims() ->> 'sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select auth.claims() ->> 'role' $$;

-- Users and credits.

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique,
    name text,
    image text,
    membership_tier text default 'free',
    credits integer not null default 3000 constraint users_credits_non_negative check (credits >= 0),
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table credit_ledger (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id) on delete cascade,
    amount integer not null,
    delta integer not null default 0,
    balance_after integer not null,
    operation_type text not null,
    reason text not null,
    description text,
    ref_id text,
    metadata jsonb,
    created_at timestamptz default now()
);
create index idx_credit_ledger_user_id on credit_ledger (user_id);

create table idempotency_keys (
    key text not null,
    user_id uuid not null references users (id) on delete cascade,
    operation text,
    status text not null,
    result jsonb,
    created_at timestamptz default now(),
    unique (key, user_id)
);
create index idx_idempotency_keys_user_id on idempotency_keys (user_id);

create table generation_jobs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    operation_type text not null,
    status text not null default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
    cost integer not null,
    idempotency_key text,
    result_url text,
    error_message text,
    metadata jsonb default '{}',
    created_at timestamptz default now(),
    completed_at timestamptz
);
create index idx_generation_jobs_user_id on generation_jobs (user_id);
create index idx_generation_jobs_status on generation_jobs (status);
create unique index idx_generation_jobs_idempotency on generation_jobs (idempotency_key) where idempotency_key is not null;

create function verify_ledger_delta() returns trigger language plpgsql as $$
begin
    if new.delta is null or new.balance_after is null then
        raise exception 'an entry says how much, and what is left';
    end if;
    return new;
end $$;
create trigger verify_ledger_before_insert before insert on credit_ledger
    for each row execute function verify_ledger_delta();

-- Moves the balance and writes the ledger, in one step.
create function book(p_user uuid, p_delta integer, p_kind text, p_description text, p_metadata jsonb) returns integer
language plpgsql as $$
declare
    before integer;
begin
    select credits into before from users where id = p_user for update;
    if before is null then
        raise exception 'User not found';
    end if;
    if before + p_delta < 0 then
        raise exception 'Insufficient credits: has % needs %', before, -p_delta;
    end if;
    update users set credits = before + p_delta where id = p_user;
    insert into credit_ledger (user_id, amount, delta, balance_after, operation_type, reason, description, metadata)
    values (p_user, p_delta, p_delta, before + p_delta, p_kind, p_description, p_description, p_metadata);
    return before + p_delta;
end $$;

create function atomic_charge_credits(
    p_user_id uuid, p_operation_type text, p_cost integer, p_idempotency_key text default null, p_metadata jsonb default '{}'
) returns table (job_id uuid, new_balance integer) language plpgsql as $$
declare
    job uuid := gen_random_uuid();
    rest integer;
begin
    rest := book(p_user_id, -p_cost, p_operation_type, p_operation_type || ' generation',
        jsonb_build_object('job_id', job, 'idempotency_key', p_idempotency_key) || p_metadata);
    insert into generation_jobs (id, user_id, operation_type, cost, idempotency_key, metadata)
    values (job, p_user_id, p_operation_type, p_cost, p_idempotency_key, p_metadata);
    if p_idempotency_key is not null then
        insert into idempotency_keys (key, user_id, operation, status)
        values (p_idempotency_key, p_user_id, p_operation_type, 'started') on conflict do nothing;
    end if;
    return query select job, rest;
end $$;

-- As the guide calls it when something is wrong.
create function atomic_charge_credits(
    p_user_id uuid, p_operation_type text, p_cost integer, p_description text, p_metadata jsonb, p_job_id uuid
) returns table (job_id uuid, new_balance integer) language sql as $$
    select * from atomic_charge_credits(p_user_id, p_operation_type, p_cost, null, p_metadata)
$$;

create function refund_credits(p_user_id uuid, p_job_id uuid, p_amount integer, p_reason text) returns integer
language plpgsql as $$
declare
    rest integer;
begin
    rest := book(p_user_id, p_amount, 'refund', 'Refund: ' || p_reason, jsonb_build_object('job_id', p_job_id));
    update generation_jobs
    set status = 'failed', error_message = 'Refunded: ' || p_reason, completed_at = now() where id = p_job_id;
    return rest;
end $$;

create rule credit_ledger_no_update as on update to credit_ledger do instead nothing;
create rule credit_ledger_no_delete as on delete to credit_ledger do instead nothing;

create function handle_new_user() returns trigger language plpgsql security definer set search_path = public as $$
begin
    insert into users (id, email, name, credits)
    values (new.id, new.email, coalesce(new.raw_user_meta_data ->> 'full_name', split_part(new.email, '@', 1)), 0);
    perform book(new.id, 3000, 'signup', 'Welcome bonus', '{}');
    return new;
end $$;
create trigger on_auth_user_created after insert on auth.users for each row execute function handle_new_user();

-- Rate limits: a window begins with its first request.

create table rate_limits (
    id uuid primary key default gen_random_uuid(),
    identifier text not null,
    type text not null check (type in ('user', 'ip')),
    request_count integer not null default 1,
    window_start timestamptz not null,
    window_end timestamptz not null,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    unique (identifier, type, window_start)
);
create index idx_rate_limits_lookup on rate_limits (identifier, type, window_end);

create function check_rate_limit(p_identifier text, p_type text, p_max_requests integer, p_window_seconds integer)
returns table (allowed boolean, current_count integer, window_end timestamptz, remaining integer) language plpgsql as $$
declare
    hits integer;
    ends timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext(p_type || p_identifier));
    update rate_limits r set request_count = r.request_count + 1, updated_at = now()
    where r.identifier = p_identifier and r.type = p_type and r.window_end > now()
    returning r.request_count, r.window_end into hits, ends;
    if hits is null then
        insert into rate_limits as r (identifier, type, window_start, window_end)
        values (p_identifier, p_type, now(), now() + make_interval(secs => p_window_seconds))
        returning r.request_count, r.window_end into hits, ends;
    end if;
    return query select hits <= p_max_requests, hits, ends, greatest(0, p_max_requests - hits);
end $$;

create function cleanup_expired_rate_limits() returns integer language plpgsql as $$
declare
    gone integer;
begin
    delete from rate_limits where window_end < now() - interval '1 hour';
    get diagnostics gone = row_count;
    return gone;
end $$;

-- What users made, and the rest.

create table images (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references auth.users (id) on delete cascade,
    url text not null,
    blob_url text,
    prompt text not null,
    width integer not null,
    height integer not null,
    is_saved boolean default false,
    model text,
    negative_prompt text,
    created_at timestamptz default now()
);
create index idx_images_user_id on images (user_id);

create table videos (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    url text not null,
    prompt text not null,
    duration_seconds integer default 5,
    is_saved boolean default false,
    created_at timestamptz default now()
);
create index idx_videos_user_id on videos (user_id);

create table edited_images (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    input_image_url text not null,
    output_image_url text not null,
    prompt text not null,
    is_saved boolean default false,
    created_at timestamptz default now()
);
create index idx_edited_images_user_id on edited_images (user_id);

create table media (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    status text not null check (status in ('temp', 'saved')),
    storage_key text not null unique,
    mime_type text not null,
    size_bytes bigint not null,
    created_at timestamptz default now(),
    expires_at timestamptz
);

create table user_sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    email text not null,
    is_admin boolean not null default false,
    logged_in_at timestamptz not null default now()
);
create index idx_user_sessions_user_id on user_sessions (user_id);

create table app_settings (
    id uuid primary key default gen_random_uuid(),
    setting_key text unique not null,
    setting_value boolean not null default true,
    updated_at timestamptz default now(),
    updated_by uuid references auth.users (id)
);
create index idx_app_settings_updated_by on app_settings (updated_by);
insert into app_settings (setting_key, setting_value) values ('app_enabled', true);

create table provider_logs (
    id bigint generated always as identity primary key,
    provider text not null,
    status integer not null,
    millis integer not null,
    created_at timestamptz not null default now()
);

-- Who sees and does what.

alter table users enable row level security;
alter table credit_ledger enable row level security;
alter table idempotency_keys enable row level security;
alter table generation_jobs enable row level security;
alter table rate_limits enable row level security;
alter table images enable row level security;
alter table videos enable row level security;
alter table edited_images enable row level security;
alter table media enable row level security;
alter table user_sessions enable row level security;
alter table app_settings enable row level security;
alter table provider_logs enable row level security;

create policy "Users can view own data" on users for select using (auth.uid() = id);
create policy "Users can update own data" on users for update using (auth.uid() = id);
create policy "Users can view own ledger" on credit_ledger for select using (auth.uid() = user_id);
create policy "Users can view own jobs" on generation_jobs for select using (auth.uid() = user_id);
create policy "Users can view own images" on images for select using (auth.uid() = user_id);
create policy "Users can insert their own images" on images for insert with check (auth.uid() = user_id);
create policy "Users can delete their own images" on images for delete using (auth.uid() = user_id);
create policy "Users can view own videos" on videos for select using (auth.uid() = user_id);
create policy "Users can insert their own videos" on videos for insert with check (auth.uid() = user_id);
create policy "Users can view own edits" on edited_images for select using (auth.uid() = user_id);
create policy "Users can insert their own edits" on edited_images for insert with check (auth.uid() = user_id);
create policy "Users can view their own media" on media for select using (auth.uid() = user_id);
create policy "Users can view their own sessions" on user_sessions for select using (auth.uid() = user_id);
create policy "Everybody reads the settings" on app_settings for select using (true);

grant usage on schema public, auth to anon, authenticated, service_role, genapp_service;
grant all on all tables in schema public to anon, authenticated, service_role, genapp_service;
grant all on all sequences in schema public to anon, authenticated, service_role, genapp_service;
grant all on all tables in schema auth to service_role, genapp_service;
revoke insert, update, delete on users from anon, authenticated;
grant update (name, image) on users to authenticated;
revoke execute on all functions in schema public from public;
grant execute on all functions in schema public to service_role;

-- Four users: two who are logged in as, one who is poor, one who has been here long. All 21 earlier jobs went well but one.

insert into auth.users (id, email, aud, role) values
    ('a1000000-0000-4000-8000-000000000001', 'smoke@your-replit-app.replit.app', 'authenticated', 'authenticated'),
    ('b2000000-0000-4000-8000-000000000002', 'smoke-2@your-replit-app.replit.app', 'authenticated', 'authenticated'),
    ('c3000000-0000-4000-8000-000000000003', 'smoke-poor@your-replit-app.replit.app', 'authenticated', 'authenticated'),
    ('d4000000-0000-4000-8000-000000000004', 'ada@example.com', 'authenticated', 'authenticated');
select book(id, 60000, 'purchase', 'Credits bought', '{}') from users where email like 'smoke%@%' and email not like '%poor%';
select book('d4000000-0000-4000-8000-000000000004', 40000, 'purchase', 'Credits bought', '{}');
select atomic_charge_credits(users.id, kind, cost) from users, generate_series(1, 2),
    (values ('image', 500), ('edit', 1000), ('video3', 2000), ('video5', 3000)) as costs (kind, cost)
    where email not like '%poor%';
select atomic_charge_credits(id, kind, cost) from users, (values ('edit', 1000), ('edit', 1000), ('image', 500)) as costs (kind, cost)
    where email like '%poor%';
update generation_jobs set status = 'completed', result_url = 'https://blob.example/1.png', completed_at = created_at + interval '9 s';
select refund_credits(user_id, id, cost, 'provider timed out') from generation_jobs where operation_type = 'edit' limit 1;
insert into images (user_id, url, prompt, width, height)
    select id, 'https://blob.example/' || id || '.png', 'a lighthouse', 1024, 1024 from users where email not like '%poor%';
insert into videos (user_id, url, prompt)
    select id, 'https://blob.example/' || id || '.mp4', 'a lighthouse' from users where email not like '%poor%';
insert into edited_images (user_id, input_image_url, output_image_url, prompt)
    select id, 'https://blob.example/1.png', 'https://blob.example/2.png', 'at night' from users where email not like '%poor%';
insert into media (user_id, status, storage_key, mime_type, size_bytes, created_at)
    select id, 'temp', 'temp/' || id || '.png', 'image/png', 4096, now() - interval '2 days' from users;
insert into user_sessions (user_id, email) select id, email from users;
insert into provider_logs (provider, status, millis) values ('wavespeed', 200, 7300), ('huggingface', 200, 4100);
insert into rate_limits (identifier, type, window_start, window_end)
    values ('198.51.100.7', 'ip', now() - interval '20 minutes', now() - interval '19 minutes');
insert into idempotency_keys (key, user_id, operation, status)
    values ('5d0c0b52-6a0e-4f63-9a55-0d1f2c7c1f11', 'd4000000-0000-4000-8000-000000000004', 'image', 'succeeded');
