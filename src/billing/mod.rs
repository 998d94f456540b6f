//! Plans, the organisation's Stripe customer, the ways to Checkout and the portal, and our copy of
//! Stripe's truth.
pub mod checkout;
mod closing;
mod db;
mod entitlements;
mod inbox;
mod jobs;
mod notices;
pub mod plans;
mod reconcile;
mod seats;
pub mod setup;
mod state;
mod sync;
pub mod web;

pub use closing::close;
pub use db::{EventState, InvoiceRow};
pub use entitlements::{Access, Entitlements, GRACE};
pub use inbox::{
    Delivery, Inbox, InboxRow, attribute, dead_letter_event, dead_letter_events, forget_payloads,
    listed as inbox_rows, process, replay,
};
pub use jobs::scope_of_slug;
pub use reconcile::{Report, by_hand as sync_by_hand, full_pass, reconcile};
pub use seats::follow as follow_seats;
pub use state::BillingState;
pub use sync::sync;

use crate::{
    App,
    audit::{self, Event},
    db::{OrgId, Scope, UserId},
    error::{Error, Result},
    stripe::{self, CustomerId, Deadline, Flow, NewCustomer, OpenPortal, StripeUrl},
};
use plans::{Interval, Plan, lookup_key};
use std::collections::HashMap;

/// What our own database believes; asks Stripe nothing.
pub async fn state(app: &App, scope: &Scope) -> Result<BillingState> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::state(&mut tx, scope.org()).await?.unwrap_or_default())
}

/// What the organisation may do now.
pub async fn entitlements(app: &App, scope: &Scope) -> Result<Entitlements> {
    Ok(Entitlements::of(&state(app, scope).await?, app.billing_now()))
}

/// How many projects and members there are.
pub async fn usage(app: &App, scope: &Scope) -> Result<(i64, i64)> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::usage(&mut tx, scope.org()).await?)
}

pub async fn invoices(app: &App, scope: &Scope) -> Result<Vec<InvoiceRow>> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::invoices(&mut tx, scope.org()).await?)
}

/// Those of all a person's organisations. One that never bought anything has none.
pub async fn states_of_person(app: &App, user: UserId) -> Result<HashMap<OrgId, BillingState>> {
    let rows = db::states_of_person(app.db.system(), user).await?;
    Ok(rows.into_iter().map(|row| (row.org_id, row.state)).collect())
}

/// What we believe of every organisation, with its customer: slug, customer, state.
pub async fn state_of_every_org(app: &App) -> Result<Vec<(String, Option<String>, BillingState)>> {
    let rows = db::state_of_every_org(app.db.system()).await?;
    Ok(rows.into_iter().map(|row| (row.slug, row.customer_id, row.state)).collect())
}

/// The customer of the organisation with this slug, for links to the sandbox's panel in development.
pub async fn customer_at_stripe(app: &App, slug: &str) -> Result<Option<String>> {
    let all = state_of_every_org(app).await?;
    Ok(all.into_iter().find(|(it, ..)| it == slug).and_then(|(_, customer, _)| customer))
}

/// For whoever watches: events by state, and organisations with two subscriptions alive.
pub async fn figures(app: &App) -> Result<Figures> {
    Ok(Figures {
        events: db::count_events(&app.db).await?,
        duplicates: db::count_duplicates(app.db.system()).await?,
        disputes: db::count_of_kind(&app.db, stripe::DISPUTE).await?,
    })
}

/// What operators watch of billing.
pub struct Figures {
    pub events: Vec<(EventState, i64)>,
    /// Organisations with more than one subscription alive.
    pub duplicates: i64,
    /// Charges that were ever disputed.
    pub disputes: i64,
}

/// The organisation's customer, if it has one now.
pub async fn customer(app: &App, scope: &Scope) -> Result<Option<CustomerId>> {
    let binding = db::binding(&mut app.db.read(scope).await?, scope.org()).await?;
    Ok(binding.filter(|binding| binding.detached_at.is_none()).map(|binding| binding.customer_id))
}

/// Where a billing manager changes card or plan, or cancels. The URL is a bearer credential:
/// made per click, for the customer of *this* organisation, never stored.
pub async fn open_portal(
    app: &App,
    scope: &Scope,
    flow: Flow,
    plan: Option<(Plan, Interval)>,
) -> Result<StripeUrl> {
    let until = Deadline::of_click();
    let customer = ensure_customer(app, scope, until).await?;
    let state = state(app, scope).await?;
    let subscription = state.subscription_id.as_deref().filter(|_| state.is_alive());
    let switch_to = match (plan, state.item_id.as_deref(), state.item_count) {
        (Some((plan, interval)), Some(item), 1) if plan != Plan::Free => {
            Some((item, app.stripe.price(&lookup_key(plan, interval), until).await?))
        }
        _ => None,
    };
    let back = app.url(&format!("/orgs/{}/billing/return", scope.slug()));
    let open = OpenPortal { customer: &customer, flow, subscription, switch_to, return_url: &back };
    let session = match app.stripe.open_portal(open, until).await {
        // Deleted at Stripe without our hearing of it: there is a new one from now on.
        Err(error) if error.is_missing_customer() => {
            sync(app, scope, until).await?;
            let fresh = ensure_customer(app, scope, until).await?;
            let open = OpenPortal {
                flow: Flow::Home,
                customer: &fresh,
                subscription: None,
                switch_to: None,
                return_url: &back,
            };
            app.stripe.open_portal(open, until).await?
        }
        opened => opened?,
    };
    let mut tx = app.db.write(scope).await?;
    let event = Event::PortalOpened { session: &session.id, flow: flow.as_str() };
    audit::record(&mut tx, app.clock.now(), event).await?;
    tx.commit().await?;
    Ok(session.url)
}

/// Charges the subscription to the customer's own card from now on: a card that is added in the
/// portal becomes the customer's, while the one that Checkout pinned stays in charge.
pub async fn use_other_payment_method(app: &App, scope: &Scope) -> Result<()> {
    let state = state(app, scope).await?;
    let (Some(subscription), Some(card)) = (&state.subscription_id, &state.other_payment_method_id) else {
        return Ok(()); // it is in charge already
    };
    let until = Deadline::of_click();
    app.stripe.pin_card(subscription, card, &format!("card:{}", uuid::Uuid::now_v7()), until).await?;
    sync(app, scope, until).await
}

/// The organisation's one customer, made when first needed, or again once Stripe has deleted it.
/// Twenty clicks at once send the same idempotency key, so Stripe makes one; the first to record it
/// wins and the rest read that.
pub async fn ensure_customer(app: &App, scope: &Scope, until: Deadline) -> Result<CustomerId> {
    let binding = db::binding(&mut app.db.read(scope).await?, scope.org()).await?;
    let round = match binding {
        Some(known) if known.detached_at.is_none() => return Ok(known.customer_id),
        Some(gone) => gone.round + 1,
        None => 1,
    };
    let made = create_customer(app, scope, round, until).await?;
    let mut tx = app.db.write(scope).await?;
    if db::bind_customer(&mut tx, &made, round, app.clock.now()).await? {
        audit::record(&mut tx, app.clock.now(), Event::CustomerCreated { customer: &made.0 }).await?;
        tx.commit().await?;
        inbox::unpark(app, &made.0).await?;
        return Ok(made);
    }
    let winner = db::binding(&mut tx, scope.org()).await?.map(|binding| binding.customer_id);
    winner.ok_or_else(|| Error::broken("a customer that could not be bound is not there"))
}

/// A key under which Stripe recorded a failure, or other parameters (the owner changed between
/// two tries), answers the same for a day, so everybody moves on to the next.
async fn create_customer(app: &App, scope: &Scope, round: i64, until: Deadline) -> Result<CustomerId> {
    let bill_to = db::bill_to(&mut app.db.read(scope).await?, scope.org()).await?.ok_or(Error::NotFound)?;
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
