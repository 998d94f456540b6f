//! Deleting an organisation: first its subscriptions are cancelled at Stripe, then its data is deleted.
use super::{bought, db, queries, state::is_alive};
use crate::{
    App,
    db::{OrgTx, Scope},
    error::{Error, Result},
    limit::Usage,
    mail::{self, Message},
    orgs,
    stripe::{CustomerId, Deadline},
};

/// How often we begin again because somebody went to Checkout meanwhile.
const TRIES: u32 = 3;

/// Cancels everything at Stripe, then deletes the organisation and all that is in it; `by` is the name of
/// the person who did it. If Stripe cannot be asked nothing is deleted, and it can be tried again.
pub async fn close(app: &App, scope: &Scope, by: &str) -> Result<()> {
    let until = Deadline::of_click();
    for _ in 0..TRIES {
        expire_attempts(app, scope).await?;
        if let Some(customer) = queries::customer(app, scope).await? {
            end_at_stripe(app, scope, &customer, until).await?;
        }
        if delete(app, scope, by).await? {
            app.work_arrived.notify_waiters();
            return Ok(());
        }
    }
    Err(Error::Busy)
}

/// Closes all attempts to buy. A session that Stripe is making for one of them is expired once it is there.
async fn expire_attempts(app: &App, scope: &Scope) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    db::expire_attempts(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Leaves nothing of ours at Stripe that could be charged. Subscriptions to other products of the account go on.
async fn end_at_stripe(app: &App, scope: &Scope, customer: &CustomerId, until: Deadline) -> Result<()> {
    match cancel_everything(app, scope, customer, until).await {
        // Stripe has deleted the customer, and its subscriptions with it.
        Err(Error::Stripe(error)) if error.is_missing_customer() => Ok(()),
        ended => ended,
    }
}

/// Sessions first: once none can be paid, there are no subscriptions but those in the list.
async fn cancel_everything(app: &App, scope: &Scope, customer: &CustomerId, until: Deadline) -> Result<()> {
    app.stripe.expire_open_checkout_sessions(customer, until).await?;
    let (ours, _) = bought::subscriptions(app, scope, customer, until).await?;
    for held in ours {
        if is_alive(&held.status) {
            app.stripe.cancel(&held.id, until).await?;
        }
    }
    Ok(())
}

/// Deletes the organisation and writes to its members. False if somebody has gone to Checkout since: then
/// there may be something to cancel again.
async fn delete(app: &App, scope: &Scope, by: &str) -> Result<bool> {
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    if !db::open_attempts(&mut tx, scope.org()).await?.is_empty() {
        return Ok(false);
    }
    if let Some(customer) = db::customer(&mut tx, scope.org()).await? {
        db::insert_former_customer(&mut tx, &customer.customer_id, app.clock.now()).await?;
        db::delete_customer(&mut tx).await?;
    }
    let (people, made) = (orgs::addresses(&mut tx).await?, made(&mut tx, app).await?);
    let message = Message::Deleted { by: by.to_owned(), made };
    mail::enqueue(&mut tx, app, people, "deleted", &message, &app.url("/account"), app.billing_now()).await?;
    orgs::delete(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// What is deleted with the organisation besides its memberships: `5 notes`.
async fn made(tx: &mut OrgTx<'_>, app: &App) -> Result<Vec<String>> {
    let usage = queries::usage_in(tx, app).await?;
    let made = usage.iter().filter(|used| used.limit.one != orgs::MEMBERS.one && used.count > 0);
    Ok(made.map(Usage::text).collect())
}
