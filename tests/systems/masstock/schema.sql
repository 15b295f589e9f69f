-- The database of the stand-in for masstock: a Supabase project after all migrations, with two clients in it.

create extension "uuid-ossp";
create extension pgcrypto;
create schema extensions;
create extension moddatetime schema extensions;
create schema auth;

-- What Supabase brings.
create table auth.users (
    id uuid primary key default gen_random_uuid(),
    email text unique,
    email_confirmed_at timestamptz,
    created_at timestamptz not null default now()
);
create function auth.uid() returns uuid language sql stable
    as $$ select nullif(current_setting('request.jwt.claims', true)::jsonb ->> 'sub', '')::uuid $$;
create table extensions.pg_stat_statements (userid oid, query text, calls bigint, mean_exec_time double precision);
insert into extensions.pg_stat_statements values
    ('service_role'::regrole, 'select * from workflows where client_id = $1', 812, 2.4),
    ('pg_monitor'::regrole, 'select * from pg_timezone_names', 31, 1205);

create table users (
    id uuid primary key default uuid_generate_v4(),
    email varchar(255) unique not null,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_login timestamptz,
    status varchar(20) default 'active' check (status in ('active', 'suspended', 'deleted')),
    role varchar(20) default 'user' check (role in ('admin', 'user'))
);
create index idx_users_email on users (email);

create table clients (
    id uuid primary key default uuid_generate_v4(),
    user_id uuid references users (id) on delete cascade,
    name varchar(255) not null,
    email varchar(255) not null,
    company_name varchar(255),
    plan varchar(50) default 'premium_custom' check (plan in ('premium_custom', 'starter', 'pro')),
    status varchar(20) default 'pending' check (status in ('active', 'pending', 'suspended')),
    subscription_amount decimal(10, 2) default 0,
    subscription_start_date date,
    subscription_end_date date,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create index idx_clients_user_id on clients (user_id);

create table workflows (
    id uuid primary key default uuid_generate_v4(),
    client_id uuid not null references clients (id) on delete cascade,
    name varchar(255) not null,
    status varchar(20) default 'draft' check (status in ('draft', 'deployed', 'archived')),
    config jsonb default '{}',
    revenue_per_execution decimal(10, 2) default 0,
    created_at timestamptz default now(),
    deployed_at timestamptz,
    updated_at timestamptz default now()
);
create index idx_workflows_client_id on workflows (client_id);

create table workflow_executions (
    id uuid primary key default uuid_generate_v4(),
    workflow_id uuid not null references workflows (id) on delete cascade,
    client_id uuid not null references clients (id) on delete cascade,
    status varchar(20) default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
    input_data jsonb default '{}',
    output_data jsonb default '{}',
    error_message text,
    started_at timestamptz,
    completed_at timestamptz,
    duration_seconds integer,
    retry_count integer default 0,
    created_at timestamptz default now()
);
create index idx_executions_status on workflow_executions (status);

create table workflow_requests (
    id uuid primary key default uuid_generate_v4(),
    client_id uuid not null references clients (id) on delete cascade,
    title varchar(255) not null,
    frequency varchar(20) check (frequency in ('daily', 'weekly', 'monthly', 'sporadic')),
    status varchar(50) default 'draft' check (status in ('draft', 'submitted', 'reviewing', 'deployed', 'rejected')),
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table support_tickets (
    id uuid primary key default uuid_generate_v4(),
    client_id uuid not null references clients (id) on delete cascade,
    title varchar(255) not null,
    priority varchar(20) default 'medium' check (priority in ('urgent', 'high', 'medium', 'low')),
    status varchar(20) default 'open' check (status in ('open', 'in_progress', 'resolved', 'closed')),
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);

create table audit_logs (
    id uuid primary key default uuid_generate_v4(),
    client_id uuid references clients (id) on delete cascade,
    user_id uuid references users (id) on delete set null,
    action varchar(100) not null,
    ip_address inet,
    created_at timestamptz default now()
);
create index idx_audit_created_at on audit_logs (created_at desc);

create table api_logs (
    id uuid primary key default uuid_generate_v4(),
    client_id uuid references clients (id) on delete cascade,
    endpoint varchar(255) not null,
    method varchar(10) not null,
    status_code integer,
    response_time_ms integer,
    request_body jsonb,
    response_body jsonb,
    created_at timestamptz default now()
);
create index idx_api_logs_created_at on api_logs (created_at desc);

create function update_updated_at_column() returns trigger language plpgsql
    as $$ begin new.updated_at = now(); return new; end $$;
create trigger update_users_updated_at before update on users for each row execute function update_updated_at_column();
create trigger update_clients_updated_at before update on clients for each row execute function update_updated_at_column();
create trigger update_workflows_updated_at before update on workflows for each row execute function update_updated_at_column();
create trigger update_requests_updated_at before update on workflow_requests for each row execute function update_updated_at_column();
create trigger update_tickets_updated_at before update on support_tickets for each row execute function update_updated_at_column();

create function get_user_client_id() returns uuid language sql stable security definer
    as $$ select id from public.clients where user_id = auth.uid() limit 1 $$;
create function is_admin() returns boolean language sql stable security definer
    as $$ select coalesce((select role = 'admin' from public.users where id = auth.uid()), false) $$;

create function get_executions_trend(days integer default 7)
    returns table (date date, total bigint, successful bigint, failed bigint) language sql stable as $$
    select d::date, count(e.id), count(e.id) filter (where e.status = 'completed'), count(e.id) filter (where e.status = 'failed')
    from generate_series(current_date - days + 1, current_date, interval '1 day') d
    left join public.workflow_executions e on e.created_at::date = d::date group by d order by d desc $$;
create function get_workflow_performance(days integer default 30) returns table (id uuid, executions bigint) language sql stable as $$
    select w.id, count(*) from public.workflows w join public.workflow_executions e on e.workflow_id = w.id
    where e.created_at >= current_date - days group by 1 $$;
create function get_revenue_by_client(days integer default 30) returns table (client_id uuid, executions bigint) language sql stable
    as $$ select client_id, count(*) from public.workflow_executions where created_at >= current_date - days group by 1 $$;
create function get_revenue_by_workflow(days integer default 30) returns table (workflow_id uuid, executions bigint) language sql stable as $$
    select w.id, count(*) from public.workflows w join public.workflow_executions e on e.workflow_id = w.id
    where e.created_at >= current_date - days group by 1 $$;

create function handle_new_user() returns trigger language plpgsql security definer as $$
begin
    insert into public.users (id, email) values (new.id, new.email) on conflict (id) do nothing;
    return new;
end $$;
create function handle_auth_user_updated() returns trigger language plpgsql security definer as $$
begin
    update public.users set email = new.email where id = new.id;
    return new;
end $$;
create function handle_auth_user_deleted() returns trigger language plpgsql security definer as $$
begin
    delete from public.users where id = old.id;
    return old;
end $$;
create trigger on_auth_user_created after insert on auth.users for each row execute function handle_new_user();
create trigger on_auth_user_updated after update on auth.users for each row execute function handle_auth_user_updated();
create trigger on_auth_user_deleted after delete on auth.users for each row execute function handle_auth_user_deleted();

create view auth_sync_status as
select a.id, a.email, u.role, c.name as client_name
from auth.users a left join users u on u.id = a.id left join clients c on c.user_id = u.id;

alter table users enable row level security;
alter table clients enable row level security;
alter table workflows enable row level security;
alter table workflow_executions enable row level security;
alter table workflow_requests enable row level security;
alter table support_tickets enable row level security;
alter table audit_logs enable row level security;
alter table api_logs enable row level security;

create policy own_profile on users for select using (id = auth.uid() or is_admin());
create policy own_profile_change on users for update using (id = auth.uid()) with check (id = auth.uid());
create policy own_client on clients for select using (user_id = auth.uid() or is_admin());
create policy own_client_change on clients for update using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy own_workflows on workflows for select using (client_id = get_user_client_id() or is_admin());
create policy admin_workflows on workflows for all using (is_admin());
create policy own_executions on workflow_executions for select using (client_id = get_user_client_id() or is_admin());
create policy own_executions_new on workflow_executions for insert with check (client_id = get_user_client_id());
create policy own_requests on workflow_requests for select using (client_id = get_user_client_id() or is_admin());
create policy own_requests_new on workflow_requests for insert with check (client_id = get_user_client_id());
create policy own_tickets on support_tickets for select using (client_id = get_user_client_id() or is_admin());
create policy own_tickets_new on support_tickets for insert with check (client_id = get_user_client_id());
create policy own_audit on audit_logs for select using (client_id = get_user_client_id() or is_admin());
create policy admin_api_logs on api_logs for select using (is_admin());

grant usage on schema public, auth to anon, authenticated, service_role;
grant all on all tables in schema public to service_role, authenticated, anon;
revoke all on auth_sync_status from anon, authenticated;
revoke update on users, clients from authenticated, anon;
grant update (last_login) on users to authenticated;
grant update (name, company_name) on clients to authenticated;
grant service_role to api;
grant usage on schema auth, extensions to api;
grant all on all tables in schema public, auth, extensions to api;

-- Its users, clients, workflows.
insert into auth.users (id, email, email_confirmed_at) values
    ('5a0e0000-0000-4000-8000-000000000001', 'admin@masstock.com', now()),
    ('5a0e0000-0000-4000-8000-000000000002', 'contact@estee-agency.com', now()),
    ('5a0e0000-0000-4000-8000-000000000003', 'hello@rival.example', now());
update users set role = 'admin' where email = 'admin@masstock.com';
insert into clients (id, user_id, name, email, status, subscription_amount) values
    ('c1000000-0000-4000-8000-000000000002', '5a0e0000-0000-4000-8000-000000000002', 'Estee', 'contact@estee-agency.com', 'active', 2500),
    ('c1000000-0000-4000-8000-000000000003', '5a0e0000-0000-4000-8000-000000000003', 'Rival', 'hello@rival.example', 'active', 900);
insert into workflows (client_id, name, status, config, deployed_at)
select 'c1000000-0000-4000-8000-000000000002', name, 'deployed', '{"model": "midjourney"}', now()
from unnest(array['Batch Image Generator', 'Style Transfer Pipeline', 'Product Photo Enhancer', 'Social Media Content Generator',
    'Logo Variation Creator', 'Moodboard Generator', 'Image Upscaler Pro', 'Portrait Background Replacer',
    'Batch Watermark Applier', 'AI Avatar Generator']) name;
insert into workflows (client_id, name, status) values ('c1000000-0000-4000-8000-000000000003', 'Rival Banner Maker', 'deployed');
insert into workflow_executions (workflow_id, client_id, status, input_data, started_at, completed_at)
select id, client_id, 'completed', '{"prompts": ["city skyline at night"], "count": 1}', now() - interval '2 hours', now() - interval '1 hour'
from workflows where name in ('Batch Image Generator', 'Rival Banner Maker');
insert into workflow_executions (workflow_id, client_id, input_data, started_at, created_at)
select id, client_id, '{"prompts": ["abstract art"], "count": 1}', now() - interval '9 days', now() - interval '9 days'
from workflows where name = 'Batch Image Generator';
insert into workflow_requests (client_id, title, status) select id, 'Video Thumbnail Generator', 'submitted' from clients;
insert into support_tickets (client_id, title) select id, 'Where is my invoice?' from clients;
insert into audit_logs (client_id, user_id, action, ip_address, created_at)
select id, user_id, 'user_login', '203.0.113.7', now() - interval '1 day' from clients;
insert into api_logs (client_id, endpoint, method, status_code, response_time_ms, request_body, created_at)
select id, '/api/v1/auth/login', 'POST', 200, 112, '{"email": "a@b.example", "password": "[REDACTED]"}', now() - interval '1 day' from clients;
