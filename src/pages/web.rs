//! The public pages. Only the pricing page knows who is signed in: it leads whoever can buy for one
//! organisation straight to its billing page.
use crate::{
    App,
    billing::plans::{OFFERS, Offer, dollars},
    demo::DemoHint,
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
    pub month: String,
    pub year: String,
    /// What paying by the year saves.
    pub saved: String,
    /// `per organisation` or `per seat`.
    pub per: String,
    pub trial: Option<String>,
    /// On the button.
    pub verb: String,
    pub features: Vec<String>,
    pub highlighted: bool,
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

pub async fn pricing(who: Option<SignedIn>) -> Page<Pricing> {
    let buyer = who.as_ref().and_then(only_org_to_buy_for);
    Page::ok(Pricing { plans: OFFERS.iter().map(PlanCard::from).collect(), buyer })
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

impl From<&Offer> for PlanCard {
    fn from(offer: &Offer) -> Self {
        Self {
            key: offer.plan.as_str(),
            name: offer.name,
            tagline: offer.tagline,
            month: dollars(offer.month),
            year: dollars(offer.year),
            saved: dollars(offer.month * 12 - offer.year),
            per: if offer.per_seat { "per seat".into() } else { "per organisation".into() },
            verb: match offer.trial {
                Some(_) => "Start the trial".into(),
                None => format!("Start with {}", offer.name),
            },
            trial: offer.trial.map(|days| format!("{days}-day trial")),
            features: offer.includes(),
            highlighted: offer.trial.is_some(),
        }
    }
}
