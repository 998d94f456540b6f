//! The billing page, and the ways out of it: to Checkout, to Stripe's portal, and back.
mod banner;
mod page;
mod webhook;

pub use banner::{Banner, Help};
pub use page::{BillingPage, InvoiceLine, PlanChoice};
pub use webhook::receive;

use super::{
    checkout::{self, Returned},
    plans::{Interval, Plan},
};
use crate::{
    App, billing,
    error::{Error, Result},
    stripe::{Deadline, Flow},
    web::{BillingManager, Form, Page, Query, RecentSignInForBilling, ToStripe, flash, see_other},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

/// `plan` and `interval` say what a change of plan was chosen to; the portal asks again anyway.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct PortalForm {
    flow: String,
    plan: String,
    interval: String,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct CheckoutForm {
    plan: String,
    interval: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ComeBack {
    session_id: String,
    /// How often the page has looked already, while Stripe confirms.
    look: u32,
}

/// Looks of two seconds each; past them a person is told instead of kept waiting.
const LOOKS: u32 = 15;

pub async fn show(State(app): State<App>, who: BillingManager) -> Result<Page<BillingPage>> {
    Ok(Page::ok(BillingPage::of(&app, &who).await?))
}

/// A POST, not a link: it opens a session at Stripe, and links get prefetched.
pub async fn open_portal(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
    Form(form): Form<PortalForm>,
) -> Result<ToStripe> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let flow = if form.flow.is_empty() {
        Flow::Home
    } else {
        form.flow.parse().map_err(|_| Error::unknown("flow"))?
    };
    let plan = if form.plan.is_empty() { None } else { Some(chosen(&form.plan, &form.interval)?) };
    let alive = billing::state(&app, &who.scope).await?.is_alive();
    match (flow, plan) {
        // The portal cannot begin a subscription.
        (Flow::ChangePlan, Some((plan, interval))) if !alive => {
            checkout::start(&app, &who.scope, who.person.id, plan, interval).await.map(ToStripe)
        }
        (flow, plan) => billing::open_portal(&app, &who.scope, flow, plan).await.map(ToStripe),
    }
}

pub async fn start_checkout(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
    Form(form): Form<CheckoutForm>,
) -> Result<ToStripe> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let (plan, interval) = chosen(&form.plan, &form.interval)?;
    checkout::start(&app, &who.scope, who.person.id, plan, interval).await.map(ToStripe)
}

fn chosen(plan: &str, interval: &str) -> Result<(Plan, Interval)> {
    let plan: Plan = plan.parse().map_err(|_| Error::unknown("plan"))?;
    let first = plan.offer().prices().next().map_or(Interval::Month, |(every, _)| every);
    let interval =
        if interval.is_empty() { first } else { interval.parse().map_err(|_| Error::unknown("interval"))? };
    if plan != Plan::Free && plan.offer().amount(interval).is_none() {
        return Err(Error::unknown("interval"));
    }
    Ok((plan, interval))
}

/// Where Stripe sends people back to, from Checkout with a session, from the portal without. What
/// they did there is fetched now, webhook or not; the request itself proves nothing.
pub async fn come_back(
    State(app): State<App>,
    who: BillingManager,
    Query(query): Query<ComeBack>,
) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    if query.session_id.is_empty() {
        return Ok(from_portal(&app, &who).await);
    }
    let home = format!("/orgs/{}/billing", who.scope.slug());
    match checkout::come_back(&app, &who.scope, &query.session_id).await {
        Ok(Returned::Live) => flash("success", "Thank you. Your plan is active."),
        Ok(Returned::Confirming) if query.look < LOOKS => {
            let again = format!("{home}/return?session_id={}&look={}", query.session_id, query.look + 1);
            return Ok(Page::ok(page::Confirming::of(&app, &who, again).await?).into_response());
        }
        Ok(Returned::Confirming) => {
            flash(
                "info",
                "Stripe is still confirming your payment. Nothing is lost: it shows here as soon as it is through.",
            );
        }
        Err(Error::Stripe(error)) => {
            tracing::warn!(%error, "return from Checkout");
            flash(
                "info",
                "Welcome back. Stripe did not answer just now; your plan shows here as soon as it does.",
            );
        }
        Err(error) => return Err(error),
    }
    Ok(see_other(&home))
}

async fn from_portal(app: &App, who: &BillingManager) -> Response {
    if let Err(error) = billing::sync(app, &who.scope, Deadline::of_click()).await {
        tracing::warn!(%error, "sync on return");
        flash(
            "info",
            "Welcome back. Stripe did not answer just now, so a change you made may show a little later.",
        );
    }
    see_other(&format!("/orgs/{}/billing", who.scope.slug()))
}

/// The card on file takes the place of the one that Checkout pinned.
pub async fn use_card(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    billing::use_other_payment_method(&app, &who.scope).await?;
    flash("success", "Payments are taken from that card from now on.");
    Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())))
}

pub async fn sync_now(State(app): State<App>, who: BillingManager) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    billing::sync(&app, &who.scope, Deadline::of_click()).await?;
    flash("success", "This is what Stripe holds right now.");
    Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())))
}
