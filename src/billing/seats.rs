//! Seats of a per-seat plan follow the members. A quantity that somebody set in the portal stands
//! until a member is added or removed.
use super::{db, sync};
use crate::{App, db::Scope, error::Result, stripe::Deadline};

/// After a member was added or removed: tells Stripe how many there are now. Nothing for plans that
/// do not count, for subscriptions with several items, and while a change waits for the period's end.
pub async fn follow(app: &App, scope: &Scope) -> Result<()> {
    let state = super::state(app, scope).await?;
    let counts = state.is_alive() && state.plan.offer().per_seat && state.item_count == 1 && !state.scheduled;
    let (Some(subscription), Some(item), true) = (&state.subscription_id, &state.item_id, counts) else {
        return Ok(());
    };
    // Counted under the organisation's lock, so that two changes at once are two counts, not one.
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let members = crate::orgs::count_members(&mut tx).await?.max(1);
    let version = db::version(&mut tx, scope.org()).await?;
    tx.commit().await?;
    if state.quantity == Some(members) {
        return Ok(());
    }
    let until = Deadline::of_job();
    let key = format!("seats:{subscription}:{version}:{members}");
    app.stripe.set_seats(subscription, item, members as u64, &key, until).await?;
    sync::sync(app, scope, until).await
}
