//! The webhook inbox: an event is stored before it is acknowledged, and processed later (events.rs).
//!
//! Deliveries that arrive together share one commit, so that a burst of them is not a flush to disk each.
//! Every one of them is on disk before it is answered with 200.
use super::{db, db::EventState};
use crate::{
    clock::Clock,
    db::{At, Db},
    error::Result,
    jobs::{self, Job},
    stripe::{DISPUTE, EVENT_TYPES, Envelope},
};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};

/// At most so many deliveries share one commit.
const BATCH: usize = 256;
/// At most so many deliveries wait for a commit; more are answered with 503, and Stripe sends them again.
const QUEUE: usize = 4096;

/// A verified delivery.
pub struct Delivery {
    pub envelope: Envelope,
    pub payload: Vec<u8>,
    /// Whether our key is for real money. An event of the other kind is not ours to act on.
    pub live: bool,
}

/// Takes deliveries from all requests and stores them together.
#[derive(Clone)]
pub struct Inbox(mpsc::Sender<(Delivery, oneshot::Sender<bool>)>);

impl Inbox {
    /// Starts the task that writes. It ends when the last clone of this inbox is dropped.
    pub fn open(db: Db, clock: Clock, work_arrived: Arc<Notify>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(db, clock, work_arrived, receiver));
        Self(sender)
    }

    /// True once the event is on disk, or was before. False if it could not be stored; Stripe then tries again.
    pub async fn store(&self, delivery: Delivery) -> bool {
        let (done, stored) = oneshot::channel();
        self.0.try_send((delivery, done)).is_ok() && stored.await.unwrap_or(false)
    }
}

/// Stores deliveries, a batch in one commit, until the last `Inbox` is dropped.
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
            // One of them cannot be stored, or the database is gone: try each alone.
            for (n, delivery) in deliveries.iter().enumerate() {
                stored[n] = commit(&db, std::slice::from_ref(delivery), clock.now()).await;
            }
        }
        work_arrived.notify_waiters();
        for (done, stored) in waiting.into_iter().zip(stored) {
            done.send(stored).ok(); // the request may be gone
        }
    }
}

async fn commit(db: &Db, deliveries: &[Delivery], now: At) -> bool {
    let stored = insert(db, deliveries, now).await;
    if let Err(error) = &stored {
        tracing::error!(%error, events = deliveries.len(), "webhook events could not be stored");
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
            tracing::warn!(
                event = envelope.id,
                "a charge was disputed; respond to it in the Stripe Dashboard"
            );
        }
    }
    Ok(tx.commit().await?)
}

/// What to do with a new event, and why. `live` is our key's mode.
fn triage(envelope: &Envelope, live: bool) -> (EventState, Option<&'static str>) {
    let ours = EVENT_TYPES.contains(&envelope.kind.as_str()) || envelope.kind.starts_with("customer.tax_id.");
    match (envelope.livemode == live, ours) {
        (false, _) => (EventState::Parked, Some("the event's mode (live or test) is not that of our key")),
        (true, false) => (EventState::Ignored, None),
        (true, true) => (EventState::Pending, None),
    }
}

/// A customer's events are processed together; for an event without one, the customer is found out first.
fn job_for(envelope: &Envelope) -> Job {
    match &envelope.customer {
        Some(customer) => Job::Customer(customer.clone()),
        None => Job::Event(envelope.id.clone()),
    }
}

/// Stores an event from Stripe's list. True if its webhook never arrived.
pub async fn insert_missing(db: &Db, listed: &Delivery, now: At) -> Result<bool> {
    let Delivery { envelope, payload, live } = listed;
    let (state, error) = triage(envelope, *live);
    let mut tx = db.system_tx().await?;
    let missing = db::insert_event(&mut tx, envelope, payload, state, error, now).await?;
    if missing && state == EventState::Pending {
        jobs::enqueue(&mut tx, &job_for(envelope), now).await?;
    }
    tx.commit().await?;
    Ok(missing)
}
