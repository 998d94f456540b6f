//! Events, endpoints, test clocks.
use super::VERSION;
use crate::{objects::*, state::World};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub fn event(e: &Event) -> Value {
    let mut data = json!({ "object": e.object });
    if let Some(previous) = &e.previous_attributes {
        data["previous_attributes"] = previous.clone();
    }
    json!({
        "id": e.id, "object": "event", "api_version": VERSION, "created": e.created, "data": data, "livemode": false,
        "pending_webhooks": e.pending_webhooks,
        "request": { "id": e.request, "idempotency_key": e.idempotency_key }, "type": e.kind,
    })
}

/// The newer, thin form: what happened and to what, and nothing else.
pub fn thin(e: &Event) -> Value {
    let created = OffsetDateTime::from_unix_timestamp(e.created).ok().and_then(|at| at.format(&Rfc3339).ok());
    let (id, kind) =
        (e.object["id"].as_str().unwrap_or_default(), e.object["object"].as_str().unwrap_or_default());
    json!({
        "id": format!("evt_thin_{}", e.id.trim_start_matches("evt_")), "object": "v2.core.event",
        "type": format!("v1.{}", e.kind), "created": created, "livemode": false, "context": null, "reason": null,
        "related_object": { "id": id, "type": kind, "url": format!("/v1/{}s/{id}", kind.replace('.', "/")) },
        "snapshot_event": e.id,
    })
}

/// The secret is said once, to whoever makes the endpoint.
pub fn endpoint(e: &Endpoint, with_secret: bool) -> Value {
    let mut it = json!({
        "id": e.id, "object": "webhook_endpoint", "api_version": e.api_version, "application": null,
        "created": e.created, "description": e.description, "enabled_events": e.enabled_events, "livemode": false,
        "metadata": e.metadata, "status": if e.enabled { "enabled" } else { "disabled" }, "url": e.url,
    });
    if with_secret {
        it["secret"] = json!(e.secret);
    }
    it
}

pub fn test_clock(w: &World, c: &TestClock) -> Value {
    json!({
        "id": c.id, "object": "test_helpers.test_clock", "created": c.created, "deletes_after": w.now() + 30 * 86_400,
        "frozen_time": w.now(), "livemode": false, "name": c.name, "status": "ready", "status_details": {},
    })
}
