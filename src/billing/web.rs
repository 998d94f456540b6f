//! The billing page, and the two ways out of it: to Stripe's portal and back.
use crate::{
    App, billing,
    error::{Error, Result},
    stripe::{Deadline, Flow},
    web::{BillingManager, Form, Page, Shell, ToStripe, flash, see_other},
    words,
};
use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "billing/billing.html")]
pub struct BillingPage {
    pub shell: Shell,
    pub plan: String,
    pub price: Option<String>,
    pub state: String,
    /// `ok`, `info`, `warn`, `bad` or `quiet`.
    pub state_kind: &'static str,
    pub detail: Option<String>,
    /// Stripe's id, for a talk with support.
    pub customer: Option<String>,
    /// As of when, in UTC.
    pub synced: Option<String>,
    pub stripe_problem: Option<String>,
    /// No real money moves here.
    pub sandbox: bool,
    pub features: Vec<String>,
}

/// `plan` and `interval` say what a change of plan was chosen to; the portal asks again anyway.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct PortalForm {
    flow: String,
    #[serde(rename = "plan")]
    _plan: String,
    #[serde(rename = "interval")]
    _interval: String,
}

pub async fn show(State(app): State<App>, who: BillingManager) -> Result<Page<BillingPage>> {
    let standing = billing::standing(&app, &who.scope).await?;
    let customer = billing::customer(&app, &who.scope).await?;
    let (state, state_kind) = standing.in_words();
    let resting = app
        .stripe
        .is_resting()
        .then(|| "Stripe is not answering at the moment. What you see is our last copy.".to_owned());
    Ok(Page::ok(BillingPage {
        shell: Shell::inside(&app, &who, "billing").await?,
        plan: standing.plan_name(),
        price: standing.price(),
        state,
        state_kind,
        detail: standing.detail(),
        customer: customer.map(|id| id.0),
        synced: standing.synced_at.map(words::minute),
        stripe_problem: resting,
        sandbox: !app.config.is_real_stripe(),
        features: standing.plan.offer().features.iter().map(|&f| f.to_owned()).collect(),
    }))
}

/// A POST, not a link: it opens a session at Stripe, and links get prefetched.
pub async fn open_portal(
    State(app): State<App>,
    who: BillingManager,
    Form(form): Form<PortalForm>,
) -> Result<ToStripe> {
    app.limits.take_stripe_call(who.scope.org())?;
    let flow = if form.flow.is_empty() {
        Flow::Home
    } else {
        form.flow.parse().map_err(|_| Error::unknown("flow"))?
    };
    billing::open_portal(&app, &who.scope, flow).await.map(ToStripe)
}

/// Where Stripe sends people back to. What they did there is fetched now, webhook or not; the
/// request itself proves nothing and changes nothing but our copy.
pub async fn come_back(State(app): State<App>, who: BillingManager) -> Result<Response> {
    let allowed = app.limits.take_stripe_call(who.scope.org());
    let synced = match allowed {
        Ok(()) => billing::sync(&app, &who.scope, Deadline::of_click()).await,
        refused => refused,
    };
    if let Err(error) = synced {
        tracing::warn!(%error, "sync on return");
        flash(
            "info",
            "Welcome back. Stripe did not answer just now, so a change you made may show a little later.",
        );
    }
    Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())))
}

pub async fn sync_now(State(app): State<App>, who: BillingManager) -> Result<Response> {
    app.limits.take_stripe_call(who.scope.org())?;
    billing::sync(&app, &who.scope, Deadline::of_click()).await?;
    flash("success", "This is what Stripe holds right now.");
    Ok(see_other(&format!("/orgs/{}/billing", who.scope.slug())))
}
