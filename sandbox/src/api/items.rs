//! Objects that can only be looked at.
use super::{Answer, Params, Refusal};
use crate::{state::World, wire};
use serde_json::json;

/// A charge is a part of its payment.
pub fn charge(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let found = wire::by_id(w, id).filter(|object| object["object"] == "charge");
    found.ok_or_else(|| Refusal::not_found("charge", id))
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
