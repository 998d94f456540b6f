//! A password that was forgotten: a link to the address, which sets a new one.
use super::{
    db::{self, Bound},
    fields::{Email, NewPassword},
    logins,
    purpose::Purpose,
    tokens, tries,
};
use crate::{
    App,
    audit::{self, Event},
    db::{At, OrgId, Origin, Tx, UserId},
    error::Result,
    jobs::{self, Job},
    mail::{self, Personal, Seed, TOKEN},
    words,
};
use time::Duration;

/// The link to choose a new password with.
const RESET: Duration = Duration::minutes(30);

/// Whose password a link resets.
#[derive(Debug)]
pub struct Resetting {
    pub name: String,
    pub email: String,
}

/// Queues the link. The same work for every address, known or not: a worker finds out.
pub async fn ask(app: &App, email: &Email) -> Result<()> {
    jobs::enqueue(&app.db, &Job::ForgottenPassword(email.as_str().to_owned()), app.clock.now()).await?;
    app.work_arrived.notify_waiters();
    Ok(())
}

/// Mails the link, if somebody has this address and was not sent several already.
pub async fn send_link(app: &App, email: &str) -> Result<()> {
    let Some(known) = db::credentials(&app.db, email).await? else { return Ok(()) };
    if tries::take_mail(app, "reset_password", email).await.is_err() {
        tracing::warn!(kind = "reset_password", "mail_limit_reached");
        return Ok(());
    }
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    mail_link(&mut tx, app, (known.id, email), now, |link| Personal::ResetPassword { link }).await?;
    let origin = Origin { user_agent: "forgotten password".into(), ..Origin::default() };
    let event = Event::PasswordResetAsked { email };
    audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, event).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(())
}

/// Makes a token to choose a new password with, and mails it in this message.
pub async fn mail_link(
    tx: &mut Tx,
    app: &App,
    to: (UserId, &str),
    now: At,
    message: impl FnOnce(String) -> Personal,
) -> Result<Seed> {
    let link = app.url(&format!("/{}/{TOKEN}", Purpose::ResetPassword.page()));
    let seed = tokens::issue(tx, Purpose::ResetPassword, to.0, to.1, (now, RESET), app).await?;
    mail::enqueue_to_person(tx, app, to, &message(link), Some(&seed)).await?;
    Ok(seed)
}

/// Whose password a link would reset.
pub async fn whose(app: &App, token: &str) -> Result<Option<Resetting>> {
    let Some(bound) = tokens::look_up(app, Purpose::ResetPassword, token).await? else { return Ok(None) };
    let person = db::person(&app.db, bound.user_id).await?.filter(|person| person.email == bound.address);
    Ok(person.map(|person| Resetting { name: person.name, email: person.email }))
}

/// Sets the password that was chosen behind a link, which also proves the address: whoever signed up with an
/// address that is not theirs loses the account here. All sign-ins end, and nobody is signed in. False if the link
/// is over.
pub async fn reset(app: &App, origin: Origin, token: &str, password: &NewPassword) -> Result<bool> {
    let hash = app.passwords.hash(password.reveal()).await?;
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    let bound = tokens::redeem(&mut tx, Purpose::ResetPassword, token, now).await?;
    let Some(Bound { user_id, address, .. }) = bound else { return Ok(false) };
    if db::set_verified(&mut tx, user_id, &address, now).await? == 0 {
        return Ok(false); // they have another address by now
    }
    db::set_password_hash(&mut tx, user_id, &hash).await?;
    db::delete_pending_changes(&mut tx, user_id, &address).await?;
    logins::end_all(&mut tx, user_id, now).await?;
    let origin = Origin { user: Some(user_id), ..origin };
    audit::record_in(&mut tx, OrgId::INSTALLATION, &origin, now, Event::PasswordReset).await?;
    tell(&mut tx, app, (user_id, &address), now, true).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(true)
}

/// Tells the address that the password is another one.
pub async fn tell(tx: &mut Tx, app: &App, to: (UserId, &str), now: At, by_link: bool) -> Result<()> {
    let (link, at) = (app.url("/forgot-password"), words::minute(now));
    mail::enqueue_to_person(tx, app, to, &Personal::PasswordChanged { link, at, by_link }, None).await
}
