//! The public pages. They know nobody, so they can be cached in front of us.
use crate::{
    App,
    billing::plans::{OFFERS, Offer, dollars},
    demo::DemoHint,
    web::Page,
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
}

pub struct PlanCard {
    pub key: &'static str,
    pub name: &'static str,
    pub tagline: &'static str,
    pub month: String,
    pub year: String,
    /// `per organisation` or `per seat`.
    pub per: String,
    pub trial: Option<String>,
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

pub async fn pricing() -> Page<Pricing> {
    Page::ok(Pricing { plans: OFFERS.iter().map(PlanCard::from).collect() })
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
            per: if offer.per_seat { "per seat".into() } else { "per organisation".into() },
            trial: offer.trial.map(|days| format!("{days}-day trial")),
            features: offer.features.iter().map(|&f| f.to_owned()).collect(),
            highlighted: offer.trial.is_some(),
        }
    }
}
