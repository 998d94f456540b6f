-- What accounts at Stripe hold beside our own plans: other prices and payment methods, discounts, credit,
-- scheduled changes, other subscriptions. The next sync of each organisation fills in what is new.
alter table billing_state add column unknown_price boolean not null default false;
alter table billing_state add column interval_count bigint;
alter table billing_state add column invoiced boolean not null default false;
alter table billing_state add column processing boolean not null default false;
alter table billing_state add column payment_method_type text;
alter table billing_state add column payment_method text;
alter table billing_state add column next_payment jsonb;
alter table billing_state add column credit bigint not null default 0;
alter table billing_state add column add_ons jsonb not null default '[]';
alter table billing_state add column schedule_id text;
alter table billing_state add column scheduled_change jsonb;

update billing_state set payment_method_type = 'card',
    payment_method = upper(substr(card_brand, 1, 1)) || substr(card_brand, 2) || ' ending in ' || card_last4
        || coalesce(', expires ' || card_expires, '')
    where card_brand is not null and card_last4 is not null;
alter table billing_state drop column card_brand;
alter table billing_state drop column card_last4;
alter table billing_state drop column card_expires;
alter table billing_state drop column scheduled;

-- Which subscription an invoice belongs to: one that is gone leaves a debt, and starts no clock.
alter table billing_invoices add column subscription_id text;
alter table billing_invoices add column due_at timestamptz;
