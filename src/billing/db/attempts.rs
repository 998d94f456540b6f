//! SQL of Checkout attempts.
use crate::{
    billing::plans::{Interval, Plan},
    db::{At, AttemptId, Exec, OrgId, OrgTx, Result, UserId},
    sql,
};

/// A click on a plan, recorded before Stripe is asked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Attempt {
    pub id: AttemptId,
    pub plan: Plan,
    #[sqlx(rename = "billing_interval")]
    pub interval: Interval,
    pub session_id: Option<String>,
    pub expires_at: At,
    pub created_at: At,
}

pub async fn open_attempts(on: impl Exec<'_>, org: OrgId) -> Result<Vec<Attempt>> {
    sql!(
        on,
        "select id, plan, billing_interval, session_id, expires_at, created_at from checkout_attempts
         where org_id = $1 and state = 'open' order by created_at desc, id desc",
        org
    )
    .all()
    .await
}

pub async fn insert_attempt(tx: &mut OrgTx<'_>, a: &Attempt, user: UserId, now: At) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "insert into checkout_attempts (org_id, id, user_id, plan, billing_interval, session_id, expires_at, created_at, state)
         values ($1, $2, $3, $4, $5, null, $6, $7, 'open')",
        org,
        a.id,
        user,
        a.plan,
        a.interval,
        a.expires_at,
        now
    )
    .execute()
    .await
}

/// Records the session of an attempt. 0 if the attempt is closed already.
pub async fn set_attempt_session(tx: &mut OrgTx<'_>, attempt: AttemptId, session: &str) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "update checkout_attempts set session_id = $3 where org_id = $1 and id = $2 and state = 'open'",
        org,
        attempt,
        session
    )
    .execute()
    .await
}

/// Closes an open attempt; `state` is `done` or `expired`.
pub async fn close_attempt(tx: &mut OrgTx<'_>, attempt: AttemptId, state: &str) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "update checkout_attempts set state = $3 where org_id = $1 and id = $2 and state = 'open'",
        org,
        attempt,
        state
    )
    .execute()
    .await
}

/// Expires all open attempts. Under the organisation's lock nobody opens another meanwhile.
pub async fn expire_attempts(tx: &mut OrgTx<'_>) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "update checkout_attempts set state = 'expired' where org_id = $1 and state = 'open'", org)
        .execute()
        .await
}

/// The attempt that this session was made for, if it is the organisation's.
pub async fn attempt_of_session(
    on: impl Exec<'_>,
    org: OrgId,
    session: &str,
) -> Result<Option<(AttemptId,)>> {
    sql!(on, "select id from checkout_attempts where org_id = $1 and session_id = $2", org, session)
        .optional()
        .await
}

/// A purchase that somebody began.
#[derive(Debug, sqlx::FromRow)]
pub struct CheckoutRow {
    pub slug: String,
    pub plan: Plan,
    #[sqlx(rename = "billing_interval")]
    pub interval: Interval,
    pub created_at: At,
}

/// What a person began, in whichever organisation; newest first.
pub async fn checkouts_of_person(on: impl Exec<'_>, user: UserId) -> Result<Vec<CheckoutRow>> {
    sql!(
        on,
        "select o.slug, a.plan, a.billing_interval, a.created_at from checkout_attempts a
         join orgs o on o.id = a.org_id where a.user_id = $1 order by a.created_at desc, a.id desc limit 1000",
        user
    )
    .all()
    .await
}
