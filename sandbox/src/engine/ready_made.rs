//! Stripe's ready-made test cards (`pm_card_visa`), and how a payment method gets to its customer.
use super::{
    cards::{self, Holder},
    customers::add_card,
};
use crate::{
    objects::Card,
    refusal::{Answer, Refusal},
    state::World,
    wire,
};

/// Stripe's ready-made test ids and tokens, and the test card behind each.
const READY_MADE: [(&str, &str); 9] = [
    ("visa", "4242424242424242"),
    ("mastercard", "5555555555554444"),
    ("amex", "378282246310005"),
    ("visa_debit", "4000056655665556"),
    ("chargeDeclined", "4000000000000002"),
    ("chargeDeclinedInsufficientFunds", "4000000000009995"),
    ("chargeCustomerFail", "4000000000000341"),
    ("authenticationRequiredOnSetup", "4000002500003155"),
    ("authenticationRequired", "4000002760003184"),
];

/// The card behind a ready-made id or token.
pub fn ready_made(id: &str) -> Option<Card> {
    let name = id.strip_prefix("pm_card_").or(id.strip_prefix("tok_"))?;
    let (_, number) = READY_MADE.iter().find(|(known, _)| *known == name)?;
    cards::by_number(number).ok().map(cards::TestCard::card)
}

/// Attaches one, or a fresh copy of a ready-made one; its id.
pub fn attach(w: &mut World, id: &str, customer: &str) -> Answer<String> {
    if let Some(card) = ready_made(id) {
        cards::admit(&card)?;
        return add_card(w, customer, card, Holder::Approves).inspect(|id| {
            // By API nobody was asked, so nobody has approved.
            if let Some(method) = w.payment_methods.change(id) {
                method.card.iter_mut().for_each(|card| card.authenticated = false);
            }
        });
    }
    let method = w.payment_methods.get(id).ok_or_else(|| Refusal::not_found("PaymentMethod", id))?;
    match method.customer.as_deref() {
        Some(owner) if owner == customer => return Ok(id.to_owned()),
        None if method.detached => {
            return Err(Refusal::invalid(
                "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.",
            ));
        }
        Some(_) => {
            return Err(Refusal::invalid(
                "The payment method you provided has already been attached to a customer.",
            ));
        }
        None => method.card.as_ref().map_or(Ok(()), cards::admit)?,
    }
    if let Some(method) = w.payment_methods.change(id) {
        method.customer = Some(customer.to_owned());
    }
    if let Some(object) = wire::by_id(w, id) {
        w.emit("payment_method.attached", object);
    }
    Ok(id.to_owned())
}
