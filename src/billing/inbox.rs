//! The webhook inbox: stored before it is acknowledged, processed by whoever fetches the truth.
//!
//! Deliveries that arrive together share one commit, so that a burst is not one flush to disk each;
//! every one of them is on disk before its 200.
use super::{db, db::EventState, jobs::scope_of_customer, sync};
use crate::{
    App,
    clock::Clock,
    db::{At, Db, Scope},
    error::{Error, Result},
    jobs::{self, Job},
    stripe::{DISPUTE, Deadline, EVENT_TYPES, Envelope},
};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};

pub use db::InboxRow;

/// The most deliveries of one commit.
const BATCH: usize = 256;
/// Waiting for a commit; past it Stripe is told to come back.
const QUEUE: usize = 4096;
/// Payloads hold people's data; a month and a half is enough to look into anything.
const KEEP_PAYLOADS: time::Duration = time::Duration::days(45);

/// One delivery on its way to the disk.
pub struct Delivery {
    pub envelope: Envelope,
    pub payload: Vec<u8>,
    /// Whether our key is for real money. An event of the other kind is not ours to act on.
    pub live: bool,
}

/// Takes deliveries from every request and commits them together.
#[derive(Clone)]
pub struct Inbox(mpsc::Sender<(Delivery, oneshot::Sender<bool>)>);

impl Inbox {
    /// Starts the one task that writes. It ends with the last clone of this.
    pub fn open(db: Db, clock: Clock, work_arrived: Arc<Notify>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(db, clock, work_arrived, receiver));
        Self(sender)
    }

    /// True once it is on disk, or was before. False if it could not be stored: Stripe tries again.
    pub async fn store(&self, delivery: Delivery) -> bool {
        let (done, stored) = oneshot::channel();
        self.0.try_send((delivery, done)).is_ok() && stored.await.unwrap_or(false)
    }
}

async fn write(
    db: Db,
    clock: Clock,
    work_arrived: Arc<Notify>,
    mut arriving: mpsc::Receiver<(Delivery, oneshot::Sender<bool>)>,
) {
    let mut batch = Vec::new();
    while arriving.recv_many(&mut batch, BATCH).await > 0 {
        let (deliveries, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let mut stored = vec![commit(&db, &deliveries, clock.now()).await; deliveries.len()];
        if !stored[0] && deliveries.len() > 1 {
            // One of them spoils it, or the database is gone: each for itself.
            for (n, delivery) in deliveries.iter().enumerate() {
                stored[n] = commit(&db, std::slice::from_ref(delivery), clock.now()).await;
            }
        }
        work_arrived.notify_waiters();
        for (done, stored) in waiting.into_iter().zip(stored) {
            done.send(stored).ok(); // a client that hung up does not mind
        }
    }
}

async fn commit(db: &Db, deliveries: &[Delivery], now: At) -> bool {
    let stored = insert(db, deliveries, now).await;
    if let Err(error) = &stored {
        tracing::error!(%error, events = deliveries.len(), "webhooks could not be stored");
    }
    stored.is_ok()
}

async fn insert(db: &Db, deliveries: &[Delivery], now: At) -> Result<()> {
    let mut tx = db.system_tx().await?;
    for Delivery { envelope, payload, live } in deliveries {
        let (state, error) = triage(envelope, *live);
        let is_new = db::insert_event(&mut tx, envelope, payload, state, error, now).await?;
        if is_new && state == EventState::Pending {
            jobs::enqueue(&mut tx, &job_for(envelope), now).await?;
        }
        if is_new && envelope.kind == DISPUTE {
            tracing::warn!(event = envelope.id, "a charge is disputed: answer it at Stripe");
        }
    }
    Ok(tx.commit().await?)
}

fn triage(envelope: &Envelope, live: bool) -> (EventState, Option<&'static str>) {
    let ours = EVENT_TYPES.contains(&envelope.kind.as_str()) || envelope.kind.starts_with("customer.tax_id.");
    match (envelope.livemode == live, ours) {
        (false, _) => (EventState::Parked, Some("its mode, live or test, is not our key's")),
        (true, false) => (EventState::Ignored, None),
        (true, true) => (EventState::Pending, None),
    }
}

/// A customer's events are processed together; one that does not say whose it is asks for that first.
fn job_for(envelope: &Envelope) -> Job {
    match &envelope.customer {
        Some(customer) => Job::Customer(customer.clone()),
        None => Job::Event(envelope.id.clone()),
    }
}

/// Finds out whose event this is, from Stripe, by the object it is about.
pub async fn attribute(app: &App, event: &str) -> Result<()> {
    let Some(row) = db::unattributed(&app.db, event).await? else { return Ok(()) };
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
            db::set_event_state(&mut tx, event, EventState::Ignored, Some("belongs to no customer"), now)
                .await?,
        ),
    }
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(())
}

/// Fetches the truth about a customer and processes all their events with it.
pub async fn process(app: &App, customer: &str) -> Result<()> {
    while let Some(scope) = scope_of_customer(app, customer, "billing sync").await? {
        if settle_page(app, &scope, customer).await? {
            return Ok(());
        }
    }
    park_or_ignore(app, customer).await
}

/// True if nothing waits any more. After a full page there may be more, and nobody will ask again;
/// where the organisation has gone meanwhile its events are somebody else's matter.
async fn settle_page(app: &App, scope: &Scope, customer: &str) -> Result<bool> {
    let events: Vec<String> =
        db::pending_events(&app.db, customer).await?.into_iter().map(|(id,)| id).collect();
    match sync::sync_processing(app, scope, Deadline::of_job(), &events).await {
        Ok(()) => Ok(events.len() < db::PENDING_PAGE),
        Err(Error::NotFound) => Ok(false),
        Err(error) => {
            db::count_try(&app.db, customer, &error.to_string()).await?;
            Err(error)
        }
    }
}

/// Events of a customer we never made wait, parked, for our own record: what an event says of itself
/// binds nothing. Those of an organisation that was deleted are the last of it.
async fn park_or_ignore(app: &App, customer: &str) -> Result<()> {
    if db::is_former_customer(app.db.system(), customer).await? {
        tracing::info!(customer, "late events of an organisation that was deleted");
        let gone = Some("its organisation was deleted");
        db::move_events(&app.db, customer, EventState::Pending, EventState::Ignored, gone).await?;
        return Ok(());
    }
    let unknown = Some("a customer we have no record of");
    db::move_events(&app.db, customer, EventState::Pending, EventState::Parked, unknown).await?;
    // Bound between our look and our parking, its events would wait for nobody.
    if scope_of_customer(app, customer, "billing sync").await?.is_some() {
        unpark(app, customer).await?;
    }
    Ok(())
}

/// A customer is ours from now on: what waited for that waits no longer.
pub(super) async fn unpark(app: &App, customer: &str) -> Result<()> {
    let mut tx = app.db.system_tx().await?;
    if db::unpark_events(&mut tx, customer, app.config.stripe.is_live()).await? > 0 {
        jobs::enqueue(&mut tx, &Job::Customer(customer.to_owned()), app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

/// After the last try: the events stay, for a person to look at and replay.
pub async fn dead_letter_events(app: &App, customer: &str, error: &str) -> Result<()> {
    Ok(db::move_events(&app.db, customer, EventState::Pending, EventState::Dead, Some(error))
        .await
        .map(drop)?)
}

/// The same for one whose customer could not be found out.
pub async fn dead_letter_event(app: &App, event: &str, error: &str) -> Result<()> {
    let now = app.clock.now();
    Ok(db::set_event_state(&app.db, event, EventState::Dead, Some(error), now).await.map(drop)?)
}

/// Back to waiting, whatever became of it. False if there is no such event.
pub async fn replay(app: &App, event: &str) -> Result<bool> {
    let mut tx = app.db.system_tx().await?;
    let Some((customer,)) = db::replay_event(&mut tx, event).await? else { return Ok(false) };
    let job = customer.map_or_else(|| Job::Event(event.to_owned()), Job::Customer);
    jobs::enqueue(&mut tx, &job, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

pub async fn listed(app: &App, state: Option<EventState>, limit: i64) -> Result<Vec<InboxRow>> {
    Ok(db::inbox(&app.db, state, limit).await?)
}

pub async fn forget_payloads(app: &App) -> Result<()> {
    Ok(db::forget_payloads(&app.db, app.clock.now() - KEEP_PAYLOADS).await.map(drop)?)
}

/// An event that was found at Stripe instead of arriving. True if it was missing here.
pub(super) async fn insert_missing(app: &App, envelope: &Envelope, payload: &[u8]) -> Result<bool> {
    let now = app.clock.now();
    let (state, error) = triage(envelope, app.config.stripe.is_live());
    let mut tx = app.db.system_tx().await?;
    let missing = db::insert_event(&mut tx, envelope, payload, state, error, now).await?;
    if missing && state == EventState::Pending {
        jobs::enqueue(&mut tx, &job_for(envelope), now).await?;
    }
    tx.commit().await?;
    Ok(missing)
}
