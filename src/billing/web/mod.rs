//! The billing page, and the ways out of it: to Checkout, to Stripe's portal, and back.
mod banner;
mod details;
mod details_form;
mod invoices;
mod page;
mod webhook;

pub use banner::{Banner, Help};
pub use details::change_details;
pub use invoices::{open_invoice, open_invoice_pdf};
pub use page::{BillingPage, PlanChoice};
pub use webhook::receive;

use crate::{
    App,
    billing::{
        self, Returned,
        plans::{Interval, Plan},
    },
    error::{Error, Result},
    stripe::{Deadline, Flow},
    web::{
        BillingManager, Form, Page, Query, RecentSignInForBilling, ToStripe, flash, see_other, to_the_end,
    },
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

/// `flow` is the portal's page; with `change_plan`, `plan` and `interval` say which plan was chosen.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct PortalForm {
    flow: String,
    plan: String,
    interval: String,
}

impl PortalForm {
    fn choice(&self) -> Result<(Flow, Option<(Plan, Interval)>)> {
        let flow = match self.flow.as_str() {
            "" => Flow::Home,
            word => word.parse().map_err(|_| Error::unknown("flow"))?,
        };
        let plan = match self.plan.as_str() {
            "" => None,
            word => Some(plan_of(word, &self.interval)?),
        };
        Ok((flow, plan))
    }
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
    /// How often the confirming page has been shown already.
    look: u32,
}

/// How often the confirming page is shown, every two seconds, before the person is sent to the billing page.
const LOOKS: u32 = 15;

/// `before` is the id of an invoice: older ones than that are shown.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ShowQuery {
    before: Option<String>,
}

pub async fn show(
    State(app): State<App>,
    who: BillingManager,
    Query(query): Query<ShowQuery>,
) -> Result<Page<BillingPage>> {
    let before = query.before.as_deref().filter(|before| !before.is_empty());
    Ok(Page::ok(BillingPage::of(&app, &who, before).await?))
}

/// A POST, not a link: it opens a session at Stripe, and links get prefetched.
pub async fn open_portal(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
    Form(form): Form<PortalForm>,
) -> Result<ToStripe> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let (flow, plan) = form.choice()?;
    to_the_end(async move { billing::portal_link(&app, &who.scope, who.person.id, flow, plan).await })
        .await
        .map(ToStripe)
}

pub async fn start_checkout(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
    Form(form): Form<CheckoutForm>,
) -> Result<ToStripe> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let (plan, interval) = plan_of(&form.plan, &form.interval)?;
    to_the_end(async move { billing::checkout_link(&app, &who.scope, who.person.id, plan, interval).await })
        .await
        .map(ToStripe)
}

/// A month where the form names no interval.
fn plan_of(plan: &str, interval: &str) -> Result<(Plan, Interval)> {
    let plan: Plan = plan.parse().map_err(|_| Error::unknown("plan"))?;
    let first = plan.offer().prices().next().map_or(Interval::Month, |(every, _)| every);
    let interval =
        if interval.is_empty() { first } else { interval.parse().map_err(|_| Error::unknown("interval"))? };
    if plan != Plan::Free && plan.offer().amount(interval).is_none() {
        return Err(Error::unknown("interval"));
    }
    Ok((plan, interval))
}

/// Where Stripe sends people back to, from Checkout with a session, from the portal without. The request proves
/// nothing: what they did is fetched from Stripe now, whether or not a webhook came.
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
    match billing::return_from_checkout(&app, &who.scope, &query.session_id).await {
        Ok(Returned::Live) => flash("success", "Thank you. Your plan is active."),
        Ok(Returned::Processing) => {
            flash(
                "info",
                "Thank you. Your bank is processing the payment, which can take a few days. You do not need to do anything.",
            );
        }
        Ok(Returned::Confirming) if query.look < LOOKS => {
            let again = format!("{home}/return?session_id={}&look={}", query.session_id, query.look + 1);
            return Ok(Page::ok(page::Confirming::of(&who, again)).into_response());
        }
        Ok(Returned::Confirming) => {
            flash(
                "info",
                "Stripe is still confirming your payment. It will show here as soon as it is confirmed.",
            );
        }
        Err(Error::Stripe(error)) => {
            tracing::warn!(%error, "return from Checkout");
            flash("info", "Stripe did not answer just now. Your plan will show here as soon as it does.");
        }
        Err(error) => return Err(error),
    }
    Ok(see_other(&home))
}

async fn from_portal(app: &App, who: &BillingManager) -> Response {
    if let Err(error) = billing::sync(app, &who.scope, Deadline::of_click()).await {
        tracing::warn!(%error, "sync on return");
        flash("info", "Stripe did not answer just now, so your changes may take a little longer to show.");
    }
    see_other(&format!("/orgs/{}/billing", who.scope.slug()))
}

/// Charges the customer's own payment method in place of the one that Checkout pinned to the subscription.
pub async fn use_card(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let home = format!("/orgs/{}/billing", who.scope.slug());
    to_the_end(async move { billing::use_other_payment_method(&app, &who.scope).await }).await?;
    flash("success", "Future payments will use this payment method.");
    Ok(see_other(&home))
}

/// Takes back the change of plan that is scheduled.
pub async fn keep_plan(
    State(app): State<App>,
    who: BillingManager,
    _recent: RecentSignInForBilling,
) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    let home = format!("/orgs/{}/billing", who.scope.slug());
    to_the_end(async move { billing::keep_present_plan(&app, &who.scope).await }).await?;
    flash("success", "Your plan stays as it is.");
    Ok(see_other(&home))
}

pub async fn sync_now(State(app): State<App>, who: BillingManager) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org(), who.person.id)?;
    billing::sync_everything(&app, &who.scope, Deadline::of_click()).await?;
    flash("success", "Your billing details are up to date.");
    Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())))
}
