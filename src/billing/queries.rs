//! What our own database says of billing. Nothing here asks Stripe, so pages built on it stay quick and
//! work while Stripe is down.
use super::{db, entitlements::Entitlements, state::BillingState};
use crate::{
    App,
    db::{OrgId, OrgTx, Scope, UserId},
    error::Result,
    limit::Usage,
    stripe::{self, CustomerId},
};
use std::collections::HashMap;

/// The organisation's billing state; the default one if it never bought anything.
pub async fn state(app: &App, scope: &Scope) -> Result<BillingState> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::state(&mut tx, scope.org()).await?.unwrap_or_default())
}

/// Names of a few people who may manage billing, owners first.
pub async fn managers(app: &App, scope: &Scope) -> Result<Vec<String>> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::billing_managers(&mut tx).await?.into_iter().map(|(name,)| name).collect())
}

/// What the organisation may do now.
pub async fn entitlements(app: &App, scope: &Scope) -> Result<Entitlements> {
    Ok(Entitlements::of(&state(app, scope).await?, app.billing_now()))
}

/// How many there are of everything that plans limit, in the order of `rooms.rs`.
pub async fn usage(app: &App, scope: &Scope) -> Result<Vec<Usage>> {
    usage_in(&mut app.db.read(scope).await?, app).await
}

/// The same, inside the caller's transaction.
pub(super) async fn usage_in(tx: &mut OrgTx<'_>, app: &App) -> Result<Vec<Usage>> {
    let mut all = Vec::new();
    for limit in app.plan_limits() {
        all.push(Usage { limit, count: (limit.count)(tx).await? });
    }
    Ok(all)
}

/// Purchases that a person began, whether or not they were completed.
pub async fn checkouts_of_person(app: &App, user: UserId) -> Result<Vec<db::CheckoutRow>> {
    Ok(db::checkouts_of_person(app.db.system(), user).await?)
}

/// The organisation's customer at Stripe, unless it has none or Stripe has deleted it.
pub async fn customer(app: &App, scope: &Scope) -> Result<Option<CustomerId>> {
    let customer = db::customer(&mut app.db.read(scope).await?, scope.org()).await?;
    Ok(customer.filter(|row| row.detached_at.is_none()).map(|row| row.customer_id))
}

/// Slug, customer and billing state of every organisation, by slug; also of those that never bought
/// anything.
pub async fn state_of_every_org(app: &App) -> Result<Vec<(String, Option<String>, BillingState)>> {
    let orgs = db::every_org(app.db.system()).await?;
    let states = db::state_of_every_org(app.db.system()).await?;
    let mut states: HashMap<OrgId, BillingState> =
        states.into_iter().map(|row| (row.org_id, row.state)).collect();
    let with_state =
        |org: db::OrgRow| (org.slug, org.customer_id, states.remove(&org.org_id).unwrap_or_default());
    Ok(orgs.into_iter().map(with_state).collect())
}

/// What operators watch of billing.
pub struct Figures {
    /// Webhook events by state.
    pub events: Vec<(db::EventState, i64)>,
    /// Organisations with more than one live subscription.
    pub duplicates: i64,
    /// Organisations whose price does not say for which plan it is.
    pub unknown_prices: i64,
    /// Charges that were ever disputed.
    pub disputes: i64,
}

/// The figures for `/metrics`.
pub async fn figures(app: &App) -> Result<Figures> {
    Ok(Figures {
        events: db::count_events(&app.db).await?,
        duplicates: db::count_duplicates(app.db.system()).await?,
        unknown_prices: db::count_unknown_prices(app.db.system()).await?,
        disputes: db::count_of_kind(&app.db, stripe::DISPUTE).await?,
    })
}
