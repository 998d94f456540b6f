-- The customers of organisations that are gone: their invoices bear the id, and their last events
-- still come. No foreign key: the organisation is not there any more.
create table billing_former_customers (
    org_id uuid not null,
    customer_id text not null,
    slug text not null,
    ended_at timestamptz not null,
    primary key (org_id, customer_id),
    constraint billing_former_customers_customer_id_key unique (customer_id)
);
alter table billing_former_customers enable row level security;
alter table billing_former_customers force row level security;
create policy tenant on billing_former_customers
    using (org_id = (select app_org()) or (select app_is_system()));

do $$
begin
    grant select, insert, update, delete on billing_former_customers to portico_system;
    -- Inside an organisation's transaction: its own end, and no other's (the policies see to that).
    grant insert on billing_former_customers to portico_tenant;
    grant delete on orgs to portico_tenant;
exception when insufficient_privilege or undefined_object then
    raise notice 'portico_tenant could not be set up: %', sqlerrm;
end
$$;
