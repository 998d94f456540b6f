//! Subscriptions.
use super::{
    Answer, Paging, Params, Refusal, customers,
    list::Span,
    subscription_update::{
        Given, Update, WITHOUT_EFFECT, coupons, payment_behavior, read_update, touches_more_than_words,
        trial, trial_settings,
    },
};
use crate::{
    engine::{self, Change, Holder, NewSubscription},
    objects::*,
    state::World,
    wire,
};

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let customer = p.required("customer")?;
    customers::named(w, &customer)?;
    let mut new = NewSubscription { customer, items: new_items(&mut p)?, ..NewSubscription::default() };
    new.trial_end = trial(w, &mut p)?;
    new.missing_payment_method = trial_settings(&mut p)?;
    new.default_payment_method = p.word("default_payment_method")?;
    if let Some(mut mode) = p.map("billing_mode")? {
        new.billing_mode = mode.choice("type", &["flexible", "classic"])?;
        mode.finish_but(&["flexible"])?;
    }
    new.billing_cycle_anchor = p.instant("billing_cycle_anchor")?;
    new.collection_method = p.choice("collection_method", &["charge_automatically", "send_invoice"])?;
    new.days_until_due = p.int_in("days_until_due", 0, 365)?;
    if new.collection_method.as_deref() == Some("send_invoice") && new.days_until_due.is_none() {
        return Err(p.missing("days_until_due"));
    }
    new.description = p.word("description")?;
    new.cancel_at = p.instant("cancel_at")?;
    new.cancel_at_period_end = p.flag("cancel_at_period_end")?.unwrap_or(false);
    new.payment_behavior = payment_behavior(&mut p)?.unwrap_or_else(|| "allow_incomplete".into());
    p.choice("proration_behavior", &["none", "create_prorations", "always_invoice"])?;
    p.metadata(&mut new.metadata)?;
    let coupons = coupons(&mut p)?.unwrap_or_default();
    p.finish_but(WITHOUT_EFFECT)?;
    check_card(w, &new.customer, new.default_payment_method.as_deref())?;
    for given in coupons {
        let discount = redeem(w, &new.customer, given)?;
        new.discounts.push(discount);
    }
    let id = engine::subscribe(w, new, Holder::Absent)?;
    wire::shown(w, "subscription", &id)
}

/// Prices and quantities.
fn new_items(p: &mut Params) -> Answer<Vec<(String, i64)>> {
    let each = p.maps("items")?.ok_or_else(|| p.missing("items"))?.into_iter().map(|mut item| {
        let price = item.word("price")?.or(item.word("plan")?).ok_or_else(|| item.missing("price"))?;
        let quantity = item.int_in("quantity", 0, 1_000_000)?.unwrap_or(1);
        item.finish_but(&["metadata", "tax_rates", "discounts", "billing_thresholds"])?;
        Ok((price, quantity))
    });
    each.collect()
}

fn redeem(w: &mut World, customer: &str, given: Given) -> Answer<Discount> {
    let (coupon, code) = match given {
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
    engine::discount_of(w, &coupon, code.as_deref())
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

pub fn update(w: &mut World, id: &str, mut p: Params) -> Answer {
    let sub = w.subscriptions.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription", id))?;
    let update = read_update(w, &sub, &mut p)?;
    p.finish()?;
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
    w.subscriptions.put(update.fields);
    if let Some(given) = update.discounts {
        let customer = w.subscriptions.get(id).map(|sub| sub.customer.clone()).unwrap_or_default();
        let discounts = given.into_iter().map(|one| redeem(w, &customer, one)).collect::<Answer<Vec<_>>>()?;
        if let Some(sub) = w.subscriptions.change(id) {
            sub.discounts = discounts;
        }
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
        Some(Err(refusal)) if refusal.stands && update.pending_if_incomplete => Err(Refusal::invalid(
            "The payment failed, and this sandbox keeps no pending updates: nothing was changed.",
        )
        .at("payment_behavior")),
        Some(Err(refusal)) if !refusal.stands || update.error_if_incomplete => {
            Err(Refusal { stands: false, ..refusal })
        }
        _ => Ok(()),
    }
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

pub fn cancel(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut why = Cancellation::default();
    if let Some(mut details) = p.map("cancellation_details")? {
        (why.comment, why.feedback) = (details.word("comment")?, details.word("feedback")?);
        details.finish()?;
    }
    p.finish_but(&["invoice_now", "prorate"])?;
    engine::cancel_now(w, id, why)?;
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

/// Without `status`, canceled ones are left out, as at Stripe.
pub fn list(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (customer, price, clock) = (p.word("customer")?, p.word("price")?, p.word("test_clock")?);
    let words = [
        "active",
        "all",
        "canceled",
        "ended",
        "incomplete",
        "incomplete_expired",
        "past_due",
        "paused",
        "trialing",
        "unpaid",
    ];
    let status = p.choice("status", &words)?;
    let collection = p.word("collection_method")?;
    p.finish_but(&["current_period_end", "current_period_start", "automatic_tax", "plan"])?;
    customers::known(w, customer.as_deref())?;
    let wanted = |sub: &Subscription| match status.as_deref() {
        None => sub.status != "canceled",
        Some("all") => true,
        Some("ended") => !sub.is_alive(),
        Some(word) => sub.status == word,
    };
    let rows = w.subscriptions.iter().rev().filter(|sub| {
        wanted(sub)
            && span.holds(sub.created)
            && customer.as_ref().is_none_or(|customer| sub.customer == *customer)
            && price.as_ref().is_none_or(|price| sub.items.iter().any(|item| item.price == *price))
            && clock.as_ref().is_none_or(|clock| sub.test_clock.as_ref() == Some(clock))
            && collection.as_ref().is_none_or(|method| sub.collection_method == *method)
    });
    paging.of("/v1/subscriptions", rows, |sub| wire::subscription(w, sub))
}
