//! Links to Stripe's own pages: the customer portal, and Checkout where there is no subscription yet.
use super::{
    actions, checkout, customer,
    plans::{Interval, Plan, lookup_key},
    queries,
    state::BillingState,
    sync::sync,
};
use crate::{
    App,
    audit::{self, Event},
    db::{Scope, UserId},
    error::{Error, Result},
    stripe::{CustomerId, Deadline, Flow, NewPortalSession, PlanChange, PortalSession, StripeUrl},
};

/// Where a billing manager changes card or plan, or cancels. The portal cannot begin a subscription, so a
/// plan chosen without one leads to Checkout.
pub async fn portal_link(
    app: &App,
    scope: &Scope,
    user: UserId,
    flow: Flow,
    plan: Option<(Plan, Interval)>,
) -> Result<StripeUrl> {
    match (flow, plan) {
        (Flow::ChangePlan, Some((plan, interval))) if !queries::state(app, scope).await?.is_alive() => {
            checkout_link(app, scope, user, plan, interval).await
        }
        _ => open(app, scope, flow, plan).await,
    }
}

/// Where somebody who wants a plan pays for it: Checkout, or the portal if there is a subscription
/// already, since a second one would be charged as well.
pub async fn checkout_link(
    app: &App,
    scope: &Scope,
    user: UserId,
    plan: Plan,
    interval: Interval,
) -> Result<StripeUrl> {
    match checkout::begin(app, scope, user, plan, interval).await? {
        Some(link) => Ok(link),
        None => open(app, scope, Flow::ChangePlan, Some((plan, interval))).await,
    }
}

/// A portal session for the customer of *this* organisation. Its URL is a bearer credential: made for
/// each click, never stored.
async fn open(app: &App, scope: &Scope, wanted: Flow, plan: Option<(Plan, Interval)>) -> Result<StripeUrl> {
    let until = Deadline::of_click();
    let state = queries::state(app, scope).await?;
    let flow = actions::portal_page(&state, wanted);
    let customer = customer::ensure(app, scope, until).await?;
    let session = match create_session(app, scope, &state, &customer, flow, plan, until).await {
        // Stripe has deleted the customer and no webhook told us: the organisation gets a new one.
        Err(Error::Stripe(error)) if error.is_missing_customer() => {
            sync(app, scope, until).await?;
            let customer = customer::ensure(app, scope, until).await?;
            create_session(app, scope, &state, &customer, Flow::Home, None, until).await?
        }
        created => created?,
    };
    let mut tx = app.db.write(scope).await?;
    let event = Event::PortalOpened { session: &session.id, flow: flow.as_str() };
    audit::record(&mut tx, app.clock.now(), event).await?;
    tx.commit().await?;
    Ok(session.url)
}

/// Asks Stripe for the session. Where a plan was chosen on our page and the subscription has one item,
/// the portal opens on the confirmation of that change.
async fn create_session(
    app: &App,
    scope: &Scope,
    state: &BillingState,
    customer: &CustomerId,
    flow: Flow,
    plan: Option<(Plan, Interval)>,
    until: Deadline,
) -> Result<PortalSession> {
    let switch_to = match (plan, state.item_id.as_deref(), state.item_count) {
        (Some((plan, interval)), Some(item), 1) if flow == Flow::ChangePlan && plan != Plan::Free => {
            let price = app.stripe.price(&lookup_key(plan, interval), until).await?;
            Some(PlanChange { item, price, quantity: checkout::units(app, scope, plan).await? })
        }
        _ => None,
    };
    let new = NewPortalSession {
        customer,
        flow,
        subscription: state.subscription_id.as_deref().filter(|_| state.is_alive()),
        switch_to,
        return_url: &app.url(&format!("/orgs/{}/billing/return", scope.slug())),
    };
    Ok(app.stripe.create_portal_session(new, until).await?)
}
