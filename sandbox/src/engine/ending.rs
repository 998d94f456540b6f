//! The end of a subscription, and of a change that waited for it.
use super::amend::say;
use crate::state::World;

/// Over, now. `reason` is Stripe's: `cancellation_requested`, `payment_failed`, …
pub fn end(w: &mut World, id: &str, reason: &str) {
    release_schedule(w, id);
    let now = w.now();
    if let Some(sub) = w.subscriptions.change(id) {
        sub.status = "canceled".into();
        sub.ended_at = Some(now);
        sub.canceled_at.get_or_insert(now);
        sub.paused = None;
        sub.cancellation.reason = Some(reason.into());
    }
    let open = w
        .invoices
        .ids(|i| i.subscription.as_deref() == Some(id) && matches!(i.status.as_str(), "open" | "draft"));
    for invoice in open {
        if let Some(invoice) = w.invoices.change(&invoice) {
            invoice.auto_advance = false;
            invoice.next_payment_attempt = None;
            invoice.finalizes_at = None;
        }
    }
    say(w, id, "customer.subscription.deleted");
}

/// Lets go of a change that waits, if there is one.
pub fn release_schedule(w: &mut World, id: &str) {
    let Some(name) = w.subscriptions.change(id).and_then(|sub| sub.schedule.take()) else { return };
    let now = w.now();
    if let Some(schedule) = w.schedules.change(&name) {
        schedule.status = "released".into();
        schedule.released_at = Some(now);
    }
    say(w, &name, "subscription_schedule.released");
}
