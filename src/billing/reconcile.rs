//! What webhooks missed: events are read since the cursor, and everybody is compared once a day.
//! Both may run while webhooks arrive; whoever is second changes nothing.
use super::{
    db, inbox,
    jobs::{scope_of_customer, scope_of_slug},
    sync,
};
use crate::{
    App,
    db::Scope,
    error::{Error, Result},
    stripe::{self, Deadline, Envelope},
};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const CURSOR: &str = "stripe_events";
/// Stripe's list may lag a little behind its clock.
const OVERLAP: time::Duration = time::Duration::minutes(10);
/// Stripe forgets events after that long; the full pass is what remains.
const OLDEST: time::Duration = time::Duration::days(30);
/// From one customer of a full pass to the next: three calls each are five a second, far below
/// Stripe's limits, and one at a time, so that people's clicks never wait for a pass.
const PACE: Duration = Duration::from_millis(600);
const PAGE: i64 = 200;

/// What one look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub looked_at: u64,
    /// Events that never came, or organisations whose copy had drifted.
    pub missing: u64,
}

/// Inserts the events that never came. The cursor moves only once all of them are in.
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
        let payload = whole.to_string();
        if let Some(envelope) = Envelope::parse(payload.as_bytes())
            && inbox::insert_missing(app, &envelope, payload.as_bytes()).await?
        {
            found.missing += 1;
        }
    }
    db::set_cursor(&app.db, CURSOR, started).await?;
    if found.missing > 0 {
        tracing::warn!(missing = found.missing, "events never came; they are in now");
        app.metrics.add_missed(found.missing);
        app.work_arrived.notify_waiters();
    }
    Ok(found)
}

/// Compares every organisation with Stripe. Those that had drifted are right afterwards, and counted.
/// One that could not be asked about does not hold up the others; the pass then fails at its end.
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
            match one(app, customer).await {
                Ok(drifted) => found.missing += u64::from(drifted),
                Err(paused @ Error::Stripe(stripe::Error::CircuitOpen)) => return Err(paused),
                Err(error) => {
                    tracing::warn!(customer, %error, "left out of the full pass");
                    failed = Some(error);
                }
            }
        }
    }
    app.metrics.add_drifted(found.missing);
    failed.map_or(Ok(found), Err)
}

/// True if our copy was not what Stripe holds.
async fn one(app: &App, customer: &str) -> Result<bool> {
    match scope_of_customer(app, customer, "billing reconciliation").await? {
        Some(scope) => sync_and_compare(app, &scope).await,
        None => Ok(false),
    }
}

/// Syncs one organisation; true if that changed what we believe.
pub async fn sync_and_compare(app: &App, scope: &Scope) -> Result<bool> {
    let before = super::state(app, scope).await?;
    sync::sync(app, scope, Deadline::of_job()).await?;
    let after = super::state(app, scope).await?;
    Ok(!before.says_the_same_as(&after))
}

/// For the command line: one organisation by slug, or everybody, and then the events.
pub async fn by_hand(app: &App, slug: Option<&str>) -> Result<Report> {
    match slug {
        None => {
            let mut found = full_pass(app).await?;
            found.missing += reconcile(app).await?.missing;
            settle_now(app).await?;
            Ok(found)
        }
        Some(slug) => {
            let scope = scope_of_slug(app, slug, "billing sync by hand").await?.ok_or(Error::NotFound)?;
            let drifted = sync_and_compare(app, &scope).await?;
            Ok(Report { looked_at: 1, missing: u64::from(drifted) })
        }
    }
}

/// What the pass brought in is processed before we say that it completed.
async fn settle_now(app: &App) -> Result<()> {
    let waiting = db::inbox(&app.db, Some(db::EventState::Pending), 10_000).await?;
    let mut customers: Vec<String> = waiting.iter().filter_map(|event| event.customer_id.clone()).collect();
    customers.sort();
    customers.dedup();
    for event in waiting.iter().filter(|event| event.customer_id.is_none()) {
        inbox::attribute(app, &event.id).await?;
    }
    for customer in customers {
        inbox::process(app, &customer).await?;
    }
    Ok(())
}
