//! The public pages. Only the pricing page knows who is signed in: it leads whoever can buy for one
//! organisation straight to its billing page.
use crate::{
    App,
    billing::plans::{self, Interval, OFFERS, Offer},
    demo::DemoHint,
    mail,
    web::{Page, SignedIn, see_other},
    words,
};
use askama::Template;
use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use time::Duration;

/// After this, whoever kept a copy of security.txt should look again. RFC 9116 asks for less than a year.
const SECURITY_TXT_LIFETIME: Duration = Duration::days(180);

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

pub async fn pricing(who: Option<SignedIn>) -> Page<Pricing> {
    let buyer = who.as_ref().and_then(only_org_to_buy_for);
    Page::ok(Pricing { plans: OFFERS.iter().map(PlanCard::from).collect(), buyer })
}

/// How to report a hole (RFC 9116). Whoever sends the mails also reads what is answered.
pub async fn security_txt(State(app): State<App>) -> Response {
    let contact = mail::address_of(&app.config.mail_from).unwrap_or_default();
    let expires = words::instant(app.clock.now() + SECURITY_TXT_LIFETIME);
    let canonical = app.url("/.well-known/security.txt");
    let text = format!(
        "Contact: mailto:{contact}\nExpires: {expires}\nPreferred-Languages: en\nCanonical: {canonical}\n"
    );
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Where password managers send people (<https://w3c.github.io/webappsec-change-password-url/>).
pub async fn change_password() -> Response {
    see_other("/account/security")
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
            prices: offer.prices().map(|(every, amount)| CardPrice::of(offer, every, amount)).collect(),
            verb: match offer.trial {
                Some(_) => "Start the trial".into(),
                None => format!("Start with {}", offer.name),
            },
            trial: offer.trial.map(|days| format!("{days}-day trial")),
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
