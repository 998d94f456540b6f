//! Events: what happened, written down with a delivery for each endpoint that listens.
use super::{Asked, DAY, World, wall_ms};
use crate::objects::{Delivery, Event, Said};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Past so many, old ones that are done with are forgotten.
pub const MOST_EVENTS: usize = 20_000;
const KEPT: i64 = 30 * DAY;
/// Forgetting looks at everything, so it is done once in so many events.
pub const NOW_AND_THEN: u64 = 256;

impl World {
    /// Something happened: written down, and on its way to whoever listens.
    pub fn emit(&mut self, kind: &str, object: Value) {
        self.say(Said { kind: kind.to_owned(), object, previous: None });
    }

    /// An object changed. Nothing happened if it looks as before.
    pub fn emit_change(&mut self, kind: &str, before: &Value, after: Value) {
        if let Some(previous) = previous_attributes(before, &after) {
            self.say(Said { kind: kind.to_owned(), object: after, previous: Some(previous) });
        }
    }

    /// Does the work and keeps back what it says, for `say_all` once the cause has been said.
    pub fn hold_back<T>(&mut self, work: impl FnOnce(&mut World) -> T) -> (T, Vec<Said>) {
        let outer = self.held_back.replace(Vec::new());
        let done = work(self);
        let said = std::mem::replace(&mut self.held_back, outer).unwrap_or_default();
        (done, said)
    }

    pub fn say_all(&mut self, all: Vec<Said>) {
        all.into_iter().for_each(|said| self.say(said));
    }

    fn say(&mut self, said: Said) {
        if let Some(waiting) = &mut self.held_back {
            return waiting.push(said);
        }
        let Asked { request, idempotency_key } = self.asked.clone();
        let (id, created) = (self.id("evt_"), self.now());
        let Said { kind, object, previous: previous_attributes } = said;
        let (pending_webhooks, unheard) = Default::default();
        let event = Event {
            id,
            created,
            kind,
            object,
            previous_attributes,
            request,
            idempotency_key,
            pending_webhooks,
            unheard,
        };
        send(self, event);
    }
}

/// What Stripe says of a change: the old values of what differs, nothing else.
pub fn previous_attributes(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| before.clone());
    };
    let mut previous = Map::new();
    for (key, new_value) in new {
        let old_value = old.get(key).unwrap_or(&Value::Null);
        if let Some(difference) = previous_attributes(old_value, new_value) {
            previous.insert(key.clone(), difference);
        }
    }
    for (key, old_value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        previous.insert(key.clone(), old_value.clone());
    }
    (!previous.is_empty()).then_some(Value::Object(previous))
}

/// Writes an event down, and a delivery for each endpoint that listens to its kind.
fn send(w: &mut World, mut event: Event) {
    let listening = listening(w, &event.kind);
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

/// Ids of the endpoints that hear of events of this kind.
pub fn listening(w: &World, kind: &str) -> Vec<String> {
    w.endpoints.ids(|it| it.enabled && it.enabled_events.iter().any(|wanted| wanted == "*" || wanted == kind))
}

/// A delivery of this event to this endpoint; its id.
pub fn queue(w: &mut World, event: &str, endpoint: &str) -> String {
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
pub fn decide(w: &mut World, id: &str, resent: bool) {
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
    use super::previous_attributes;
    use serde_json::json;

    #[test]
    fn an_event_says_what_was_before_and_only_that() {
        let before =
            json!({ "status": "active", "items": { "data": [{ "price": "a" }] }, "metadata": { "k": "v" } });
        let after = json!({ "status": "active", "items": { "data": [{ "price": "b" }] }, "metadata": {} });

        let previous = previous_attributes(&before, &after);

        assert_eq!(
            previous,
            Some(json!({ "items": { "data": [{ "price": "a" }] }, "metadata": { "k": "v" } }))
        );
        assert_eq!(previous_attributes(&before, &before), None);
    }
}
