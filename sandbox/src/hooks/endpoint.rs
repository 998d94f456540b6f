//! The endpoint that a sandbox is started with.
use crate::{objects::Endpoint, state::World, wire::VERSION};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{DAY, MOST_EVENTS, NOW_AND_THEN, Settings};
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
