//! Events, and the endpoints that hear of them.
use super::{Answer, Params, Refusal};
use crate::{
    objects::*,
    params::{Given, Ignored, Patch},
    state::{World, wall},
    wire,
};
use serde::Deserialize;

/// The event behind a thin notification.
pub fn retrieve_thin(w: &World, id: &str, p: Params) -> Answer {
    p.finish()?;
    let event = w.events.get(&format!("evt_{}", id.trim_start_matches("evt_thin_")));
    event.map(wire::thin).ok_or_else(|| Refusal::not_found("event", id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEndpoint {
    url: String,
    enabled_events: Vec<String>,
    api_version: Option<String>,
    description: Option<String>,
    #[serde(default)]
    metadata: Given,
    #[serde(default, rename = "connect")]
    _connect: Ignored,
}

pub fn create_endpoint(w: &mut World, p: Params) -> Answer {
    let new: NewEndpoint = p.read()?;
    let endpoint = Endpoint {
        id: w.id("we_"),
        created: w.now(),
        url: checked_url(new.url)?,
        enabled_events: new.enabled_events,
        enabled: true,
        secret: w.id("whsec_"),
        api_version: new.api_version,
        description: new.description,
        metadata: new.metadata.fresh()?,
        ..Endpoint::default()
    };
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointUpdate {
    url: Option<String>,
    enabled_events: Option<Vec<String>>,
    disabled: Option<bool>,
    #[serde(default)]
    description: Patch<String>,
    #[serde(default)]
    metadata: Given,
}

pub fn update_endpoint(w: &mut World, id: &str, p: Params) -> Answer {
    let given: EndpointUpdate = p.read()?;
    let mut endpoint =
        w.endpoints.get(id).cloned().ok_or_else(|| Refusal::not_found("webhook endpoint", id))?;
    if let Some(url) = given.url {
        endpoint.url = checked_url(url)?;
    }
    endpoint.enabled_events = given.enabled_events.unwrap_or(endpoint.enabled_events);
    endpoint.enabled = given.disabled.map_or(endpoint.enabled, |disabled| !disabled);
    given.description.apply(&mut endpoint.description);
    given.metadata.merge(&mut endpoint.metadata)?;
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
