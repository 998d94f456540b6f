//! Any object by its id, and the parts that are left out of it.
use super::{
    checkout::line_items, customer, invoice, json::whole, kinds, payment::charge, subscription::discount,
};
use crate::{objects::Invoice, state::World};
use serde_json::Value;

/// The object behind an id, whatever it is.
pub fn by_id(w: &World, id: &str) -> Option<Value> {
    match id.split('_').next()? {
        "ch" => w.payments.iter().find(|it| it.charge.as_deref() == Some(id)).map(|it| charge(w, it)),
        "di" => w
            .subscriptions
            .iter()
            .find_map(|sub| sub.discounts.iter().find(|it| it.id == id).map(|it| discount(sub, it)))
            // A `once` coupon is gone from its subscription; the invoice it was used on has it.
            .or_else(|| {
                let spent = |i: &Invoice| i.discounts.iter().find(|it| it.id == id).cloned();
                w.invoices
                    .iter()
                    .find_map(|i| Some(discount(w.subscriptions.get(i.subscription.as_ref()?)?, &spent(i)?)))
            }),
        _ => kinds::any(w, id),
    }
}

/// Parts that Stripe leaves out of an object until they are asked for by `expand[]`.
pub fn left_out(w: &World, object: &Value, part: &str) -> Option<Value> {
    let id = object["id"].as_str()?;
    match (object["object"].as_str()?, part) {
        ("checkout.session", "line_items") => w.checkout_sessions.get(id).map(|it| line_items(w, it)),
        ("customer", "subscriptions") => Some(customer::subscriptions(w, id)),
        ("customer", "tax_ids") => Some(customer::tax_ids(w, id)),
        ("customer", "sources") => Some(whole(&format!("/v1/customers/{id}/sources"), Vec::new())),
        ("invoice", "payments") => w.invoices.get(id).map(|it| invoice::payments(w, it)),
        ("invoice", "confirmation_secret") => Some(Value::Null),
        ("coupon", "applies_to") => Some(Value::Null),
        ("price", "tiers" | "currency_options") => Some(Value::Null),
        _ => None,
    }
}
