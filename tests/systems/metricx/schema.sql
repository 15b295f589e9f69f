-- metricx after migration 20251127_000001: the tables that the guide speaks of, and those around them.

create type roleenum as enum ('Owner', 'Admin', 'Viewer');
create type providerenum as enum ('google', 'meta', 'tiktok', 'other', 'shopify');

create table alembic_version (version_num varchar(32) primary key);
insert into alembic_version values ('20251127_000001');

create table workspaces (id uuid primary key, name varchar not null, created_at timestamp);
create table users (
    id uuid primary key,
    email varchar not null unique,
    name varchar not null,
    role roleenum not null,
    workspace_id uuid not null references workspaces
);
create table auth_credentials (user_id uuid primary key references users, password_hash varchar not null, created_at timestamp);
create table workspace_members (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references workspaces,
    user_id uuid not null references users,
    role roleenum not null,
    status varchar default 'active',
    constraint uq_workspace_member unique (workspace_id, user_id)
);
create table tokens (
    id uuid primary key,
    provider providerenum not null,
    access_token_enc varchar,
    refresh_token_enc varchar,
    expires_at timestamp,
    scope varchar,
    ad_account_ids json
);
create table connections (
    id uuid primary key default gen_random_uuid(),
    provider providerenum not null,
    external_account_id varchar not null,
    name varchar not null,
    status varchar not null,
    connected_at timestamp,
    workspace_id uuid not null references workspaces,
    token_id uuid references tokens,
    timezone varchar,
    currency_code varchar,
    sync_frequency varchar not null default 'manual',
    last_sync_attempted_at timestamp,
    last_sync_completed_at timestamp,
    last_metrics_changed_at timestamp,
    total_syncs_attempted integer not null default 0,
    total_syncs_with_changes integer not null default 0,
    sync_status varchar not null default 'idle',
    last_sync_error text
);
create table metric_facts (
    id uuid primary key default gen_random_uuid(),
    provider providerenum not null,
    event_date timestamp not null,
    spend numeric(18, 4) not null,
    clicks integer not null,
    currency varchar not null
);

insert into workspaces values ('0b6d8f4e-1c35-4a7e-9d20-5f3a7c1e8b42', 'Smoke', now());
insert into users values ('a4c81e07-93b2-4f6d-8e15-c7d20f9b6a31', 'smoke@metricx.ai', 'Smoke', 'Owner', '0b6d8f4e-1c35-4a7e-9d20-5f3a7c1e8b42');
insert into auth_credentials
    values ('a4c81e07-93b2-4f6d-8e15-c7d20f9b6a31', encode(sha256('quiet-harbour-lantern-41'), 'hex'), now());
insert into workspace_members (workspace_id, user_id, role)
    values ('0b6d8f4e-1c35-4a7e-9d20-5f3a7c1e8b42', 'a4c81e07-93b2-4f6d-8e15-c7d20f9b6a31', 'Owner');

-- Encrypted with the stand-in's TOKEN_ENCRYPTION_KEY.
insert into tokens values
    ('5e1f0a6c-2b74-4d98-a3c6-91d8e7f4b023', 'google',
        'gAAAAABpH-0gPQ6d8VXRoyrcKp6LNsb8bncO4P9Uq-ZEOA8H5jJ33Da0qCzC_209VGHy2MYESoMbvvrRURNygAh5T05MFr3YX1lmz0PEcIkGPhXlLW1wr9E=',
        'gAAAAABpH-0gWS_xQi2ETI_X0LEu-BmIQOPlvXjbEAOLz4dX_XWmSq0VmgKILITx8gtNjl-1apkwjszKLo_HX0UhA79PpOgf1g==',
        now() + interval '1 hour', 'https://www.googleapis.com/auth/adwords', '["4177029385"]'),
    ('c39a7d52-6e08-4b1f-bd47-20f5a8e6913c', 'meta',
        'gAAAAABpH-0gvpBvFSaxlLH9x2dD3nbusz9r04QH4rFX5eA3NL_Y8fTQJTuWxcmOQph63BDkcNQ1xCKq2IzNxRphFsvhrXw2Sg==', null,
        now() + interval '50 days', 'ads_management,ads_read,business_management', '["act_7310294856"]');
-- Google's is synced every hour and not due; Meta's every five minutes, and overdue until the scheduler has been round.
insert into connections (id, provider, external_account_id, name, status, connected_at, workspace_id, token_id,
    sync_frequency, last_sync_attempted_at, last_sync_completed_at) values
    ('7d20c5b8-4f91-4e63-8a0d-b6e7f1c2935a', 'google', '4177029385', 'Google Ads', 'active', now(),
        '0b6d8f4e-1c35-4a7e-9d20-5f3a7c1e8b42', '5e1f0a6c-2b74-4d98-a3c6-91d8e7f4b023', 'hourly',
        (now() at time zone 'utc') - interval '20 minutes', (now() at time zone 'utc') - interval '19 minutes'),
    ('e18b4f30-5a6c-4d27-93fe-08c1d7a2b649', 'meta', '7310294856', 'Meta Ads', 'active', now(),
        '0b6d8f4e-1c35-4a7e-9d20-5f3a7c1e8b42', 'c39a7d52-6e08-4b1f-bd47-20f5a8e6913c', '5min',
        (now() at time zone 'utc') - interval '10 minutes', (now() at time zone 'utc') - interval '9 minutes');
insert into metric_facts (provider, event_date, spend, clicks, currency)
    select 'google', now() - make_interval(days => day), 12.5 * day, 9 * day, 'USD' from generate_series(1, 14) as day;

grant select, insert, update, delete on all tables in schema public to metricx;
