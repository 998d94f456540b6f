//! The changes to a subscription that we make ourselves: its seats, its payment method, and taking back a change
//! that waits. Everything else is changed in the portal.
use super::{db, queries, sync::sync};
use crate::{App, db::Scope, error::Result, orgs, stripe::Deadline};

/// Sets the quantity to the number of members, after one was added or removed; a quantity that somebody
/// set in the portal stands until then. Does nothing for plans without seats, at a price that we do not know, for
/// subscriptions with two plans in them, and while a change is scheduled for the period's end.
pub async fn follow_seats(app: &App, scope: &Scope) -> Result<()> {
    let state = queries::state(app, scope).await?;
    let counts = state.is_alive()
        && state.plan.offer().per_seat
        && !state.unknown_price
        && state.item_count == state.add_ons.len() as i64 + 1
        && state.schedule_id.is_none();
    let (Some(subscription), Some(item), true) = (&state.subscription_id, &state.item_id, counts) else {
        return Ok(());
    };
    // Counted under the organisation's lock, so that two changes at once are two counts, not one.
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let members = orgs::count_members(&mut tx).await?.max(1);
    let version = db::version(&mut tx, scope.org()).await?;
    tx.commit().await?;
    if state.quantity == Some(members) {
        return Ok(());
    }
    let until = Deadline::of_job();
    let key = format!("seats:{subscription}:{version}:{members}");
    app.stripe.set_seats(subscription, item, members as u64, &key, until).await?;
    sync(app, scope, until).await
}

/// Charges the subscription to the customer's own payment method from now on. A card added in the portal
/// becomes the customer's default, while the subscription stays with the one that Checkout pinned to it.
pub async fn use_other_payment_method(app: &App, scope: &Scope) -> Result<()> {
    let state = queries::state(app, scope).await?;
    let (Some(subscription), Some(method)) = (&state.subscription_id, &state.other_payment_method_id) else {
        return Ok(()); // there is no other, or it is charged already
    };
    let (until, key) = (Deadline::of_click(), format!("card:{}", uuid::Uuid::now_v7()));
    app.stripe.set_payment_method(subscription, method, &key, until).await?;
    sync(app, scope, until).await
}

/// Takes back the change that is scheduled: the plan goes on as it is.
pub async fn keep_present_plan(app: &App, scope: &Scope) -> Result<()> {
    let Some(schedule) = queries::state(app, scope).await?.schedule_id else { return Ok(()) };
    let (until, key) = (Deadline::of_click(), format!("keep:{schedule}"));
    app.stripe.release_schedule(&schedule, &key, until).await?;
    sync(app, scope, until).await
}
