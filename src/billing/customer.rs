//! The organisation's one customer at Stripe: made when first needed, and again if Stripe deleted it; its details
//! are changed there.
use super::{
    db,
    db::BillTo,
    details::{Details, change_to_follow},
    events,
    sync::sync,
};
use crate::{
    App,
    audit::{self, Event},
    db::Scope,
    error::{Error, Result},
    stripe::{self, CustomerDetails, CustomerId, CustomerState, Deadline, NewCustomer},
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

/// What came of a change of details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    Done,
    /// Stripe does not take the address.
    EmailRefused,
}

/// Changes the details at Stripe, which is asked for the outcome afterwards: the audit entries come from there.
pub async fn change_details(app: &App, scope: &Scope, new: &Details) -> Result<Changed> {
    let until = Deadline::of_click();
    let change = CustomerDetails {
        name: Some(new.name.clone()),
        email: Some(new.email.clone()),
        // Stripe has no request that takes a language back.
        language: Some(new.language.clone()).filter(|language| !language.is_empty()),
        slug: None,
    };
    let changed = match change_at_stripe(app, scope, &change, until).await {
        // Stripe has deleted the customer and no webhook told us: the organisation gets a new one.
        Err(Error::Stripe(error)) if error.is_missing_customer() => {
            sync(app, scope, until).await?;
            change_at_stripe(app, scope, &change, until).await
        }
        changed => changed,
    };
    match changed {
        Err(Error::Stripe(error)) if error.refused_field() == Some("email") => {
            return Ok(Changed::EmailRefused);
        }
        changed => changed?,
    };
    if let Err(error) = sync(app, scope, until).await {
        tracing::warn!(%error, "sync after a change of billing details; the customer's event will bring it");
    }
    Ok(Changed::Done)
}

async fn change_at_stripe(
    app: &App,
    scope: &Scope,
    change: &CustomerDetails,
    until: Deadline,
) -> Result<CustomerState> {
    let customer = ensure(app, scope, until).await?;
    Ok(app.stripe.change_customer(&customer, change, until).await?)
}

/// Writes to Stripe what the organisation is called and whom it bills now. What the customer chose stays.
pub async fn follow_details(app: &App, scope: &Scope) -> Result<()> {
    let mut tx = app.db.read(scope).await?;
    let known = db::customer(&mut tx, scope.org()).await?.filter(|row| row.detached_at.is_none());
    let Some(known) = known else { return Ok(()) };
    let written = db::customer_details(&mut tx, scope.org()).await?.unwrap_or_default();
    let Some(bill_to) = db::bill_to(&mut tx).await? else { return Ok(()) };
    drop(tx);
    let until = Deadline::of_job();
    let Some(held) = held(app, &known.customer_id, until).await? else { return Ok(()) };
    let change = change_to_follow(&held, &written, &bill_to, scope.slug());
    if change == CustomerDetails::default() {
        return Ok(());
    }
    app.stripe.change_customer(&known.customer_id, &change, until).await?;
    sync(app, scope, until).await
}

/// None if Stripe has deleted the customer.
async fn held(app: &App, customer: &CustomerId, until: Deadline) -> Result<Option<CustomerState>> {
    match app.stripe.customer(customer, until).await {
        Err(error) if error.is_missing_customer() => Ok(None),
        held => Ok(Some(held?).filter(|held| !held.deleted)),
    }
}
