//! What stands in a delivery: the event as its endpoint reads it, signed.
use super::signature;
use crate::{
    objects::{Delivery, Endpoint, Event},
    state::wall,
    wire,
};
use serde_json::{Value, json};

/// Past the megabyte that receivers take.
const HUGE: usize = 1024 * 1024 + 65_536;

pub fn body(event: &Event, endpoint: &Endpoint, delivery: &Delivery) -> String {
    let mut body = if delivery.thin { wire::thin(event) } else { full(event, endpoint, delivery) };
    if delivery.oversize {
        body["padding"] = json!("x".repeat(HUGE));
    }
    body.to_string()
}

/// In the endpoint's version, whatever the request spoke that caused the event.
fn full(event: &Event, endpoint: &Endpoint, delivery: &Delivery) -> Value {
    let version = delivery.api_version.as_deref().or(endpoint.api_version.as_deref());
    let mut body = wire::event(event);
    if let Some(version) = version {
        body = wire::as_of(version, body);
        body["api_version"] = json!(version);
    }
    body
}

/// Signed now: the wall clock counts, however far ahead the event was.
pub fn signed(endpoint: &Endpoint, delivery: &Delivery, body: &str) -> String {
    let at = wall();
    let old = endpoint.old_secret.as_ref().filter(|(_, until)| *until > at).map(|(secret, _)| secret);
    let mut secrets: Vec<String> = std::iter::once(&endpoint.secret).chain(old).cloned().collect();
    if delivery.bad_signature {
        secrets.iter_mut().for_each(|secret| *secret = secret.chars().rev().collect());
    }
    signature::header(&secrets, at, body.as_bytes())
}
