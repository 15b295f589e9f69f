-- The role of the API, and Supabase's "Enforce SSL on incoming connections" for it.

create role app_user login password '$PASSWORD$';

do $$
begin
    execute format('copy (values (%L), (%L)) to %L',
        'hostnossl all app_user 127.0.0.1/32 reject', 'host all all 127.0.0.1/32 scram-sha-256',
        current_setting('hba_file'));
end $$;
select pg_reload_conf();
