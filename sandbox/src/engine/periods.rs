//! Where periods of a subscription begin and end.
use crate::{objects::Subscription, state::World};

/// The subscription as its next period begins: with the change that waits for it, without discounts
/// that have run out, and no further than its end. After a trial the anchor is the trial's end.
pub fn next_period(w: &World, sub: &Subscription) -> Subscription {
    let mut next = sub.clone();
    if sub.status == "trialing" {
        next.status = "active".into();
        next.billing_cycle_anchor = sub.trial_end.unwrap_or(sub.billing_cycle_anchor);
    }
    if let (Some(waits), Some(item)) =
        (sub.schedule.as_ref().and_then(|name| w.schedules.get(name)), next.items.first_mut())
    {
        (item.price, item.quantity) = (waits.price.clone(), waits.quantity);
    }
    let begins = sub.period_end();
    next.discounts.retain(|discount| discount.end.is_none_or(|end| end > begins));
    for item in &mut next.items {
        let start = item.current_period_end;
        let end = period_after(w, &item.price, start, next.billing_cycle_anchor);
        item.current_period_start = start;
        item.current_period_end = sub.cancel_at.filter(|at| *at > start).map_or(end, |at| at.min(end));
    }
    next
}

pub fn period_after(w: &World, price: &str, start: i64, anchor: i64) -> i64 {
    let every = w.prices.get(price).and_then(|price| price.recurring.clone());
    every.map_or(start, |every| every.after(start, anchor))
}
