//! Items of a subscription by themselves.
use super::{Answer, Paging, Params, Refusal, subscription_update::ProrationBehavior};
use crate::{
    engine::{self, Change, Holder, ItemChange, Proration},
    objects::Item,
    params::Int,
    state::{Row, World},
    wire,
};
use serde::Deserialize;

/// So that they can be paged; they are kept inside their subscription.
impl Row for Item {
    const KIND: &'static str = "subscription_item";
    fn id(&self) -> &str {
        &self.id
    }
}

pub fn list(w: &World, mut p: Params) -> Answer {
    let (paging, id) = (Paging::take(&mut p)?, p.required("subscription")?);
    p.finish()?;
    let sub =
        w.subscriptions.get(&id).ok_or_else(|| Refusal::no_such("subscription", &id, "subscription"))?;
    paging.of("/v1/subscription_items", sub.items.iter(), |item| wire::subscription_item(w, sub, item))
}

pub fn retrieve(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let found =
        w.subscriptions.iter().find_map(|sub| Some((sub, sub.items.iter().find(|item| item.id == id)?)));
    let (sub, item) = found.ok_or_else(|| Refusal::not_found("subscription item", id))?;
    Ok(wire::subscription_item(w, sub, item))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    price: Option<String>,
    quantity: Option<Int<0, 1_000_000>>,
    proration_behavior: Option<ProrationBehavior>,
}

const WITHOUT_EFFECT: &[&str] =
    &["metadata", "tax_rates", "discounts", "off_session", "payment_behavior", "proration_date"];

pub fn update(w: &mut World, id: &str, p: Params) -> Answer {
    let given: Fields = p.read_but(WITHOUT_EFFECT)?;
    let sub = w.subscriptions.iter().find(|sub| sub.is_alive() && sub.items.iter().any(|item| item.id == id));
    let sub = sub.map(|sub| sub.id.clone()).ok_or_else(|| Refusal::not_found("subscription item", id))?;
    let quantity = given.quantity.map(|quantity| quantity.0);
    let item = ItemChange { id: Some(id.to_owned()), price: given.price, quantity, deleted: false };
    let proration = given.proration_behavior.map(Proration::from).unwrap_or_default();
    let change = Change { items: vec![item], proration, ..Change::default() };
    engine::say_change(w, &sub, |w| match engine::change(w, &sub, &change, Holder::Absent) {
        Err(refusal) if !refusal.stands => Err(refusal),
        _ => Ok(()),
    })?;
    retrieve(w, id, Params::default())
}
