-- The inbox, the queue, Checkout attempts, invoices and mails.

-- What Stripe sent, stored before it is acknowledged. Not a tenant's: an event binds nothing.
create table stripe_events (
    id text primary key not null,
    type text not null,
    api_version text,
    livemode boolean not null,
    created_at integer not null,
    object_id text,
    customer_id text,
    payload blob,
    received_at integer not null,
    state text not null check (state in ('pending', 'done', 'ignored', 'parked', 'dead')),
    tries integer not null,
    applied integer not null,
    error text,
    processed_at integer
);
create index stripe_events_customer_idx on stripe_events (customer_id, state);
create index stripe_events_received_idx on stripe_events (received_at);

-- Work to be done, each piece under its own name: naming it again asks for it once more.
create table jobs (
    key text primary key not null,
    run_at integer not null,
    leased_until integer,
    round integer not null,
    tries integer not null,
    dead boolean not null,
    error text
);
create index jobs_run_at_idx on jobs (dead, run_at);

-- Where the reconciler has read Stripe's events up to, and the like.
create table cursors (
    name text primary key not null,
    at integer not null
);

alter table billing_customers add column detached_at integer;
alter table billing_customers add column round integer not null default 1;

alter table billing_state add column unit_amount integer;
alter table billing_state add column currency text;
alter table billing_state add column card_brand text;
alter table billing_state add column card_last4 text;
alter table billing_state add column card_expires text;
alter table billing_state add column trouble_since integer;
alter table billing_state add column live_subscriptions integer not null default 0;
alter table billing_state add column item_id text;
alter table billing_state add column item_count integer not null default 0;
alter table billing_state add column collection_paused boolean not null default false;
alter table billing_state add column scheduled boolean not null default false;
alter table billing_state add column trial_used boolean not null default false;

create table billing_invoices (
    org_id blob not null references orgs (id) on delete cascade,
    id text not null,
    number text,
    status text not null,
    total integer not null,
    amount_remaining integer not null,
    currency text not null,
    created_at integer not null,
    page_url text,
    pdf_url text,
    primary key (org_id, id)
);

-- A click on a plan, written down before Stripe is asked: only sessions found here are ours.
create table checkout_attempts (
    org_id blob not null references orgs (id) on delete cascade,
    id blob not null,
    user_id blob not null,
    plan text not null,
    billing_interval text not null,
    session_id text,
    expires_at integer not null,
    created_at integer not null,
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
    created_at integer not null,
    sent_at integer
);
create index mails_created_idx on mails (created_at);

-- The customer's own card where the subscription is charged to another: adding a card does not change that.
alter table billing_state add column spare_card text;
alter table billing_state add column spare_card_id text;
