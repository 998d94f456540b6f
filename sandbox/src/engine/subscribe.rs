//! A new subscription, with its first invoice.
use super::{
    amend::say,
    cards::Holder,
    cards::Verdict,
    change::{recurring_price, together},
    customers::{card_in_charge, fits_currency},
    invoicing, methods,
    periods::period_after,
};
use crate::{
    money,
    objects::{Discount, Item, Line, Metadata, Subscription},
    refusal::{Answer, Refusal},
    state::World,
};

/// What it is to be; the rest follows.
#[derive(Clone, Debug, Default)]
pub struct NewSubscription {
    pub customer: String,
    /// Price and quantity.
    pub items: Vec<(String, i64)>,
    pub trial_end: Option<i64>,
    pub missing_payment_method: Option<String>,
    pub default_payment_method: Option<String>,
    pub billing_mode: Option<String>,
    pub billing_cycle_anchor: Option<i64>,
    pub collection_method: Option<String>,
    pub days_until_due: Option<i64>,
    pub discounts: Vec<Discount>,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub cancel_at: Option<i64>,
    pub cancel_at_period_end: bool,
    /// `allow_incomplete`, `default_incomplete` or `error_if_incomplete`.
    pub payment_behavior: String,
}

/// Says `customer.subscription.created` in its final state, then what its first invoice said.
pub fn subscribe(w: &mut World, new: NewSubscription, holder: Holder) -> Answer<String> {
    let sub = prepared(w, new.clone())?;
    let (id, trialing) = (sub.id.clone(), sub.status == "trialing");
    w.subscriptions.put(sub.clone());
    let (paid, followed) = w.hold_back(|w| first_invoice(w, &sub, &new.payment_behavior, trialing, holder));
    match paid {
        Err(refusal) if !refusal.stands || new.payment_behavior == "error_if_incomplete" => {
            return Err(Refusal { stands: false, ..refusal });
        }
        _ => {}
    }
    say(w, &id, "customer.subscription.created");
    w.say_all(followed.into_iter().filter(|said| said.kind != "customer.subscription.updated").collect());
    Ok(id)
}

fn first_invoice(
    w: &mut World,
    sub: &Subscription,
    behavior: &str,
    trialing: bool,
    holder: Holder,
) -> Answer<()> {
    let mut lines = invoicing::lines_of_period(w, sub);
    shorten(w, sub, &mut lines, trialing);
    let asked = (behavior != "default_incomplete" || trialing).then_some(holder);
    let paid = invoicing::invoice_now(w, sub, lines, "subscription_create", asked).map(drop);
    if let (true, Some(sub)) =
        (sub.collection_method == "send_invoice" && !trialing, w.subscriptions.change(&sub.id))
    {
        sub.status = "active".into();
    }
    paid
}

/// A first period that ends early, at a billing cycle anchor, costs its part of a whole one.
fn shorten(w: &World, sub: &Subscription, lines: &mut [Line], trialing: bool) {
    if trialing || sub.billing_cycle_anchor <= sub.start_date {
        return;
    }
    for line in lines {
        let Some(price) = &line.price else { continue };
        let whole = period_after(w, price, sub.start_date, sub.start_date) - sub.start_date;
        line.amount = money::share(line.amount, sub.billing_cycle_anchor - sub.start_date, whole);
    }
}

fn prepared(w: &mut World, new: NewSubscription) -> Answer<Subscription> {
    let customer = w.customers.get(&new.customer).filter(|customer| !customer.deleted);
    let customer = customer.ok_or_else(|| Refusal::no_such("customer", &new.customer, "customer"))?.clone();
    let currency = sellable(w, &new)?;
    fits_currency(w, &new.customer, &currency)?;
    let now = w.now();
    let trial_end = new.trial_end.filter(|end| *end > now);
    let collection_method = new.collection_method.unwrap_or_else(|| "charge_automatically".into());
    let anchor = trial_end.or(new.billing_cycle_anchor.filter(|at| *at > now)).unwrap_or(now);
    let items: Vec<Item> = new.items.into_iter().map(|it| first_period(w, it, anchor)).collect();
    let period_end = items.first().map(|item| item.current_period_end);
    let id = w.id("sub_");
    let of = |discount: Discount| Discount {
        customer: new.customer.clone(),
        subscription: Some(id.clone()),
        ..discount
    };
    let discounts = new.discounts.into_iter().map(of).collect();
    let sub = Subscription {
        id,
        created: now,
        customer: new.customer,
        status: if trial_end.is_some() { "trialing".into() } else { "incomplete".into() },
        items,
        currency,
        collection_method,
        days_until_due: new.days_until_due,
        start_date: now,
        billing_cycle_anchor: anchor,
        billing_mode: new.billing_mode.unwrap_or_else(|| "flexible".into()),
        cancel_at: new.cancel_at.or(period_end.filter(|_| new.cancel_at_period_end)),
        cancel_at_period_end: new.cancel_at_period_end,
        canceled_at: (new.cancel_at_period_end || new.cancel_at.is_some()).then_some(now),
        trial_start: trial_end.map(|_| now),
        trial_end,
        missing_payment_method: new.missing_payment_method.unwrap_or_else(|| "create_invoice".into()),
        default_payment_method: new.default_payment_method,
        discounts,
        description: new.description,
        metadata: new.metadata,
        test_clock: customer.test_clock.clone(),
        ..Subscription::default()
    };
    payable(w, &sub, &new.payment_behavior)?;
    Ok(sub)
}

/// Whether these prices can be sold so; their currency.
fn sellable(w: &World, new: &NewSubscription) -> Answer<String> {
    let (first, _) = new.items.first().ok_or_else(|| Refusal::missing("items"))?;
    let currency = w.prices.get(first).map(|price| price.currency.clone()).unwrap_or_default();
    for (price, _) in &new.items {
        recurring_price(w, price, &currency)?;
    }
    together(w, new.items.iter().map(|(price, _)| price))?;
    let now = w.now();
    let natural = period_after(w, first, now, now);
    if new.billing_cycle_anchor.is_some_and(|at| new.trial_end.is_none() && at > natural) {
        return Err(Refusal::invalid("billing_cycle_anchor cannot be later than next natural billing date")
            .at("billing_cycle_anchor"));
    }
    match new.cancel_at.is_some_and(|at| at <= now) {
        true => Err(Refusal::invalid("Invalid timestamp: must be in the future.").at("cancel_at")),
        false => Ok(currency),
    }
}

/// An item whose first period ends at the anchor, where that lies ahead.
fn first_period(w: &mut World, (price, quantity): (String, i64), anchor: i64) -> Item {
    let (id, now) = (w.id("si_"), w.now());
    let current_period_end = if anchor > now { anchor } else { period_after(w, &price, now, now) };
    Item {
        id,
        created: now,
        price,
        quantity,
        current_period_start: now,
        current_period_end,
        ..Item::default()
    }
}

/// Without a card there is nothing to charge; Stripe says so before it makes anything.
fn payable(w: &World, sub: &Subscription, behavior: &str) -> Answer<()> {
    let costs = sub
        .items
        .iter()
        .any(|item| w.prices.get(&item.price).is_some_and(|p| p.cost(item.quantity.max(1)) > 0));
    let charged = sub.collection_method == "charge_automatically" && sub.status != "trialing" && costs;
    let pinned = sub.default_payment_method.clone();
    let has_card = pinned.or_else(|| card_in_charge(w, &sub.customer, None)).is_some();
    if charged && !has_card && behavior != "default_incomplete" {
        return Err(Refusal::invalid("This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.")
            .with_code("resource_missing"));
    }
    Ok(())
}

/// Whether a card would be charged without anybody being asked (for pages that warn first).
pub fn would_ask(w: &World, method: &str) -> bool {
    let method = w.payment_methods.get(method);
    method.is_some_and(|method| matches!(methods::charge(method, Holder::Absent), Verdict::Asks))
}
