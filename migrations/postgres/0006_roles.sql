-- Who may see what, by role, so that it is decided when a statement is planned. No policy looks
-- anything up: that would cost every statement, and Citus refuses policies with subqueries.
--
-- tenant   work inside an organisation: that organisation's rows, and no table of the system
-- system   work of the system by a role that is not the owner: everything
-- owner    the same. Where it may not become the tenant's role (no CREATEROLE, as most hosting has it)
--          it does the tenant's work itself, and is held to the organisation that it has set.

-- An organisation's people, for work inside it: the tenant's role may not read users.
create view org_people with (security_barrier) as
    select m.org_id, m.user_id, m.role, m.created_at, u.name, u.email
    from members m join users u on u.id = m.user_id
    where m.org_id = app_org();

do $$
declare
    tenant constant text := 'portico_tenant';
    system constant text := 'portico_system';
    owner constant regrole := (select relowner from pg_class where oid = 'orgs'::regclass);
    roles constant boolean := (select count(*) = 2 from pg_roles where rolname in (tenant, system))
        and (select bool_and(pg_has_role(owner, oid, 'member')) from pg_roles where rolname = tenant);
    r text;
    it record;
begin
    for it in
        select t as name, case t when 'orgs' then 'id' else 'org_id' end as key
        from unnest(array['orgs', 'members', 'audit_events', 'billing_customers', 'billing_state', 'billing_invoices',
                          'billing_former_customers', 'checkout_attempts']) as t
    loop
        execute format('drop policy tenant on %I', it.name);
        if roles then
            execute format('create policy owner on %I to %s using (true)', it.name, owner);
            execute format('create policy system on %I to %I using (true)', it.name, system);
            execute format('create policy tenant on %I to %I using (%I = app_org())', it.name, tenant, it.key);
        else
            execute format('create policy owner on %I to %s using (app_org() is null or %I = app_org())',
                           it.name, owner, it.key);
        end if;
    end loop;

    -- Where the roles are another database's, what was granted to them here is taken back.
    for r in select rolname from pg_roles where rolname in (tenant, system) loop
        execute format('revoke all on all tables in schema public from %I', r);
    end loop;
    if roles then
        execute format('grant usage on schema public to %I, %I', tenant, system);
        execute format('grant select, insert, update, delete on all tables in schema public to %I', system);
        execute format('grant select, update, delete on orgs to %I', tenant);
        execute format('grant select, insert, update, delete on members, billing_customers, billing_state,
                        billing_invoices, checkout_attempts to %I', tenant);
        execute format('grant select, insert on audit_events to %I', tenant);
        execute format('grant insert on billing_former_customers to %I', tenant);
        execute format('grant select on org_people to %I', tenant);
    else
        raise notice 'the owner does the work of tenants: it may not become %', tenant;
    end if;
end
$$;

drop function app_is_system();

-- Failed sign-ins, which strangers write, are thinned after a while. Everything else in the log stays.
drop trigger audit_events_stay on audit_events;
create trigger audit_events_stay before delete on audit_events for each row
    when (old.org_id <> '00000000-0000-0000-0000-000000000000' or old.action <> 'auth.sign_in_failed')
    execute function audit_is_append_only();
create index audit_events_failed_idx on audit_events (org_id, at) where action = 'auth.sign_in_failed';
