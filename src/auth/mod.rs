//! Who somebody is: sign up, in and out. The session cookie names a login; its row in `logins` says
//! whether that is still valid.
mod db;
mod device;
mod fields;
mod passwords;
pub mod sessions;
mod tries;
pub mod web;

pub use device::Device;
pub use fields::{Email, NewPassword, person_name};
use passwords::Caller;
pub use passwords::Passwords;

use crate::{
    App,
    audit::{self, Event},
    db::{At, LoginId, OrgId, Origin, Tx, UserId, kept},
    error::{Error, Result},
    orgs,
};
use time::Duration;
use tries::Attempt;

/// Whoever is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub login: LoginId,
    pub name: String,
    pub email: String,
    /// When they last showed their password or second factor.
    pub reauthenticated_at: At,
}

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
    let (user, now) = (UserId::new(), app.clock.now());
    let mut tx = app.db.system_tx().await?;
    if !db::insert_user(&mut tx, user, &new.email, &new.name, &hash, now).await? {
        return Ok(SignUp::Taken);
    }
    let origin = Origin { user: Some(user), ..origin };
    let org = orgs::create_in(&mut tx, &origin, user, &new.organisation, now).await?;
    let login = db::insert_login(&mut tx, user, &origin, now).await?;
    audit::record_in(
        &mut tx,
        OrgId::INSTALLATION,
        &origin,
        now,
        Event::SignedUp { email: new.email.as_str() },
    )
    .await?;
    tx.commit().await?;
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
    let hash = known.as_ref().map(|c| c.password_hash.as_str());
    let right = app.passwords.verify_as(attempt.caller(), password, hash).await?;
    let Some(credentials) = known.filter(|_| right) else {
        note_failure(app, &origin, &email).await?;
        return Ok(None);
    };
    let origin = Origin { user: Some(credentials.id), ..origin };
    let rehashed = match app.passwords.is_outdated(&credentials.password_hash) {
        true => Some(app.passwords.hash_as(attempt.caller(), password).await?),
        false => None,
    };
    begin_login(app, &origin, credentials.id, &attempt, rehashed).await.map(Some)
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
    let hash = known.as_ref().map(|c| c.password_hash.as_str());
    let right = app.passwords.verify_as(attempt.caller(), password, hash).await?;
    let now = app.clock.now();
    let event = if right { Event::Reauthenticated } else { Event::ReauthenticationFailed };
    let mut tx = app.db.system_tx().await?;
    if right {
        db::renew_login(&mut tx, person.login, now).await?;
        attempt.give_back(&mut tx).await?;
    }
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, event).await?;
    tx.commit().await?;
    Ok(right)
}

async fn begin_login(
    app: &App,
    origin: &Origin,
    user: UserId,
    attempt: &Attempt,
    rehashed: Option<String>,
) -> Result<LoginId> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    if let Some(hash) = rehashed {
        db::set_password_hash(&mut tx, user, &hash).await?;
    }
    let login = db::insert_login(&mut tx, user, origin, now).await?;
    db::end_oldest_logins(&mut tx, user, now).await?;
    attempt.give_back(&mut tx).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, Event::SignedIn).await?;
    tx.commit().await?;
    Ok(login)
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
    db::revoke_login(&mut tx, person.login, now).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, Event::SignedOut).await?;
    Ok(tx.commit().await?)
}

/// Whether a login still counts: used within `SESSION_IDLE_MINUTES`, and not older than
/// `SESSION_MAX_DAYS`. If so its use is recorded: once a minute at most, and ten times within an idle
/// span, so that a short one does not sign out somebody who is clicking.
pub async fn use_login(app: &App, login: LoginId, created_at: At, seen_at: At) -> Result<bool> {
    let now = app.clock.now();
    let idle: Duration = app.config.session_idle.try_into().unwrap_or(Duration::DAY);
    if seen_at + idle < now || created_at + app.config.session_max.try_into().unwrap_or(Duration::WEEK) < now
    {
        return Ok(false);
    }
    if seen_at + Duration::MINUTE.min(idle / 10) < now {
        db::touch_login(&app.db, login, now).await?;
    }
    Ok(true)
}

/// Whether anybody ever signed up here.
pub async fn has_anyone(app: &App) -> Result<bool> {
    Ok(db::has_users(&app.db).await?)
}

/// Whether somebody has this address.
pub async fn is_known(app: &App, email: &str) -> Result<bool> {
    Ok(db::credentials(&app.db, email).await?.is_some())
}

/// A person without a login: the demo seed's. Nothing if the address is taken.
pub async fn add_person(tx: &mut Tx, email: &str, name: &str, hash: &str, now: At) -> Result<Option<UserId>> {
    let (id, email) = (UserId::new(), Email::parse(email).map_err(Error::broken)?);
    Ok(db::insert_user(tx, id, &email, name, hash, now).await?.then_some(id))
}

/// The name others see.
pub async fn rename(app: &App, origin: &Origin, user: UserId, name: &str) -> Result<()> {
    let mut tx = app.db.system_tx().await?;
    db::set_name(&mut tx, user, name).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, app.clock.now(), Event::ProfileChanged).await?;
    Ok(tx.commit().await?)
}

/// Deletes old logins, expired sessions, throttles that no longer limit anybody, and failed sign-ins of long ago.
pub async fn tidy(app: &App) -> Result<()> {
    let now = app.clock.now();
    audit::forget_failed_sign_ins(app, now - Duration::days(90)).await?;
    db::delete_old_logins(&app.db, now - Duration::days(30)).await?;
    db::delete_idle_throttles(&app.db, now.micros()).await?;
    sessions::Store::new(&app.db).delete_expired(now).await.map_err(Error::broken)
}
