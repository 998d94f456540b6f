-- The inbox, the queue, Checkout attempts, invoices and mails.

-- What Stripe sent, stored before it is acknowledged. Not a tenant's: an event binds nothing.
create table stripe_events (
    id text primary key not null,
    type text not null,
    api_version text,
    livemode boolean not null,
    created_at timestamptz not null,
    object_id text,
    customer_id text,
    payload bytea,
    received_at timestamptz not null,
    state text not null check (state in ('pending', 'done', 'ignored', 'parked', 'dead')),
    tries bigint not null,
    applied bigint not null,
    error text,
    processed_at timestamptz
);
create index stripe_events_customer_idx on stripe_events (customer_id, state);
create index stripe_events_received_idx on stripe_events (received_at);

-- Work to be done, each piece under its own name: naming it again asks for it once more.
create table jobs (
    key text primary key not null,
    run_at timestamptz not null,
    leased_until timestamptz,
    round bigint not null,
    tries bigint not null,
    dead boolean not null,
    error text
);
create index jobs_run_at_idx on jobs (dead, run_at);

-- Where the reconciler has read Stripe's events up to, and the like.
create table cursors (
    name text primary key not null,
    at timestamptz not null
);

alter table billing_customers add column detached_at timestamptz;
alter table billing_customers add column round bigint not null default 1;

alter table billing_state add column unit_amount bigint;
alter table billing_state add column currency text;
alter table billing_state add column card_brand text;
alter table billing_state add column card_last4 text;
alter table billing_state add column card_expires text;
alter table billing_state add column trouble_since timestamptz;
alter table billing_state add column live_subscriptions bigint not null default 0;
alter table billing_state add column item_id text;
alter table billing_state add column item_count bigint not null default 0;
alter table billing_state add column collection_paused boolean not null default false;
alter table billing_state add column scheduled boolean not null default false;
alter table billing_state add column trial_used boolean not null default false;

create table billing_invoices (
    org_id uuid not null references orgs (id) on delete cascade,
    id text not null,
    number text,
    status text not null,
    total bigint not null,
    amount_remaining bigint not null,
    currency text not null,
    created_at timestamptz not null,
    page_url text,
    pdf_url text,
    primary key (org_id, id)
);

-- A click on a plan, written down before Stripe is asked: only sessions found here are ours.
create table checkout_attempts (
    org_id uuid not null references orgs (id) on delete cascade,
    id uuid not null,
    user_id uuid not null,
    plan text not null,
    billing_interval text not null,
    session_id text,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    state text not null check (state in ('open', 'done', 'expired')),
    primary key (org_id, id),
    constraint checkout_attempts_session_id_key unique (session_id)
);

-- One row, one mail: the key says why, so that nobody hears twice of one thing.
create table mails (
    key text primary key not null,
    recipient text not null,
    subject text not null,
    text_body text not null,
    html_body text not null,
    created_at timestamptz not null,
    sent_at timestamptz
);
create index mails_created_idx on mails (created_at);

-- The customer's own card where the subscription is charged to another: adding a card does not change that.
alter table billing_state add column spare_card text;
alter table billing_state add column spare_card_id text;

do $$
declare t text;
begin
    foreach t in array array['billing_invoices', 'checkout_attempts'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format('create policy tenant on %I using (org_id = (select app_org()) or (select app_is_system()))', t);
    end loop;
end
$$;

do $$
begin
    grant select, insert, update, delete on all tables in schema public to portico_system;
    grant select, insert, update, delete on billing_invoices, checkout_attempts to portico_tenant;
    -- Inside an organisation's transaction: its events are settled, its mails and jobs written.
    grant select, update on stripe_events to portico_tenant;
    grant select, insert, update on jobs, mails to portico_tenant;
exception when insufficient_privilege or undefined_object then
    raise notice 'portico_tenant could not be set up: %', sqlerrm;
end
$$;
