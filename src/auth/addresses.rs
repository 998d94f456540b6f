//! A person's address: confirmed, changed, and changed back.
use super::{
    db::{self, Bound},
    fields::Email,
    forgotten, logins,
    person::Person,
    purpose::Purpose,
    tokens, tries,
};
use crate::{
    App,
    audit::{self, Event},
    db::{At, OrgId, Origin, Tx, UserId},
    error::Result,
    mail::{self, Personal, TOKEN},
    orgs,
};
use time::Duration;

/// The link that confirms the address somebody signed up with.
const CONFIRM: Duration = Duration::hours(24);
/// The link that confirms a new one.
const CHANGE: Duration = Duration::minutes(30);
/// The old address can undo a change, and billing is locked.
const UNDO: Duration = Duration::hours(72);

/// What became of a link that confirms an address.
#[derive(Debug, PartialEq, Eq)]
pub enum Confirmed {
    Yes {
        address: String,
    },
    /// It replaces this one.
    Changed {
        old: String,
        new: String,
    },
    /// Somebody else has it, or can still take it back.
    Taken,
    /// Used, replaced, too old, or never there.
    Over,
}

/// What a link that undoes a change would do.
#[derive(Debug)]
pub struct Undoing {
    pub old: String,
    pub new: String,
}

/// What became of it.
#[derive(Debug)]
pub enum Undone {
    /// A token to choose a new password with.
    Yes {
        address: String,
        reset: String,
    },
    Taken,
    Over,
}

/// Whether a mail to confirm an address may be sent. Asked before the transaction that sends it.
pub async fn may_ask(app: &App, address: &str) -> Result<()> {
    tries::take_mail(app, "confirm_address", address).await
}

/// Mails the link that confirms the address a person has.
pub async fn ask_to_confirm(tx: &mut Tx, app: &App, user: UserId, address: &str, now: At) -> Result<()> {
    let message = Personal::ConfirmAddress { link: link(app, Purpose::ConfirmAddress) };
    send_link(tx, app, (user, address), (now, CONFIRM), &message).await
}

/// Mails it once more. False if the address is confirmed already.
pub async fn ask_again(app: &App, person: &Person) -> Result<bool> {
    if person.is_confirmed {
        return Ok(false);
    }
    may_ask(app, &person.email).await?;
    let mut tx = app.db.system_tx().await?;
    ask_to_confirm(&mut tx, app, person.id, &person.email, app.clock.now()).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(true)
}

/// Mails a link to the address that a person wants to have, and ends their other sign-ins unless they want to keep
/// those. Whether somebody has the address already is only said to whoever follows the link.
pub async fn start_change(
    app: &App,
    origin: &Origin,
    person: &Person,
    new: &Email,
    keeps_others: bool,
) -> Result<()> {
    tries::take_mail_by(app, person.id).await?;
    may_ask(app, new.as_str()).await?;
    let (link, now) = (link(app, Purpose::ConfirmAddress), app.clock.now());
    let mut tx = app.db.system_tx().await?;
    let message = Personal::ConfirmNewAddress { link };
    send_link(&mut tx, app, (person.id, new.as_str()), (now, CHANGE), &message).await?;
    if !keeps_others {
        logins::end_others(&mut tx, person.id, person.login, now).await?;
    }
    let event = Event::AddressChangeAsked { email: new.as_str() };
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, event).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(())
}

async fn send_link(
    tx: &mut Tx,
    app: &App,
    to: (UserId, &str),
    lasting: (At, Duration),
    message: &Personal,
) -> Result<()> {
    let seed = tokens::issue(tx, Purpose::ConfirmAddress, to.0, to.1, lasting, app).await?;
    mail::enqueue_to_person(tx, app, to, message, Some(&seed)).await
}

/// The address that a link confirms.
pub async fn to_confirm(app: &App, token: &str) -> Result<Option<String>> {
    Ok(tokens::look_up(app, Purpose::ConfirmAddress, token).await?.map(|bound| bound.address))
}

/// Confirms an address: the one that the person has, or one that replaces it. Nobody is signed in by it.
pub async fn confirm(app: &App, origin: Origin, token: &str) -> Result<Confirmed> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    let bound = tokens::redeem(&mut tx, Purpose::ConfirmAddress, token, now).await?;
    let Some(Bound { user_id, address, .. }) = bound else { return Ok(Confirmed::Over) };
    let Some(person) = db::person(&mut tx, user_id).await? else { return Ok(Confirmed::Over) };
    let origin = Origin { user: Some(user_id), ..origin };
    let confirmed = if person.email == address {
        db::set_verified(&mut tx, user_id, &address, now).await?;
        let event = Event::AddressConfirmed { email: &address };
        audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, event).await?;
        Confirmed::Yes { address }
    } else if change(&mut tx, app, (user_id, &person), &address, now).await? {
        let event = Event::AddressChanged { email: &address };
        audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, event).await?;
        Confirmed::Changed { old: person.email, new: address }
    } else {
        return Ok(Confirmed::Taken);
    };
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(confirmed)
}

/// Gives the person the new address. An old one that they had confirmed can undo it; one that they had not may
/// be a stranger's, who gets no way into the account. False if the new one is somebody else's.
async fn change(
    tx: &mut Tx,
    app: &App,
    (user, before): (UserId, &db::PersonRow),
    new: &str,
    now: At,
) -> Result<bool> {
    let was_confirmed = before.email_verified_at.is_some();
    let locked_until = was_confirmed.then(|| now + UNDO);
    if !is_free(db::set_email(&mut *tx, user, new, locked_until, now).await)? {
        return Ok(false);
    }
    tokens::end(tx, Purpose::ResetPassword, user).await?;
    orgs::follow_owner(tx, user, now).await?;
    if was_confirmed {
        let old = before.email.as_str();
        let seed = tokens::issue(tx, Purpose::UndoAddress, user, old, (now, UNDO), app).await?;
        let message = Personal::AddressChanged { link: link(app, Purpose::UndoAddress), new: new.to_owned() };
        mail::enqueue_to_person(tx, app, (user, old), &message, Some(&seed)).await?;
    }
    Ok(true)
}

/// Whether the address could be given. Two people at once: the second meets the constraint.
fn is_free(given: crate::db::Result<u64>) -> Result<bool> {
    match given {
        Ok(rows) => Ok(rows == 1),
        Err(error) if error.is_duplicate("users_email_key") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What a link would undo.
pub async fn to_undo(app: &App, token: &str) -> Result<Option<Undoing>> {
    let Some(bound) = tokens::look_up(app, Purpose::UndoAddress, token).await? else { return Ok(None) };
    let person = db::person(&app.db, bound.user_id).await?;
    Ok(person.map(|person| Undoing { old: bound.address, new: person.email }))
}

/// Gives the person their old address back, ends all their sign-ins and every later undo, and mails the old address
/// a link to choose a new password with. Billing stays locked as long as it was going to be.
pub async fn undo(app: &App, origin: Origin, token: &str) -> Result<Undone> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    let bound = tokens::redeem(&mut tx, Purpose::UndoAddress, token, now).await?;
    let Some(Bound { user_id, address, created_at }) = bound else { return Ok(Undone::Over) };
    if !is_free(db::set_email(&mut tx, user_id, &address, None, now).await)? {
        return Ok(Undone::Taken);
    }
    logins::end_all(&mut tx, user_id, now).await?;
    tokens::end(&mut tx, Purpose::ConfirmAddress, user_id).await?;
    db::delete_undos_since(&mut tx, user_id, created_at).await?;
    orgs::follow_owner(&mut tx, user_id, now).await?;
    let to = (user_id, address.as_str());
    let reset = forgotten::mail_link(&mut tx, app, to, now, |link| Personal::SecureAccount { link }).await?;
    let origin = Origin { user: Some(user_id), ..origin };
    let event = Event::AddressRestored { email: &address };
    audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, event).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(Undone::Yes { address, reset: reset.token(app) })
}

fn link(app: &App, purpose: Purpose) -> String {
    app.url(&format!("/{}/{TOKEN}", purpose.page()))
}
