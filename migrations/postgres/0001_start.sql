-- The same tables as migrations/sqlite/0001_start.sql, and row-level security on those of tenants.

create table users (
    id uuid primary key not null,
    email text not null,
    name text not null,
    password_hash text not null,
    email_verified_at timestamptz,
    created_at timestamptz not null,
    constraint users_email_key unique (email)
);

create table orgs (
    id uuid primary key not null,
    slug text not null,
    name text not null,
    created_at timestamptz not null,
    constraint orgs_slug_key unique (slug)
);

create table members (
    org_id uuid not null references orgs (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'billing', 'member')),
    created_at timestamptz not null,
    primary key (org_id, user_id)
);
create index members_user_id_idx on members (user_id);

create table sessions (
    id text primary key not null,
    data bytea not null,
    expiry_date timestamptz not null
);
create index sessions_expiry_date_idx on sessions (expiry_date);

create table logins (
    id uuid primary key not null,
    user_id uuid not null references users (id) on delete cascade,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    reauthenticated_at timestamptz not null,
    ip text not null,
    user_agent text not null,
    revoked_at timestamptz
);
create index logins_user_id_idx on logins (user_id);

create table throttles (
    key text primary key not null,
    arrival bigint not null
);

create table audit_events (
    org_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    action text not null,
    actor_id uuid,
    detail jsonb not null,
    personal jsonb,
    primary key (org_id, id)
);
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end
$$;
create trigger audit_events_stay before delete on audit_events
    for each row execute function audit_is_append_only();
create trigger audit_events_never_emptied before truncate on audit_events
    for each statement execute function audit_is_append_only();
create trigger audit_events_stand before update of org_id, id, at, action, actor_id, detail on audit_events
    for each row execute function audit_is_append_only();

create table billing_customers (
    org_id uuid primary key not null references orgs (id),
    customer_id text not null,
    created_at timestamptz not null,
    constraint billing_customers_customer_id_key unique (customer_id)
);

create table billing_state (
    org_id uuid primary key not null references orgs (id) on delete cascade,
    subscription_id text,
    status text,
    plan text not null,
    billing_interval text,
    quantity bigint,
    cancel_at timestamptz,
    current_period_end timestamptz,
    trial_end timestamptz,
    synced_at timestamptz not null,
    generation bigint not null
);

-- Row-level security -------------------------------------------------------------------------
--
-- Work inside an organisation sets `app.org_id` for its transaction and becomes `portico_tenant`,
-- a role that owns nothing. Work of the system sets nothing and is done by the tables' owner or
-- by a member of `portico_system`. Whoever is neither sees no row at all.
--
-- Making roles needs CREATEROLE. Without it (a plain owner, as most hosting gives) `force` still
-- holds the owner to the organisation it has set; the log says at every start which case it is.

create function app_org() returns uuid language sql stable as $$
    select nullif(current_setting('app.org_id', true), '')::uuid
$$;
create function app_is_system() returns boolean language sql stable as $$
    select app_org() is null and exists (
        select from pg_roles
        where (rolname = 'portico_system' or oid = (select relowner from pg_class where oid = 'orgs'::regclass))
          and pg_has_role(current_user, oid, 'usage'))
$$;

do $$
declare t text;
begin
    foreach t in array array['members', 'audit_events', 'billing_customers', 'billing_state'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy tenant on %I using (org_id = (select app_org()) or (select app_is_system()))', t);
    end loop;
end
$$;
alter table orgs enable row level security;
alter table orgs force row level security;
create policy tenant on orgs using (id = (select app_org()) or (select app_is_system()));

do $$
declare r text;
begin
    foreach r in array array['portico_tenant', 'portico_system'] loop
        begin
            if not exists (select from pg_roles where rolname = r) then
                execute format('create role %I nologin', r);
            end if;
        -- Another database of the same server may be migrating at this moment.
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
    execute format('grant portico_tenant to %I', current_user);
    grant usage on schema public to portico_tenant, portico_system;
    grant select, insert, update, delete on all tables in schema public to portico_system;
    grant select, update on orgs to portico_tenant;
    grant select, insert, update, delete on members, billing_customers, billing_state to portico_tenant;
    grant select, insert on audit_events to portico_tenant;
    grant select (id, email, name) on users to portico_tenant;
exception when insufficient_privilege then
    raise notice 'portico_tenant could not be set up: %', sqlerrm;
end
$$;

-- For the tables of rooms: row-level security, policies and grants as `members` has them, whatever later
-- migrations have made of those.
create function protect_tenant_table(name text) returns void language plpgsql as $$
declare it record;
begin
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    for it in select policyname, qual, (select string_agg(case r when 'public' then r else quote_ident(r) end, ', ')
                                        from unnest(roles) r) as roles
              from pg_policies where schemaname = 'public' and tablename = 'members'
    loop
        execute format('create policy %I on %I to %s using (%s)', it.policyname, name, it.roles, it.qual);
    end loop;
    for it in select quote_ident(pg_get_userbyid(grantee)) as role, privilege_type as may
              from pg_class, aclexplode(relacl) where oid = 'members'::regclass and grantee <> relowner and grantee <> 0
    loop
        execute format('grant %s on %I to %s', it.may, name, it.role);
    end loop;
end
$$;
