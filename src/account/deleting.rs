//! Deleting one's own account.
use crate::{
    App,
    audit::{self, Event},
    auth::{self, Person},
    db::{OrgId, Origin},
    error::Result,
    jobs::{self, Job},
    mail::{self, Personal},
    orgs::{self, Left},
};

/// What became of the wish to delete an account.
pub enum Deleted {
    Gone,
    /// Names of the organisations that would be without an owner. Nothing was deleted.
    OnlyOwnerOf(Vec<String>),
}

/// Deletes a person at once: sign-ins, links, memberships, what was mailed to them, and what identifies them in the
/// audit log. Seats and billing addresses at Stripe follow, and a last mail says so.
pub async fn delete(app: &App, origin: &Origin, person: &Person) -> Result<Deleted> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    let left = match orgs::leave_all(&mut tx, origin, person.id, now).await? {
        Left::All(orgs) => orgs,
        Left::OnlyOwnerOf(names) => return Ok(Deleted::OnlyOwnerOf(names)),
    };
    for org in left {
        jobs::enqueue(&mut tx, &Job::Seats(org), now).await?;
        jobs::enqueue(&mut tx, &Job::CustomerDetails(org), now).await?;
    }
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, Event::PersonDeleted).await?;
    audit::erase_person(&mut tx, person.id, &person.email).await?;
    mail::delete_of_person(&mut tx, person.id, &person.email).await?;
    mail::enqueue_to_person(&mut tx, app, (person.id, &person.email), &Personal::AccountDeleted, None)
        .await?;
    auth::delete_person(&mut tx, person.id).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(Deleted::Gone)
}
