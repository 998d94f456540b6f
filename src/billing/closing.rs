//! The end of an organisation: first nothing can be charged any more, then it is deleted.
use super::{db, sync};
use crate::{
    App,
    db::Scope,
    error::{Error, Result},
    mail::{self, Message},
    orgs,
    stripe::{self, CustomerId, Deadline},
};

/// How often somebody may buy while the organisation is being deleted before we say so.
const TRIES: u32 = 3;

/// Cancels at Stripe, then deletes the organisation and everything in it. If Stripe cannot be asked
/// nothing is deleted; asked again, what is cancelled stays cancelled.
pub async fn close(app: &App, scope: &Scope, by: &str) -> Result<()> {
    let until = Deadline::of_click();
    for _ in 0..TRIES {
        forget_attempts(app, scope).await?;
        if let Some(customer) = super::customer(app, scope).await? {
            end_at_stripe(app, &customer, until).await?;
        }
        if delete(app, scope, by).await? {
            app.work_arrived.notify_waiters();
            return Ok(());
        }
    }
    Err(Error::Busy)
}

/// A session that is being made for one of these is expired as soon as it is there.
async fn forget_attempts(app: &App, scope: &Scope) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    db::expire_attempts(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Sessions first: once none can be paid, no subscription can come after those we see.
async fn end_at_stripe(app: &App, customer: &CustomerId, until: Deadline) -> Result<()> {
    match everything_ends(app, customer, until).await {
        // Deleted there, and all it had with it.
        Err(error) if error.is_missing_customer() => Ok(()),
        ended => Ok(ended?),
    }
}

async fn everything_ends(app: &App, customer: &CustomerId, until: Deadline) -> Result<(), stripe::Error> {
    app.stripe.expire_open_checkouts(customer, until).await?;
    for held in app.stripe.subscriptions(customer, until).await? {
        if sync::is_alive(&held.status) {
            app.stripe.cancel(&held.id, until).await?;
        }
    }
    Ok(())
}

/// False if somebody has gone to Checkout since: then there may be something to cancel again.
async fn delete(app: &App, scope: &Scope, by: &str) -> Result<bool> {
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    if !db::open_attempts(&mut tx, scope.org()).await?.is_empty() {
        return Ok(false);
    }
    if let Some(binding) = db::binding(&mut tx, scope.org()).await? {
        db::keep_former_customer(&mut tx, &binding.customer_id, app.clock.now()).await?;
        db::unbind_customer(&mut tx).await?;
    }
    let (people, message) = (orgs::addresses(&mut tx).await?, Message::Deleted { by: by.to_owned() });
    mail::tell(&mut tx, app, people, "deleted", &message, &app.url("/account"), app.billing_now()).await?;
    orgs::delete(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}
