//! Subscription schedules, as far as the portal makes them: a change that waits.
use super::{Answer, Paging, Params, Refusal};
use crate::{engine, state::World, wire};

pub fn list(w: &World, mut p: Params) -> Answer {
    let (paging, customer) = (Paging::take(&mut p)?, p.word("customer")?);
    p.finish_but(&["scheduled", "created", "canceled_at", "completed_at", "released_at"])?;
    let rows = w
        .schedules
        .iter()
        .rev()
        .filter(|it| customer.as_ref().is_none_or(|customer| it.customer == *customer));
    paging.of("/v1/subscription_schedules", rows, |it| wire::schedule(w, it))
}

pub fn release(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish_but(&["preserve_cancel_date"])?;
    let schedule =
        w.schedules.get(id).cloned().ok_or_else(|| Refusal::not_found("subscription schedule", id))?;
    if schedule.status != "active" {
        return Err(Refusal::invalid(format!(
            "You cannot release a subscription schedule that is currently in the `{}` status.",
            schedule.status
        )));
    }
    engine::say_change(w, &schedule.subscription, |w| {
        engine::release_schedule(w, &schedule.subscription);
        Ok(())
    })?;
    wire::shown(w, "subscription_schedule", id)
}
