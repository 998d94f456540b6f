//! Which subscriptions the customer portal changes: Stripe refuses a session for the others, and its pages
//! offer nothing that would be refused. README.md has the table.
use crate::{objects::Subscription, state::World};

/// Why the plan cannot be changed in the portal, to go after "This subscription cannot be updated because";
/// none if it can.
pub fn cannot_switch(w: &World, sub: &Subscription) -> Option<String> {
    let schedule = sub.schedule.as_ref().and_then(|id| w.schedules.get(id));
    match sub.status.as_str() {
        "active" | "trialing" | "past_due" => {}
        status => return Some(format!("its status is `{status}`.")),
    }
    if sub.items.len() > 1 {
        Some("it has multiple items.".into())
    } else if sub.ends_at().is_some() {
        Some("it is set to be canceled.".into())
    } else if schedule.is_some_and(|schedule| schedule.next().is_some()) {
        Some("it is attached to a subscription schedule with a future phase.".into())
    } else if sub.collection_method == "send_invoice" {
        Some("its collection method is `send_invoice`.".into())
    } else {
        None
    }
}

/// Only what runs can rest.
pub fn can_pause(sub: &Subscription) -> bool {
    matches!(sub.status.as_str(), "active" | "trialing" | "past_due") && sub.ends_at().is_none()
}
