//! The public pages. Only the pricing page knows who is signed in: it leads whoever can buy for one
//! organisation straight to its billing page.
use crate::{
    App,
    billing::{
        self,
        plans::{self, Interval, OFFERS, Offer},
    },
    demo::DemoHint,
    error::Result,
    web::{Page, SignedIn},
};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "pages/landing.html")]
pub struct Landing {
    pub demo: Option<DemoHint>,
}

#[derive(Template)]
#[template(path = "pages/pricing.html")]
pub struct Pricing {
    pub plans: Vec<PlanCard>,
    /// The organisation that this person buys for, where there is just one.
    pub buyer: Option<String>,
}

pub struct PlanCard {
    pub key: &'static str,
    pub name: &'static str,
    pub tagline: &'static str,
    /// What it costs; none where it costs nothing.
    pub prices: Vec<CardPrice>,
    pub trial: Option<String>,
    /// On the button.
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

pub async fn pricing(State(app): State<App>, who: Option<SignedIn>) -> Result<Page<Pricing>> {
    let buyer = who.as_ref().and_then(only_org_to_buy_for);
    let has_trial = match &who {
        Some(who) => billing::trial_is_open(&app, who.id, buyer.as_deref()).await?,
        None => true,
    };
    let plans = OFFERS.iter().map(|offer| PlanCard::of(offer, has_trial)).collect();
    Ok(Page::ok(Pricing { plans, buyer }))
}

fn only_org_to_buy_for(who: &SignedIn) -> Option<String> {
    let mut buying = who.memberships().iter().filter(|membership| membership.role.may_bill());
    buying.next().filter(|_| buying.next().is_none()).map(|only| only.slug.clone())
}

pub async fn terms() -> Page<Terms> {
    Page::ok(Terms {})
}

pub async fn privacy() -> Page<Privacy> {
    Page::ok(Privacy {})
}

impl PlanCard {
    /// `has_trial`: whether whoever looks at it would begin with the plan's trial.
    fn of(offer: &Offer, has_trial: bool) -> Self {
        let trial = offer.trial.filter(|_| has_trial);
        Self {
            key: offer.plan.as_str(),
            name: offer.name,
            tagline: offer.tagline,
            prices: offer.prices().map(|(every, amount)| CardPrice::of(offer, every, amount)).collect(),
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
    fn of(offer: &Offer, every: Interval, amount: i64) -> Self {
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
        }
    }
}
