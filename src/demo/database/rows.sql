-- What the demo's tables hold: three users with rows of their own, and a history that adds up.
set role api;

insert into users (id, email, display_name, password_hash, role, credits) values
    ('$ADMIN_ID$', '$ADMIN_EMAIL$', 'Ada',   '$ADMIN_HASH$', 'admin', 3000),
    ('$ALICE_ID$', '$ALICE_EMAIL$', 'Alice', '$ALICE_HASH$', 'user',  1500),
    ('$BOB_ID$',   '$BOB_EMAIL$',   'Bob',   '$BOB_HASH$',   'user',  2500);

insert into credit_ledger (user_id, operation_type, delta, balance_after, reason) values
    ('$ADMIN_ID$', 'signup', 3000, 3000, 'Welcome'),
    ('$ALICE_ID$', 'signup', 3000, 3000, 'Welcome'),
    ('$ALICE_ID$', 'charge', -500, 2500, 'image'),
    ('$ALICE_ID$', 'charge', -1000, 1500, 'video'),
    ('$ALICE_ID$', 'charge', -500, 1000, 'image'),
    ('$ALICE_ID$', 'refund', 500, 1500, 'The image could not be made'),
    ('$BOB_ID$',   'signup', 3000, 3000, 'Welcome'),
    ('$BOB_ID$',   'charge', -500, 2500, 'image');

insert into generation_jobs (user_id, kind, status, cost, completed_at) values
    ('$ALICE_ID$', 'image', 'completed', 500, now()),
    ('$ALICE_ID$', 'video', 'completed', 1000, now()),
    ('$ALICE_ID$', 'image', 'failed', 500, now()),
    ('$BOB_ID$',   'image', 'completed', 500, now());

insert into images (user_id, url, prompt) values
    ('$ALICE_ID$', 'https://cdn.demo.example/a1.png', 'a lighthouse in fog'),
    ('$ALICE_ID$', 'https://cdn.demo.example/a2.png', 'a red bicycle'),
    ('$BOB_ID$',   'https://cdn.demo.example/b1.png', 'a quiet harbour'),
    ('$ADMIN_ID$', 'https://cdn.demo.example/c1.png', 'a test card');

insert into videos (user_id, url, seconds) values
    ('$ALICE_ID$', 'https://cdn.demo.example/a1.mp4', 4.5),
    ('$BOB_ID$',   'https://cdn.demo.example/b1.mp4', 8);

insert into rate_limits (identifier, kind, request_count, window_start, window_end) values
    ('$BOB_ID$', 'user', 3, now(), now() + interval '1 hour');

insert into workflows (id, name)
select n, (array['Portrait', 'Landscape', 'Product shot', 'Logo', 'Poster',
                 'Storyboard', 'Upscale', 'Background removal', 'Captions', 'Voice-over'])[n]
from generate_series(1, 10) n;

insert into app_settings values ('app_enabled', 'true'), ('maintenance_message', '');

insert into schema_migrations (version, name, finished_at) values
    (1, 'users', now()), (2, 'credits', now()), (3, 'generation', now()),
    (4, 'atomic credits', now()), (5, 'rate limiting', now()), (6, 'workflows', now());

reset role;
