//! Checkout: one organisation, one subscription, however many tabs and people click.
use super::{
    bought, customer, db,
    db::Attempt,
    plans::{AUTOMATIC_TAX, COLLECT_TAX_IDS, Interval, Plan, lookup_key},
    queries,
    state::is_alive,
    sync::sync,
    trials,
};
use crate::{
    App,
    audit::{self, Event},
    db::{At, AttemptId, Scope, UserId},
    error::{Error, Result},
    orgs,
    stripe::{CustomerId, Deadline, NewCheckoutSession, StripeUrl},
};
use time::Duration;

/// How long a session can be paid. A tab that was left open is of no use the next day.
const SESSION_LIFETIME: Duration = Duration::minutes(45);
/// A session with less time left than this is not offered again.
const MIN_REMAINING: Duration = Duration::minutes(5);
/// An attempt without a session after this long was given up by whoever began it.
const IN_PROGRESS: Duration = Duration::seconds(20);
/// How often we look whether the session of somebody else's attempt is there.
const POLL: std::time::Duration = std::time::Duration::from_millis(200);

/// A link to a Checkout session for the plan. None where a subscription is alive already: a second one
/// would be charged as well.
pub async fn begin(
    app: &App,
    scope: &Scope,
    user: UserId,
    plan: Plan,
    interval: Interval,
) -> Result<Option<StripeUrl>> {
    let until = Deadline::of_click();
    if plan == Plan::Free {
        return Err(Error::unknown("plan"));
    }
    let customer = customer::ensure(app, scope, until).await?;
    let attempt = loop {
        match claim(app, scope, user, plan, interval).await? {
            Claim::New(attempt) => break attempt,
            Claim::InProgress => tokio::time::sleep(POLL).await,
            Claim::Session(attempt, session) => match still_open(app, scope, attempt, &session, until).await?
            {
                Some(url) => return Ok(Some(url)),
                None => continue,
            },
        }
        if until.at_most(POLL).is_none() {
            return Err(Error::Busy);
        }
    };
    let opened = open(app, scope, user, &customer, &attempt, until).await;
    if !matches!(opened, Ok(Some(_))) {
        // The next click begins a new attempt at once, under a key that has no failure on record.
        close(app, scope, attempt.id, "expired").await?;
    }
    opened
}

/// A session for this attempt, once no other can be paid any more. None where a subscription is alive.
async fn open(
    app: &App,
    scope: &Scope,
    user: UserId,
    customer: &CustomerId,
    attempt: &Attempt,
    until: Deadline,
) -> Result<Option<StripeUrl>> {
    // By Stripe's list, not ours: a session whose answer was lost, or that could not be closed, is open too.
    app.stripe.expire_open_checkout_sessions(customer, until).await?;
    // Asked of Stripe, not of our billing state, and only now that nothing else can be paid.
    let (held, _) = bought::subscriptions(app, scope, customer, until).await?;
    if held.iter().any(|s| is_alive(&s.status)) {
        sync(app, scope, until).await?;
        return Ok(None);
    }
    let trial_used = held.iter().any(|s| s.trial_end.is_some());
    open_session(app, scope, user, customer, attempt, trial_used, until).await.map(Some)
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
    let trial_used = trial_used || queries::state(app, scope).await?.trial_used;
    let trial_days = match plan.offer().trial.filter(|_| !trial_used) {
        Some(days) if trials::claim(app, scope, user, until).await? => Some(u32::from(days)),
        _ => None,
    };
    let page = app.url(&format!("/orgs/{}/billing", scope.slug()));
    let new = NewCheckoutSession {
        customer,
        org_id: scope.org().to_string(),
        attempt_id: attempt.id.to_string(),
        user_id: user.to_string(),
        price: app.stripe.price(&lookup_key(plan, interval), until).await?,
        quantity: units(app, scope, plan).await?,
        trial_days,
        expires_at: attempt.expires_at.unix(),
        // The template must reach Stripe as it is, braces and all.
        success_url: format!("{page}/return?session_id={{CHECKOUT_SESSION_ID}}"),
        cancel_url: page,
        automatic_tax: AUTOMATIC_TAX,
        tax_ids: COLLECT_TAX_IDS,
    };
    let (session, url) = app.stripe.create_checkout_session(new, until).await?;
    record_session(app, scope, attempt, &session, until).await?;
    Ok(url)
}

/// Records the session of an attempt; if the attempt was closed meanwhile, the session is expired at once.
async fn record_session(
    app: &App,
    scope: &Scope,
    attempt: &Attempt,
    session: &str,
    until: Deadline,
) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    if db::set_attempt_session(&mut tx, attempt.id, session).await? == 0 {
        // Somebody has chosen another plan since, and that session is the one that counts.
        drop(tx);
        app.stripe.expire_checkout_session(session, until).await?;
        return Err(Error::Busy);
    }
    let (plan, interval) = (attempt.plan.as_str(), attempt.interval.as_str());
    audit::record(&mut tx, app.clock.now(), Event::CheckoutStarted { session, plan, interval }).await?;
    Ok(tx.commit().await?)
}

/// The URL of a session that can still be paid. None if it cannot: then its attempt is closed.
async fn still_open(
    app: &App,
    scope: &Scope,
    attempt: AttemptId,
    session: &str,
    until: Deadline,
) -> Result<Option<StripeUrl>> {
    let held = app.stripe.checkout_session(session, until).await?;
    match (held.status.as_deref(), held.url) {
        (Some("open"), Some(url)) => Ok(Some(app.stripe.checked_url(url)?)),
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
    New(Attempt),
    /// Another attempt for the same plan has a session.
    Session(AttemptId, String),
    /// Somebody else is asking Stripe for a session for the same plan; it will be there in a moment.
    InProgress,
}

/// Under the organisation's lock: the open attempt for the same plan, or a new one in place of all others.
async fn claim(app: &App, scope: &Scope, user: UserId, plan: Plan, interval: Interval) -> Result<Claim> {
    let now = app.clock.now();
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let open = db::open_attempts(&mut tx, scope.org()).await?;
    let same =
        |it: &&Attempt| it.plan == plan && it.interval == interval && it.expires_at > now + MIN_REMAINING;
    if let Some(known) = open.iter().find(same) {
        match &known.session_id {
            Some(session) => return Ok(Claim::Session(known.id, session.clone())),
            None if known.created_at + IN_PROGRESS > now => return Ok(Claim::InProgress),
            None => {}
        }
    }
    db::expire_attempts(&mut tx).await?;
    let expires_at = At::from_unix((now + SESSION_LIFETIME).unix());
    let new = Attempt { id: AttemptId::new(), plan, interval, session_id: None, expires_at, created_at: now };
    db::insert_attempt(&mut tx, &new, user, now).await?;
    tx.commit().await?;
    Ok(Claim::New(new))
}

/// How many units of a plan the organisation buys: its members where seats are sold, else one.
pub async fn units(app: &App, scope: &Scope, plan: Plan) -> Result<u64> {
    match plan.offer().per_seat {
        true => Ok(orgs::head_count(app, scope).await?.max(1) as u64),
        false => Ok(1),
    }
}

/// What came of a Checkout session by the time the person is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Paid or on trial, and in our billing state.
    Live,
    /// A bank is working on the payment, which takes days; the plan is there meanwhile.
    Processing,
    /// Stripe has not confirmed the payment yet.
    Confirming,
}

/// Fetches what came of a Checkout session. The session must be one that this organisation made: any other
/// is not found, and what cannot be a session's id is never sent to Stripe.
pub async fn return_from(app: &App, scope: &Scope, session: &str) -> Result<Returned> {
    if !could_be_session(session) {
        return Err(Error::NotFound);
    }
    let ours = db::attempt_of_session(&mut app.db.read(scope).await?, scope.org(), session).await?;
    let (attempt,) = ours.ok_or(Error::NotFound)?;
    let until = Deadline::of_click();
    let held = app.stripe.checkout_session(session, until).await?;
    let customer = queries::customer(app, scope).await?;
    if held.customer.is_some() && held.customer != customer.map(|id| id.0) {
        return Err(Error::NotFound);
    }
    let paid = matches!(held.payment_status.as_deref(), Some("paid" | "no_payment_required"));
    if held.status.as_deref() == Some("complete") {
        let mut tx = app.db.write(scope).await?;
        db::close_attempt(&mut tx, attempt, "done").await?;
        tx.commit().await?;
        sync(app, scope, until).await?;
    }
    let state = queries::state(app, scope).await?;
    Ok(match (state.is_alive(), paid) {
        (true, true) => Returned::Live,
        (true, false) if state.processing => Returned::Processing,
        _ => Returned::Confirming,
    })
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
