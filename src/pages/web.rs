//! The public pages. Only the pricing page knows who is signed in: it leads whoever may buy for an organisation
//! straight to Stripe, and tells others whom to ask.
use crate::{
    App,
    account::Membership,
    billing::{
        self, Action, BillingState,
        plans::{self, Interval, OFFERS, Offer, Plan},
    },
    demo::DemoHint,
    error::Result,
    web::{Page, Query, SignedIn},
};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "pages/landing.html")]
pub struct Landing {
    pub demo: Option<DemoHint>,
}

#[derive(Template)]
#[template(path = "pages/pricing.html")]
pub struct Pricing {
    pub plans: Vec<PlanCard>,
    pub buyer: Buyer,
}

/// Whom the page is shown to.
pub enum Buyer {
    /// Nobody we know, or somebody without an organisation.
    Stranger,
    /// Somebody who may buy for this organisation; the others that they may buy for.
    Of { org: String, slug: String, others: Vec<(String, String)> },
    /// Somebody who may buy for several and has not said for which: slugs and names.
    OfSeveral(Vec<(String, String)>),
    /// A member who may not buy; the organisation, and who may.
    Member { org: String, ask: Vec<String> },
}

pub struct PlanCard {
    pub key: &'static str,
    pub name: &'static str,
    pub tagline: &'static str,
    /// What it costs; none where it costs nothing.
    pub prices: Vec<CardPrice>,
    pub trial: Option<String>,
    /// On the button of strangers.
    pub verb: String,
    pub features: Vec<String>,
    pub highlighted: bool,
}

pub struct CardPrice {
    /// `month` or `year`.
    pub interval: &'static str,
    pub amount: String,
    /// `per seat`, `per organisation, saves $58`
    pub note: String,
    /// Shown only while the page's switch says so, where the plan is sold by both.
    pub class: &'static str,
    pub choice: Choice,
}

/// What a buyer can do with a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Choose,
    /// It is what the organisation pays.
    Current,
    /// Something else comes first; the billing page says what.
    SeeBilling,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct For {
    /// The slug of the organisation to buy for.
    org: String,
}

impl Pricing {
    /// Whether there is anything to switch between.
    pub fn has_switch(&self) -> bool {
        self.plans.iter().any(|plan| plan.prices.len() > 1)
    }

    /// As a price of nothing is written.
    pub fn nothing(&self) -> String {
        plans::price(0)
    }
}

#[derive(Template)]
#[template(path = "pages/terms.html")]
pub struct Terms {}

#[derive(Template)]
#[template(path = "pages/privacy.html")]
pub struct Privacy {}

pub async fn landing(State(app): State<App>) -> Page<Landing> {
    Page::ok(Landing { demo: app.demo_hint() })
}

pub async fn pricing(
    State(app): State<App>,
    who: Option<SignedIn>,
    Query(asked): Query<For>,
) -> Result<Page<Pricing>> {
    let buyer = match &who {
        Some(who) => buyer(&app, who, &asked.org).await?,
        None => Buyer::Stranger,
    };
    let mut state = match (&who, &buyer) {
        (Some(who), Buyer::Of { slug, .. }) => state_in(&app, who, slug).await?,
        _ => BillingState::default(),
    };
    if let Some(who) = &who {
        state.trial_used = state.trial_used || billing::had_trial(&app, who.id).await?;
    }
    let plans = OFFERS.iter().map(|offer| PlanCard::of(offer, &state)).collect();
    Ok(Page::ok(Pricing { plans, buyer }))
}

/// For which organisation a person buys here: the one they name, or the only one there is.
async fn buyer(app: &App, who: &SignedIn, asked: &str) -> Result<Buyer> {
    let may_bill = |it: &&Membership| it.role.may_bill();
    let named = |it: &Membership| (it.slug.clone(), it.org_name.clone());
    let all: Vec<(String, String)> = who.memberships().iter().filter(may_bill).map(named).collect();
    let chosen =
        all.iter().find(|(slug, _)| slug == asked).or_else(|| all.first().filter(|_| all.len() == 1));
    if let Some((slug, org)) = chosen.cloned() {
        let others = all.into_iter().filter(|(it, _)| *it != slug).collect();
        return Ok(Buyer::Of { org, slug, others });
    }
    match who.memberships() {
        _ if all.len() > 1 => Ok(Buyer::OfSeveral(all)),
        [] => Ok(Buyer::Stranger),
        [first, ..] => {
            let ask = match who.membership_in(&first.slug) {
                Some((scope, _)) => billing::managers(app, &scope).await?,
                None => Vec::new(),
            };
            Ok(Buyer::Member { org: first.org_name.clone(), ask })
        }
    }
}

async fn state_in(app: &App, who: &SignedIn, slug: &str) -> Result<BillingState> {
    match who.membership_in(slug) {
        Some((scope, _)) => billing::state(app, &scope).await,
        None => Ok(BillingState::default()),
    }
}

pub async fn terms() -> Page<Terms> {
    Page::ok(Terms {})
}

pub async fn privacy() -> Page<Privacy> {
    Page::ok(Privacy {})
}

impl PlanCard {
    /// A plan, and what somebody whose organisation stands like this can do with it.
    fn of(offer: &Offer, state: &BillingState) -> Self {
        let trial = offer.trial.filter(|_| !state.trial_used);
        Self {
            key: offer.plan.as_str(),
            name: offer.name,
            tagline: offer.tagline,
            prices: offer
                .prices()
                .map(|(every, amount)| CardPrice::of(offer, every, amount, state))
                .collect(),
            verb: match trial {
                Some(_) => "Start the trial".into(),
                None => format!("Start with {}", offer.name),
            },
            trial: trial.map(|days| format!("{days}-day trial")),
            features: offer.includes(),
            highlighted: offer.highlighted,
        }
    }
}

impl CardPrice {
    fn of(offer: &Offer, every: Interval, amount: i64, state: &BillingState) -> Self {
        let per = if offer.per_seat { "per seat" } else { "per organisation" };
        let saved = offer.saved_by_year().filter(|_| every == Interval::Year);
        Self {
            interval: every.as_str(),
            amount: plans::price(amount),
            note: saved.map_or(per.to_owned(), |saved| format!("{per}, saves {}", plans::price(saved))),
            class: match every {
                _ if offer.prices().count() < 2 => "",
                Interval::Month => "by-month",
                Interval::Year => "by-year",
            },
            choice: choice(offer.plan, every, state),
        }
    }
}

fn choice(plan: Plan, every: Interval, state: &BillingState) -> Choice {
    let same = state.plan == plan && state.interval.as_deref() == Some(every.as_str());
    match state.is_alive() {
        true if same && !state.unknown_price => Choice::Current,
        true if billing::is_available(state, Action::ChangePlan) => Choice::Choose,
        false if billing::is_available(state, Action::ChoosePlan) => Choice::Choose,
        _ => Choice::SeeBilling,
    }
}
