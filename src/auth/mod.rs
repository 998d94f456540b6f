//! Who somebody is: sign up, in and out. The session cookie names a login; its row in `logins` says
//! whether that is still valid.
mod addresses;
mod breaches;
mod browser;
mod changing;
mod choosing;
mod db;
mod device;
mod fields;
mod forgotten;
mod logins;
mod passwords;
mod person;
mod proof;
mod purpose;
pub mod sessions;
mod tokens;
mod tries;
pub mod web;

pub use addresses::{
    Confirmed, Undoing, Undone, ask_again as ask_again_to_confirm, confirm as confirm_address,
    start_change as start_change_of_address, to_confirm as address_to_confirm, to_undo as change_to_undo,
    undo as undo_change_of_address,
};
pub use breaches::Breaches;
pub use browser::in_words as browser_in_words;
pub use changing::{change_password, delete as delete_person, end_other_sessions, end_session};
pub use choosing::new_password;
pub use db::{LoginRow, PersonRow};
pub use device::Device;
pub use fields::{Email, NewPassword, person_name, shortest as shortest_password};
pub use forgotten::{
    Resetting, ask as ask_for_reset, reset as reset_password, send_link, whose as whose_reset,
};
pub use logins::{recorded as recorded_logins, use_login, valid as valid_logins};
pub use passwords::Passwords;
pub use person::Person;
pub use proof::Proof;
pub use purpose::Purpose;
pub use tokens::is_formed as is_token;

use passwords::Caller;

use crate::{
    App,
    audit::{self, Event},
    db::{At, LoginId, OrgId, Origin, Tx, UserId, kept},
    error::{Error, Result},
    mail::{self, Personal},
    orgs, words,
};
use db::NewUser;
use time::Duration;
use tries::Attempt;

/// What signing up gives.
pub enum SignUp {
    Done {
        login: LoginId,
        slug: String,
    },
    /// Somebody has this address already.
    Taken,
}

pub struct NewPerson {
    pub name: String,
    pub email: Email,
    pub password: NewPassword,
    pub organisation: String,
}

/// Makes the person, their first organisation and their ownership of it, or none of them.
pub async fn sign_up(app: &App, origin: Origin, new: NewPerson) -> Result<SignUp> {
    let hash = app.passwords.hash(new.password.reveal()).await?;
    let (user, email, now) = (UserId::new(), new.email.as_str(), app.clock.now());
    let may_mail = addresses::may_ask(app, email).await.is_ok();
    let mut tx = app.db.system_tx().await?;
    let somebody = NewUser { id: user, email: &new.email, name: &new.name, hash: &hash, verified_at: None };
    if !db::insert_user(&mut tx, somebody, now).await? {
        return Ok(SignUp::Taken);
    }
    let origin = Origin { user: Some(user), ..origin };
    let org = orgs::create_in(&mut tx, &origin, user, &new.organisation, now).await?;
    let login = logins::begin(&mut tx, &origin, user, Proof::Password, now).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, Event::SignedUp { email }).await?;
    if may_mail {
        addresses::ask_to_confirm(&mut tx, app, user, email, now).await?;
    }
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(SignUp::Done { login, slug: org.slug().to_owned() })
}

/// One new login, or nothing: an unknown address and a wrong password are the same answer after
/// the same work.
pub async fn sign_in(
    app: &App,
    origin: Origin,
    device: &Device,
    email: &str,
    password: &str,
) -> Result<Option<LoginId>> {
    let email = fields::normalised(email);
    let attempt = Attempt::on(&email, device, &origin);
    attempt.take(app).await?;
    let known = db::credentials(&app.db, &email).await?;
    let right = app.passwords.verify_as(attempt.caller(), password, hash_of(&known)).await?;
    let Some(credentials) = known.filter(|_| right) else {
        note_failure(app, &origin, &email).await?;
        return Ok(None);
    };
    let origin = Origin { user: Some(credentials.id), ..origin };
    let rehashed = match app.passwords.is_outdated(&credentials.password_hash) {
        true => Some(app.passwords.hash_as(attempt.caller(), password).await?),
        false => None,
    };
    let is_new_device = !device.knows(&email) && tries::may_tell(app, "new_device", &email).await?;
    let told = is_new_device.then_some(email.as_str());
    begin_login(app, &origin, credentials.id, &attempt, rehashed, told).await.map(Some)
}

/// None for somebody unknown, and for somebody without a password: the same work then.
fn hash_of(known: &Option<db::Credentials>) -> Option<&str> {
    known.as_ref().map(|it| it.password_hash.as_str()).filter(|hash| !hash.is_empty())
}

/// The same person says once more who they are. False if the password is wrong.
pub async fn reauthenticate(
    app: &App,
    origin: &Origin,
    device: &Device,
    person: &Person,
    password: &str,
) -> Result<bool> {
    let attempt = Attempt::on(&person.email, device, origin);
    attempt.take(app).await?;
    let known = db::credentials(&app.db, &person.email).await?;
    let right = app.passwords.verify_as(attempt.caller(), password, hash_of(&known)).await?;
    let now = app.clock.now();
    let event = if right { Event::Reauthenticated } else { Event::ReauthenticationFailed };
    let mut tx = app.db.system_tx().await?;
    if right {
        logins::renew(&mut tx, person.login, Proof::Password, now).await?;
        attempt.give_back(&mut tx).await?;
    }
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, event).await?;
    tx.commit().await?;
    Ok(right)
}

/// `told`: the address that hears of a sign-in on a device that is new to it.
async fn begin_login(
    app: &App,
    origin: &Origin,
    user: UserId,
    attempt: &Attempt,
    rehashed: Option<String>,
    told: Option<&str>,
) -> Result<LoginId> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    if let Some(hash) = rehashed {
        db::set_password_hash(&mut tx, user, &hash).await?;
    }
    let login = logins::begin(&mut tx, origin, user, Proof::Password, now).await?;
    attempt.give_back(&mut tx).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, Event::SignedIn).await?;
    if let Some(email) = told {
        tell_of_new_device(&mut tx, app, origin, (user, email), now).await?;
    }
    tx.commit().await?;
    if told.is_some() {
        app.work_arrived.notify_waiters();
    }
    Ok(login)
}

async fn tell_of_new_device(
    tx: &mut Tx,
    app: &App,
    origin: &Origin,
    to: (UserId, &str),
    now: At,
) -> Result<()> {
    let message = Personal::NewDevice {
        link: app.url("/account/security"),
        browser: browser::in_words(&origin.user_agent),
        ip: origin.ip.clone(),
        at: words::minute(now),
    };
    mail::enqueue_to_person(tx, app, to, &message, None).await
}

/// Strangers write here: no more of it than an address has (RFC 5321: 254).
async fn note_failure(app: &App, origin: &Origin, email: &str) -> Result<()> {
    let email = kept(email, 254);
    let mut tx = app.db.system_tx().await?;
    audit::record_in(
        &mut tx,
        OrgId::INSTALLATION,
        origin,
        app.clock.now(),
        Event::SignInFailed { email: &email },
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Ends this login for good: no copy of its cookie is valid any more.
pub async fn sign_out(app: &App, origin: Origin, person: &Person) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    logins::end(&mut tx, person.id, person.login, now).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, Event::SignedOut).await?;
    Ok(tx.commit().await?)
}

/// Whether anybody ever signed up here.
pub async fn has_anyone(app: &App) -> Result<bool> {
    Ok(db::has_users(&app.db).await?)
}

/// Whether somebody has this address.
pub async fn is_known(app: &App, email: &str) -> Result<bool> {
    Ok(db::credentials(&app.db, email).await?.is_some())
}

/// A person without a login, whose address counts as confirmed: the demo seed's. Nothing if it is taken.
pub async fn add_person(tx: &mut Tx, email: &str, name: &str, hash: &str, now: At) -> Result<Option<UserId>> {
    let (id, email) = (UserId::new(), Email::parse(email).map_err(Error::broken)?);
    let somebody = NewUser { id, email: &email, name, hash, verified_at: Some(now) };
    Ok(db::insert_user(tx, somebody, now).await?.then_some(id))
}

/// What we know of a person.
pub async fn person(app: &App, user: UserId) -> Result<Option<PersonRow>> {
    Ok(db::person(&app.db, user).await?)
}

/// The name others see.
pub async fn rename(app: &App, origin: &Origin, user: UserId, name: &str) -> Result<()> {
    let mut tx = app.db.system_tx().await?;
    db::set_name(&mut tx, user, name).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, app.clock.now(), Event::ProfileChanged).await?;
    Ok(tx.commit().await?)
}

/// Deletes old logins, expired sessions and links, throttles that no longer limit anybody, failed sign-ins of long
/// ago, and copies of what was mailed to people about their account.
pub async fn tidy(app: &App) -> Result<()> {
    let now = app.clock.now();
    audit::forget_failed_sign_ins(app, now - Duration::days(90)).await?;
    db::delete_old_logins(&app.db, now - Duration::days(30)).await?;
    db::delete_expired_tokens(&app.db, now).await?;
    mail::forget_personal(app, now - Duration::days(30)).await?;
    db::delete_idle_throttles(&app.db, now.micros()).await?;
    sessions::Store::new(&app.db).delete_expired(now).await.map_err(Error::broken)
}
