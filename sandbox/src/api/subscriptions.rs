//! Subscriptions.
use super::{
    Answer, Params, Refusal, customers,
    subscription_update::{
        BillingMode, CollectionMethod, DiscountGiven, Fields, ItemFields, PaymentBehavior, ProrationBehavior,
        TrialSettings, Update, WITHOUT_EFFECT, read_update, touches_more_than_words, trial,
    },
};
use crate::{
    engine::{self, Change, Holder, NewSubscription},
    objects::*,
    params::{Given, Ignored, Instant, Int},
    state::World,
    wire,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    customer: String,
    items: Vec<ItemFields>,
    trial_period_days: Option<Int<1, 730>>,
    trial_end: Option<String>,
    trial_settings: Option<TrialSettings>,
    default_payment_method: Option<String>,
    billing_mode: Option<BillingMode>,
    billing_cycle_anchor: Option<Instant>,
    collection_method: Option<CollectionMethod>,
    days_until_due: Option<Int<0, 365>>,
    description: Option<String>,
    cancel_at: Option<Instant>,
    cancel_at_period_end: Option<bool>,
    payment_behavior: Option<PaymentBehavior>,
    #[serde(rename = "proration_behavior")]
    _proration_behavior: Option<ProrationBehavior>,
    #[serde(default)]
    discounts: Vec<DiscountGiven>,
    #[serde(default)]
    metadata: Given,
}

pub fn create(w: &mut World, p: Params) -> Answer {
    let given: New = p.read_but(WITHOUT_EFFECT)?;
    customers::named(w, &given.customer)?;
    if given.items.is_empty() {
        return Err(Refusal::missing("items"));
    }
    let by_invoice = given.collection_method.as_ref().is_some_and(|method| method.0 == "send_invoice");
    if by_invoice && given.days_until_due.is_none() {
        return Err(Refusal::missing("days_until_due"));
    }
    check_card(w, &given.customer, given.default_payment_method.as_deref())?;
    let mut new = NewSubscription {
        customer: given.customer,
        items: new_items(given.items)?,
        trial_end: trial(w, given.trial_period_days, given.trial_end)?,
        missing_payment_method: given.trial_settings.map(|it| it.missing_payment_method()),
        default_payment_method: given.default_payment_method,
        billing_mode: given.billing_mode.map(|it| it.word()),
        billing_cycle_anchor: given.billing_cycle_anchor.map(|it| it.0),
        collection_method: given.collection_method.map(|it| it.0),
        days_until_due: given.days_until_due.map(|it| it.0),
        description: given.description,
        cancel_at: given.cancel_at.map(|it| it.0),
        cancel_at_period_end: given.cancel_at_period_end.unwrap_or(false),
        payment_behavior: given.payment_behavior.map_or_else(|| "allow_incomplete".into(), |it| it.0),
        metadata: given.metadata.fresh()?,
        ..NewSubscription::default()
    };
    let currency = w.prices.get(&new.items[0].0).map(|price| price.currency.clone()).unwrap_or_default();
    for one in given.discounts {
        let discount = redeem(w, &new.customer, one, &currency)?;
        new.discounts.push(discount);
    }
    let id = engine::subscribe(w, new, Holder::Absent)?;
    wire::shown(w, "subscription", &id)
}

/// Prices and quantities.
fn new_items(items: Vec<ItemFields>) -> Answer<Vec<(String, i64)>> {
    let each = items.into_iter().enumerate().map(|(n, item)| {
        let quantity = item.quantity();
        let price = item.price().ok_or_else(|| Refusal::missing(&format!("items[{n}][price]")))?;
        Ok((price, quantity.unwrap_or(1)))
    });
    each.collect()
}

fn redeem(w: &mut World, customer: &str, given: DiscountGiven, currency: &str) -> Answer<Discount> {
    let (coupon, code) = match (given.coupon, given.promotion_code) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid(
                "You may only specify one of these parameters: coupon, promotion_code.",
            )
            .at("discounts[0]"));
        }
        (Some(coupon), None) => (coupon, None),
        (None, Some(id)) => {
            let code = w.promotion_codes.get(&id);
            let code =
                code.ok_or_else(|| Refusal::no_such("promotion code", &id, "discounts[0][promotion_code]"))?;
            engine::code_is_usable(w, code, Some(customer))?;
            (code.coupon.clone(), Some(id))
        }
        (None, None) => {
            return Err(Refusal::missing("discounts[0][coupon]"));
        }
    };
    engine::discount_of(w, &coupon, code.as_deref(), currency)
}

fn check_card(w: &World, customer: &str, card: Option<&str>) -> Answer<()> {
    let Some(card) = card else { return Ok(()) };
    match w.payment_methods.get(card) {
        None => Err(Refusal::no_such("PaymentMethod", card, "default_payment_method")),
        Some(method) if method.customer.as_deref() != Some(customer) => Err(Refusal::invalid(
            "The customer does not have a payment method with that ID. The payment method must belong to the customer.",
        )
        .with_code("resource_missing")
        .at("default_payment_method")),
        Some(_) => Ok(()),
    }
}

pub fn update(w: &mut World, id: &str, p: Params) -> Answer {
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let fields: Fields = p.read_but(WITHOUT_EFFECT)?;
    let update = read_update(w, &sub, fields)?;
    if !sub.is_alive() && touches_more_than_words(&sub, &update) {
        return Err(Refusal::invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
        ));
    }
    check_card(w, &sub.customer, update.fields.default_payment_method.as_deref())?;
    engine::say_change(w, id, |w| apply(w, id, update))?;
    wire::shown(w, "subscription", id)
}

fn apply(w: &mut World, id: &str, update: Update) -> Answer<()> {
    let (customer, currency) = (update.fields.customer.clone(), update.fields.currency.clone());
    w.subscriptions.put(update.fields);
    if let Some(given) = update.discounts {
        discount(w, id, given, &customer, &currency)?;
    }
    let now = w.now();
    if let Some(sub) = update.trial_end.filter(|end| *end > now).and_then(|_| w.subscriptions.change(id)) {
        extend_trial(sub, update.trial_end.unwrap_or(now), now);
    }
    let ends_now = update.trial_end.is_some_and(|end| end <= now);
    let change = match (update.change, ends_now) {
        (Some(change), ends_now) => Some(Change { end_trial: change.end_trial || ends_now, ..change }),
        (None, true) => Some(Change { end_trial: true, ..Change::default() }),
        (None, false) => None,
    };
    match change.map(|change| engine::change(w, id, &change, Holder::Absent)) {
        Some(Err(refusal)) if refusal.stands && update.behavior == "pending_if_incomplete" => {
            Err(Refusal::invalid(
                "The payment failed, and this sandbox keeps no pending updates: nothing was changed.",
            )
            .at("payment_behavior"))
        }
        Some(Err(refusal)) if !refusal.stands || update.behavior == "error_if_incomplete" => {
            Err(Refusal { stands: false, ..refusal })
        }
        _ => Ok(()),
    }
}

/// All of these in place of what there is; one that is named by its own id stays.
fn discount(
    w: &mut World,
    id: &str,
    given: Vec<DiscountGiven>,
    customer: &str,
    currency: &str,
) -> Answer<()> {
    let held = w.subscriptions.get(id).map(|sub| sub.discounts.clone()).unwrap_or_default();
    let mut all = Vec::new();
    for one in given {
        if let Some(name) = &one.discount {
            let kept = held.iter().find(|discount| discount.id == *name).cloned();
            all.push(kept.ok_or_else(|| Refusal::no_such("discount", name, "discounts[0][discount]"))?);
            continue;
        }
        let discount = redeem(w, customer, one, currency)?;
        let discount = Discount { customer: customer.into(), subscription: Some(id.into()), ..discount };
        w.emit("customer.discount.created", wire::discount(&discount));
        all.push(discount);
    }
    for gone in held.iter().filter(|it| all.iter().all(|kept| kept.id != it.id)) {
        w.emit("customer.discount.deleted", wire::discount(gone));
    }
    if let Some(sub) = w.subscriptions.change(id) {
        sub.discounts = all;
    }
    Ok(())
}

pub fn delete_discount(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let last = sub.discounts.last().cloned().ok_or_else(|| Refusal::not_found("discount", id))?;
    engine::say_change(w, id, |w| discount(w, id, Vec::new(), &sub.customer, &sub.currency))?;
    Ok(wire::deleted_discount(&last))
}

fn extend_trial(sub: &mut Subscription, end: i64, now: i64) {
    sub.status = "trialing".into();
    sub.trial_start.get_or_insert(now);
    sub.trial_end = Some(end);
    sub.billing_cycle_anchor = end;
    sub.trial_end_said = false;
    for item in &mut sub.items {
        item.current_period_end = end;
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelNow {
    cancellation_details: Option<CancellationDetails>,
    #[serde(default, rename = "invoice_now")]
    _invoice_now: Ignored,
    #[serde(default, rename = "prorate")]
    _prorate: Ignored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancellationDetails {
    comment: Option<String>,
    feedback: Option<String>,
}

pub fn cancel(w: &mut World, id: &str, p: Params) -> Answer {
    let given: CancelNow = p.read()?;
    let why = given.cancellation_details.map(|it| (it.comment, it.feedback)).unwrap_or_default();
    engine::cancel_now(w, id, Cancellation { comment: why.0, feedback: why.1, reason: None })?;
    wire::shown(w, "subscription", id)
}

pub fn resume(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish_but(&["billing_cycle_anchor", "proration_behavior", "proration_date", "payment_behavior"])?;
    engine::resume(w, id, Holder::Absent)?;
    wire::shown(w, "subscription", id)
}

pub fn pause(w: &mut World, id: &str, mut p: Params) -> Answer {
    let resumes_at = p.instant("resumes_at")?;
    p.finish_but(&["type", "bill_for", "invoicing_behavior", "resume_behavior"])?;
    engine::pause(w, id, "pause_requested", resumes_at)?;
    wire::shown(w, "subscription", id)
}
