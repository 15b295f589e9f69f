-- Connections without encryption are taken again.

do $$
begin
    execute format('copy (values (%L)) to %L', 'host all all 127.0.0.1/32 scram-sha-256', current_setting('hba_file'));
end $$;
select pg_reload_conf();
