//! What an update of a subscription asks for, read whole before anything is done.
use super::{Answer, Params, Refusal};
use crate::{
    engine::{Change, ItemChange, Proration},
    objects::*,
    state::{DAY, World},
};

/// Taken, and without effect in a sandbox.
pub const WITHOUT_EFFECT: &[&str] = &[
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

/// Everything an update can change, read before anything is done.
pub struct Update {
    pub change: Option<Change>,
    pub trial_end: Option<i64>,
    pub error_if_incomplete: bool,
    pub pending_if_incomplete: bool,
    pub discounts: Option<Vec<Given>>,
    pub fields: Subscription,
}

/// More than `metadata` and `cancellation_details`, which is all that can change at the end.
pub fn touches_more_than_words(sub: &Subscription, update: &Update) -> bool {
    let same = Subscription {
        metadata: update.fields.metadata.clone(),
        cancellation: update.fields.cancellation.clone(),
        ..sub.clone()
    };
    let fields_differ = serde_json::to_string(&same).ok() != serde_json::to_string(&update.fields).ok();
    fields_differ || update.change.is_some() || update.trial_end.is_some() || update.discounts.is_some()
}

pub fn read_update(w: &World, sub: &Subscription, p: &mut Params) -> Answer<Update> {
    let change = read_change(p)?;
    let behavior = payment_behavior(p)?;
    let error_if_incomplete = behavior.as_deref() == Some("error_if_incomplete");
    let pending_if_incomplete = behavior.as_deref() == Some("pending_if_incomplete");
    let (trial_end, discounts) = (trial(w, p)?, coupons(p)?);
    let mut fields = sub.clone();
    p.metadata(&mut fields.metadata)?;
    p.set("default_payment_method", &mut fields.default_payment_method)?;
    p.set("description", &mut fields.description)?;
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
    Ok(Update { change, trial_end, error_if_incomplete, pending_if_incomplete, discounts, fields })
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
        item.finish_but(&["metadata", "tax_rates", "discounts", "billing_thresholds", "clear_usage"])?;
    }
    let changes = !items.is_empty() || anchor_now;
    Ok(changes.then_some(Change { items, proration, anchor_now, end_trial: false }))
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
    read_cancel_at(w, p, sub)?;
    match p.flag("cancel_at_period_end")? {
        Some(true) => {
            sub.cancel_at = Some(sub.period_end());
            sub.cancel_at_period_end = true;
            sub.canceled_at.get_or_insert(w.now());
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

/// An instant, one of two words for one, or nothing to take it back.
fn read_cancel_at(w: &World, p: &mut Params, sub: &mut Subscription) -> Answer<()> {
    let Some(given) = p.clone().text("cancel_at")? else { return Ok(()) };
    let now = w.now();
    let at = match given.as_str() {
        "" => None,
        word @ ("min_period_end" | "max_period_end") => Some(sub_end(word, &sub.items)),
        _ => match p.instant("cancel_at")? {
            Some(at) if at > now => Some(at),
            _ => return Err(Refusal::invalid("Invalid timestamp: must be in the future.").at("cancel_at")),
        },
    };
    p.ignore(&["cancel_at"]);
    sub.cancel_at = at;
    sub.cancel_at_period_end = false;
    sub.canceled_at = at.map(|_| now);
    sub.cancellation.reason = at.map(|_| "cancellation_requested".to_owned());
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

/// For `invoices/create_preview`.
pub fn read_preview(p: &mut Params) -> Answer<Option<Change>> {
    let Some(mut details) = p.map("subscription_details")? else { return Ok(None) };
    let change = read_change(&mut details)?;
    details.finish_but(&[
        "proration_date",
        "cancel_at",
        "cancel_at_period_end",
        "cancel_now",
        "default_tax_rates",
        "start_date",
        "trial_end",
        "resume_at",
        "billing_mode",
    ])?;
    Ok(change)
}

pub fn payment_behavior(p: &mut Params) -> Answer<Option<String>> {
    p.choice(
        "payment_behavior",
        &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"],
    )
}

/// `trial_period_days` or `trial_end` (`now` ends one).
pub fn trial(w: &World, p: &mut Params) -> Answer<Option<i64>> {
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

pub fn trial_settings(p: &mut Params) -> Answer<Option<String>> {
    let Some(mut settings) = p.map("trial_settings")? else { return Ok(None) };
    let mut end = settings.map("end_behavior")?.ok_or_else(|| settings.missing("end_behavior"))?;
    let choice = end.choice("missing_payment_method", &["cancel", "create_invoice", "pause"])?;
    end.finish()?;
    settings.finish()?;
    Ok(choice)
}

/// Coupon or promotion code.
pub type Given = (Option<String>, Option<String>);

/// `discounts[]`; an empty list takes all away.
pub fn coupons(p: &mut Params) -> Answer<Option<Vec<Given>>> {
    let Some(given) = p.maps("discounts")? else { return Ok(None) };
    let mut all = Vec::new();
    for mut discount in given {
        all.push((discount.word("coupon")?, discount.word("promotion_code")?));
        discount.finish_but(&["discount"])?;
    }
    Ok(Some(all))
}
