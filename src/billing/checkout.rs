//! Checkout: one organisation, one subscription, however many tabs and people click.
use super::{
    BillingState, db,
    db::Attempt,
    plans::{AUTOMATIC_TAX, COLLECT_TAX_IDS, Interval, Plan, lookup_key},
    sync,
};
use crate::{
    App,
    audit::{self, Event},
    db::{At, AttemptId, Scope, UserId},
    error::{Error, Result},
    stripe::{CustomerId, Deadline, Flow, NewCheckout, StripeUrl},
};
use time::Duration;

/// A tab that was left open dies before the day is over.
const LIFE: Duration = Duration::minutes(45);
/// A session with less than that left is not worth going back to.
const WORTH_REUSING: Duration = Duration::minutes(5);

/// Somebody else is on their way to Stripe for the same plan; we wait for their session.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(200);
const UNDER_WAY: Duration = Duration::seconds(20);

/// Where somebody who wants a plan is sent: to Checkout, or, where there is a subscription already,
/// to the portal, since a second one would be charged too.
pub async fn start(
    app: &App,
    scope: &Scope,
    user: UserId,
    plan: Plan,
    interval: Interval,
) -> Result<StripeUrl> {
    let until = Deadline::of_click();
    if plan == Plan::Free {
        return Err(Error::unknown("plan"));
    }
    let customer = super::ensure_customer(app, scope, until).await?;
    let attempt = loop {
        match claim(app, scope, user, plan, interval).await? {
            Claim::Fresh(attempt) => break attempt,
            Claim::UnderWay => tokio::time::sleep(PATIENCE).await,
            Claim::Session(attempt, session) => match still_open(app, scope, attempt, &session, until).await?
            {
                Some(url) => return Ok(url),
                None => continue,
            },
        }
        if until.at_most(PATIENCE).is_none() {
            return Err(Error::Busy);
        }
    };
    let opened = open(app, scope, user, &customer, &attempt, until).await;
    if opened.is_err() {
        // The next click begins anew at once, under a key that has no failure on record.
        close(app, scope, attempt.id, "expired").await?;
    }
    opened
}

/// A session for this attempt, once no other can be paid any more; or the portal.
async fn open(
    app: &App,
    scope: &Scope,
    user: UserId,
    customer: &CustomerId,
    attempt: &Attempt,
    until: Deadline,
) -> Result<StripeUrl> {
    // Stripe's list, not ours: one whose answer was lost, or that could not be closed, is open too.
    app.stripe.expire_open_checkouts(customer, until).await?;
    // Not our copy but Stripe's truth, asked once no other session can be paid any more.
    let held = app.stripe.subscriptions(customer, until).await?;
    if held.iter().any(|s| sync::is_alive(&s.status)) {
        close(app, scope, attempt.id, "expired").await?;
        sync::sync(app, scope, until).await?;
        return super::open_portal(app, scope, Flow::ChangePlan, Some((attempt.plan, attempt.interval)))
            .await;
    }
    let trial_used = held.iter().any(|s| s.trial_end.is_some());
    open_session(app, scope, user, customer, attempt, trial_used, until).await
}

async fn open_session(
    app: &App,
    scope: &Scope,
    user: UserId,
    customer: &CustomerId,
    attempt: &Attempt,
    trial_used: bool,
    until: Deadline,
) -> Result<StripeUrl> {
    let Attempt { plan, interval, .. } = *attempt;
    let trial_used = trial_used || super::state(app, scope).await?.trial_used;
    let page = app.url(&format!("/orgs/{}/billing", scope.slug()));
    let new = NewCheckout {
        customer,
        org_id: scope.org().to_string(),
        attempt_id: attempt.id.to_string(),
        user_id: user.to_string(),
        price: app.stripe.price(&lookup_key(plan, interval), until).await?,
        quantity: quantity(app, scope, plan).await?,
        trial_days: plan.offer().trial.map(u32::from).filter(|_| !trial_used),
        expires_at: attempt.expires_at.unix(),
        // The template must reach Stripe as it is, braces and all.
        success_url: format!("{page}/return?session_id={{CHECKOUT_SESSION_ID}}"),
        cancel_url: page,
        automatic_tax: AUTOMATIC_TAX,
        tax_ids: COLLECT_TAX_IDS,
    };
    let (session, url) = app.stripe.create_checkout(new, until).await?;
    keep(app, scope, attempt, &session, until).await?;
    Ok(url)
}

/// Writes the session down; one whose attempt is over by now is expired at once.
async fn keep(app: &App, scope: &Scope, attempt: &Attempt, session: &str, until: Deadline) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    if db::set_session(&mut tx, attempt.id, session).await? == 0 {
        // Another plan was chosen meanwhile, and its session is the one that counts.
        drop(tx);
        app.stripe.expire_checkout(session, until).await?;
        return Err(Error::Busy);
    }
    let (plan, interval) = (attempt.plan.as_str(), attempt.interval.as_str());
    audit::record(&mut tx, app.clock.now(), Event::CheckoutStarted { session, plan, interval }).await?;
    Ok(tx.commit().await?)
}

/// The address of a session that can still be paid; else its attempt is over.
async fn still_open(
    app: &App,
    scope: &Scope,
    attempt: AttemptId,
    session: &str,
    until: Deadline,
) -> Result<Option<StripeUrl>> {
    let held = app.stripe.checkout(session, until).await?;
    match (held.status.as_deref(), held.url) {
        (Some("open"), Some(url)) => Ok(Some(app.stripe.known_url(url)?)),
        (status, _) => {
            let state = if status == Some("complete") { "done" } else { "expired" };
            close(app, scope, attempt, state).await.map(|()| None)
        }
    }
}

async fn close(app: &App, scope: &Scope, attempt: AttemptId, state: &str) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    db::close_attempt(&mut tx, attempt, state).await?;
    Ok(tx.commit().await?)
}

enum Claim {
    Fresh(Attempt),
    /// An open session for the same plan.
    Session(AttemptId, String),
    UnderWay,
}

/// Under the organisation's lock: the attempt for the same plan that is open already, or a fresh one.
/// Others are over.
async fn claim(app: &App, scope: &Scope, user: UserId, plan: Plan, interval: Interval) -> Result<Claim> {
    let now = app.clock.now();
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let open = db::open_attempts(&mut tx, scope.org()).await?;
    let same =
        |it: &&Attempt| it.plan == plan && it.interval == interval && it.expires_at > now + WORTH_REUSING;
    if let Some(known) = open.iter().find(same) {
        match &known.session_id {
            Some(session) => return Ok(Claim::Session(known.id, session.clone())),
            None if known.created_at + UNDER_WAY > now => return Ok(Claim::UnderWay),
            None => {}
        }
    }
    db::expire_attempts(&mut tx).await?;
    let expires_at = At::from_unix((now + LIFE).unix());
    let fresh =
        Attempt { id: AttemptId::new(), plan, interval, session_id: None, expires_at, created_at: now };
    db::insert_attempt(&mut tx, &fresh, user, now).await?;
    tx.commit().await?;
    Ok(Claim::Fresh(fresh))
}

async fn quantity(app: &App, scope: &Scope, plan: Plan) -> Result<u64> {
    match plan.offer().per_seat {
        true => Ok(crate::orgs::head_count(app, scope).await?.max(1) as u64),
        false => Ok(1),
    }
}

/// What somebody who comes back from Checkout finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Paid or on trial, and in our copy.
    Live,
    /// Stripe has not settled it yet.
    Confirming,
}

/// The session must be one that this organisation made: anything else in the address is not found,
/// and what cannot be an id never reaches Stripe.
pub async fn come_back(app: &App, scope: &Scope, session: &str) -> Result<Returned> {
    if !could_be_session(session) {
        return Err(Error::NotFound);
    }
    let ours = db::attempt_of_session(&mut app.db.read(scope).await?, scope.org(), session).await?;
    let (attempt,) = ours.ok_or(Error::NotFound)?;
    let until = Deadline::of_click();
    let held = app.stripe.checkout(session, until).await?;
    let customer = super::customer(app, scope).await?;
    if held.customer.is_some() && held.customer != customer.map(|id| id.0) {
        return Err(Error::NotFound);
    }
    let paid = matches!(held.payment_status.as_deref(), Some("paid" | "no_payment_required"));
    if held.status.as_deref() == Some("complete") {
        let mut tx = app.db.write(scope).await?;
        db::close_attempt(&mut tx, attempt, "done").await?;
        tx.commit().await?;
        sync::sync(app, scope, until).await?;
    }
    let state: BillingState = super::state(app, scope).await?;
    match paid && state.is_alive() {
        true => Ok(Returned::Live),
        false => Ok(Returned::Confirming),
    }
}

/// `cs_test_…` or `cs_live_…`: letters and digits.
fn could_be_session(id: &str) -> bool {
    let rest = id.strip_prefix("cs_test_").or(id.strip_prefix("cs_live_"));
    rest.is_some_and(|rest| {
        (10..=255).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::could_be_session;

    #[test]
    fn what_cannot_be_a_session_is_never_asked_for() {
        assert!(could_be_session("cs_test_a1B2c3D4e5F6"));
        for bad in
            ["cs_x/../../v1/customers", "cs_test_", "cs_test_a/b", "cs_test_aaaaaaaaaaaa?x=1", "", "cus_1"]
        {
            assert!(!could_be_session(bad), "{bad}");
        }
    }
}
