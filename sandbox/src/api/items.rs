//! Objects that can only be looked at.
use super::{
    Answer, Paging, Params, Refusal,
    list::{Span, page_of_objects},
};
use crate::{state::World, wire};
use serde_json::json;

/// A charge is a part of its payment.
pub fn charge(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let found = wire::by_id(w, id).filter(|object| object["object"] == "charge");
    found.ok_or_else(|| Refusal::not_found("charge", id))
}

/// Tries to pay with a card or a bank account.
pub fn charges(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (customer, payment) = (p.word("customer")?, p.word("payment_intent")?);
    p.finish()?;
    super::customers::known(w, customer.as_deref())?;
    let made = w.payments.iter().rev().filter(|it| {
        it.charge.is_some()
            && span.holds(it.created)
            && customer.as_ref().is_none_or(|customer| it.customer == *customer)
            && payment.as_ref().is_none_or(|payment| it.id == *payment)
    });
    page_of_objects(&paging, "/v1/charges", made.map(|it| wire::charge(w, it)).collect())
}

pub fn account(p: Params) -> Answer {
    p.finish()?;
    Ok(json!({ "id": "acct_sandbox", "object": "account", "charges_enabled": true, "country": "US",
        "default_currency": "usd", "details_submitted": true, "email": "sandbox@example.com", "livemode": false,
        "metadata": {}, "payouts_enabled": true, "type": "standard" }))
}

pub fn balance(p: Params) -> Answer {
    p.finish()?;
    Ok(json!({ "object": "balance", "available": [{ "amount": 0, "currency": "usd" }], "livemode": false,
        "pending": [{ "amount": 0, "currency": "usd" }] }))
}
