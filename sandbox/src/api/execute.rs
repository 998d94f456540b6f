//! Carries a request out: once for each idempotency key, and to the end.
use super::{expand, idempotency, routes::route};
use crate::{
    Sandbox,
    refusal::Answer,
    reply::Reply,
    request::Request,
    state::{Asked, World},
    wire,
};
use serde_json::Value;
use std::sync::Arc;

/// To the end, also if nobody waits for it.
pub async fn to_the_end(sandbox: &Sandbox, request: &Arc<Request>) -> Reply {
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
    let wanted = params.part::<Vec<String>>("expand")?.unwrap_or_default();
    let mut body = route(w, &request.method, &request.path, params)?;
    for path in wanted {
        expand::apply(w, &mut body, &path)?;
    }
    Ok(body)
}
