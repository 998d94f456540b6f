//! Webhooks: an event becomes deliveries, and deliveries become requests, well or badly on request.
mod client;
mod dispatch;
mod perturbed;
mod rendered;
mod signature;
mod waiting;

pub use dispatch::run;
pub use perturbed::Perturbed;
pub use waiting::{Tally, flush, tally, until_quiet};

use super::{
    api::{Answer, Refusal},
    objects::{Delivery, Endpoint, Event},
    state::{DAY, World, wall_ms},
    wire::VERSION,
};
use std::collections::HashSet;

/// Past so many, old ones that are done with are forgotten.
const MOST_EVENTS: usize = 20_000;
const KEPT: i64 = 30 * DAY;
/// Forgetting looks at everything, so it is done once in so many events.
const NOW_AND_THEN: u64 = 256;

/// Writes an event down, and a delivery for each endpoint that listens to its kind.
pub fn send(w: &mut World, mut event: Event) {
    let listening = w.endpoints.ids(|endpoint| endpoint.enabled && hears(endpoint, &event.kind));
    event.pending_webhooks = listening.len() as i64;
    event.unheard.clone_from(&listening);
    let id = event.id.clone();
    w.events.put(event);
    let plain_pause = w.settings.delivery.paused && w.settings.delivery.is_plain();
    for endpoint in listening {
        let delivery = queue(w, &id, &endpoint);
        // What waits without a wish for it to go wrong may still get one when it is let go.
        if !plain_pause {
            decide(w, &delivery, false);
        }
    }
    if w.events.made().is_multiple_of(NOW_AND_THEN) && w.events.len() > MOST_EVENTS {
        forget(w);
    }
}

fn hears(endpoint: &Endpoint, kind: &str) -> bool {
    endpoint.enabled_events.iter().any(|wanted| wanted == "*" || wanted == kind)
}

fn queue(w: &mut World, event: &str, endpoint: &str) -> String {
    // Counted, not drawn: deliveries must not change the ids of what comes after them.
    let id = format!("dlv_{:06}", w.deliveries.made() + 1);
    w.deliveries.put(Delivery {
        id: id.clone(),
        event: event.to_owned(),
        endpoint: endpoint.to_owned(),
        status: "pending".into(),
        due_ms: wall_ms(),
        ..Delivery::default()
    });
    id
}

/// Whether and how a delivery goes out, by what is asked for now. `resent`: somebody wants this
/// very one, so it is neither lost nor doubled.
fn decide(w: &mut World, id: &str, resent: bool) {
    let wanted = w.change_settings();
    let [first, second] = wanted.delivery.draw();
    let lost = !resent && first.lost;
    let doubled = !resent && !lost && first.doubled;
    let Some(delivery) = w.deliveries.change(id) else { return };
    delivery.decided = true;
    let copy = delivery.clone();
    first.apply(delivery);
    if lost {
        delivery.status = "dropped".into();
    }
    if doubled {
        let id = format!("dlv_{:06}", w.deliveries.made() + 1);
        let mut twin = Delivery { id, ..copy };
        second.apply(&mut twin);
        w.deliveries.put(twin);
    }
}

/// From now on deliveries fare so. What waited goes out, unless it is to wait on.
pub fn perturb(w: &mut World, wanted: Perturbed) {
    let paused = wanted.paused;
    w.change_settings().delivery = wanted;
    if !paused {
        for id in w.deliveries.ids(|it| it.status == "pending" && !it.decided) {
            decide(w, &id, false);
        }
    }
}

/// The same event once more, or several times, to whoever listens to its kind.
pub fn resend(w: &mut World, event: &str, times: i64) -> Answer<Vec<String>> {
    let found = w.events.get(event).ok_or_else(|| Refusal::not_found("event", event))?;
    let kind = found.kind.clone();
    let listening = w.endpoints.ids(|endpoint| endpoint.enabled && hears(endpoint, &kind));
    let mut made = Vec::new();
    for endpoint in listening {
        for _ in 0..times {
            let id = queue(w, event, &endpoint);
            decide(w, &id, true);
            made.push(id);
        }
    }
    Ok(made)
}

/// What came of an attempt: an HTTP status, or a word for why there was none.
fn record(w: &mut World, id: &str, came_of_it: Result<u16, &'static str>) {
    const WAITS_MS: [i64; 4] = [1_000, 5_000, 30_000, 120_000];
    let Some(delivery) = w.deliveries.change(id) else { return };
    delivery.attempts += 1;
    delivery.last_response = Some(came_of_it.map_or_else(str::to_owned, |status| status.to_string()));
    if matches!(came_of_it, Ok(200..=299)) {
        delivery.status = "delivered".into();
        let (event, endpoint) = (delivery.event.clone(), delivery.endpoint.clone());
        return heard(w, &event, &endpoint);
    }
    let scheduled = (delivery.attempts - delivery.extra - 1).max(0) as usize;
    match WAITS_MS.get(scheduled) {
        Some(wait) => delivery.due_ms = wall_ms() + wait,
        None => delivery.status = "failed".into(),
    }
}

fn heard(w: &mut World, event: &str, endpoint: &str) {
    if let Some(event) = w.events.change(event) {
        event.unheard.retain(|waiting| waiting != endpoint);
        event.pending_webhooks = event.unheard.len() as i64;
    }
}

/// The endpoint that is there from the start: hears everything, at this address, with this secret.
pub fn add_endpoint(w: &mut World, url: &str, secret: &str) {
    let there = w.endpoints.ids(|endpoint| endpoint.url == url).into_iter().next();
    let id = there.unwrap_or_else(|| w.id("we_"));
    let created = w.now();
    let known = w.endpoints.get(&id).cloned();
    let endpoint = known.unwrap_or_else(|| Endpoint {
        id,
        created,
        url: url.into(),
        enabled_events: vec!["*".into()],
        description: Some("Made at the start".into()),
        api_version: Some(VERSION.into()),
        ..Endpoint::default()
    });
    w.endpoints.put(Endpoint { enabled: true, secret: secret.into(), ..endpoint });
}

/// Drops the oldest events past `MOST_EVENTS` that are older than thirty days and done with, and
/// finished deliveries of events that are as old or gone.
fn forget(w: &mut World) {
    let waiting: HashSet<String> =
        w.deliveries.iter().filter(|it| it.status == "pending").map(|it| it.event.clone()).collect();
    let (oldest, most) = (w.now() - KEPT, w.events.len() - MOST_EVENTS);
    let old = w.events.iter().filter(|event| event.created < oldest && !waiting.contains(&event.id));
    let gone: Vec<String> = old.take(most).map(|event| event.id.clone()).collect();
    for id in &gone {
        w.events.remove(id);
    }
    for id in w.deliveries.ids(|it| it.status != "pending" && w.events.get(&it.event).is_none()) {
        w.deliveries.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Settings;
    use serde_json::json;

    #[test]
    fn old_events_are_forgotten_once_there_are_many_and_never_before_they_are_delivered() {
        let mut w = World::new(Settings::fresh(Some(1), Some(1_800_000_000)));
        add_endpoint(&mut w, "http://localhost:1/hook", "whsec_1");
        w.emit("customer.created", json!({ "id": "cus_waits" }));
        for id in w.endpoints.ids(|_| true) {
            w.endpoints.change(&id).unwrap().enabled = false;
        }
        for _ in 0..MOST_EVENTS + 500 {
            w.emit("customer.updated", json!({ "id": "cus_old" }));
        }
        assert!(w.events.len() > MOST_EVENTS, "nothing is old yet");

        w.move_clock(1_800_000_000 + 31 * DAY);
        for _ in 0..2 * NOW_AND_THEN {
            w.emit("customer.updated", json!({ "id": "cus_new" }));
        }

        assert!(w.events.len() < MOST_EVENTS + NOW_AND_THEN as usize, "{}", w.events.len());
        assert_eq!(w.events.iter().next().unwrap().object["id"], "cus_waits");
        assert_eq!(w.deliveries.len(), 1);
    }
}
