//! The API under `/v1`: who asks, whether it fails on request, whether it was asked before, and
//! only then what is asked.
mod catalogue;
mod checkout;
mod clocks;
mod coupons;
mod customers;
mod entitlements;
mod error;
mod events;
mod expand;
mod faults;
mod form;
mod idempotency;
mod invoices;
mod items;
mod list;
mod params;
mod payment_methods;
mod portal;
mod portal_features;
mod portal_flow;
mod routes;
mod schedules;
mod subscription_items;
mod subscription_update;
mod subscriptions;

pub use customers::{TAX_ID_KINDS, add_tax_id, delete_tax_id};
pub use error::{Answer, Refusal};
pub use events::roll_secret;
pub use faults::add as add_fault;
pub use list::{Paging, whole};
pub use params::Params;
pub use routes::route;

use super::{
    Sandbox,
    http::Reply,
    state::{Asked, World},
    wire,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hyper::{HeaderMap, Method, body::Bytes};
use serde_json::Value;
use std::sync::Arc;

/// One request, read whole.
pub struct Request {
    pub id: String,
    /// Seconds by which the sandbox's clock is ahead, for clients that follow it.
    pub ahead: i64,
    pub method: Method,
    /// `/v1/customers/cus_1`
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Query and body together; Stripe reads both.
    fn params(&self) -> Answer<Params> {
        let kind = self.header("content-type").unwrap_or_default();
        if !self.body.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::invalid(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            ));
        }
        let both = [self.query.as_bytes(), b"&", &self.body].concat();
        Params::parse(&both)
    }
}

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
    reply.with_headers(&request)
}

/// To the end, also if nobody waits for it.
async fn to_the_end(sandbox: &Sandbox, request: &Arc<Request>) -> Reply {
    let (sandbox, request) = (sandbox.clone(), request.clone());
    tokio::spawn(async move { execute(&sandbox, &request).await }).await.unwrap_or(Reply::HungUp)
}

/// Once for each idempotency key.
async fn execute(sandbox: &Sandbox, request: &Request) -> Reply {
    match sandbox.act(|w| idempotency::begin(w, request)).await {
        Err(refusal) => Reply::json(refusal.status, refusal.body(&request.id)),
        Ok(Some((status, body))) => Reply::json(status, body).replayed(),
        Ok(None) => {
            let (status, body) = run(sandbox, request).await;
            // The one place where both are at hand: what was done and the record of it.
            sandbox
                .act(|w| {
                    idempotency::end(w, request, status, &body);
                    Ok(())
                })
                .await
                .ok();
            Reply::json(status, body)
        }
    }
}

async fn run(sandbox: &Sandbox, request: &Request) -> (u16, Value) {
    let asked = Asked {
        request: Some(request.id.clone()),
        idempotency_key: request.header("idempotency-key").map(str::to_owned),
    };
    let answer = sandbox.act_as(asked, |w| called(w, request)).await;
    let version = request.header("stripe-version").unwrap_or(wire::VERSION);
    match answer {
        Ok(body) => (200, wire::as_of(version, body)),
        Err(refusal) => (refusal.status, refusal.body(&request.id)),
    }
}

fn called(w: &mut World, request: &Request) -> Answer {
    let mut params = request.params()?;
    let wanted = params.words("expand")?.unwrap_or_default();
    let mut body = route(w, &request.method, &request.path, params)?;
    for path in wanted {
        expand::apply(w, &mut body, &path)?;
    }
    Ok(body)
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
