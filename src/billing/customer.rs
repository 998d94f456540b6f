//! The organisation's one customer at Stripe: made when first needed, and again if Stripe deleted it.
use super::{db, db::BillTo, events};
use crate::{
    App,
    audit::{self, Event},
    db::Scope,
    error::{Error, Result},
    stripe::{self, CustomerId, Deadline, NewCustomer},
};

/// The organisation's customer; creates it if there is none. Twenty clicks at once send the same
/// idempotency key, so Stripe creates one; the first to record it wins and the rest read that.
pub async fn ensure(app: &App, scope: &Scope, until: Deadline) -> Result<CustomerId> {
    let known = db::customer(&mut app.db.read(scope).await?, scope.org()).await?;
    let round = match known {
        Some(known) if known.detached_at.is_none() => return Ok(known.customer_id),
        Some(deleted) => deleted.round + 1,
        None => 1,
    };
    let bill_to = db::bill_to(&mut app.db.read(scope).await?).await?.ok_or(Error::NotFound)?;
    let created = create(app, scope, &bill_to, round, until).await?;
    let mut tx = app.db.write(scope).await?;
    if db::insert_customer(&mut tx, &created, &bill_to, round, app.clock.now()).await? {
        audit::record(&mut tx, app.clock.now(), Event::CustomerCreated { customer: &created.0 }).await?;
        tx.commit().await?;
        events::unpark(app, &created.0).await?;
        return Ok(created);
    }
    let winner = db::customer(&mut tx, scope.org()).await?.map(|row| row.customer_id);
    winner.ok_or_else(|| Error::broken("a customer that could not be recorded is not there"))
}

/// Creates the customer at Stripe. An idempotency key under which Stripe recorded a failure, or other
/// parameters (the owner changed between two tries), gives the same answer for a day, so each attempt
/// has a key of its own, the same for everybody.
async fn create(
    app: &App,
    scope: &Scope,
    bill_to: &BillTo,
    round: i64,
    until: Deadline,
) -> Result<CustomerId> {
    let mut failed = None;
    for attempt in 1..=3 {
        let key = format!("customer:{}:{round}:{attempt}", scope.org());
        let new = NewCustomer {
            org_id: scope.org().to_string(),
            slug: scope.slug(),
            name: &bill_to.name,
            email: &bill_to.email,
        };
        match app.stripe.create_customer(new, &key, until).await {
            Err(spent) if spent.is_spent_key() => failed = Some(spent),
            answer => return Ok(answer?),
        }
    }
    Err(failed.unwrap_or(stripe::Error::CircuitOpen).into())
}
