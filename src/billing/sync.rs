//! The only writer of the billing state: whoever says that something changed, Stripe is asked what is true.
use super::{db, details, invoices, notifications, snapshot::Snapshot, trials};
use crate::{
    App,
    db::{At, OrgTx, Scope},
    error::{Error, Result},
    stripe::Deadline,
};

/// Losing this often to other writers within one call means that something else is wrong.
const TRIES: u32 = 5;

/// What asked for a sync.
#[derive(Default)]
pub struct Hints<'a> {
    /// The events to mark as processed.
    pub events: &'a [String],
    /// Ids of what they are about: an old invoice is read only if one of them leads to it.
    pub objects: Vec<String>,
    /// Every invoice is read, however old.
    pub everything: bool,
}

/// Fetches what Stripe holds for the organisation and writes it down. Does nothing without a customer.
pub async fn sync(app: &App, scope: &Scope, until: Deadline) -> Result<()> {
    if_there_is_a_customer(sync_processing(app, scope, until, &Hints::default()).await)
}

/// The same with every invoice, however old, for when something may have been missed.
pub async fn sync_everything(app: &App, scope: &Scope, until: Deadline) -> Result<()> {
    let everything = Hints { everything: true, ..Hints::default() };
    if_there_is_a_customer(sync_processing(app, scope, until, &everything).await)
}

fn if_there_is_a_customer(synced: Result<()>) -> Result<()> {
    match synced {
        Err(Error::NotFound) => Ok(()),
        synced => synced,
    }
}

/// The same, and marks the events that asked for it as processed in the same transaction; `NotFound` where
/// there is no customer (any more). If somebody else wrote after we read the version, we fetch again: so an
/// older snapshot never replaces a newer one, and no lock is held while Stripe is asked.
pub async fn sync_processing(app: &App, scope: &Scope, until: Deadline, hints: &Hints<'_>) -> Result<()> {
    let customer = db::customer(&mut app.db.read(scope).await?, scope.org()).await?.ok_or(Error::NotFound)?;
    for _ in 0..TRIES {
        let mut tx = app.db.read(scope).await?;
        let version = db::version(&mut tx, scope.org()).await?;
        let wanted = invoices::wanted(&mut tx, &customer, hints.everything, &hints.objects).await?;
        drop(tx);
        let snapshot = Snapshot::fetch(app, scope, &customer.customer_id, &wanted, until).await?;
        if write(app, scope, &snapshot, version, hints.events).await? {
            app.work_arrived.notify_waiters();
            return Ok(());
        }
    }
    Err(Error::Busy)
}

/// False if somebody else wrote since `version` was read.
async fn write(
    app: &App,
    scope: &Scope,
    snapshot: &Snapshot,
    version: i64,
    events: &[String],
) -> Result<bool> {
    let now = app.billing_now();
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let before = db::state(&mut tx, scope.org()).await?.unwrap_or_default();
    let after = snapshot.state(&before, now);
    if !db::replace_state(&mut tx, after.clone(), version).await? {
        return Ok(false);
    }
    invoices::keep(&mut tx, snapshot).await?;
    trials::keep(&mut tx, &snapshot.subscriptions, now).await?;
    if let Some(held) = &snapshot.customer {
        details::keep(&mut tx, app, held).await?;
    }
    if snapshot.deleted && db::detach_customer(&mut tx, now).await? {
        notifications::customer_deleted(&mut tx, app).await?;
    }
    notifications::of_change(&mut tx, app, &before, &after, snapshot).await?;
    mark_processed(&mut tx, events, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

async fn mark_processed(tx: &mut OrgTx<'_>, events: &[String], now: At) -> Result<()> {
    for id in events {
        db::mark_processed(tx.system(), id, now).await?;
    }
    Ok(())
}
