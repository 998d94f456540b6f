//! The end of a subscription, and of a change that waited for it.
use super::amend::say;
use crate::{objects::Subscription, state::World};

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

/// A change that waits is over once it has come, or another one is made.
pub fn release_change(w: &mut World, id: &str) {
    let schedule = w.subscriptions.get(id).and_then(|sub| w.schedules.get(sub.schedule.as_ref()?));
    if schedule.is_some_and(|schedule| schedule.is_change) {
        release_schedule(w, id);
    }
}

/// The last phase of a schedule is over: the subscription goes on by itself, or ends.
pub fn complete_schedule(w: &mut World, name: &str) {
    let Some(schedule) = w.schedules.get(name).cloned() else { return };
    if schedule.end_behavior != "cancel" {
        return release_schedule(w, &schedule.subscription);
    }
    let now = w.now();
    if let Some(sub) = w.subscriptions.change(&schedule.subscription) {
        sub.schedule = None;
    }
    if let Some(schedule) = w.schedules.change(name) {
        schedule.status = "completed".into();
        schedule.completed_at = Some(now);
    }
    say(w, name, "subscription_schedule.completed");
    end(w, &schedule.subscription, "cancellation_requested");
}

/// Ends a schedule and its subscription at once.
pub fn cancel_schedule(w: &mut World, name: &str) {
    let Some(id) = w.schedules.get(name).map(|schedule| schedule.subscription.clone()) else { return };
    let now = w.now();
    if let Some(sub) = w.subscriptions.change(&id) {
        sub.schedule = None;
    }
    if let Some(schedule) = w.schedules.change(name) {
        schedule.status = "canceled".into();
        schedule.canceled_at = Some(now);
    }
    say(w, name, "subscription_schedule.canceled");
    if w.subscriptions.get(&id).is_some_and(Subscription::is_alive) {
        end(w, &id, "cancellation_requested");
    }
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
