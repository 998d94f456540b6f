//! `stripe status`, `sync`, `events` and `replay`.
use crate::{
    App,
    billing::{self, BillingState, EventState},
    error::Error,
    serve::Result,
};
use serde_json::{Value, json};

/// At most so many events are listed.
const MAX_EVENTS: i64 = 100_000;

/// `stripe status`: the billing state of every organisation, one a line. Does not ask Stripe.
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
    let (next, scheduled) = (s.next_payment.as_ref(), s.scheduled_change.as_ref());
    // Without a live subscription `status` says only whether there was one.
    let status = if alive { status } else { status.map(|_| "canceled") };
    json!({
        "org": slug,
        "customer": customer,
        "subscription": s.subscription_id.as_ref().filter(|_| alive),
        "status": status,
        "plan": alive.then(|| s.plan.as_str()),
        "interval": s.interval.as_ref().filter(|_| alive),
        "quantity": s.quantity.filter(|_| alive),
        "cancel_at": s.cancel_at.filter(|_| alive).map(|at| at.unix()),
        "current_period_end": s.current_period_end.filter(|_| alive).map(|at| at.unix()),
        "ends_at": s.cancel_at.filter(|_| alive).map(|at| at.unix()),
        "next_payment": next.map(|it| json!({ "amount": it.amount, "currency": it.currency, "at": it.at })),
        "scheduled": scheduled.map(|it| json!({ "plan": it.plan, "interval": it.interval, "at": it.at })),
        "payment_method": s.payment_method_type.as_ref().zip(s.payment_method.as_ref())
            .map(|(kind, text)| json!({ "type": kind, "text": text })),
        "processing": s.processing,
        "plan_known": !s.unknown_price,
    })
}

/// `stripe sync`: one reconciling pass, over one organisation or all.
pub async fn sync(app: &App, org: Option<&str>) -> Result<()> {
    let found = billing::sync_by_hand(app, org).await.map_err(|error| match error {
        Error::NotFound => format!("there is no organisation {}", org.unwrap_or_default()),
        error => error.to_string(),
    })?;
    println!("Checked {}, updated {}.", found.looked_at, found.missing);
    Ok(())
}

/// `stripe events`: the webhook inbox, oldest first.
pub async fn events(app: &App, as_json: bool, state: Option<&str>) -> Result<()> {
    let state: Option<EventState> = state.map(str::parse).transpose()?;
    for event in billing::inbox_rows(app, state, MAX_EVENTS).await? {
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

/// `stripe replay`: puts events back to `pending`. An error names those that do not exist.
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
