//! Changing a subscription so that one event says all of it.
use crate::{
    objects::Subscription,
    refusal::{Answer, Refusal},
    state::World,
    wire,
};

const UPDATED: &str = "customer.subscription.updated";

/// Changes fields of a subscription and says so.
pub fn amend(w: &mut World, id: &str, change: impl FnOnce(&mut Subscription)) -> Answer<()> {
    say_change(w, id, |w| {
        change(w.subscriptions.change(id).ok_or_else(|| Refusal::not_found("subscription", id))?);
        Ok(())
    })
}

/// Does something to a subscription, says the change first and then what followed from it
/// (invoices, payments), which is the order people see at Stripe.
pub fn say_change(w: &mut World, id: &str, work: impl FnOnce(&mut World) -> Answer<()>) -> Answer<()> {
    let before = wire::by_id(w, id).ok_or_else(|| Refusal::not_found("subscription", id))?;
    let (done, followed) = w.hold_back(work);
    done?;
    if let Some(after) = wire::by_id(w, id) {
        w.emit_change(UPDATED, &before, after);
    }
    // What the same work said of the same subscription in passing is in that one event.
    w.say_all(
        followed.into_iter().filter(|said| !(said.kind == UPDATED && said.object["id"] == id)).collect(),
    );
    Ok(())
}

/// Says that something happened to the object with this id.
pub fn say(w: &mut World, id: &str, event: &str) {
    if let Some(object) = wire::by_id(w, id) {
        w.emit(event, object);
    }
}
