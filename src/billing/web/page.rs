//! What the billing page shows.
use super::{banner::Banner, details::DetailsForm, invoices::InvoiceLine};
use crate::{
    App,
    billing::{
        self, Entitlements,
        plans::{self, Interval, OFFERS, Offer, Plan},
    },
    db::At,
    error::Result,
    limit::Usage,
    orgs,
    web::{BillingManager, Errors, Shell},
    words,
};
use askama::Template;

#[derive(Template)]
#[template(path = "billing/billing.html")]
pub struct BillingPage {
    pub shell: Shell,
    pub plan: String,
    pub price: Option<String>,
    pub status: String,
    /// `ok`, `info`, `warn`, `bad` or `quiet`.
    pub status_kind: &'static str,
    pub detail: Option<String>,
    /// The most urgent problem.
    pub banner: Option<Banner>,
    /// The payment method that is charged.
    pub card: Option<String>,
    /// The customer's own payment method, where it is not the one charged.
    pub other_payment_method: Option<String>,
    pub next_payment: Option<String>,
    /// `2 of 10 members`
    pub usage: Vec<String>,
    /// A page of them, newest first.
    pub invoices: Vec<InvoiceLine>,
    /// Whether newer ones stand on another page.
    pub is_older_page: bool,
    /// The invoice before which the next page begins.
    pub next_invoices: Option<String>,
    /// What stands on invoices, or what was typed there.
    pub details: DetailsForm,
    pub errors: Errors,
    pub languages: &'static [(&'static str, &'static str)],
    /// Plans that can be chosen here; none while a subscription is alive, since the portal changes that.
    pub choices: Vec<PlanChoice>,
    pub alive: bool,
    pub ending: bool,
    /// It has several items, which the portal cannot change.
    pub by_hand: bool,
    /// Stripe's id of the customer, to tell support.
    pub customer: Option<String>,
    /// When Stripe was last asked.
    pub synced: Option<LastUpdate>,
    pub stripe_problem: Option<String>,
    /// Whether the sandbox is used in place of Stripe.
    pub sandbox: bool,
    pub features: Vec<String>,
}

/// How long ago Stripe was last asked, and exactly when.
pub struct LastUpdate {
    pub ago: String,
    pub at: String,
}

impl LastUpdate {
    fn of(at: At, now: At) -> Self {
        let ago = match (now.unix() - at.unix()).max(0) {
            0..60 => "just now".to_owned(),
            s @ 60..3_600 => format!("{} ago", words::several(s / 60, "minute")),
            s @ 3_600..86_400 => format!("{} ago", words::several(s / 3_600, "hour")),
            s => format!("{} ago", words::several(s / 86_400, "day")),
        };
        Self { ago, at: words::minute(at) }
    }
}

pub struct PlanChoice {
    pub key: &'static str,
    pub name: &'static str,
    pub tagline: &'static str,
    /// By which it can be paid: the interval's key, and `$29 a month`.
    pub prices: Vec<(Interval, String)>,
    pub per: &'static str,
    pub trial: Option<String>,
}

/// The page between Checkout and its result.
#[derive(Template)]
#[template(path = "billing/confirming.html")]
pub struct Confirming {
    pub shell: Shell,
    /// The page's own URL for the next look.
    pub again: String,
}

impl Confirming {
    pub fn of(who: &BillingManager, again: String) -> Self {
        Self { shell: Shell::inside(who, "billing"), again }
    }
}

impl BillingPage {
    /// With the invoices before the invoice `before`, where one is named.
    pub async fn of(app: &App, who: &BillingManager, before: Option<&str>) -> Result<Self> {
        let details = billing::details(app, &who.scope).await?.into();
        Self::with(app, who, before, details, Errors::default()).await
    }

    /// With what was typed as the billing details, and what is wrong with it.
    pub async fn with(
        app: &App,
        who: &BillingManager,
        before: Option<&str>,
        details: DetailsForm,
        errors: Errors,
    ) -> Result<Self> {
        let state = billing::state(app, &who.scope).await?;
        let invoices = billing::invoices(app, &who.scope, before).await?;
        let open = billing::open_invoices(app, &who.scope).await?;
        let had_trial = state.trial_used || billing::had_trial(app, who.person.id).await?;
        let customer = billing::customer(app, &who.scope).await?;
        let may = Entitlements::of(&state, app.billing_now());
        let used = billing::usage(app, &who.scope).await?;
        let members =
            used.iter().find(|used| used.limit.one == orgs::MEMBERS.one).map_or(0, |used| used.count);
        let (status, status_kind) = state.badge();
        let circuit_open = app
            .stripe
            .circuit_is_open()
            .then(|| "Stripe is not answering at the moment. This page may be out of date.".to_owned());
        Ok(Self {
            shell: Shell::inside(who, "billing"),
            plan: state.plan_name(),
            price: state.price(),
            status,
            status_kind,
            detail: state.detail(),
            banner: Banner::of(&state, &may, &open).or_else(|| Banner::of_seats(&may, members)),
            card: state.card(),
            other_payment_method: state.other_payment_method.clone(),
            next_payment: state.next_payment(),
            usage: usage(&may, &used),
            invoices: invoices.invoices.iter().map(|row| InvoiceLine::of(row, app.billing_now())).collect(),
            is_older_page: before.is_some(),
            next_invoices: invoices.next,
            details,
            errors,
            languages: billing::LANGUAGES,
            choices: if state.is_alive() { Vec::new() } else { choices(had_trial) },
            alive: state.is_alive(),
            ending: state.cancel_at.is_some(),
            by_hand: state.item_count > 1,
            customer: customer.map(|id| id.0),
            synced: state.synced_at.map(|at| LastUpdate::of(at, app.billing_now())),
            stripe_problem: circuit_open,
            sandbox: !app.config.is_real_stripe(),
            features: state.plan.offer().includes(),
        })
    }
}

fn choices(had_trial: bool) -> Vec<PlanChoice> {
    let paid = OFFERS.iter().filter(|offer| offer.plan != Plan::Free);
    paid.map(|offer: &Offer| PlanChoice {
        key: offer.plan.as_str(),
        name: offer.name,
        tagline: offer.tagline,
        prices: offer.prices().map(|(every, amount)| (every, price_of(every, amount))).collect(),
        per: if offer.per_seat { "per seat" } else { "per organisation" },
        trial: offer.trial.filter(|_| !had_trial).map(|days| format!("{days}-day trial")),
    })
    .collect()
}

fn price_of(every: Interval, amount: i64) -> String {
    format!("{} a {}", plans::price(amount), every.as_str())
}

fn usage(may: &Entitlements, used: &[Usage]) -> Vec<String> {
    let text = |used: &Usage| match may.limit(&used.limit) {
        Some(most) if used.count > most => {
            format!("{}, {} more than the plan includes", used.text(), used.count - most)
        }
        Some(most) => format!("{} of {}", used.count, words::several(most, used.limit.one)),
        None => format!("{}, no limit", used.text()),
    };
    let seats = may.seats().map(|seats| format!("{} paid for", words::several(seats, "seat")));
    used.iter().map(text).chain(seats).collect()
}
