//! Who asks, whether the request fails on request, and the headers that every answer of Stripe's carries.
use super::{execute::to_the_end, faults};
use crate::{
    Sandbox,
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    wire,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::sync::Arc;

/// A client that hangs up does not stop what it asked for.
pub async fn answer(sandbox: &Sandbox, request: Request) -> Reply {
    let request = Arc::new(request);
    let reply = match key_of(&request) {
        Err(refusal) => Reply::json(refusal.status, refusal.body(&request.id)),
        Ok(key) => match sandbox.act(|w| Ok(faults::strike(w, &request, &key))).await {
            Ok(Some(fault)) => faults::suffer(sandbox, &request, fault).await,
            _ => to_the_end(sandbox, &request).await,
        },
    };
    with_headers(reply, &request)
}

/// The API key, as Bearer or as the user of Basic. Test keys only: nobody's real one belongs here.
fn key_of(request: &Request) -> Answer<String> {
    let given = request.header("authorization").unwrap_or_default();
    let basic = |encoded: &str| {
        let pair = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
        Some(pair.split(':').next().unwrap_or_default().to_owned())
    };
    let key = match given.split_once(' ') {
        Some(("Bearer", key)) => Some(key.trim().to_owned()),
        Some(("Basic", encoded)) => basic(encoded),
        _ => None,
    };
    let key = key.filter(|key| !key.is_empty()).ok_or_else(|| {
        Refusal::invalid("You did not provide an API key. Send it as 'Authorization: Bearer sk_test_…'.")
            .with_status(401)
    })?;
    if key.contains("_live_") {
        return Err(Refusal::invalid("This is a sandbox: it refuses live keys, so keep yours away from it.")
            .with_status(401));
    }
    let known =
        ["sk_test_", "rk_test_"].iter().any(|start| key.len() > start.len() && key.starts_with(start));
    let shown: String = key.chars().take(8).collect();
    match known {
        true => Ok(key),
        false => Err(Refusal::invalid(format!("Invalid API Key provided: {shown}****")).with_status(401)),
    }
}

/// What every answer of Stripe's API carries.
pub fn with_headers(reply: Reply, request: &Request) -> Reply {
    let status = reply.status();
    let mut reply = reply
        .with("request-id", &request.id)
        .with("stripe-version", request.header("stripe-version").unwrap_or(wire::VERSION))
        .with("sandbox-ahead", &request.ahead.to_string())
        .with("cache-control", "no-cache, no-store");
    if let Some(key) = request.header("idempotency-key") {
        reply = reply.with("idempotency-key", key);
    }
    match status {
        409 | 429 => reply.with("stripe-should-retry", "true"),
        500.. => reply.with("stripe-should-retry", "true"),
        _ => reply,
    }
}
