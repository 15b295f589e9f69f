-- Connections of the application that are not encrypted are refused.

do $$
begin
    execute format('copy (values (%L), (%L)) to %L',
        'hostnossl all app_user 127.0.0.1/32 reject', 'host all all 127.0.0.1/32 scram-sha-256',
        current_setting('hba_file'));
end $$;
select pg_reload_conf();
