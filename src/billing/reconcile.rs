//! Repairing what webhooks missed: Stripe's events since the last look, and once a day every customer.
//! Both may run while webhooks arrive; whoever comes second changes nothing.
use super::{
    db, events,
    inbox::{self, Delivery},
    jobs::{scope_of_customer, scope_of_slug},
    queries,
    sync::sync_everything,
};
use crate::{
    App,
    db::Scope,
    error::{Error, Result},
    stripe::{self, Deadline, Envelope},
};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tracing::Instrument;

const CURSOR: &str = "stripe_events";
/// How far we look back past the cursor, because Stripe's list may lag behind its clock.
const OVERLAP: time::Duration = time::Duration::minutes(10);
/// Stripe keeps events for that long. What is older is left to the full pass.
const OLDEST: time::Duration = time::Duration::days(30);
/// Time between two customers of a full pass. Each takes some five calls, so a pass makes five calls a second,
/// one at a time: far below Stripe's limits, so that it never delays a person's click.
const PACE: Duration = Duration::from_secs(1);
const PAGE: i64 = 200;

/// What a pass found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub looked_at: u64,
    /// Events that never arrived, or organisations whose billing state was not what Stripe holds.
    pub missing: u64,
}

/// Stores the events that never arrived. The cursor moves only once all of them are stored.
pub async fn reconcile(app: &App) -> Result<Report> {
    let started = app.billing_now();
    let from = db::cursor(&app.db, CURSOR).await?.unwrap_or(started - time::Duration::hours(1));
    let from = (from - OVERLAP).max(started - OLDEST);
    let listed = app.stripe.events_since(from.unix(), Deadline::of_job()).await?;
    let mut found = Report::default();
    for event in listed.iter().rev() {
        found.looked_at += 1;
        let mut whole = serde_json::Value::Object(event.whole.clone());
        whole["id"] = event.id.clone().into();
        let payload = whole.to_string().into_bytes();
        let Some(envelope) = Envelope::parse(&payload) else { continue };
        let delivery = Delivery { envelope, payload, live: app.config.stripe.is_live() };
        if inbox::insert_missing(&app.db, &delivery, app.clock.now()).await? {
            found.missing += 1;
        }
    }
    db::set_cursor(&app.db, CURSOR, started).await?;
    if found.missing > 0 {
        tracing::warn!(missing = found.missing, "webhook events never arrived; fetched them from Stripe");
        app.metrics.add_missed(found.missing);
        app.work_arrived.notify_waiters();
    }
    Ok(found)
}

/// Syncs every organisation and counts those whose billing state was wrong. One that fails does not hold up the
/// others; the pass then fails at its end.
pub async fn full_pass(app: &App) -> Result<Report> {
    let (mut found, mut after, mut failed) = (Report::default(), String::new(), None);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let page = db::customers_after(app.db.system(), &after, PAGE).await?;
        let Some((last,)) = page.last() else { break };
        after = last.clone();
        for (customer,) in &page {
            pace.tick().await;
            found.looked_at += 1;
            let span = tracing::info_span!("customer", customer, org = tracing::field::Empty);
            match sync_customer(app, customer).instrument(span.clone()).await {
                Ok(drifted) => found.missing += u64::from(drifted),
                Err(open @ Error::Stripe(stripe::Error::CircuitOpen)) => return Err(open),
                Err(error) => {
                    span.in_scope(
                        || tracing::warn!(%error, "a customer could not be synced in the full pass"),
                    );
                    failed = Some(error);
                }
            }
        }
    }
    app.metrics.add_drifted(found.missing);
    failed.map_or(Ok(found), Err)
}

/// True if the customer's billing state was not what Stripe holds.
async fn sync_customer(app: &App, customer: &str) -> Result<bool> {
    match scope_of_customer(app, customer, "billing reconciliation").await? {
        Some(scope) => sync_and_compare(app, &scope).await,
        None => Ok(false),
    }
}

/// Syncs one organisation; true if that changed its billing state.
async fn sync_and_compare(app: &App, scope: &Scope) -> Result<bool> {
    let before = queries::state(app, scope).await?;
    sync_everything(app, scope, Deadline::of_job()).await?;
    let after = queries::state(app, scope).await?;
    Ok(!before.says_the_same_as(&after))
}

/// `stripe sync`: one organisation by slug; or all of them, and then the events.
pub async fn by_hand(app: &App, slug: Option<&str>) -> Result<Report> {
    match slug {
        None => {
            let mut found = full_pass(app).await?;
            found.missing += reconcile(app).await?.missing;
            process_pending(app).await?;
            Ok(found)
        }
        Some(slug) => {
            let scope = scope_of_slug(app, slug, "billing sync by hand").await?.ok_or(Error::NotFound)?;
            let drifted = sync_and_compare(app, &scope).await?;
            Ok(Report { looked_at: 1, missing: u64::from(drifted) })
        }
    }
}

/// Processes what the pass brought in, so that nothing is left to do once it completes.
async fn process_pending(app: &App) -> Result<()> {
    let waiting = db::inbox_rows(&app.db, Some(db::EventState::Pending), 10_000).await?;
    let mut customers: Vec<String> = waiting.iter().filter_map(|event| event.customer_id.clone()).collect();
    customers.sort();
    customers.dedup();
    for event in waiting.iter().filter(|event| event.customer_id.is_none()) {
        events::attribute(app, &event.id).await?;
    }
    for customer in customers {
        events::process(app, &customer).await?;
    }
    Ok(())
}
