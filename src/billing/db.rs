//! SQL of customers and of our copy of what Stripe holds.
use super::Standing;
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result, UserId},
    sql,
    stripe::CustomerId,
};

/// Whom receipts go to: the longest-standing owner.
#[derive(sqlx::FromRow)]
pub struct BillTo {
    pub name: String,
    pub email: String,
}

#[derive(sqlx::FromRow)]
pub struct StandingOfOrg {
    pub org_id: OrgId,
    #[sqlx(flatten)]
    pub standing: Standing,
}

pub async fn customer(on: impl Exec<'_>, org: OrgId) -> Result<Option<CustomerId>> {
    let found = sql!(on, "select customer_id from billing_customers where org_id = $1", org)
        .optional::<(CustomerId,)>();
    Ok(found.await?.map(|(customer,)| customer))
}

pub async fn bill_to(on: impl Exec<'_>, org: OrgId) -> Result<BillTo> {
    sql!(
        on,
        "select o.name, u.email from orgs o
         join members m on m.org_id = o.id and m.role = 'owner' join users u on u.id = m.user_id
         where m.org_id = $1 order by m.created_at, m.user_id limit 1",
        org
    )
    .one()
    .await
}

/// False if the organisation has one already.
pub async fn insert_customer(tx: &mut OrgTx<'_>, customer: &CustomerId, now: At) -> Result<bool> {
    let org = tx.org();
    let inserted = sql!(tx,
        "insert into billing_customers (org_id, customer_id, created_at) values ($1, $2, $3) on conflict (org_id) do nothing",
        org, customer.clone(), now)
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn standing(on: impl Exec<'_>, org: OrgId) -> Result<Option<Standing>> {
    sql!(on,
        "select subscription_id, status, plan, billing_interval, quantity, cancel_at, current_period_end, trial_end, synced_at
         from billing_state where org_id = $1",
        org)
    .optional()
    .await
}

pub async fn standings_of_person(on: impl Exec<'_>, user: UserId) -> Result<Vec<StandingOfOrg>> {
    sql!(
        on,
        "select s.org_id, s.subscription_id, s.status, s.plan, s.billing_interval, s.quantity, s.cancel_at,
                s.current_period_end, s.trial_end, s.synced_at
         from members m join billing_state s on s.org_id = m.org_id where m.user_id = $1",
        user
    )
    .all()
    .await
}

/// Counts the writes of one organisation's state; 0 before the first.
pub async fn generation(on: impl Exec<'_>, org: OrgId) -> Result<i64> {
    let found = sql!(on, "select generation from billing_state where org_id = $1", org).optional::<(i64,)>();
    Ok(found.await?.map_or(0, |(generation,)| generation))
}

/// Writes what was fetched after `generation` was read. False if somebody wrote meanwhile: what
/// they fetched may be newer, so ours is thrown away.
pub async fn replace_standing(tx: &mut OrgTx<'_>, s: &Standing, generation: i64) -> Result<bool> {
    let org = tx.org();
    let written = sql!(tx,
        "insert into billing_state (org_id, subscription_id, status, plan, billing_interval, quantity, cancel_at,
                                    current_period_end, trial_end, synced_at, generation)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 + 1)
         on conflict (org_id) do update set subscription_id = $2, status = $3, plan = $4, billing_interval = $5,
             quantity = $6, cancel_at = $7, current_period_end = $8, trial_end = $9, synced_at = $10, generation = $11 + 1
         where billing_state.generation = $11",
        org, s.subscription_id.clone(), s.status.clone(), s.plan, s.interval, s.quantity, s.cancel_at,
        s.current_period_end, s.trial_end, s.synced_at, generation)
    .execute()
    .await?;
    Ok(written == 1)
}
