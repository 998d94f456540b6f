//! Where periods of a subscription begin and end.
use crate::{
    objects::{Item, Phase, Schedule, Subscription},
    state::World,
};

/// The subscription as its next period begins: with the change that waits for it, without discounts
/// that have run out, and no further than its end. After a trial the anchor is the trial's end.
pub fn next_period(w: &World, sub: &Subscription) -> Subscription {
    let mut next = sub.clone();
    if sub.status == "trialing" {
        next.status = "active".into();
        next.billing_cycle_anchor = sub.trial_end.unwrap_or(sub.billing_cycle_anchor);
    }
    let begins = sub.period_end();
    let schedule = sub.schedule.as_ref().and_then(|name| w.schedules.get(name));
    if let Some(phase) = schedule.and_then(Schedule::next).filter(|phase| phase.start <= begins) {
        next.items = items_of(&next, phase);
    }
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

/// The items of a phase: those that are there already, of the same price or in the same place, keep their
/// ids.
pub fn items_of(sub: &Subscription, phase: &Phase) -> Vec<Item> {
    let kept = |n: usize, price: &String| {
        let same = sub.items.iter().find(|item| item.price == *price);
        let free = |item: &&Item| phase.items.iter().all(|(other, _)| *other != item.price);
        same.or_else(|| sub.items.get(n).filter(free)).cloned()
    };
    let item = |(n, (price, quantity)): (usize, &(String, i64))| {
        let new = || Item {
            id: format!("si_{n}{}{}", phase.start, sub.id.trim_start_matches("sub_")),
            created: phase.start,
            current_period_start: sub.period_start(),
            current_period_end: sub.period_end(),
            ..Item::default()
        };
        Item { price: price.clone(), quantity: *quantity, ..kept(n, price).unwrap_or_else(new) }
    };
    phase.items.iter().enumerate().map(item).collect()
}
