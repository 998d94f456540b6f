//! Plans, the organisation's Stripe customer, the way to the portal, and our copy of Stripe's truth.
mod db;
pub mod plans;
mod standing;
mod sync;
pub mod web;

pub use standing::Standing;
pub use sync::sync;

use crate::{
    App,
    audit::{self, Event},
    db::{OrgId, Scope, UserId},
    error::{Error, Result},
    stripe::{self, CustomerId, Deadline, Flow, NewCustomer, StripeUrl},
};
use std::collections::HashMap;

/// What our own database believes; asks Stripe nothing.
pub async fn standing(app: &App, scope: &Scope) -> Result<Standing> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::standing(&mut tx, scope.org()).await?.unwrap_or_default())
}

/// Those of all a person's organisations. One that never bought anything has none.
pub async fn standings_of_person(app: &App, user: UserId) -> Result<HashMap<OrgId, Standing>> {
    let rows = db::standings_of_person(app.db.system(), user).await?;
    Ok(rows.into_iter().map(|row| (row.org_id, row.standing)).collect())
}

/// The organisation's customer, if it ever needed one.
pub async fn customer(app: &App, scope: &Scope) -> Result<Option<CustomerId>> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::customer(&mut tx, scope.org()).await?)
}

/// Where a billing manager changes card or plan, or cancels. The URL is a bearer credential:
/// made per click, for the customer of *this* organisation, never stored.
pub async fn open_portal(app: &App, scope: &Scope, flow: Flow) -> Result<StripeUrl> {
    let until = Deadline::of_click();
    let customer = ensure_customer(app, scope, until).await?;
    let standing = standing(app, scope).await?;
    let subscription = standing.subscription_id.as_deref().filter(|_| standing.is_alive());
    let back = app
        .config
        .public_url
        .join(&format!("/orgs/{}/billing/return", scope.slug()))
        .map_err(Error::broken)?;
    let session = app.stripe.open_portal(&customer, flow, subscription, back.as_str(), until).await?;
    let mut tx = app.db.write(scope).await?;
    audit::record(
        &mut tx,
        app.clock.now(),
        Event::PortalOpened { session: &session.id, flow: flow.as_str() },
    )
    .await?;
    tx.commit().await?;
    Ok(session.url)
}

/// The organisation's one customer, made when first needed. Twenty clicks at once send the same
/// idempotency key, so Stripe makes one; the first to record it wins and the rest read that.
pub async fn ensure_customer(app: &App, scope: &Scope, until: Deadline) -> Result<CustomerId> {
    if let Some(known) = customer(app, scope).await? {
        return Ok(known);
    }
    let made = create_customer(app, scope, until).await?;
    let mut tx = app.db.write(scope).await?;
    if db::insert_customer(&mut tx, &made, app.clock.now()).await? {
        audit::record(&mut tx, app.clock.now(), Event::CustomerCreated { customer: &made.0 }).await?;
        tx.commit().await?;
        return Ok(made);
    }
    let winner = db::customer(&mut tx, scope.org()).await?;
    winner.ok_or_else(|| Error::broken("a customer that could not be inserted is not there"))
}

/// A key under which Stripe recorded a failure, or other parameters (the owner changed between
/// two tries), answers the same for a day, so everybody moves on to the next.
async fn create_customer(app: &App, scope: &Scope, until: Deadline) -> Result<CustomerId> {
    let bill_to = db::bill_to(&mut app.db.read(scope).await?, scope.org()).await?;
    let mut failed = None;
    for generation in 1..=3 {
        let key = format!("customer:{}:{generation}", scope.org());
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
    Err(failed.unwrap_or(stripe::Error::Paused).into())
}
