-- The database of the stand-in for mvp: what `alembic upgrade head` leaves on Supabase.

create table alembic_version (version_num varchar(32) not null primary key);
insert into alembic_version values ('20251018_0007');

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique,
    is_admin boolean not null default false,
    plan text not null default 'free' check (plan in ('free', 'pro')),
    created_at timestamptz not null default now()
);

create table avatars (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id) on delete cascade,
    prompt text not null,
    url text not null,
    created_at timestamptz not null default now()
);
create index avatars_user_id on avatars (user_id);

create table payments (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references users (id),
    stripe_event_id text not null unique,
    type text not null,
    created_at timestamptz not null default now()
);
create index payments_user_id on payments (user_id);

insert into users (id, email) values ('5a0e0000-0000-4000-8000-000000000001', 'smoke@your-domain.com');
insert into avatars (user_id, prompt, url)
values ('5a0e0000-0000-4000-8000-000000000001', 'a lighthouse', 'https://cdn.your-domain.com/1.webp');

grant usage on schema public to app_user;
grant select, insert, update, delete on all tables in schema public to app_user;
