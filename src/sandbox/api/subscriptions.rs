//! Subscriptions.
use super::{Answer, Paging, Params, Refusal, customers, list::Span};
use crate::sandbox::{
    engine::{self, Change, Holder, ItemChange, NewSubscription, Proration},
    objects::*,
    state::{DAY, World},
    wire,
};

/// Taken, and without effect in a sandbox.
const WITHOUT_EFFECT: &[&str] = &[
    "add_invoice_items",
    "application_fee_percent",
    "automatic_tax",
    "billing_thresholds",
    "currency",
    "default_source",
    "default_tax_rates",
    "invoice_settings",
    "off_session",
    "on_behalf_of",
    "payment_settings",
    "pending_invoice_item_interval",
    "proration_date",
    "transfer_data",
    "billing_cycle_anchor_config",
    "trial_from_plan",
    "billing_schedules",
];

pub fn create(w: &mut World, mut p: Params) -> Answer {
    let customer = p.required("customer")?;
    customers::named(w, &customer)?;
    let mut new = NewSubscription { customer, ..NewSubscription::default() };
    for mut item in p.maps("items")?.ok_or_else(|| p.missing("items"))? {
        let price = item.word("price")?.or(item.word("plan")?).ok_or_else(|| item.missing("price"))?;
        let quantity = item.int_in("quantity", 0, 1_000_000)?.unwrap_or(1);
        item.ignore(&["metadata", "tax_rates", "discounts", "billing_thresholds"]);
        item.finish()?;
        new.items.push((price, quantity));
    }
    new.trial_end = trial(w, &mut p)?;
    new.missing_payment_method = trial_settings(&mut p)?;
    new.default_payment_method = p.word("default_payment_method")?;
    if let Some(mut mode) = p.map("billing_mode")? {
        new.billing_mode = mode.choice("type", &["flexible", "classic"])?;
        mode.ignore(&["flexible"]);
        mode.finish()?;
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
    p.ignore(WITHOUT_EFFECT);
    p.finish()?;
    check_card(w, &new.customer, new.default_payment_method.as_deref())?;
    for given in coupons {
        let discount = redeem(w, &new.customer, given)?;
        new.discounts.push(discount);
    }
    let id = engine::subscribe(w, new, Holder::Absent)?;
    shown(w, &id)
}

fn payment_behavior(p: &mut Params) -> Answer<Option<String>> {
    p.choice(
        "payment_behavior",
        &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"],
    )
}

/// `trial_period_days` or `trial_end` (`now` ends one).
fn trial(w: &World, p: &mut Params) -> Answer<Option<i64>> {
    let days = p.int_in("trial_period_days", 1, 730)?.map(|days| w.now() + days * DAY);
    let end = p.word("trial_end")?;
    if days.is_some() && end.is_some() {
        let said = "You may only specify one of these parameters: trial_end, trial_period_days.";
        return Err(Refusal::invalid(said).at("trial_end"));
    }
    match end.as_deref() {
        None => Ok(days),
        Some("now") => Ok(Some(w.now())),
        Some(text) => {
            let at =
                text.parse::<i64>().map_err(|_| Refusal::invalid("Invalid timestamp").at("trial_end"))?;
            if at <= w.now() {
                return Err(Refusal::invalid("Invalid timestamp: must be in the future.").at("trial_end"));
            }
            if at > w.now() + 730 * DAY {
                let said = "Invalid timestamp: a trial can end two years from now at most.";
                return Err(Refusal::invalid(said).at("trial_end"));
            }
            Ok(Some(at))
        }
    }
}

fn trial_settings(p: &mut Params) -> Answer<Option<String>> {
    let Some(mut settings) = p.map("trial_settings")? else { return Ok(None) };
    let mut end = settings.map("end_behavior")?.ok_or_else(|| settings.missing("end_behavior"))?;
    let choice = end.choice("missing_payment_method", &["cancel", "create_invoice", "pause"])?;
    end.finish()?;
    settings.finish()?;
    Ok(choice)
}

/// `discounts[]` as pairs of coupon and promotion code; an empty list takes all away.
fn coupons(p: &mut Params) -> Answer<Option<Vec<(Option<String>, Option<String>)>>> {
    let Some(given) = p.maps("discounts")? else { return Ok(None) };
    let mut all = Vec::new();
    for mut discount in given {
        all.push((discount.word("coupon")?, discount.word("promotion_code")?));
        discount.ignore(&["discount"]);
        discount.finish()?;
    }
    Ok(Some(all))
}

fn redeem(w: &mut World, customer: &str, given: (Option<String>, Option<String>)) -> Answer<Discount> {
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
            return Err(Refusal::invalid("Missing required param: discounts[0][coupon].")
                .with_code("parameter_missing")
                .at("discounts[0][coupon]"));
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

/// Everything an update can change, read before anything is done.
struct Update {
    change: Option<Change>,
    trial_end: Option<i64>,
    error_if_incomplete: bool,
    discounts: Option<Vec<(Option<String>, Option<String>)>>,
    fields: Subscription,
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
    shown(w, id)
}

/// More than `metadata` and `cancellation_details`, which is all that can change at the end.
fn touches_more_than_words(sub: &Subscription, update: &Update) -> bool {
    let same = Subscription {
        metadata: update.fields.metadata.clone(),
        cancellation: update.fields.cancellation.clone(),
        ..sub.clone()
    };
    let fields_differ = serde_json::to_string(&same).ok() != serde_json::to_string(&update.fields).ok();
    fields_differ || update.change.is_some() || update.trial_end.is_some() || update.discounts.is_some()
}

fn apply(w: &mut World, id: &str, update: Update) -> Answer<()> {
    w.subscriptions.put(update.fields);
    if let Some(given) = update.discounts {
        let customer = w.subscriptions.get(id).map(|sub| sub.customer.clone()).unwrap_or_default();
        let discounts =
            given.into_iter().map(|one| redeem(w, &customer, one)).collect::<Answer<Vec<_>>>()?;
        w.subscriptions.change(id).map(|sub| sub.discounts = discounts);
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

fn read_update(w: &World, sub: &Subscription, p: &mut Params) -> Answer<Update> {
    let change = read_change(p)?;
    let error_if_incomplete = payment_behavior(p)?.as_deref() == Some("error_if_incomplete");
    let (trial_end, discounts) = (trial(w, p)?, coupons(p)?);
    let mut fields = sub.clone();
    p.metadata(&mut fields.metadata)?;
    if let Some(card) = p.text("default_payment_method")? {
        fields.default_payment_method = Some(card).filter(|card| !card.is_empty());
    }
    if let Some(description) = p.text("description")? {
        fields.description = Some(description).filter(|it| !it.is_empty());
    }
    if let Some(missing) = trial_settings(p)? {
        fields.missing_payment_method = missing;
    }
    if let Some(method) = p.choice("collection_method", &["charge_automatically", "send_invoice"])? {
        fields.collection_method = method;
    }
    fields.days_until_due = p.int_in("days_until_due", 0, 365)?.or(fields.days_until_due);
    read_cancel(w, p, &mut fields)?;
    read_pause(p, &mut fields)?;
    p.ignore(WITHOUT_EFFECT);
    Ok(Update { change, trial_end, error_if_incomplete, discounts, fields })
}

/// `items[]`, `proration_behavior` and `billing_cycle_anchor`, if anything of them is there.
fn read_change(p: &mut Params) -> Answer<Option<Change>> {
    let proration =
        match p.choice("proration_behavior", &["none", "create_prorations", "always_invoice"])?.as_deref() {
            Some("none") => Proration::None,
            Some("always_invoice") => Proration::Invoice,
            _ => Proration::Create,
        };
    let anchor_now = p.choice("billing_cycle_anchor", &["now", "unchanged"])?.as_deref() == Some("now");
    let mut items = Vec::new();
    for mut item in p.maps("items")?.unwrap_or_default() {
        items.push(ItemChange {
            id: item.word("id")?,
            price: item.word("price")?.or(item.word("plan")?),
            quantity: item.int_in("quantity", 0, 1_000_000)?,
            deleted: item.flag("deleted")?.unwrap_or(false),
        });
        item.ignore(&["metadata", "tax_rates", "discounts", "billing_thresholds", "clear_usage"]);
        item.finish()?;
    }
    let changes = !items.is_empty() || anchor_now;
    Ok(changes.then(|| Change { items, proration, anchor_now, end_trial: false }))
}

fn read_cancel(w: &World, p: &mut Params, sub: &mut Subscription) -> Answer<()> {
    if let Some(mut details) = p.map("cancellation_details")? {
        if let Some(comment) = details.text("comment")? {
            sub.cancellation.comment = Some(comment).filter(|it| !it.is_empty());
        }
        sub.cancellation.feedback = details.word("feedback")?.or(sub.cancellation.feedback.take());
        details.finish()?;
    }
    if p.has("cancel_at") && p.has("cancel_at_period_end") {
        return Err(Refusal::invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
        ));
    }
    let now = w.now();
    let mut set = |at: Option<i64>, flag: bool| {
        sub.cancel_at = at;
        sub.cancel_at_period_end = flag;
        sub.canceled_at = at.map(|_| now);
        sub.cancellation.reason = at.map(|_| "cancellation_requested".to_owned());
    };
    if let Some(at) = p.text("cancel_at")? {
        match at.as_str() {
            "" => set(None, false),
            "min_period_end" | "max_period_end" => {
                let end = sub_end(at.as_str(), sub.items.as_slice());
                set(Some(end), false);
            }
            at => {
                let at =
                    at.parse::<i64>().map_err(|_| Refusal::invalid("Invalid timestamp").at("cancel_at"))?;
                if at <= now {
                    return Err(Refusal::invalid("Invalid timestamp: must be in the future.").at("cancel_at"));
                }
                set(Some(at), false);
            }
        }
    }
    match p.flag("cancel_at_period_end")? {
        Some(true) => {
            let end = sub.period_end();
            sub.cancel_at = Some(end);
            sub.cancel_at_period_end = true;
            sub.canceled_at.get_or_insert(now);
            sub.cancellation.reason = Some("cancellation_requested".into());
        }
        Some(false) if sub.ends_at().is_some() && sub.is_alive() => {
            sub.cancel_at = None;
            sub.cancel_at_period_end = false;
            sub.canceled_at = None;
            sub.cancellation = Cancellation::default();
        }
        _ => {}
    }
    Ok(())
}

fn sub_end(which: &str, items: &[Item]) -> i64 {
    let ends = items.iter().map(|item| item.current_period_end);
    if which == "min_period_end" { ends.min() } else { ends.max() }.unwrap_or_default()
}

fn read_pause(p: &mut Params, sub: &mut Subscription) -> Answer<()> {
    let Some(mut pause) = p.map("pause_collection")? else { return Ok(()) };
    if pause.has("resumes_at") && !pause.has("behavior") {
        return Err(pause.missing("behavior"));
    }
    let behavior = pause.choice("behavior", &["keep_as_draft", "mark_uncollectible", "void"])?;
    let resumes_at = pause.instant("resumes_at")?;
    pause.finish()?;
    sub.pause_collection = behavior.map(|behavior| PauseCollection { behavior, resumes_at });
    Ok(())
}

pub fn cancel(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut why = Cancellation::default();
    if let Some(mut details) = p.map("cancellation_details")? {
        (why.comment, why.feedback) = (details.word("comment")?, details.word("feedback")?);
        details.finish()?;
    }
    p.ignore(&["invoice_now", "prorate"]);
    p.finish()?;
    engine::cancel_now(w, id, why)?;
    shown(w, id)
}

pub fn resume(w: &mut World, id: &str, mut p: Params) -> Answer {
    p.ignore(&["billing_cycle_anchor", "proration_behavior", "proration_date", "payment_behavior"]);
    p.finish()?;
    engine::resume(w, id, Holder::Absent)?;
    shown(w, id)
}

pub fn pause(w: &mut World, id: &str, mut p: Params) -> Answer {
    let resumes_at = p.instant("resumes_at")?;
    p.ignore(&["type", "bill_for", "invoicing_behavior", "resume_behavior"]);
    p.finish()?;
    engine::pause(w, id, "pause_requested", resumes_at)?;
    shown(w, id)
}

pub fn retrieve(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    shown(w, id)
}

fn shown(w: &World, id: &str) -> Answer {
    w.subscriptions
        .get(id)
        .map(|sub| wire::subscription(w, sub))
        .ok_or_else(|| Refusal::not_found("subscription", id))
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
    p.ignore(&["current_period_end", "current_period_start", "automatic_tax", "plan"]);
    p.finish()?;
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

/// For `invoices/create_preview`.
pub fn read_preview(p: &mut Params) -> Answer<Option<Change>> {
    let Some(mut details) = p.map("subscription_details")? else { return Ok(None) };
    let change = read_change(&mut details)?;
    details.ignore(&[
        "proration_date",
        "cancel_at",
        "cancel_at_period_end",
        "cancel_now",
        "default_tax_rates",
        "start_date",
        "trial_end",
        "resume_at",
        "billing_mode",
    ]);
    details.finish()?;
    Ok(change)
}
