-- Instants are integer microseconds since 1970 in UTC (see db/values.rs). Text lengths are
-- checked where people type; the database guards identity, ownership and the words of enums.

create table users (
    id blob primary key not null,
    email text not null,
    name text not null,
    password_hash text not null,
    email_verified_at integer,
    created_at integer not null,
    constraint users_email_key unique (email)
);

create table orgs (
    id blob primary key not null,
    slug text not null,
    name text not null,
    created_at integer not null,
    constraint orgs_slug_key unique (slug)
);

create table members (
    org_id blob not null references orgs (id) on delete cascade,
    user_id blob not null references users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'billing', 'member')),
    created_at integer not null,
    primary key (org_id, user_id)
);
create index members_user_id_idx on members (user_id);

-- tower-sessions' own table; ids are hashed before they get here (auth/sessions.rs).
create table sessions (
    id text primary key not null,
    data blob not null,
    expiry_date integer not null
);
create index sessions_expiry_date_idx on sessions (expiry_date);

create table logins (
    id blob primary key not null,
    user_id blob not null references users (id) on delete cascade,
    created_at integer not null,
    seen_at integer not null,
    reauthenticated_at integer not null,
    ip text not null,
    user_agent text not null,
    revoked_at integer
);
create index logins_user_id_idx on logins (user_id);

-- Rate limits that every instance must agree on: the generic cell rate algorithm's arrival time.
create table throttles (
    key text primary key not null,
    arrival integer not null
);

-- No foreign key: the log outlives what it speaks of. `personal` can be erased for a person
-- without touching the rest. The nil organisation is the installation itself.
create table audit_events (
    org_id blob not null,
    id blob not null,
    at integer not null,
    action text not null,
    actor_id blob,
    detail text not null,
    personal text,
    primary key (org_id, id)
);
create trigger audit_events_stay before delete on audit_events
begin
    select raise(abort, 'the audit log is append-only');
end;
create trigger audit_events_stand before update of org_id, id, at, action, actor_id, detail on audit_events
begin
    select raise(abort, 'the audit log is append-only');
end;

-- Which Stripe customer is which organisation: one each, ever, written before Stripe is believed.
create table billing_customers (
    org_id blob primary key not null references orgs (id),
    customer_id text not null,
    created_at integer not null,
    constraint billing_customers_customer_id_key unique (customer_id)
);

-- Our copy of what Stripe holds. Only billing/sync.rs writes it.
create table billing_state (
    org_id blob primary key not null references orgs (id) on delete cascade,
    subscription_id text,
    status text,
    plan text not null,
    billing_interval text,
    quantity integer,
    cancel_at integer,
    current_period_end integer,
    trial_end integer,
    synced_at integer not null,
    generation integer not null
);
