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
/// So many are under way at once where order does not matter.
const AT_ONCE: usize = 8;
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
    for it in w.deliveries.iter().filter(|it| it.status == "pending" && !busy.contains(&it.endpoint)) {
        match it.due_ms <= now {
            true => due.entry(it.endpoint.clone()).or_default().push(it.clone()),
            false => next = next.min(it.due_ms - now),
        }
    }
    for batch in due.values_mut() {
        batch.sort_by_key(|it| (it.rank, it.due_ms)); // stable: else in the order of the events
        batch.truncate(BATCH);
    }
    (due, IDLE.min(Duration::from_millis(next.max(1) as u64)))
}

async fn deliver_all(sandbox: Sandbox, client: Client, endpoint: String, batch: Vec<Delivery>) -> String {
    let at_once = if batch.iter().any(|it| it.rank.is_some()) { AT_ONCE } else { 1 };
    let mut under_way = JoinSet::new();
    for delivery in batch {
        if under_way.len() == at_once {
            under_way.join_next().await;
        }
        let (sandbox, client) = (sandbox.clone(), client.clone());
        under_way.spawn(async move { deliver(&sandbox, &client, &delivery.id).await });
    }
    while under_way.join_next().await.is_some() {}
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
