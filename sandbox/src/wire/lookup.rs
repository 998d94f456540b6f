//! Any object by its id, and the parts that are left out of it.
use super::{
    catalogue::{applies_to, tiers},
    checkout::line_items,
    customer, invoice,
    json::whole,
    kinds,
    payment::charge,
    subscription::discount,
};
use crate::{objects::Discount, state::World};
use serde_json::Value;

/// The object behind an id, whatever it is.
pub fn by_id(w: &World, id: &str) -> Option<Value> {
    match id.split('_').next()? {
        "ch" => w.payments.iter().find(|it| it.charge.as_deref() == Some(id)).map(|it| charge(w, it)),
        "di" => found_discount(w, id).map(discount),
        _ => kinds::any(w, id),
    }
}

/// On its subscription or its customer; one that is used up is still on the invoices it was used for.
fn found_discount<'w>(w: &'w World, id: &str) -> Option<&'w Discount> {
    let on_customers = w.customers.iter().filter_map(|customer| customer.discount.as_ref());
    let all = w.subscriptions.iter().flat_map(|sub| &sub.discounts).chain(on_customers);
    let mut all = all.chain(w.invoices.iter().flat_map(|invoice| &invoice.discounts));
    all.find(|discount| discount.id == id)
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
        ("coupon", "applies_to") => w.coupons.get(id).map(applies_to),
        ("price", "tiers") => w.prices.get(id).map(tiers),
        ("price", "currency_options") => Some(Value::Null),
        _ => None,
    }
}
