//! Webhooks: STUB, being written.
use super::{
    Sandbox,
    objects::{Endpoint, Event},
    state::World,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Perturbed {}

pub fn send(w: &mut World, event: Event) {
    w.events.put(event);
}

pub fn furnish(w: &mut World, url: &str, secret: &str) {
    let (id, created) = (w.id("we_"), w.now());
    w.endpoints.put(Endpoint { id, created, url: url.into(), secret: secret.into(), ..Endpoint::default() });
}

pub async fn run(_: Sandbox) {}
