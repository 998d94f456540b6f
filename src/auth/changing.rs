//! Changing one's own password, ending sign-ins, and the end of the account itself.
use super::{
    Device, db, fields::NewPassword, forgotten, logins, person::Person, purpose::Purpose, tokens,
    tries::Attempt,
};
use crate::{
    App,
    audit::{self, Event},
    db::{LoginId, OrgId, Origin, Tx, UserId},
    error::Result,
};

/// Sets another password, if the current one is right. Other sign-ins end unless the person wants to keep them.
pub async fn change_password(
    app: &App,
    (origin, device): (&Origin, &Device),
    person: &Person,
    current: &str,
    new: &NewPassword,
    keeps_others: bool,
) -> Result<bool> {
    let attempt = Attempt::on(&person.email, device, origin);
    attempt.take(app).await?;
    let known = db::credentials(&app.db, &person.email).await?;
    let known = known.as_ref().map(|it| it.password_hash.as_str()).filter(|hash| !hash.is_empty());
    if !app.passwords.verify_as(attempt.caller(), current, known).await? {
        audit::record_alone(app, origin, Event::ReauthenticationFailed).await?;
        return Ok(false);
    }
    let hash = app.passwords.hash_as(attempt.caller(), new.reveal()).await?;
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    db::set_password_hash(&mut tx, person.id, &hash).await?;
    tokens::end(&mut tx, Purpose::ResetPassword, person.id).await?;
    db::delete_pending_changes(&mut tx, person.id, &person.email).await?;
    if !keeps_others {
        logins::end_others(&mut tx, person.id, person.login, now).await?;
    }
    attempt.give_back(&mut tx).await?;
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, Event::PasswordChanged).await?;
    forgotten::tell(&mut tx, app, (person.id, &person.email), now, false).await?;
    tx.commit().await?;
    app.work_arrived.notify_waiters();
    Ok(true)
}

/// Ends one of the person's own sign-ins. False if it is not theirs.
pub async fn end_session(app: &App, origin: &Origin, person: &Person, login: LoginId) -> Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    if !logins::end(&mut tx, person.id, login, now).await? {
        return Ok(false);
    }
    audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, Event::SessionsEnded { count: 1 }).await?;
    tx.commit().await?;
    Ok(true)
}

/// Ends all of the person's sign-ins but this one, and says how many.
pub async fn end_other_sessions(app: &App, origin: &Origin, person: &Person) -> Result<u64> {
    let now = app.clock.now();
    let mut tx = app.db.system_tx().await?;
    let count = logins::end_others(&mut tx, person.id, person.login, now).await?;
    if count > 0 {
        audit::record_in(&mut tx, OrgId::INSTALLATION, origin, now, Event::SessionsEnded { count }).await?;
    }
    tx.commit().await?;
    Ok(count)
}

/// Deletes a person with their sign-ins and tokens, in the caller's transaction. What they are a member of has to
/// be left first.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<()> {
    Ok(db::delete_user(tx, user).await.map(drop)?)
}
