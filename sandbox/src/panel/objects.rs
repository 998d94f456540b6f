//! Everything the sandbox holds, by kind, as clients see it.
use crate::{
    refusal::{Answer, Refusal},
    state::World,
    wire,
};
use serde_json::Value;

pub const KINDS: [&str; 16] = [
    "customer",
    "payment_method",
    "tax_id",
    "subscription",
    "subscription_schedule",
    "invoice",
    "invoiceitem",
    "payment_intent",
    "checkout.session",
    "billing_portal.session",
    "billing_portal.configuration",
    "product",
    "price",
    "coupon",
    "promotion_code",
    "webhook_endpoint",
];

/// Of one kind or of all, of one customer or of everybody; oldest first.
pub fn all(w: &World, kind: Option<&str>, customer: Option<&str>) -> Answer<Vec<Value>> {
    let plain = |word: &str| word.replace('.', "_");
    let kinds: Vec<&str> =
        KINDS.into_iter().filter(|known| kind.is_none_or(|word| plain(word) == plain(known))).collect();
    if kinds.is_empty() {
        return Err(Refusal::invalid(format!("Invalid type: must be one of {}", KINDS.join(", "))).at("type"));
    }
    let objects = kinds.into_iter().flat_map(|kind| of(w, kind));
    let theirs = |object: &Value| customer.is_none_or(|id| object["customer"] == id || object["id"] == id);
    Ok(objects.filter(theirs).collect())
}

pub fn by_id(w: &World, id: &str) -> Option<Value> {
    let endpoint = || w.endpoints.get(id).map(|it| wire::endpoint(it, false));
    let session = || w.portal_sessions.get(id).map(|it| wire::portal_session(w, it));
    w.events.get(id).map(wire::event).or_else(endpoint).or_else(session).or_else(|| wire::by_id(w, id))
}

fn of(w: &World, kind: &str) -> Vec<Value> {
    match kind {
        "customer" => w.customers.iter().map(wire::customer).collect(),
        "payment_method" => w.payment_methods.iter().map(wire::payment_method).collect(),
        "tax_id" => w.tax_ids.iter().map(wire::tax_id).collect(),
        "subscription" => w.subscriptions.iter().map(|it| wire::subscription(w, it)).collect(),
        "subscription_schedule" => w.schedules.iter().map(|it| wire::schedule(w, it)).collect(),
        "invoice" => w.invoices.iter().map(|it| wire::invoice(w, it)).collect(),
        "invoiceitem" => w.invoice_items.iter().map(|it| wire::invoice_item(w, it)).collect(),
        "payment_intent" => w.payments.iter().map(wire::payment_intent).collect(),
        "checkout.session" => w.checkout_sessions.iter().map(|it| wire::checkout_session(w, it)).collect(),
        "billing_portal.session" => w.portal_sessions.iter().map(|it| wire::portal_session(w, it)).collect(),
        "billing_portal.configuration" => {
            w.portal_configurations.iter().map(wire::portal_configuration).collect()
        }
        "product" => w.products.iter().map(wire::product).collect(),
        "price" => w.prices.iter().map(wire::price).collect(),
        "coupon" => w.coupons.iter().map(|it| wire::coupon(w, it)).collect(),
        "promotion_code" => w.promotion_codes.iter().map(wire::promotion_code).collect(),
        "webhook_endpoint" => w.endpoints.iter().map(|it| wire::endpoint(it, false)).collect(),
        _ => Vec::new(),
    }
}
