//! What a fresh sandbox sells: the plans of Portico's own catalogue, under the lookup keys that
//! `portico stripe setup` would give them, and the portal that goes with them.
use super::{
    objects::*,
    state::{Every, World},
};

struct Sold {
    key: &'static str,
    name: &'static str,
    description: &'static str,
    /// US cents, a month and a year.
    month: i64,
    year: i64,
    per_seat: bool,
    features: &'static [&'static str],
}

const PLANS: [Sold; 2] = [
    Sold {
        key: "pro",
        name: "Pro",
        description: "For a team that relies on it.",
        month: 2_900,
        year: 29_000,
        per_seat: false,
        features: &["50 projects", "Up to 10 members", "Audit log for a year", "Support by e-mail"],
    },
    Sold {
        key: "business",
        name: "Business",
        description: "For a company with rules to keep.",
        month: 1_500,
        year: 15_000,
        per_seat: true,
        features: &[
            "Unlimited projects",
            "As many members as you pay for",
            "Audit log export",
            "Support within a working day",
        ],
    },
];

/// Nothing if anything is sold already.
pub fn furnish(w: &mut World) {
    if w.products.len() > 0 || w.portal_configurations.len() > 0 {
        return;
    }
    let products = PLANS.iter().map(|plan| product(w, plan)).collect();
    coupon(w);
    portal(w, products);
}

fn product(w: &mut World, plan: &Sold) -> SwitchProduct {
    let (id, now) = (w.id("prod_"), w.now());
    let marketing_features = plan.features.iter().map(|name| (*name).to_owned()).collect();
    let metadata = Metadata::from([("app".into(), "portico".into()), ("plan".into(), plan.key.into())]);
    let prices = [("month", plan.month), ("year", plan.year)]
        .map(|(interval, amount)| price(w, plan, &id, interval, amount));
    let unit_label = plan.per_seat.then(|| "seat".to_owned());
    let (name, default_price) = (plan.name.to_owned(), Some(prices[0].clone()));
    w.products.put(Product {
        id: id.clone(),
        created: now,
        updated: now,
        active: true,
        name,
        description: Some(plan.description.to_owned()),
        marketing_features,
        default_price,
        unit_label,
        metadata,
        ..Product::default()
    });
    let (adjustable_quantity, prices) = (plan.per_seat, prices.into());
    SwitchProduct {
        product: id,
        prices,
        adjustable_quantity,
        minimum: 1,
        maximum: plan.per_seat.then_some(500),
    }
}

fn price(w: &mut World, plan: &Sold, product: &str, interval: &str, unit_amount: i64) -> String {
    let (id, created) = (w.id("price_"), w.now());
    w.prices.put(Price {
        id: id.clone(),
        created,
        active: true,
        product: product.into(),
        currency: "usd".into(),
        unit_amount,
        recurring: Some(Every { interval: interval.into(), count: 1 }),
        lookup_key: Some(format!("{}_{interval}", plan.key)),
        nickname: None,
        tax_behavior: "unspecified".into(),
        metadata: Metadata::from([("app".into(), "portico".into()), ("plan".into(), plan.key.into())]),
    });
    id
}

/// `WELCOME`: a quarter off the first three months.
fn coupon(w: &mut World) {
    let created = w.now();
    w.coupons.put(Coupon {
        id: "welcome25".into(),
        created,
        name: Some("Welcome".into()),
        percent_off: Some(25.0),
        duration: "repeating".into(),
        duration_in_months: Some(3),
        ..Coupon::default()
    });
    let id = w.id("promo_");
    let (code, coupon) = ("WELCOME".into(), "welcome25".into());
    w.promotion_codes.put(PromotionCode {
        id,
        created,
        code,
        coupon,
        active: true,
        ..PromotionCode::default()
    });
}

fn portal(w: &mut World, products: Vec<SwitchProduct>) {
    let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let (id, now) = (w.id("bpc_"), w.now());
    w.portal_configurations.put(PortalConfiguration {
        id,
        created: now,
        updated: now,
        active: true,
        is_default: true,
        headline: Some("Manage your plan and payments".into()),
        metadata: Metadata::from([("app".into(), "portico".into())]),
        features: Features {
            customer_update: true,
            customer_allowed_updates: words(&["address", "name", "tax_id"]),
            invoice_history: true,
            payment_method_update: true,
            cancel: true,
            cancel_mode: "at_period_end".into(),
            cancel_proration: "none".into(),
            cancel_reason: true,
            cancel_reasons: words(&[
                "too_expensive",
                "missing_features",
                "switched_service",
                "unused",
                "other",
            ]),
            update: true,
            update_allowed: words(&["price", "quantity", "promotion_code"]),
            update_products: products,
            update_proration: "always_invoice".into(),
            update_anchor: "unchanged".into(),
            update_trial: "continue_trial".into(),
            update_at_period_end: words(&["shortening_interval"]),
            pause: false,
        },
        ..PortalConfiguration::default()
    });
}
