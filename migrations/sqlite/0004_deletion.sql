-- The customers of organisations that are gone: their invoices bear the id, and their last events
-- still come. No foreign key: the organisation is not there any more.
create table billing_former_customers (
    org_id blob not null,
    customer_id text not null,
    slug text not null,
    ended_at integer not null,
    primary key (org_id, customer_id),
    constraint billing_former_customers_customer_id_key unique (customer_id)
);
