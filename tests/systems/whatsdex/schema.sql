-- The database of WhatsDeX as its guide promises it: the tables of its five migrations, two roles, plans and templates
-- seeded, and a few tenants. Only the columns that somebody reads are here.

-- pgvector, as far as it is looked at: its entry, its type with dimensions, its distance.
set allow_system_table_mods = on;
insert into pg_extension values (90001, 'vector', 10, 'public'::regnamespace, true, '0.8.1', null, null);
reset allow_system_table_mods;
create type vector;
create function vector_in(cstring, oid, int4) returns vector language internal immutable strict as 'varcharin';
create function vector_out(vector) returns cstring language internal immutable strict as 'varcharout';
create function vector_typmod_in(cstring[]) returns int4 language internal immutable strict as 'varchartypmodin';
create function vector_typmod_out(int4) returns cstring language internal immutable strict as 'varchartypmodout';
create type vector (
    input = vector_in, output = vector_out, typmod_in = vector_typmod_in, typmod_out = vector_typmod_out,
    internallength = variable, storage = extended
);
create function l2_distance(vector, vector) returns float8 language sql immutable strict as $$
    select sqrt(sum(power(a - b, 2)))
    from unnest(string_to_array(btrim($1::text, '[]'), ',')::float8[], string_to_array(btrim($2::text, '[]'), ',')::float8[]) as pair(a, b)
$$;
create operator <-> (leftarg = vector, rightarg = vector, function = l2_distance);

set session authorization migration_user;
alter default privileges in schema public grant select, insert, update, delete on tables to app_user;
alter default privileges in schema public grant usage, select on sequences to app_user;

-- 20251106112025_init
create table users (
    id text primary key, jid text not null unique, name text, email text,
    "lastActivity" timestamp(3) not null default now(), "createdAt" timestamp(3) not null default now()
);
create table groups (id text primary key, jid text not null unique, name text);
create table subscription_plans (id text primary key, name text not null, price float8 not null);
create table subscriptions (
    id text primary key, status text not null default 'active',
    "userId" text not null references users on delete cascade, "planId" text not null references subscription_plans
);
create table menfess (
    id text primary key, message text not null, "fromUserId" text not null references users on delete cascade,
    "toUserId" text references users on delete cascade, "toGroupId" text references groups on delete cascade
);
create table user_groups (
    id text primary key, "userId" text not null references users on delete cascade,
    "groupId" text not null references groups on delete cascade
);
create table group_settings (
    id text primary key, "groupId" text not null references groups on delete cascade,
    "settingKey" text not null, "settingValue" text not null
);
create table command_usage (
    id text primary key default gen_random_uuid()::text, "userId" text not null references users on delete cascade,
    command text not null, success boolean not null default true, "executionTime" integer,
    "usedAt" timestamp(3) not null default now()
);
do $$
declare name text;
begin
    foreach name in array array['user_sessions', 'feedback', 'payments', 'user_violations', 'moderation_queue', 'admin_sessions',
                                'conversation_memory', 'ai_generated_content'] loop
        execute format('create table %I (id text primary key, "userId" text not null references users on delete cascade, '
                       '"createdAt" timestamp(3) not null default now())', name);
    end loop;
    foreach name in array array['api_keys', 'analytics', 'plugins', 'audit_logs', 'system_settings'] loop
        execute format('create table %I (id text primary key, "createdAt" timestamp(3) not null default now())', name);
    end loop;
end $$;
create table error_logs (
    id text primary key default gen_random_uuid()::text, level text not null, message text not null,
    "createdAt" timestamp(3) not null default now()
);

-- 20251107024547_init_multitenant
create table tenants (
    id text primary key, name text not null, subdomain text not null, email text not null,
    status text not null default 'active', plan text not null default 'free', "planLimits" text, "stripeCustomerId" text,
    "createdAt" timestamp(3) not null default now(), "updatedAt" timestamp(3) not null default now()
);
create unique index "tenants_subdomain_key" on tenants (subdomain);
create unique index "tenants_stripeCustomerId_key" on tenants ("stripeCustomerId");
create unique index "tenants_email_key" on tenants (email);
create table tenant_users (
    id text primary key, "tenantId" text not null references tenants on delete cascade, email text not null, name text not null,
    "passwordHash" text not null, role text not null default 'user', "isActive" boolean not null default true
);
create unique index "tenant_users_tenantId_email_key" on tenant_users ("tenantId", email);
create table tenant_user_sessions (
    id text primary key, "userId" text not null references tenant_users on delete cascade, "sessionId" text not null
);
create unique index "tenant_user_sessions_sessionId_key" on tenant_user_sessions ("sessionId");
create table bot_instances (
    id text primary key, "tenantId" text not null references tenants on delete cascade, name text not null, "phoneNumber" text,
    "qrCode" text, status text not null default 'disconnected', "isActive" boolean not null default true,
    "createdAt" timestamp(3) not null default now()
);
create unique index "bot_instances_tenantId_phoneNumber_key" on bot_instances ("tenantId", "phoneNumber");
create table bot_users (
    id text primary key, "botInstanceId" text not null references bot_instances on delete cascade, jid text not null, name text,
    role text not null default 'member'
);
create unique index "bot_users_botInstanceId_jid_key" on bot_users ("botInstanceId", jid);
create table bot_groups (
    id text primary key, "botInstanceId" text not null references bot_instances on delete cascade, jid text not null
);
create unique index "bot_groups_botInstanceId_jid_key" on bot_groups ("botInstanceId", jid);
create table bot_messages (
    id text primary key, "botInstanceId" text not null references bot_instances on delete cascade,
    "userId" text references bot_users on delete set null, content text, "timestamp" timestamp(3) not null default now(),
    "messageId" text not null default gen_random_uuid()::text
);
create unique index "bot_messages_botInstanceId_messageId_key" on bot_messages ("botInstanceId", "messageId");
create table tenant_subscriptions (
    id text primary key default gen_random_uuid()::text, "tenantId" text not null references tenants on delete cascade,
    "stripeSubscriptionId" text not null, "stripePriceId" text not null, status text not null,
    "currentPeriodEnd" timestamp(3) not null, "cancelAtPeriodEnd" boolean not null default false, "planId" text
);
create unique index "tenant_subscriptions_stripeSubscriptionId_key" on tenant_subscriptions ("stripeSubscriptionId");
create table tenant_payments (
    id text primary key, "tenantId" text not null references tenants on delete cascade, "stripePaymentId" text not null
);
create unique index "tenant_payments_stripePaymentId_key" on tenant_payments ("stripePaymentId");
create table tenant_api_keys (
    id text primary key, "tenantId" text not null references tenants on delete cascade, "keyHash" text not null
);
create unique index "tenant_api_keys_keyHash_key" on tenant_api_keys ("keyHash");
create table tenant_analytics (
    id text primary key default gen_random_uuid()::text, "tenantId" text not null references tenants on delete cascade,
    metric text not null, value float8 not null, date timestamp(3) not null default now()
);
create table bot_analytics (id text primary key, "botInstanceId" text not null references bot_instances on delete cascade);
create table tenant_audit_logs (
    id text primary key, "tenantId" text not null references tenants on delete cascade,
    "userId" text references tenant_users on delete set null
);

-- 20251110012011_add_conversation_embeddings, 20251113093027_add_botuser_role
create table conversation_embeddings (
    id text primary key, "userId" text not null references users on delete cascade, content text not null,
    embedding vector(1536) not null, metadata jsonb
);
create index "conversation_embeddings_userId_idx" on conversation_embeddings ("userId");

-- 20251113112053_add_structured_models
create table plans (
    id text primary key, code text not null, name text not null, price integer not null,
    "aiRequestsPerMonth" integer not null default 0, "messagesPerDay" integer not null default 100,
    "mediaGensPerDay" integer not null default 0, "maxBots" integer not null default 1,
    "enableRAG" boolean not null default false, "enableVideo" boolean not null default false,
    "enableAIChat" boolean not null default false, "enableImageGen" boolean not null default false,
    "enableAdvancedTools" boolean not null default false
);
create unique index "plans_code_key" on plans (code);
alter table tenant_subscriptions add constraint "tenant_subscriptions_planId_fkey" foreign key ("planId") references plans;
create table usage_counters (
    id text primary key default gen_random_uuid()::text, "tenantId" text not null references tenants on delete cascade,
    period text not null, "aiRequests" integer not null default 0, messages integer not null default 0,
    "mediaGens" integer not null default 0
);
create unique index "usage_counters_tenantId_period_key" on usage_counters ("tenantId", period);
create table bot_templates (
    id text primary key, "tenantId" text references tenants on delete cascade, name text not null, category text not null,
    "welcomeMessage" text, "isActive" boolean not null default true
);
create table bot_template_menu_items (
    id text primary key default gen_random_uuid()::text, "templateId" text not null references bot_templates on delete cascade,
    label text not null, "actionType" text not null default 'reply', payload text not null default '', "order" integer not null default 0
);
create table bot_settings (
    id text primary key, "botInstanceId" text not null references bot_instances on delete cascade, "welcomeMessage" text,
    "menuEnabled" boolean not null default true
);
create unique index "bot_settings_botInstanceId_key" on bot_settings ("botInstanceId");
create table bot_settings_menu_items (
    id text primary key default gen_random_uuid()::text, "settingsId" text not null references bot_settings on delete cascade,
    label text not null, "actionType" text not null default 'reply', payload text not null default '', "order" integer not null default 0
);
create table bot_settings_kv (id uuid primary key, key text not null unique, value text not null);

-- The migrations' own book-keeping; each file holds its name in a comment.
create table _prisma_migrations (
    id varchar(36) primary key default gen_random_uuid()::text, checksum varchar(64) not null, finished_at timestamptz,
    migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
    started_at timestamptz not null default now(), applied_steps_count integer not null default 0
);
insert into _prisma_migrations (migration_name, checksum, finished_at, applied_steps_count)
select name, encode(sha256(convert_to(format(E'-- %s\n', name), 'UTF8')), 'hex'), now(), 1
from unnest(array['20251106112025_init', '20251107024547_init_multitenant', '20251110012011_add_conversation_embeddings',
                  '20251113093027_add_botuser_role', '20251113112053_add_structured_models']) as name;

-- Plans and templates as they are seeded.
insert into plans (id, code, name, price, "aiRequestsPerMonth", "messagesPerDay", "mediaGensPerDay", "maxBots", "enableAIChat",
                   "enableRAG", "enableVideo", "enableImageGen", "enableAdvancedTools") values
    ('plan_free', 'FREE', 'Free Plan', 0, 10, 100, 0, 1, true, false, false, false, false),
    ('plan_pro', 'PRO', 'Pro Plan', 2900, 1000, 1000, 50, 3, true, true, false, true, true),
    ('plan_business', 'BUSINESS', 'Business Plan', 9900, 10000, 10000, 500, 10, true, true, true, true, true);
insert into bot_templates (id, name, category, "welcomeMessage")
select 'tpl_' || category, name, category, 'Welcome! How can we help?'
from (values ('Welcome Assistant', 'welcome'), ('Customer Support', 'support'), ('Sales & Lead Generation', 'leads'),
             ('Community Hub', 'community')) as seeded (name, category);
insert into bot_template_menu_items ("templateId", label, "order")
select t.id, t.name || ': ' || label, at from bot_templates t, unnest(array['Services', 'Contact', 'Hours']) with ordinality as item (label, at);

-- Tenants: two for smoke, and others.
insert into tenants (id, name, subdomain, email, plan) values
    ('tn_free', 'Smoke Free', 'smoke-free', 'smoke-free@yourcompany.com', 'free'),
    ('tn_pro', 'Smoke Pro', 'smoke-pro', 'smoke-pro@yourcompany.com', 'pro'),
    ('tn_platform', 'Platform', 'platform', 'platform-admin@yourcompany.com', 'business'),
    ('tn_bakery', 'Bakery', 'bakery', 'hello@bakery.example', 'free'),
    ('tn_garage', 'Garage', 'garage', 'hello@garage.example', 'pro');
insert into tenant_users (id, "tenantId", email, name, "passwordHash", role)
select 'us' || substr(id, 3), id, email, name, '$2b$12$kept', 'admin' from tenants;
insert into tenant_subscriptions ("tenantId", "stripeSubscriptionId", "stripePriceId", status, "currentPeriodEnd", "planId")
select id, 'sub' || substr(id, 3), 'price_' || plan, 'active', now() + interval '20 days', 'plan_' || plan
from tenants where plan <> 'free';
insert into bot_instances (id, "tenantId", name, status, "qrCode")
select 'bot' || substr(id, 3), id, name || ' Bot', 'disconnected', '2@waiting-to-be-scanned' from tenants;
update bot_instances set status = 'connected', "phoneNumber" = '15550100', "qrCode" = null where "tenantId" in ('tn_bakery', 'tn_garage');
insert into bot_users (id, "botInstanceId", jid, role)
select 'bu_' || id || role, id, role || '@s.whatsapp.net', role from bot_instances, unnest(array['owner', 'member']) as role
where status = 'connected';
insert into usage_counters ("tenantId", period, "aiRequests", messages, "mediaGens") values
    ('tn_pro', to_char(now() at time zone 'utc', 'YYYY-MM'), 120, 800, 4),
    ('tn_bakery', to_char(now() at time zone 'utc', 'YYYY-MM'), 7, 60, 0),
    ('tn_garage', to_char(now() at time zone 'utc', 'YYYY-MM'), 310, 2400, 21);
insert into users (id, jid, name) select 'u' || at, at || '@s.whatsapp.net', 'User ' || at from generate_series(1, 3) as at;
insert into command_usage ("userId", command, "executionTime") select 'u' || 1 + at % 3, 'menu', 40 from generate_series(1, 60) as at;
insert into bot_messages (id, "botInstanceId", content) select 'm' || at, 'bot_garage', 'hello' from generate_series(1, 20) as at;
reset session authorization;
