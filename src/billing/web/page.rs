//! What the billing page shows.
use super::{banner::Banner, details_form::DetailsForm, invoices::InvoiceLine};
use crate::{
    App,
    billing::{
        self, Action, AddOn, Availability, BillingState, Entitlements, availability, is_available,
        plans::{self, Interval, OFFERS, Offer, Plan},
    },
    db::At,
    error::Result,
    limit::Usage,
    orgs,
    web::{BillingManager, Errors, Shell},
    words::{self, money},
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
    /// What needs attention, the most urgent first.
    pub banners: Vec<Banner>,
    /// The payment method that is charged.
    pub payment_method: Option<String>,
    /// Invoices are sent; nothing is charged.
    pub invoiced: bool,
    /// The customer's own payment method, where it is not the one charged.
    pub other_payment_method: Option<String>,
    pub next_payment: Option<String>,
    /// What the next payment is made of.
    pub next_parts: Vec<String>,
    /// Credit with us, for the next payments.
    pub credit: Option<String>,
    /// Other products in the subscription.
    pub add_ons: Vec<String>,
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
    /// Buttons that lead to the portal: its page, and the label.
    pub actions: Vec<(&'static str, &'static str)>,
    /// Only support can change the plan.
    pub ask_support: bool,
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
        let choices = match is_available(&state, Action::ChoosePlan) {
            true => choices(state.trial_used || billing::had_trial(app, who.person.id).await?),
            false => Vec::new(),
        };
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
            banners: Banner::all(&state, &may, members, &open),
            payment_method: state.payment_method.clone(),
            invoiced: state.invoiced,
            other_payment_method: state.other_payment_method.clone(),
            next_payment: state.next_payment.as_ref().map(|next| next.text()),
            next_parts: state.next_payment.as_ref().map(|next| next.parts()).unwrap_or_default(),
            credit: credit(&state),
            add_ons: state.add_ons.iter().map(AddOn::text).collect(),
            usage: usage(&may, &used),
            invoices: invoices.invoices.iter().map(|row| InvoiceLine::of(row, app.billing_now())).collect(),
            is_older_page: before.is_some(),
            next_invoices: invoices.next,
            details,
            errors,
            languages: billing::LANGUAGES,
            choices,
            alive: state.is_alive(),
            actions: actions(&state),
            ask_support: state.is_alive()
                && availability(&state, Action::ChangePlan) == Availability::Support,
            customer: customer.map(|id| id.0),
            synced: state.synced_at.map(|at| LastUpdate::of(at, app.billing_now())),
            stripe_problem: circuit_open,
            sandbox: !app.config.is_real_stripe(),
            features: state.plan.offer().includes(),
        })
    }
}

/// The portal's pages that can be reached now.
fn actions(state: &BillingState) -> Vec<(&'static str, &'static str)> {
    let all = [
        (Action::Resume, "resume", if state.cancel_at.is_some() { "Keep the plan" } else { "Resume plan" }),
        (Action::UpdatePaymentMethod, "payment_method", "Update payment method"),
        (Action::ChangePlan, "change_plan", "Change plan"),
        (Action::CancelPlan, "cancel", "Cancel plan"),
    ];
    let offered = all.into_iter().filter(|(action, ..)| is_available(state, *action));
    offered.map(|(_, flow, label)| (flow, label)).collect()
}

/// `$12.00, used for your next payments`
fn credit(state: &BillingState) -> Option<String> {
    let amount = money(state.credit.abs(), state.currency.as_deref()?);
    match state.credit {
        0 => None,
        1.. => Some(format!("{amount}, used for your next payments")),
        _ => Some(format!("{amount} owed, added to your next payment")),
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
        None if used.limit.one == orgs::MEMBERS.one => match may.seats() {
            Some(seats) => format!("{}, {} paid for", used.text(), words::several(seats, "seat")),
            None => format!("{}, no limit", used.text()),
        },
        None => format!("{}, no limit", used.text()),
    };
    used.iter().map(text).collect()
}
