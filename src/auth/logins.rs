//! Sign-ins: the only place where they begin and end, and where one becomes recent again.
use super::{
    db::{self, LoginRow},
    proof::Proof,
};
use crate::{
    App,
    db::{At, LoginId, Origin, Tx, UserId},
    error::Result,
};
use time::Duration;

/// A new sign-in; of more than twenty the oldest ends.
pub async fn begin(tx: &mut Tx, origin: &Origin, user: UserId, by: Proof, now: At) -> Result<LoginId> {
    let login = db::insert_login(&mut *tx, user, origin, by, now).await?;
    db::end_oldest_logins(tx, user, now).await?;
    Ok(login)
}

/// They showed once more who they are.
pub async fn renew(tx: &mut Tx, login: LoginId, by: Proof, now: At) -> Result<()> {
    Ok(db::renew_login(tx, login, by, now).await.map(drop)?)
}

/// Ends one of the person's sign-ins. False if it is not theirs, or ended already.
pub async fn end(tx: &mut Tx, user: UserId, login: LoginId, now: At) -> Result<bool> {
    Ok(db::revoke_login(tx, user, login, now).await? == 1)
}

/// Ends all of the person's sign-ins.
pub async fn end_all(tx: &mut Tx, user: UserId, now: At) -> Result<u64> {
    Ok(db::revoke_logins(tx, user, now).await?)
}

/// Ends all of the person's sign-ins but this one.
pub async fn end_others(tx: &mut Tx, user: UserId, but: LoginId, now: At) -> Result<u64> {
    Ok(db::revoke_other_logins(tx, user, but, now).await?)
}

/// The person's sign-ins that are valid now, newest use first.
pub async fn valid(app: &App, user: UserId) -> Result<Vec<LoginRow>> {
    let now = app.clock.now();
    let (idle, max) = spans(app);
    Ok(db::valid_logins(&app.db, user, now - idle, now - max).await?)
}

/// Every sign-in of the person that is still recorded, newest first.
pub async fn recorded(app: &App, user: UserId) -> Result<Vec<LoginRow>> {
    Ok(db::logins(&app.db, user).await?)
}

/// Whether a login still counts: used within `SESSION_IDLE_MINUTES`, and not older than
/// `SESSION_MAX_DAYS`. If so its use is recorded: once a minute at most, and ten times within an idle
/// span, so that a short one does not sign out somebody who is clicking.
pub async fn use_login(app: &App, login: LoginId, created_at: At, seen_at: At) -> Result<bool> {
    let now = app.clock.now();
    let (idle, max) = spans(app);
    if seen_at + idle < now || created_at + max < now {
        return Ok(false);
    }
    if seen_at + Duration::MINUTE.min(idle / 10) < now {
        db::touch_login(&app.db, login, now).await?;
    }
    Ok(true)
}

/// `SESSION_IDLE_MINUTES` and `SESSION_MAX_DAYS`.
fn spans(app: &App) -> (Duration, Duration) {
    let config = &app.config;
    (
        config.session_idle.try_into().unwrap_or(Duration::DAY),
        config.session_max.try_into().unwrap_or(Duration::WEEK),
    )
}
