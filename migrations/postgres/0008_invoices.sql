-- Invoices as the billing page shows them, what a customer's details are, and who had a trial.

-- Stripe's links expire: they are asked for at the click.
alter table billing_invoices drop column page_url;
alter table billing_invoices drop column pdf_url;
alter table billing_invoices add column amount_paid bigint not null default 0;
alter table billing_invoices add column refunded bigint not null default 0;
alter table billing_invoices add column credited bigint not null default 0;
alter table billing_invoices add column paid_outside boolean not null default false;
alter table billing_invoices add column processing boolean not null default false;
create index billing_invoices_created_idx on billing_invoices (org_id, created_at, id);

-- Whether every invoice of the customer was read once; from then on those that may have changed are enough.
alter table billing_customers add column invoices_complete boolean not null default false;
-- What Stripe holds of the customer.
alter table billing_customers add column name text;
alter table billing_customers add column email text;
alter table billing_customers add column language text;
-- What we last wrote there by ourselves. Where Stripe holds another value, the customer chose it.
alter table billing_customers add column followed_name text;
alter table billing_customers add column followed_email text;

-- Where else somebody is about to begin a trial.
create index checkout_attempts_user_idx on checkout_attempts (user_id, state);

-- Whoever started a trial, in whichever organisation.
create table trials (
    user_id uuid primary key not null references users (id) on delete cascade,
    started_at timestamptz not null
);

do $$
declare it record;
begin
    -- A table of the system: grants as `jobs` has them.
    for it in select quote_ident(pg_get_userbyid(grantee)) as role, privilege_type as may
              from pg_class, aclexplode(relacl) where oid = 'jobs'::regclass and grantee <> relowner and grantee <> 0
    loop
        execute format('grant %s on trials to %s', it.may, it.role);
    end loop;
end
$$;
