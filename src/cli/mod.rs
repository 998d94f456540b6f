//! What the command line prints, for people and for scripts.
mod setup;

pub use setup::{doctor, refusals_as_checks, setup, verify};

use crate::{
    App,
    billing::{self, BillingState, EventState},
    serve::Result,
};
use serde_json::{Value, json};

/// More than an inbox holds in normal times.
const MOST_EVENTS: i64 = 100_000;

/// What our database believes, an organisation a line; no call to Stripe.
pub async fn status(app: &App, as_json: bool) -> Result<()> {
    for (slug, customer, state) in billing::state_of_every_org(app).await? {
        let line = status_line(&slug, customer.as_deref(), &state);
        match as_json {
            true => println!("{line}"),
            false => println!(
                "{slug:24} {:10} {:14} {}",
                state.plan_name(),
                state.badge().0,
                customer.unwrap_or_default()
            ),
        }
    }
    Ok(())
}

/// A line of `status --json`. Instants are unix seconds, absent is null, `status` and ids are Stripe's own words.
pub fn status_line(slug: &str, customer: Option<&str>, s: &BillingState) -> Value {
    let alive = s.is_alive();
    let status = s.status.as_deref();
    // With nothing alive `status` says only that something has ended.
    let status = if alive { status } else { status.map(|_| "canceled") };
    json!({
        "org": slug,
        "customer": customer,
        "subscription": s.subscription_id.as_ref().filter(|_| alive),
        "status": status,
        "plan": alive.then(|| s.plan.as_str()),
        "interval": s.interval.filter(|_| alive).map(|interval| interval.as_str()),
        "quantity": s.quantity.filter(|_| alive),
        "cancel_at": s.cancel_at.filter(|_| alive).map(|at| at.unix()),
        "current_period_end": s.current_period_end.filter(|_| alive).map(|at| at.unix()),
    })
}

pub async fn sync(app: &App, org: Option<&str>) -> Result<()> {
    let found = billing::sync_by_hand(app, org).await.map_err(|error| match error {
        crate::error::Error::NotFound => format!("there is no organisation {}", org.unwrap_or_default()),
        error => error.to_string(),
    })?;
    println!("{} looked at, {} were not as Stripe has them and are now", found.looked_at, found.missing);
    Ok(())
}

pub async fn events(app: &App, as_json: bool, state: Option<&str>) -> Result<()> {
    let state: Option<EventState> = state.map(str::parse).transpose()?;
    for event in billing::inbox_rows(app, state, MOST_EVENTS).await? {
        match as_json {
            true => println!(
                "{}",
                json!({ "id": event.id, "type": event.kind, "customer": event.customer_id, "livemode": event.livemode,
                    "state": event.state.as_str(), "tries": event.tries, "applied": event.applied,
                    "received_at": event.received_at.unix(), "processed_at": event.processed_at.map(|at| at.unix()) })
            ),
            false => println!("{:32} {:9} {}", event.id, event.state.as_str(), event.kind),
        }
    }
    Ok(())
}

pub async fn replay(app: &App, ids: &[String]) -> Result<()> {
    let mut unknown = Vec::new();
    for id in ids {
        if !billing::replay(app, id).await? {
            unknown.push(id.as_str());
        }
    }
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(format!("no such event: {}", unknown.join(", ")).into()),
    }
}
