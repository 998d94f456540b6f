//! Processing the inbox: an event says only that a customer changed. What changed is fetched from Stripe.
use super::{
    db,
    db::{EventState, InboxRow},
    jobs::scope_of_customer,
    sync::{Hints, sync_processing},
};
use crate::{
    App,
    db::Scope,
    error::{Error, Result},
    jobs::{self, Job},
    stripe::Deadline,
};

/// Payloads hold personal data; a month and a half is enough to look into a problem.
const PAYLOAD_RETENTION: time::Duration = time::Duration::days(45);

/// Asks Stripe which customer an event is about, by the id of its object.
pub async fn attribute(app: &App, event: &str) -> Result<()> {
    let Some(row) = db::unattributed_event(&app.db, event).await? else { return Ok(()) };
    if row.state != EventState::Pending {
        return Ok(());
    }
    let now = app.clock.now();
    let owner = match row.object_id {
        Some(object) => app.stripe.owner_of(&object, Deadline::of_job()).await?,
        None => None,
    };
    let mut tx = app.db.system_tx().await?;
    match owner {
        Some(customer) => {
            db::attribute_event(&mut tx, event, &customer).await?;
            jobs::enqueue(&mut tx, &Job::Customer(customer), now).await?;
        }
        None => drop(
            db::set_event_state(&mut tx, event, EventState::Ignored, Some("not about a customer"), now)
                .await?,
        ),
    }
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(())
}

/// Syncs a customer's organisation and marks all their pending events as processed.
pub async fn process(app: &App, customer: &str) -> Result<()> {
    while let Some(scope) = scope_of_customer(app, customer, "billing sync").await? {
        if process_page(app, &scope, customer).await? {
            return Ok(());
        }
    }
    park_or_ignore(app, customer).await
}

/// False if there may be more to do: after a full page of events, or because the organisation was deleted
/// meanwhile.
async fn process_page(app: &App, scope: &Scope, customer: &str) -> Result<bool> {
    let (events, objects): (Vec<String>, Vec<_>) =
        db::pending_events(&app.db, customer).await?.into_iter().unzip();
    let objects = objects.into_iter().flatten().collect();
    let about = Hints { events: &events, objects, everything: false };
    match sync_processing(app, scope, Deadline::of_job(), &about).await {
        Ok(()) => Ok(events.len() < db::PENDING_PAGE),
        Err(Error::NotFound) => Ok(false),
        Err(error) => {
            db::count_try(&app.db, customer, &error.to_string()).await?;
            Err(error)
        }
    }
}

/// Parks the events of a customer that we have no record of: metadata in an event proves nothing. Events of a
/// deleted organisation's customer are ignored.
async fn park_or_ignore(app: &App, customer: &str) -> Result<()> {
    if db::is_former_customer(app.db.system(), customer).await? {
        tracing::info!(customer, "late events of a deleted organisation");
        let gone = Some("the organisation was deleted");
        db::move_events(&app.db, customer, EventState::Pending, EventState::Ignored, gone).await?;
        return Ok(());
    }
    let unknown = Some("unknown customer");
    db::move_events(&app.db, customer, EventState::Pending, EventState::Parked, unknown).await?;
    // If the customer was recorded between the look-up and the parking, nobody else would unpark them.
    if scope_of_customer(app, customer, "billing sync").await?.is_some() {
        unpark(app, customer).await?;
    }
    Ok(())
}

/// Puts a customer's parked events back to pending, now that the customer is recorded.
pub async fn unpark(app: &App, customer: &str) -> Result<()> {
    let mut tx = app.db.system_tx().await?;
    if db::unpark_events(&mut tx, customer, app.config.stripe.is_live()).await? > 0 {
        jobs::enqueue(&mut tx, &Job::Customer(customer.to_owned()), app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

/// Dead-letters a customer's pending events after the last try. They stay until a person replays them.
pub async fn dead_letter_all(app: &App, customer: &str, error: &str) -> Result<()> {
    Ok(db::move_events(&app.db, customer, EventState::Pending, EventState::Dead, Some(error))
        .await
        .map(drop)?)
}

/// Dead-letters one event whose customer could not be found out.
pub async fn dead_letter(app: &App, event: &str, error: &str) -> Result<()> {
    let now = app.clock.now();
    Ok(db::set_event_state(&app.db, event, EventState::Dead, Some(error), now).await.map(drop)?)
}

/// Puts an event back to pending, whatever became of it. False if there is no such event.
pub async fn replay(app: &App, event: &str) -> Result<bool> {
    let mut tx = app.db.system_tx().await?;
    let Some((customer,)) = db::replay_event(&mut tx, event).await? else { return Ok(false) };
    let job = customer.map_or_else(|| Job::Event(event.to_owned()), Job::Customer);
    jobs::enqueue(&mut tx, &job, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// The newest events, of one state or all, the oldest of them first.
pub async fn listed(app: &App, state: Option<EventState>, limit: i64) -> Result<Vec<InboxRow>> {
    Ok(db::inbox_rows(&app.db, state, limit).await?)
}

/// Deletes payloads older than 45 days.
pub async fn forget_payloads(app: &App) -> Result<()> {
    Ok(db::forget_payloads(&app.db, app.clock.now() - PAYLOAD_RETENTION).await.map(drop)?)
}
