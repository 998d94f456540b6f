//! What becomes of deliveries: how they fare from now on, again on request, and what came of an attempt.
use crate::{
    refusal::{Answer, Refusal},
    state::{Perturbed, World, decide, listening, queue, wall_ms},
};

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
    let mut made = Vec::new();
    for endpoint in listening(w, &kind) {
        for _ in 0..times {
            let id = queue(w, event, &endpoint);
            decide(w, &id, true);
            made.push(id);
        }
    }
    Ok(made)
}

/// What came of an attempt: an HTTP status, or a word for why there was none.
pub fn record(w: &mut World, id: &str, came_of_it: Result<u16, &'static str>) {
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
