//! `/_sandbox/api`: JSON in and out, without a key, for tests and scripts on this machine.
use super::{
    body::{self, refused},
    objects, ops,
};
use crate::{
    Sandbox,
    objects::Delivery,
    params::{Int, Params},
    refusal::{Answer, Refusal},
    reply::Reply,
    request::Request,
    state::{Row, Table, World},
    wire,
};
use hyper::Method;
use serde_json::{Value, json};

pub async fn answer(sandbox: &Sandbox, request: &Request, path: &[&str]) -> Reply {
    let asked = match request.method {
        Method::GET => body::query(request),
        _ => body::from_json(request),
    };
    let answered = match asked {
        Err(refusal) => Err(refusal),
        Ok(p) => match request.method {
            Method::GET => get(sandbox, path, p).await,
            Method::POST => post(sandbox, path, p).await,
            Method::PUT => put(sandbox, path, p).await,
            Method::DELETE => delete(sandbox, path, p).await,
            _ => Err(unknown()),
        },
    };
    match answered {
        Ok(said) => Reply::json(200, said).with("cache-control", "no-store"),
        Err(refusal) => refused(&refusal),
    }
}

fn unknown() -> Refusal {
    Refusal::invalid("There is nothing here; sandbox/README.md lists what there is.").with_status(404)
}

async fn get(sandbox: &Sandbox, path: &[&str], p: Params) -> Answer {
    let read = |w: &World| match path {
        ["events"] => page(&w.events, p, wire::event),
        ["deliveries"] => page(&w.deliveries, p, delivery),
        ["objects"] => held(w, p),
        _ => {
            p.finish()?;
            match path {
                ["clock"] => Ok(ops::clock(w)),
                ["delivery"] => Ok(w.settings.delivery.to_json()),
                ["faults"] => Ok(list(w.faults.iter().map(ops::fault).collect())),
                ["settings"] => Ok(ops::settings(w)),
                ["events", id] => {
                    w.events.get(id).map(wire::event).ok_or_else(|| Refusal::not_found("event", id))
                }
                _ => Err(unknown()),
            }
        }
    };
    sandbox.look(read).await
}

async fn post(sandbox: &Sandbox, path: &[&str], p: Params) -> Answer {
    match path {
        ["clock", "advance"] => ops::advance(sandbox, p).await,
        ["act"] => Ok(ops::acted(sandbox, p).await),
        ["events", id, "resend"] => Ok(json!({ "deliveries": ops::resend(sandbox, id, p).await? })),
        ["faults"] => Ok(ops::fault(&ops::add_fault(sandbox, p).await?)),
        ["endpoints", id, "roll_secret"] => ops::roll_secret(sandbox, id, p).await,
        ["delivery", "flush"] => {
            p.finish()?;
            Ok(ops::flush(sandbox).await)
        }
        ["reset"] => {
            p.finish()?;
            sandbox.reset().await;
            Ok(json!({ "ok": true }))
        }
        ["seed"] => {
            p.finish()?;
            Ok(json!({ "ok": true, "objects": ops::plant(sandbox).await? }))
        }
        _ => Err(unknown()),
    }
}

async fn put(sandbox: &Sandbox, path: &[&str], p: Params) -> Answer {
    match path {
        ["delivery"] => ops::perturb(sandbox, p).await,
        ["settings"] => ops::change_settings(sandbox, p).await,
        _ => Err(unknown()),
    }
}

async fn delete(sandbox: &Sandbox, path: &[&str], p: Params) -> Answer {
    p.finish()?;
    let removed = match path {
        ["faults"] => ops::remove_faults(sandbox, None).await?,
        ["faults", id] => ops::remove_faults(sandbox, Some(id)).await?,
        _ => return Err(unknown()),
    };
    Ok(json!({ "removed": removed }))
}

/// Newest last: the first `limit` after the row `after`.
fn page<T: Row>(rows: &Table<T>, mut p: Params, render: impl Fn(&T) -> Value) -> Answer {
    let (after, limit) = (p.word("after")?, p.part::<Int<1, 100_000>>("limit")?);
    p.finish()?;
    if let Some(id) = after.as_deref().filter(|id| rows.get(id).is_none()) {
        return Err(Refusal::no_such(T::KIND, id, "after"));
    }
    let limit = limit.map_or(usize::MAX, |limit| limit.0 as usize);
    let mut rows = rows.after(after.as_deref());
    let data: Vec<Value> = rows.by_ref().take(limit).map(render).collect();
    let mut page = list(data);
    page["has_more"] = json!(rows.next().is_some());
    Ok(page)
}

fn list(data: Vec<Value>) -> Value {
    json!({ "object": "list", "has_more": false, "data": data })
}

pub fn delivery(it: &Delivery) -> Value {
    json!({
        "id": it.id, "event": it.event, "endpoint": it.endpoint, "status": it.status, "attempts": it.attempts,
        "last_response": it.last_response, "due_ms": it.due_ms, "thin": it.thin, "api_version": it.api_version,
        "bad_signature": it.bad_signature, "oversize": it.oversize,
    })
}

fn held(w: &World, mut p: Params) -> Answer {
    let (kind, customer) = (p.word("type")?, p.word("customer")?);
    p.finish()?;
    Ok(list(objects::all(w, kind.as_deref(), customer.as_deref())?))
}
