//! SQL of billing: customers and state here, the inbox and Checkout beside it.
mod checkout;
mod inbox;
mod invoices;

pub use checkout::*;
pub use inbox::*;
pub use invoices::*;

use super::BillingState;
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result},
    sql,
    stripe::CustomerId,
};

/// Whom receipts go to: the longest-standing owner.
#[derive(sqlx::FromRow)]
pub struct BillTo {
    pub name: String,
    pub email: String,
}

/// An organisation's customer; detached once Stripe says that it is deleted.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Binding {
    pub customer_id: CustomerId,
    pub detached_at: Option<At>,
    /// Counts the customers this organisation has had.
    pub round: i64,
}

#[derive(sqlx::FromRow)]
pub struct OwnerOfCustomer {
    pub org_id: OrgId,
    pub slug: String,
}

#[derive(sqlx::FromRow)]
pub struct StateOfEveryOrg {
    pub slug: String,
    pub customer_id: Option<String>,
    #[sqlx(flatten)]
    pub state: BillingState,
}

pub async fn binding(on: impl Exec<'_>, org: OrgId) -> Result<Option<Binding>> {
    sql!(on, "select customer_id, detached_at, round from billing_customers where org_id = $1", org)
        .optional()
        .await
}

/// The organisation that we made this customer for, whatever its metadata says.
pub async fn owner_of_customer(on: impl Exec<'_>, customer: &str) -> Result<Option<OwnerOfCustomer>> {
    sql!(
        on,
        "select c.org_id, o.slug from billing_customers c join orgs o on o.id = c.org_id where c.customer_id = $1",
        customer
    )
    .optional()
    .await
}

/// Whether this was the customer of an organisation that has been deleted.
pub async fn is_former_customer(on: impl Exec<'_>, customer: &str) -> Result<bool> {
    let found = sql!(on, "select org_id from billing_former_customers where customer_id = $1", customer);
    Ok(found.optional::<(OrgId,)>().await?.is_some())
}

/// Everybody who has a customer, in the order of their ids: a page of the full pass.
pub async fn customers_after(on: impl Exec<'_>, after: &str, limit: i64) -> Result<Vec<(String,)>> {
    sql!(
        on,
        sqlite "select customer_id from billing_customers where org_id is not null and customer_id > $1
                order by customer_id limit $2",
        postgres "select customer_id from billing_customers where org_id is not null and customer_id > $1
                  order by customer_id limit $2",
        after,
        limit
    )
    .all()
    .await
}

pub async fn bill_to(on: impl Exec<'_>, org: OrgId) -> Result<Option<BillTo>> {
    sql!(
        on,
        "select o.name, u.email from orgs o
         join members m on m.org_id = o.id and m.role = 'owner' join users u on u.id = m.user_id
         where m.org_id = $1 order by m.created_at, m.user_id limit 1",
        org
    )
    .optional()
    .await
}

/// Addresses of those who may manage billing, each with the organisation's name.
pub async fn billing_managers(on: impl Exec<'_>, org: OrgId) -> Result<Vec<(String, String)>> {
    sql!(
        on,
        "select u.email, o.name from members m
         join users u on u.id = m.user_id join orgs o on o.id = m.org_id
         where m.org_id = $1 and m.role in ('owner', 'billing') order by u.email",
        org
    )
    .all()
    .await
}

/// The organisation's customer from now on: its first, or the one after a deleted one. False if
/// somebody was quicker.
pub async fn bind_customer(tx: &mut OrgTx<'_>, customer: &CustomerId, round: i64, now: At) -> Result<bool> {
    let org = tx.org();
    let bound = sql!(
        tx,
        "insert into billing_customers (org_id, customer_id, created_at, round) values ($1, $2, $3, $4)
         on conflict (org_id) do update set customer_id = $2, detached_at = null, round = $4
           where billing_customers.detached_at is not null and billing_customers.round < $4",
        org,
        customer.clone(),
        now,
        round
    )
    .execute()
    .await?;
    Ok(bound == 1)
}

/// Stripe has deleted it. Its id stays: invoices bear it.
pub async fn detach_customer(tx: &mut OrgTx<'_>, now: At) -> Result<bool> {
    let org = tx.org();
    let detached = sql!(
        tx,
        "update billing_customers set detached_at = $2 where org_id = $1 and detached_at is null",
        org,
        now
    );
    Ok(detached.execute().await? == 1)
}

pub async fn state(on: impl Exec<'_>, org: OrgId) -> Result<Option<BillingState>> {
    sql!(
        on,
        "select subscription_id, status, plan, billing_interval, quantity, cancel_at, current_period_end, trial_end,
                synced_at, unit_amount, currency, card_brand, card_last4, card_expires, trouble_since,
                live_subscriptions, item_id, item_count, collection_paused, scheduled, trial_used, other_payment_method, other_payment_method_id
         from billing_state where org_id = $1",
        org
    )
    .optional()
    .await
}

/// What we believe of everybody, by slug; of those without a customer too.
pub async fn state_of_every_org(on: impl Exec<'_>) -> Result<Vec<StateOfEveryOrg>> {
    sql!(
        on,
        "select o.slug, c.customer_id, s.subscription_id, s.status, coalesce(s.plan, 'free') as plan,
                s.billing_interval, s.quantity, s.cancel_at, s.current_period_end, s.trial_end, s.synced_at,
                s.unit_amount, s.currency, s.card_brand, s.card_last4, s.card_expires, s.trouble_since,
                coalesce(s.live_subscriptions, 0) as live_subscriptions, s.item_id,
                coalesce(s.item_count, 0) as item_count, coalesce(s.collection_paused, false) as collection_paused,
                coalesce(s.scheduled, false) as scheduled, coalesce(s.trial_used, false) as trial_used, s.other_payment_method,
                s.other_payment_method_id
         from orgs o
         left join billing_customers c on c.org_id = o.id
         left join billing_state s on s.org_id = o.id
         order by o.slug"
    )
    .all()
    .await
}

/// What a plan's limits count: projects and members.
pub async fn usage(on: impl Exec<'_>, org: OrgId) -> Result<(i64, i64)> {
    sql!(
        on,
        "select (select count(*) from projects where org_id = $1) as projects,
                (select count(*) from members where org_id = $1) as members",
        org
    )
    .one()
    .await
}

/// Organisations with more than one subscription alive: somebody has to look.
pub async fn count_duplicates(on: impl Exec<'_>) -> Result<i64> {
    sql!(
        on,
        "select count(*) as duplicates from orgs o join billing_state s on s.org_id = o.id where s.live_subscriptions > 1"
    )
    .scalar()
    .await
}

/// Counts the writes of one organisation's state; 0 before the first.
pub async fn version(on: impl Exec<'_>, org: OrgId) -> Result<i64> {
    let found = sql!(on, "select version from billing_state where org_id = $1", org).optional::<(i64,)>();
    Ok(found.await?.map_or(0, |(version,)| version))
}

/// Writes what was fetched after `version` was read. False if somebody wrote meanwhile: what
/// they fetched may be newer, so ours is thrown away.
pub async fn replace_state(tx: &mut OrgTx<'_>, s: &BillingState, version: i64) -> Result<bool> {
    let org = tx.org();
    let written = sql!(tx,
        "insert into billing_state (org_id, subscription_id, status, plan, billing_interval, quantity, cancel_at,
            current_period_end, trial_end, synced_at, unit_amount, currency, card_brand, card_last4, card_expires,
            trouble_since, live_subscriptions, item_id, item_count, collection_paused, scheduled, trial_used, other_payment_method,
            other_payment_method_id, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $24, $25, $23 + 1)
         on conflict (org_id) do update set subscription_id = $2, status = $3, plan = $4, billing_interval = $5, quantity = $6,
             cancel_at = $7, current_period_end = $8, trial_end = $9, synced_at = $10, unit_amount = $11, currency = $12,
             card_brand = $13, card_last4 = $14, card_expires = $15, trouble_since = $16, live_subscriptions = $17, item_id = $18,
             item_count = $19, collection_paused = $20, scheduled = $21, trial_used = $22, other_payment_method = $24, other_payment_method_id = $25,
             version = $23 + 1
         where billing_state.version = $23",
        org, s.subscription_id.clone(), s.status.clone(), s.plan, s.interval, s.quantity, s.cancel_at,
        s.current_period_end, s.trial_end, s.synced_at, s.unit_amount, s.currency.clone(), s.card_brand.clone(),
        s.card_last4.clone(), s.card_expires.clone(), s.trouble_since, s.live_subscriptions, s.item_id.clone(),
        s.item_count, s.collection_paused, s.scheduled, s.trial_used, version, s.other_payment_method.clone(),
        s.other_payment_method_id.clone())
    .execute()
    .await?;
    Ok(written == 1)
}

/// The time up to which something has been read.
pub async fn cursor(on: impl Exec<'_>, name: &str) -> Result<Option<At>> {
    let found = sql!(on, "select at from cursors where name = $1", name).optional::<(At,)>();
    Ok(found.await?.map(|(at,)| at))
}

pub async fn set_cursor(on: impl Exec<'_>, name: &str, at: At) -> Result<u64> {
    sql!(
        on,
        "insert into cursors (name, at) values ($1, $2) on conflict (name) do update set at = $2",
        name,
        at
    )
    .execute()
    .await
}

/// What stays of a customer when its organisation goes: invoices bear the id, and events still come.
pub async fn keep_former_customer(tx: &mut OrgTx<'_>, customer: &CustomerId, now: At) -> Result<u64> {
    let (org, slug) = (tx.org(), tx.scope().slug().to_owned());
    sql!(
        tx,
        "insert into billing_former_customers (org_id, customer_id, slug, ended_at) values ($1, $2, $3, $4)",
        org,
        customer.clone(),
        slug,
        now
    )
    .execute()
    .await
}

pub async fn unbind_customer(tx: &mut OrgTx<'_>) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "delete from billing_customers where org_id = $1", org).execute().await
}
