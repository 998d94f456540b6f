//! Any object by its id, and the parts that are left out of it.
use super::{
    catalogue::{coupon, price, product, promotion_code},
    checkout::{checkout_session, line_items},
    customer::{self, customer, payment_method, tax_id},
    event::test_clock,
    invoice::{self, invoice, invoice_item},
    json::whole,
    payment::{charge, payment_intent},
    portal::portal_configuration,
    subscription::{discount, schedule, subscription},
};
use crate::{objects::Invoice, state::World};
use serde_json::Value;

/// The object behind an id, whatever it is.
pub fn by_id(w: &World, id: &str) -> Option<Value> {
    let kind = id.split('_').next()?;
    match kind {
        "cus" => w.customers.get(id).map(customer),
        "pm" => w.payment_methods.get(id).map(payment_method),
        "prod" => w.products.get(id).map(product),
        "price" => w.prices.get(id).map(price),
        "promo" => w.promotion_codes.get(id).map(promotion_code),
        "sub" if id.starts_with("sub_sched_") => w.schedules.get(id).map(|it| schedule(w, it)),
        "sub" => w.subscriptions.get(id).map(|it| subscription(w, it)),
        "in" => w.invoices.get(id).map(|it| invoice(w, it)),
        "ii" => w.invoice_items.get(id).map(|it| invoice_item(w, it)),
        "pi" => w.payments.get(id).map(payment_intent),
        "ch" => w.payments.iter().find(|it| it.charge.as_deref() == Some(id)).map(|it| charge(w, it)),
        "cs" => w.checkout_sessions.get(id).map(|it| checkout_session(w, it)),
        "bpc" => w.portal_configurations.get(id).map(portal_configuration),
        "clock" => w.test_clocks.get(id).map(|it| test_clock(w, it)),
        "txi" => w.tax_ids.get(id).map(tax_id),
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
        _ => w.products.get(id).map(product).or_else(|| w.coupons.get(id).map(|it| coupon(w, it))),
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
