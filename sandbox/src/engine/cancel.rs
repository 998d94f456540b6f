//! How a subscription ends, pauses, and comes back before it has.
use super::{
    amend,
    amend::say,
    cards::Holder,
    customers::card_in_charge,
    ending::{end, release_schedule},
    invoicing,
};
use crate::{
    objects::{Cancellation, Paused},
    refusal::{Answer, Refusal},
    state::World,
    wire,
};

/// Cancels now, on request.
pub fn cancel_now(w: &mut World, id: &str, why: Cancellation) -> Answer<()> {
    let sub = w.subscriptions.change(id).ok_or_else(|| Refusal::not_found("subscription", id))?;
    if !sub.is_alive() {
        return Err(Refusal::not_found("subscription", id));
    }
    sub.cancellation = why;
    invoicing::forget_what_waits(w, id);
    end(w, id, "cancellation_requested");
    Ok(())
}

/// Cancels at the end of the period, as the portal does: two events, first the fact, then what the
/// person said of it. In flexible mode `cancel_at` is set and the older flag is not.
pub fn schedule_cancel(w: &mut World, id: &str, why: Cancellation) -> Answer<()> {
    let sub = alive(w, id)?;
    if sub.ends_at().is_some() {
        return Err(Refusal::invalid(format!(
            "The subscription {id} is already set to be canceled at period end."
        )));
    }
    release_schedule(w, id);
    let now = w.now();
    amend(w, id, |sub| {
        sub.cancel_at = Some(sub.period_end());
        sub.cancel_at_period_end = !sub.is_flexible();
        sub.canceled_at = Some(now);
        sub.cancellation =
            Cancellation { reason: Some("cancellation_requested".into()), ..Cancellation::default() };
    })?;
    amend(w, id, |sub| {
        sub.cancellation.comment = why.comment;
        sub.cancellation.feedback = why.feedback;
    })
}

/// It goes on after all: what was scheduled is taken back, in two events like the cancelling.
pub fn renew(w: &mut World, id: &str) -> Answer<()> {
    if alive(w, id)?.ends_at().is_none() {
        return Err(Refusal::invalid("This subscription is not set to be canceled."));
    }
    amend(w, id, |sub| {
        sub.cancel_at = None;
        sub.cancel_at_period_end = false;
        sub.canceled_at = None;
    })?;
    amend(w, id, |sub| sub.cancellation = Cancellation::default())
}

/// Service and invoices rest, until somebody resumes them or `resumes_at` comes.
pub fn pause(w: &mut World, id: &str, why: &str, resumes_at: Option<i64>) -> Answer<()> {
    let sub = alive(w, id)?;
    if !matches!(sub.status.as_str(), "active" | "trialing" | "past_due") {
        return Err(Refusal::invalid(format!("Subscriptions with status {} cannot be paused.", sub.status)));
    }
    let since = w.now();
    if let Some(sub) = w.subscriptions.change(id) {
        sub.status = "paused".into();
        sub.paused = Some(Paused { why: why.into(), since, resumes_at });
    }
    say(w, id, "customer.subscription.paused");
    Ok(())
}

/// Back from a pause: a new period begins, and is paid for where there is a card.
pub fn resume(w: &mut World, id: &str, holder: Holder) -> Answer<()> {
    let sub = alive(w, id)?;
    if sub.status != "paused" {
        return Err(Refusal::invalid("Only paused subscriptions can be resumed."));
    }
    if card_in_charge(w, &sub.customer, Some(id)).is_none() && sub.collection_method == "charge_automatically"
    {
        return Err(Refusal::invalid(
            "This customer has no attached payment source or default payment method.",
        ));
    }
    let now = w.now();
    let ends: Vec<i64> =
        sub.items.iter().map(|item| super::periods::period_after(w, &item.price, now, now)).collect();
    if let Some(sub) = w.subscriptions.change(id) {
        sub.status = "active".into();
        sub.paused = None;
        sub.trial_end = sub.trial_end.map(|end| end.min(now));
        sub.billing_cycle_anchor = now;
        for (item, end) in sub.items.iter_mut().zip(ends) {
            (item.current_period_start, item.current_period_end) = (now, end);
        }
    }
    let sub = alive(w, id)?;
    let (paid, followed) = w.hold_back(|w| {
        let lines = invoicing::lines_of_period(w, &sub);
        invoicing::invoice_now(w, &sub, lines, "subscription_cycle", Some(holder))
    });
    match paid {
        Err(refusal) if !refusal.stands => return Err(refusal),
        _ => {}
    }
    say(w, id, "customer.subscription.resumed");
    w.say_all(followed);
    Ok(())
}

fn alive(w: &World, id: &str) -> Answer<crate::objects::Subscription> {
    let sub = w.subscriptions.get(id).ok_or_else(|| Refusal::not_found("subscription", id))?;
    match sub.is_alive() {
        true => Ok(sub.clone()),
        false => Err(Refusal::invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
        )),
    }
}

/// 23 hours without the first payment.
pub fn expire_incomplete(w: &mut World, id: &str) {
    let latest = w.subscriptions.get(id).and_then(|sub| sub.latest_invoice.clone());
    let now = w.now();
    let before = wire::by_id(w, id).unwrap_or_default();
    if let Some(sub) = w.subscriptions.change(id) {
        sub.status = "incomplete_expired".into();
        sub.ended_at = Some(now);
    }
    let after = wire::by_id(w, id).unwrap_or_default();
    w.emit_change("customer.subscription.updated", &before, after);
    if let Some(invoice) = latest {
        invoicing::close(w, &invoice, "void", "invoice.voided");
    }
}
