//! Changing what a subscription buys: prorations, a new period where the interval changes, and
//! changes that wait for the end of the period.
use super::{
    cards::Holder,
    discounts,
    ending::{release_change, release_schedule},
    invoicing::{self, product_name, proration_words},
    periods::{items_of, period_after},
};
use crate::{
    money,
    objects::{InvoiceItem, Item, Line, Phase, Schedule, Subscription},
    refusal::{Answer, Refusal},
    state::World,
    wire,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proration {
    None,
    /// On the next invoice.
    #[default]
    Create,
    /// Now.
    Invoice,
}

/// What becomes of one item. `None` leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct ItemChange {
    /// A new one, without an id.
    pub id: Option<String>,
    pub price: Option<String>,
    pub quantity: Option<i64>,
    pub deleted: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Change {
    pub items: Vec<ItemChange>,
    pub proration: Proration,
    /// A new period begins now, whatever changes.
    pub anchor_now: bool,
    pub end_trial: bool,
}

/// Inside `say_change`: it says nothing of the subscription itself. A payment that fails leaves
/// the change done and the invoice open, unless the caller makes a refusal of it.
pub fn change(w: &mut World, id: &str, change: &Change, holder: Holder) -> Answer<()> {
    // First, so that what is changed no longer names the schedule.
    release_change(w, id);
    let before = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let now = w.now();
    let items = changed_items(w, &before, &change.items, now)?;
    let in_trial = before.status == "trialing";
    let trial_goes_on = in_trial && !change.end_trial;
    let restarts = !trial_goes_on && (change.anchor_now || in_trial || needs_new_period(w, &before, &items));
    let mut after = Subscription { items, ..before.clone() };
    if restarts {
        after.billing_cycle_anchor = now;
        after.status = if before.status == "trialing" { "active".into() } else { before.status.clone() };
        after.trial_end = before.trial_end.map(|end| end.min(now));
        for item in &mut after.items {
            item.current_period_start = now;
            item.current_period_end = period_after(w, &item.price, now, now);
        }
    }
    let mut lines = Vec::new();
    if !trial_goes_on && change.proration != Proration::None && before.status != "trialing" {
        lines = prorations(w, &before, &after, restarts, now);
    }
    if restarts {
        lines.append(&mut invoicing::lines_of_period(w, &after));
    }
    w.subscriptions.put(after.clone());
    rewrite_phase(w, &after);
    settle(w, &after, lines, change.proration == Proration::Invoice || restarts, holder)
}

/// Charged now, or kept for the next invoice.
fn settle(w: &mut World, sub: &Subscription, lines: Vec<Line>, now: bool, holder: Holder) -> Answer<()> {
    if lines.is_empty() {
        return Ok(());
    }
    if now {
        return invoicing::invoice_now(w, sub, lines, "subscription_update", Some(holder)).map(drop);
    }
    for mut line in lines {
        let id = w.id("ii_");
        line.invoice_item = Some(id.clone());
        let (created, customer, currency) = (w.now(), sub.customer.clone(), sub.currency.clone());
        let item = InvoiceItem {
            id,
            created,
            customer,
            subscription: Some(sub.id.clone()),
            invoice: None,
            currency,
            line,
        };
        w.emit("invoiceitem.created", wire::invoice_item(w, &item));
        w.invoice_items.put(item);
    }
    Ok(())
}

fn changed_items(w: &mut World, sub: &Subscription, changes: &[ItemChange], now: i64) -> Answer<Vec<Item>> {
    let mut items = sub.items.clone();
    for change in changes {
        if let Some(price) = &change.price {
            recurring_price(w, price, &sub.currency)?;
        }
        match &change.id {
            Some(id) => {
                let at = items.iter().position(|item| item.id == *id);
                let at = at.ok_or_else(|| Refusal::no_such("subscription item", id, "items[0][id]"))?;
                if change.deleted {
                    items.remove(at);
                    continue;
                }
                items[at].price = change.price.clone().unwrap_or_else(|| items[at].price.clone());
                items[at].quantity = change.quantity.unwrap_or(items[at].quantity);
            }
            None => {
                let price = change.price.clone().ok_or_else(|| {
                    Refusal::invalid("Missing required param: items[0][price].")
                        .with_code("parameter_missing")
                })?;
                items.push(Item {
                    id: w.id("si_"),
                    created: now,
                    price,
                    quantity: change.quantity.unwrap_or(1),
                    current_period_start: sub.period_start(),
                    current_period_end: sub.period_end(),
                    ..Item::default()
                });
            }
        }
    }
    together(w, items.iter().map(|item| &item.price))?;
    match items.is_empty() {
        true => Err(Refusal::invalid("A subscription must have at least one active item.")),
        false => Ok(items),
    }
}

/// Whether these prices can be on one subscription: each once, all of one interval.
pub fn together<'p>(w: &World, prices: impl Iterator<Item = &'p String>) -> Answer<()> {
    let prices: Vec<&String> = prices.collect();
    let every = |id: &String| w.prices.get(id).and_then(|price| price.recurring.clone());
    let twice = prices.iter().enumerate().find(|(n, price)| prices[..*n].contains(price));
    if let Some((_, price)) = twice {
        let said = format!("Cannot add multiple subscription items with the same plan: {price}");
        return Err(Refusal::invalid(said).at("items"));
    }
    if prices.len() > 20 {
        return Err(Refusal::invalid("A subscription can have up to 20 items.").at("items"));
    }
    match prices.iter().any(|price| every(price) != every(prices[0])) {
        true => Err(Refusal::invalid(
            "This sandbox bills a subscription at one interval: all of its prices must have the same.",
        )
        .at("items")),
        false => Ok(()),
    }
}

/// A price a subscription can have.
pub fn recurring_price(w: &World, id: &str, currency: &str) -> Answer<()> {
    let price = w.prices.get(id).ok_or_else(|| Refusal::no_such("price", id, "items[0][price]"))?;
    if price.recurring.is_none() {
        return Err(Refusal::invalid(format!(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {id}"
        ))
        .at("items[0][price]"));
    }
    if !price.active {
        return Err(Refusal::invalid(format!("The price specified is inactive: {id}")).at("items[0][price]"));
    }
    if !currency.is_empty() && price.currency != currency {
        return Err(Refusal::invalid("All prices of a subscription must have the same currency.")
            .at("items[0][price]"));
    }
    Ok(())
}

/// Another interval, or from free to paid: Stripe begins a new period and charges for it at once.
fn needs_new_period(w: &World, before: &Subscription, items: &[Item]) -> bool {
    let every = |id: &str| w.prices.get(id).and_then(|price| price.recurring.clone());
    let was_free = before.items.iter().all(|item| w.prices.get(&item.price).is_none_or(|p| p.cost(1) == 0));
    let is_paid = items.iter().any(|item| w.prices.get(&item.price).is_some_and(|p| p.cost(1) > 0));
    let first = before.items.first().and_then(|item| every(&item.price));
    (was_free && is_paid) || items.iter().any(|item| every(&item.price) != first)
}

/// Credit for what was paid and will not be used; charge for what will be, unless a new period
/// begins, which is charged whole.
fn prorations(w: &World, before: &Subscription, after: &Subscription, restarts: bool, now: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for old in &before.items {
        let kept = after.items.iter().find(|item| item.id == old.id);
        let same = kept.is_some_and(|item| item.price == old.price && item.quantity == old.quantity);
        if !same || restarts {
            lines.extend(part(w, before, old, now, -1));
        }
        if let Some(new) = kept.filter(|_| !same && !restarts) {
            lines.extend(part(w, after, new, now, 1));
        }
    }
    let added = after.items.iter().filter(|item| before.items.iter().all(|old| old.id != item.id));
    lines.extend(added.filter(|_| !restarts).filter_map(|item| part(w, after, item, now, 1)));
    lines.retain(|line| line.amount != 0);
    lines
}

/// The rest of an item's period, as credit (`sign` −1) or charge (+1), discounts included.
fn part(w: &World, sub: &Subscription, item: &Item, now: i64, sign: i64) -> Option<Line> {
    let price = w.prices.get(&item.price)?;
    let whole = (item.current_period_end - item.current_period_start).max(1);
    let rest = (item.current_period_end - now).clamp(0, whole);
    let full = price.cost(item.quantity);
    let off = match sign {
        // What is given back is what was paid, whatever has become of the coupon since.
        ..0 => discounts::taken_off(w, sub, item, full).unwrap_or_else(|| off(w, sub, item)),
        _ => off(w, sub, item),
    };
    let amount = money::share(full - off, rest, whole) * sign;
    let what = if sign < 0 { "Unused time" } else { "Remaining time" };
    Some(Line {
        description: proration_words(what, &product_name(w, price), item.quantity, now),
        amount,
        quantity: item.quantity,
        price: Some(price.id.clone()),
        period_start: now,
        period_end: item.current_period_end,
        proration: true,
        subscription_item: Some(item.id.clone()),
        ..Line::default()
    })
}

/// What a subscription's discounts take off an item's whole period now.
fn off(w: &World, sub: &Subscription, item: &Item) -> i64 {
    let mut lines = invoicing::lines_of_period(w, sub);
    discounts::take(w, &discounts::live(w, sub, w.now()), &sub.currency, &mut lines);
    let own = lines.iter().find(|line| line.subscription_item.as_deref() == Some(&item.id));
    own.map_or(0, Line::total_off)
}

/// A schedule's running phase says what was made of it.
fn rewrite_phase(w: &mut World, sub: &Subscription) {
    let items = sub.items.iter().map(|item| (item.price.clone(), item.quantity)).collect();
    let schedule = sub.schedule.as_ref().and_then(|name| w.schedules.change(name));
    if let Some(phase) = schedule.and_then(|schedule| schedule.phases.get_mut(schedule.begun)) {
        phase.items = items;
    }
}

/// A schedule's next phase begins where no period does.
pub fn begin_phase(w: &mut World, name: &str) -> Answer<()> {
    let Some(schedule) = w.schedules.get(name).cloned() else { return Ok(()) };
    let Some(phase) = schedule.next().cloned() else { return Ok(()) };
    if let Some(schedule) = w.schedules.change(name) {
        schedule.begun += 1;
    }
    let Some(sub) = w.subscriptions.get(&schedule.subscription).cloned() else { return Ok(()) };
    let wanted = items_of(&sub, &phase);
    let same =
        |one: &Item, two: &Item| one.id == two.id && one.price == two.price && one.quantity == two.quantity;
    let is_there = wanted.len() == sub.items.len() && wanted.iter().zip(&sub.items).all(|(a, b)| same(a, b));
    if !is_there {
        let gone = sub.items.iter().filter(|item| wanted.iter().all(|kept| kept.id != item.id));
        let gone =
            gone.map(|item| ItemChange { id: Some(item.id.clone()), deleted: true, ..ItemChange::default() });
        let kept = |item: &Item| sub.items.iter().any(|old| old.id == item.id).then(|| item.id.clone());
        let wanted = wanted.iter().map(|item| ItemChange {
            id: kept(item),
            price: Some(item.price.clone()),
            quantity: Some(item.quantity),
            deleted: false,
        });
        let proration = match phase.proration.as_str() {
            "none" => Proration::None,
            "always_invoice" => Proration::Invoice,
            _ => Proration::Create,
        };
        let items = wanted.chain(gone).collect();
        super::say_change(w, &sub.id, |w| {
            change(w, &sub.id, &Change { items, proration, ..Change::default() }, Holder::Absent)
                .or_else(|refusal| if refusal.stands { Ok(()) } else { Err(refusal) })
        })?;
    }
    super::amend::say(w, name, "subscription_schedule.updated");
    Ok(())
}

/// A change that waits for the end of the period.
pub fn schedule_change(w: &mut World, id: &str, price: &str, quantity: i64) -> Answer<()> {
    release_schedule(w, id);
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let then = Phase {
        start: sub.period_end(),
        end: period_after(w, price, sub.period_end(), sub.period_end()),
        items: vec![(price.into(), quantity)],
        proration: "none".into(),
    };
    let schedule = Schedule { is_change: true, ..new_schedule(w, &sub, vec![then]) };
    keep_schedule(w, schedule)
}

/// A schedule of a subscription as it is, and what follows.
pub fn new_schedule(w: &mut World, sub: &Subscription, then: Vec<Phase>) -> Schedule {
    let now = Phase {
        start: sub.period_start(),
        end: sub.period_end(),
        items: sub.items.iter().map(|item| (item.price.clone(), item.quantity)).collect(),
        proration: "create_prorations".into(),
    };
    Schedule {
        id: w.id("sub_sched_"),
        created: w.now(),
        customer: sub.customer.clone(),
        subscription: sub.id.clone(),
        status: "active".into(),
        phases: [vec![now], then].concat(),
        end_behavior: "release".into(),
        ..Schedule::default()
    }
}

pub fn keep_schedule(w: &mut World, schedule: Schedule) -> Answer<()> {
    let (id, name) = (schedule.subscription.clone(), schedule.id.clone());
    w.emit("subscription_schedule.created", wire::schedule(w, &schedule));
    w.schedules.put(schedule);
    super::amend(w, &id, |sub| sub.schedule = Some(name))
}
