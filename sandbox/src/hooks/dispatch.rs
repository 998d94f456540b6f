//! Sends what is due: for each endpoint one after another and in order, unless it is shuffled.
//! The queue is the deliveries' table, so a restart forgets nothing.
use super::{client::Client, deliveries::record, rendered};
use crate::{
    Sandbox,
    objects::Delivery,
    state::{World, wall_ms},
};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use tokio::task::JoinSet;

/// So many are taken from the table at once.
const BATCH: usize = 256;
/// Shuffled deliveries wait for later ones no longer than this.
const LONGEST_MIX_MS: i64 = 2_000;
const IDLE: Duration = Duration::from_secs(30);

/// Until it is aborted.
pub async fn run(sandbox: Sandbox) {
    let (client, mut busy, mut at_work) = (Client::new(), HashSet::new(), JoinSet::new());
    loop {
        let (due, wait) = sandbox.look(|w| due(w, &busy)).await;
        for (endpoint, batch) in due {
            busy.insert(endpoint.clone());
            at_work.spawn(deliver_all(sandbox.clone(), client.clone(), endpoint, batch));
        }
        tokio::select! {
            Some(done) = at_work.join_next(), if !at_work.is_empty() => {
                // A task that died must not leave its endpoint busy for ever.
                match done {
                    Ok(endpoint) => drop(busy.remove(&endpoint)),
                    Err(_) => busy.clear(),
                }
            }
            () = sandbox.delivery_is_due() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What is due to endpoints that are not busy, and how long until something else is.
fn due(w: &World, busy: &HashSet<String>) -> (BTreeMap<String, Vec<Delivery>>, Duration) {
    let mut due: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    let all_busy = !busy.is_empty() && w.endpoints.iter().all(|endpoint| busy.contains(&endpoint.id));
    if w.settings.delivery.paused || all_busy {
        return (due, IDLE);
    }
    let (now, mut next) = (wall_ms(), i64::MAX);
    let mut mixing: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for it in w.deliveries.iter().filter(|it| it.status == "pending" && it.rank.is_some() && it.attempts == 0)
    {
        let (first, last) = mixing.entry(it.endpoint.as_str()).or_insert((it.due_ms, it.due_ms));
        (*first, *last) = ((*first).min(it.due_ms), (*last).max(it.due_ms));
    }
    // Until they are all due, or the first has waited long enough.
    let held_until =
        |endpoint: &str| mixing.get(endpoint).map_or(0, |(first, last)| (*last).min(*first + LONGEST_MIX_MS));
    for it in w.deliveries.iter().filter(|it| it.status == "pending" && !busy.contains(&it.endpoint)) {
        let at = if it.rank.is_some() { it.due_ms.max(held_until(&it.endpoint)) } else { it.due_ms };
        match at <= now {
            true => due.entry(it.endpoint.clone()).or_default().push(it.clone()),
            false => next = next.min(at - now),
        }
    }
    for batch in due.values_mut() {
        batch.sort_by_key(|it| (it.rank, it.due_ms)); // stable: else in the order of the events
        batch.truncate(BATCH);
    }
    (due, IDLE.min(Duration::from_millis(next.max(1) as u64)))
}

/// One after another.
async fn deliver_all(sandbox: Sandbox, client: Client, endpoint: String, batch: Vec<Delivery>) -> String {
    for delivery in batch {
        deliver(&sandbox, &client, &delivery.id).await;
    }
    endpoint
}

async fn deliver(sandbox: &Sandbox, client: &Client, id: &str) {
    let came_of_it = match sandbox.look(|w| prepared(w, id)).await {
        Prepared::Not => return,
        Prepared::Nowhere => {
            let gone = |w: &mut World| {
                if let Some(it) = w.deliveries.change(id) {
                    (it.status, it.last_response) = ("failed".into(), Some("no endpoint".into()));
                }
            };
            return sandbox.note(gone).await;
        }
        Prepared::Request { url, signature, body } => client.post(&url, &signature, body).await,
    };
    sandbox.note(|w| record(w, id, came_of_it)).await;
}

enum Prepared {
    /// Paused, forgotten or done meanwhile.
    Not,
    /// Its endpoint is deleted or disabled: nobody is tried any more.
    Nowhere,
    Request {
        url: String,
        signature: String,
        body: String,
    },
}

fn prepared(w: &World, id: &str) -> Prepared {
    let pending = w.deliveries.get(id).filter(|it| it.status == "pending" && !w.settings.delivery.paused);
    let Some((delivery, event)) = pending.and_then(|it| Some((it, w.events.get(&it.event)?))) else {
        return Prepared::Not;
    };
    let Some(endpoint) = w.endpoints.get(&delivery.endpoint).filter(|endpoint| endpoint.enabled) else {
        return Prepared::Nowhere;
    };
    let body = rendered::body(event, endpoint, delivery);
    let signature = rendered::signed(endpoint, delivery, &body);
    Prepared::Request { url: endpoint.url.clone(), signature, body }
}
