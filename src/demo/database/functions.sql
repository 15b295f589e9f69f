-- The functions of the demo's database, with their rights.
set role api;

-- Takes credits for an operation: balance, ledger and job in one step, or an error and nothing.
create function atomic_charge_credits(
    p_user uuid, p_operation text, p_amount integer, p_key text, p_metadata jsonb default '{}'
) returns table (job_id uuid, new_balance integer)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    balance integer;
    job uuid;
begin
    if auth.uid() is not null and auth.uid() <> p_user then
        raise exception 'Not your account' using errcode = '42501';
    end if;
    select credits into balance from users where id = p_user for update;
    if balance is null or balance < p_amount then
        raise exception 'Insufficient credits' using detail = format('has %s, needs %s', balance, p_amount);
    end if;
    update users set credits = credits - p_amount where id = p_user;
    insert into credit_ledger (user_id, operation_type, delta, balance_after, reason)
        values (p_user, 'charge', -p_amount, balance - p_amount, p_operation);
    insert into generation_jobs (user_id, kind, cost, idempotency_key, metadata)
        values (p_user, p_operation, p_amount, p_key, p_metadata) returning id into job;
    return query select job, balance - p_amount;
end
$$;

-- Gives credits back for a job that failed, and says the new balance.
create function refund_credits(p_user uuid, p_job uuid, p_amount integer, p_reason text) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    balance integer;
begin
    update users set credits = credits + p_amount where id = p_user returning credits into balance;
    insert into credit_ledger (user_id, operation_type, delta, balance_after, reason)
        values (p_user, 'refund', p_amount, balance, p_reason);
    update generation_jobs set status = 'failed', completed_at = now() where id = p_job;
    return balance;
end
$$;

-- Counts a request, and says whether it is still within `p_limit` in `p_seconds`.
create function check_rate_limit(p_identifier text, p_kind text, p_limit integer, p_seconds integer)
returns table (allowed boolean, current_count integer, window_end timestamptz, remaining integer)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    seen rate_limits;
begin
    insert into rate_limits as r (identifier, kind, request_count, window_start, window_end)
        values (p_identifier, p_kind, 1, now(), now() + make_interval(secs => p_seconds))
    on conflict (identifier, kind) do update set
        request_count = case when r.window_end <= now() then 1 else r.request_count + 1 end,
        window_start  = case when r.window_end <= now() then excluded.window_start else r.window_start end,
        window_end    = case when r.window_end <= now() then excluded.window_end else r.window_end end
    returning * into seen;
    return query select seen.request_count <= p_limit, seen.request_count, seen.window_end,
        greatest(p_limit - seen.request_count, 0);
end
$$;

-- Removes windows that have passed, and says how many.
create function cleanup_expired_rate_limits() returns integer
language sql security definer set search_path = public, pg_temp as $$
    with gone as (delete from rate_limits where window_end < now() returning 1) select count(*)::integer from gone
$$;

-- Functions are open to everyone unless this is taken back.
revoke execute on all functions in schema public from public;
grant execute on all functions in schema public to service_role;
grant execute on function atomic_charge_credits to authenticated;

reset role;
