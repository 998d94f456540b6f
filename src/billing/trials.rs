//! Trials: one for each organisation, and one for each person who starts one.
use super::db;
use crate::{
    App,
    db::{At, OrgTx, Scope, UserId},
    error::Result,
    stripe::{Deadline, Subscription},
};

/// Whether this person has started a trial, in whichever organisation.
pub async fn had_one(app: &App, person: UserId) -> Result<bool> {
    Ok(db::person_had_trial(&app.db, person).await?)
}

/// Whether this person can begin a trial at Checkout now. Sessions of theirs for other organisations, in which they
/// could begin one too, are expired first: otherwise whoever opens several at once has several.
pub async fn claim(app: &App, scope: &Scope, person: UserId, until: Deadline) -> Result<bool> {
    let elsewhere = db::open_sessions_of(app.db.system(), person, scope.org(), app.clock.now()).await?;
    for (_, session) in elsewhere.iter().filter(|(plan, _)| plan.offer().trial.is_some()) {
        app.stripe.expire_checkout_session(session, until).await?;
        if app.stripe.checkout_session(session, until).await?.status.as_deref() == Some("complete") {
            return Ok(false);
        }
    }
    Ok(!had_one(app, person).await?)
}

/// Records who started the trials among these subscriptions, in the transaction of the billing state. The
/// metadata only names our own record of the Checkout; that one says who it was.
pub async fn keep(tx: &mut OrgTx<'_>, held: &[Subscription], now: At) -> Result<()> {
    let org = tx.org();
    for attempt in held.iter().filter(|it| it.trial_end.is_some()).filter_map(Subscription::attempt) {
        if let Some((person,)) = db::person_of_attempt(&mut *tx, org, attempt).await? {
            db::insert_trial(tx.system(), person, now).await?;
        }
    }
    Ok(())
}
