//! Events, and the endpoints that hear of them.
use super::{Answer, Paging, Params, Refusal, list::Span};
use crate::{
    objects::*,
    state::{DAY, World, wall},
    wire,
};
use serde_json::json;

/// Stripe forgets events after that long.
const KEPT: i64 = 30 * DAY;

/// The event behind a thin notification.
pub fn retrieve_thin(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let event = w.events.get(&format!("evt_{}", id.trim_start_matches("evt_thin_")));
    event.map(wire::thin).ok_or_else(|| Refusal::not_found("event", id))
}

pub fn list(w: &World, mut p: Params) -> Answer {
    let (paging, span) = (Paging::take(&mut p)?, Span::take(&mut p, "created")?);
    let (kind, kinds) = (p.word("type")?, p.words("types")?);
    let delivered = p.flag("delivery_success")?;
    p.finish_but(&["related_object"])?;
    if kinds.as_ref().is_some_and(|kinds| kinds.len() > 20) {
        return Err(Refusal::invalid("You can pass at most 20 types.").at("types"));
    }
    let oldest = w.now() - KEPT;
    let rows = w.events.iter().rev().filter(|event| {
        event.created >= oldest
            && span.holds(event.created)
            && kind.as_ref().is_none_or(|pattern| matches(pattern, &event.kind))
            && kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind))
            && delivered.is_none_or(|wanted| (event.pending_webhooks == 0) == wanted)
    });
    paging.of("/v1/events", rows, wire::event)
}

/// `customer.*` and the like.
fn matches(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |start| kind.starts_with(start))
}

pub fn create_endpoint(w: &mut World, mut p: Params) -> Answer {
    let url = p.required("url")?;
    let enabled_events = p.words("enabled_events")?.ok_or_else(|| p.missing("enabled_events"))?;
    let mut endpoint = Endpoint {
        id: w.id("we_"),
        created: w.now(),
        url: checked_url(url)?,
        enabled_events,
        enabled: true,
        secret: w.id("whsec_"),
        api_version: p.word("api_version")?,
        description: p.word("description")?,
        ..Endpoint::default()
    };
    p.metadata(&mut endpoint.metadata)?;
    p.finish_but(&["connect"])?;
    let object = wire::endpoint(&endpoint, true);
    w.endpoints.put(endpoint);
    Ok(object)
}

/// Loopback only: a sandbox has no business elsewhere.
fn checked_url(url: String) -> Answer<String> {
    let refuse = |said: &str| Err(Refusal::invalid(said).with_code("url_invalid").at("url"));
    let Ok(parsed) = url::Url::parse(&url) else { return refuse("Not a valid URL") };
    let local = match parsed.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match (parsed.scheme(), local) {
        ("http", true) => Ok(url),
        _ => refuse("Invalid URL: this sandbox delivers to http:// addresses of this machine only."),
    }
}

pub fn update_endpoint(w: &mut World, id: &str, mut p: Params) -> Answer {
    let mut endpoint =
        w.endpoints.get(id).cloned().ok_or_else(|| Refusal::not_found("webhook endpoint", id))?;
    if let Some(url) = p.word("url")? {
        endpoint.url = checked_url(url)?;
    }
    endpoint.enabled_events = p.words("enabled_events")?.unwrap_or(endpoint.enabled_events);
    endpoint.enabled = !p.flag("disabled")?.unwrap_or(!endpoint.enabled);
    p.set("description", &mut endpoint.description)?;
    p.metadata(&mut endpoint.metadata)?;
    p.finish()?;
    let object = wire::endpoint(&endpoint, false);
    w.endpoints.put(endpoint);
    Ok(object)
}

/// A new secret; the old one signs too, until then (wall clock, seconds from now).
pub fn roll_secret(w: &mut World, id: &str, overlap: i64) -> Answer<String> {
    let fresh = w.id("whsec_");
    let endpoint = w.endpoints.change(id).ok_or_else(|| Refusal::not_found("webhook endpoint", id))?;
    let old = std::mem::replace(&mut endpoint.secret, fresh.clone());
    endpoint.old_secret = (overlap > 0).then(|| (old, wall() + overlap));
    Ok(fresh)
}

pub fn list_endpoints(w: &World, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    p.finish()?;
    paging.of("/v1/webhook_endpoints", w.endpoints.iter().rev(), |it| wire::endpoint(it, false))
}

pub fn delete_endpoint(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    wire::shown(w, "webhook_endpoint", id)?;
    w.endpoints.remove(id);
    Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}
