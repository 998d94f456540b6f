//! The tenant: an organisation, its name and address, its members and their roles.
mod db;
mod role;
mod slug;
pub mod web;

pub use db::OwnRow;
pub use role::Role;
pub use slug::could_be as could_be_slug;

use crate::{
    App,
    audit::{self, Event},
    db::{At, OrgId, OrgTx, Origin, Scope, Tx, UserId},
    error::{Error, Result},
    jobs::{self, Job},
    limit::Limit,
    words,
};

/// Members count against the plan.
pub const MEMBERS: Limit = Limit {
    one: "member",
    count: |tx| {
        let org = tx.org();
        Box::pin(db::count_members(tx, org))
    },
};

/// Organisations one person can be in and still create another.
pub const MOST: i64 = 100;

/// An organisation's name, 1 to 60 characters.
pub fn name(typed: &str) -> Result<String, String> {
    words::line(typed, 60, "Enter the organisation's name.")
}

/// An organisation and its owner, inside the caller's transaction.
pub async fn create_in(tx: &mut Tx, origin: &Origin, owner: UserId, name: &str, now: At) -> Result<Scope> {
    let (org, mut inserted) = (OrgId::new(), None);
    for candidate in slug::candidates(name) {
        if db::insert_org(tx, org, &candidate, name, now).await? {
            inserted = Some(candidate);
            break;
        }
    }
    let slug = inserted.ok_or_else(|| Error::broken("no free slug"))?;
    db::insert_member(tx, org, owner, Role::Owner, now).await?;
    audit::record_in(tx, org, origin, now, Event::OrgCreated { name, slug: &slug }).await?;
    Ok(Scope::admit(org, slug, origin.clone()))
}

/// Another organisation for somebody who is here already. None if they are in [`MOST`]. Two clicks at once
/// count one after the other, because they lock the same memberships.
pub async fn create(app: &App, origin: &Origin, owner: UserId, name: &str) -> Result<Option<Scope>> {
    let mut tx = app.db.system_tx().await?;
    db::lock_memberships(&mut tx, owner).await?;
    if db::count_memberships(&mut tx, owner).await? >= MOST {
        return Ok(None);
    }
    let scope = create_in(&mut tx, origin, owner, name, app.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(scope))
}

/// Under another name; its address stays, since links lead there. The customer at Stripe follows.
pub async fn rename(app: &App, scope: &Scope, name: &str) -> Result<()> {
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let old = db::name_of(&mut tx, scope.org()).await?;
    db::rename(&mut tx, name).await?;
    audit::record(&mut tx, app.clock.now(), Event::OrgRenamed { old: &old, new: name }).await?;
    jobs::enqueue(tx.system(), &Job::CustomerDetails(scope.org()), app.clock.now()).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(())
}

/// The organisation and everything in it, inside the caller's transaction. The log stays.
/// Only `billing::close` calls it: what is charged for has to end first.
pub async fn delete(tx: &mut OrgTx<'_>, now: At) -> Result<()> {
    let (org, scope) = (tx.org(), tx.scope());
    let name = db::name_of(&mut *tx, org).await?;
    audit::record(tx, now, Event::OrgDeleted { name: &name, slug: scope.slug() }).await?;
    db::delete(tx).await?;
    Ok(())
}

/// What became of the wish to leave every organisation.
pub enum Left {
    /// Those left.
    All(Vec<OrgId>),
    /// Names of those that would be without an owner. None was left.
    OnlyOwnerOf(Vec<String>),
}

/// Takes a person out of every organisation, in the caller's transaction, which is to be dropped where they are the
/// only owner of one.
pub async fn leave_all(tx: &mut Tx, origin: &Origin, user: UserId, now: At) -> Result<Left> {
    let (mut left, mut orphans) = (Vec::new(), Vec::new());
    // Locked in the order of their ids, so that two who leave at once do not wait for each other.
    for of in db::of_person(&mut *tx, user).await? {
        tx.lock(of.org_id).await?;
        if of.role.owns() && db::count_other_owners(&mut *tx, of.org_id, user).await? == 0 {
            orphans.push(of.name);
            continue;
        }
        let event = Event::MemberLeft { role: of.role.as_str() };
        audit::record_in(tx, of.org_id, origin, now, event).await?;
        db::delete_member(tx, of.org_id, user).await?;
        left.push(of.org_id);
    }
    Ok(if orphans.is_empty() { Left::All(left) } else { Left::OnlyOwnerOf(orphans) })
}

/// Makes the customers at Stripe of a person's organisations follow the person's new address, once the caller's
/// transaction has committed.
pub async fn follow_owner(tx: &mut Tx, user: UserId, now: At) -> Result<()> {
    for of in db::of_person(&mut *tx, user).await?.into_iter().filter(|of| of.role.owns()) {
        jobs::enqueue(&mut *tx, &Job::CustomerDetails(of.org_id), now).await?;
    }
    Ok(())
}

/// A person's organisations and roles.
pub async fn of_person(app: &App, user: UserId) -> Result<Vec<OwnRow>> {
    Ok(db::of_person(app.db.system(), user).await?)
}

/// Addresses of all who are in it, each with the organisation's name.
pub async fn addresses(tx: &mut OrgTx<'_>) -> Result<Vec<(String, String)>> {
    Ok(db::addresses(tx).await?)
}

/// How many are in the organisation.
pub async fn head_count(app: &App, scope: &Scope) -> Result<i64> {
    let mut tx = app.db.read(scope).await?;
    Ok(db::count_members(&mut tx, scope.org()).await?)
}

/// The same, inside the caller's transaction.
pub async fn count_members(tx: &mut OrgTx<'_>) -> Result<i64> {
    let org = tx.org();
    Ok(db::count_members(tx, org).await?)
}

/// The organisation behind a slug, for the command line.
pub async fn by_slug(app: &App, slug: &str) -> Result<Option<OrgId>> {
    Ok(db::by_slug(&app.db, slug).await?)
}

/// Puts somebody into the organisation: the demo seed's, until invitations do it.
pub async fn add_member(tx: &mut Tx, org: OrgId, user: UserId, role: Role, now: At) -> Result<()> {
    Ok(db::insert_member(tx, org, user, role, now).await.map(drop)?)
}
