//! SQL of people and logins.
use super::{Email, proof::Proof, purpose::Purpose};
use crate::{
    db::{At, Exec, LoginId, Origin, Result, UserId},
    sql,
};

#[derive(sqlx::FromRow)]
pub struct Credentials {
    pub id: UserId,
    /// Empty for somebody who has no password.
    pub password_hash: String,
}

/// What we know of a person.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PersonRow {
    pub name: String,
    pub email: String,
    /// When they showed that the address is theirs.
    pub email_verified_at: Option<At>,
    pub created_at: At,
}

/// A sign-in, for its owner to see.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LoginRow {
    pub id: LoginId,
    pub created_at: At,
    pub seen_at: At,
    pub reauthenticated_at: At,
    pub reauthenticated_by: Proof,
    pub ip: String,
    pub user_agent: String,
    pub revoked_at: Option<At>,
}

/// What a mailed token stands for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Bound {
    pub user_id: UserId,
    /// Where it was sent.
    pub address: String,
    pub created_at: At,
}

/// Somebody new.
pub struct NewUser<'a> {
    pub id: UserId,
    pub email: &'a Email,
    pub name: &'a str,
    pub hash: &'a str,
    /// When they showed that the address is theirs.
    pub verified_at: Option<At>,
}

/// False if the address is taken, or was somebody's who can still take it back.
pub async fn insert_user(on: impl Exec<'_>, new: NewUser<'_>, now: At) -> Result<bool> {
    let NewUser { id, email, name, hash, verified_at } = new;
    let inserted = sql!(
        on,
        "insert into users (id, email, name, password_hash, email_verified_at, created_at)
         select $1, $2, $3, $4, $5, $6 where not exists (
           select 1 from mail_tokens where address = $2 and purpose = 'undo_address' and expires_at > $6)
         on conflict (email) do nothing",
        id,
        email.as_str(),
        name,
        hash,
        verified_at,
        now
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn credentials(on: impl Exec<'_>, email: &str) -> Result<Option<Credentials>> {
    sql!(on, "select id, password_hash from users where email = $1", email).optional().await
}

pub async fn person(on: impl Exec<'_>, id: UserId) -> Result<Option<PersonRow>> {
    sql!(on, "select name, email, email_verified_at, created_at from users where id = $1", id)
        .optional()
        .await
}

pub async fn has_users(on: impl Exec<'_>) -> Result<bool> {
    Ok(sql!(on, "select id from users limit 1").optional::<(UserId,)>().await?.is_some())
}

pub async fn set_password_hash(on: impl Exec<'_>, id: UserId, hash: &str) -> Result<u64> {
    sql!(on, "update users set password_hash = $2 where id = $1", id, hash).execute().await
}

pub async fn set_name(on: impl Exec<'_>, id: UserId, name: &str) -> Result<u64> {
    sql!(on, "update users set name = $2 where id = $1", id, name).execute().await
}

/// The address is theirs. 0 if they have another one by now.
pub async fn set_verified(on: impl Exec<'_>, id: UserId, email: &str, now: At) -> Result<u64> {
    sql!(
        on,
        "update users set email_verified_at = coalesce(email_verified_at, $3) where id = $1 and email = $2",
        id,
        email,
        now
    )
    .execute()
    .await
}

/// Gives a person another address, which they have confirmed. 0 if it is somebody else's, or was and can still
/// be taken back.
pub async fn set_email(
    on: impl Exec<'_>,
    id: UserId,
    email: &str,
    locked_until: Option<At>,
    now: At,
) -> Result<u64> {
    sql!(
        on,
        "update users set email = $2, email_verified_at = $4,
           billing_locked_until = coalesce($3, billing_locked_until)
         where id = $1 and not exists (select 1 from users other where other.email = $2 and other.id <> $1)
           and not exists (select 1 from mail_tokens t where t.address = $2 and t.purpose = 'undo_address'
                           and t.expires_at > $4 and t.user_id <> $1)",
        id,
        email,
        locked_until,
        now
    )
    .execute()
    .await
}

/// With sign-ins and tokens.
pub async fn delete_user(on: impl Exec<'_>, id: UserId) -> Result<u64> {
    sql!(on, "delete from users where id = $1", id).execute().await
}

pub async fn insert_token(
    on: impl Exec<'_>,
    hash: Vec<u8>,
    purpose: Purpose,
    bound: Bound,
    expires_at: At,
) -> Result<u64> {
    sql!(
        on,
        "insert into mail_tokens (hash, purpose, user_id, address, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        hash,
        purpose,
        bound.user_id,
        bound.address,
        bound.created_at,
        expires_at
    )
    .execute()
    .await
}

pub async fn token(on: impl Exec<'_>, hash: Vec<u8>, purpose: Purpose, now: At) -> Result<Option<Bound>> {
    sql!(
        on,
        "select user_id, address, created_at from mail_tokens
         where hash = $1 and purpose = $2 and expires_at > $3",
        hash,
        purpose,
        now
    )
    .optional()
    .await
}

/// Uses it up: of any number at once, one finds it.
pub async fn take_token(
    on: impl Exec<'_>,
    hash: Vec<u8>,
    purpose: Purpose,
    now: At,
) -> Result<Option<Bound>> {
    sql!(
        on,
        "delete from mail_tokens where hash = $1 and purpose = $2 and expires_at > $3
         returning user_id, address, created_at",
        hash,
        purpose,
        now
    )
    .optional()
    .await
}

pub async fn delete_tokens(on: impl Exec<'_>, purpose: Purpose, user: UserId) -> Result<u64> {
    sql!(on, "delete from mail_tokens where user_id = $2 and purpose = $1", purpose, user).execute().await
}

pub async fn delete_tokens_to(
    on: impl Exec<'_>,
    purpose: Purpose,
    user: UserId,
    address: &str,
) -> Result<u64> {
    sql!(
        on,
        "delete from mail_tokens where user_id = $2 and purpose = $1 and address = $3",
        purpose,
        user,
        address
    )
    .execute()
    .await
}

/// Links to change to another address.
pub async fn delete_pending_changes(on: impl Exec<'_>, user: UserId, email: &str) -> Result<u64> {
    sql!(
        on,
        "delete from mail_tokens where user_id = $1 and purpose = 'confirm_address' and address <> $2",
        user,
        email
    )
    .execute()
    .await
}

/// Those made at that time or later: what came after a change goes with it.
pub async fn delete_undos_since(on: impl Exec<'_>, user: UserId, since: At) -> Result<u64> {
    sql!(
        on,
        "delete from mail_tokens where user_id = $1 and purpose = 'undo_address' and created_at >= $2",
        user,
        since
    )
    .execute()
    .await
}

pub async fn delete_expired_tokens(on: impl Exec<'_>, now: At) -> Result<u64> {
    sql!(on, "delete from mail_tokens where expires_at < $1", now).execute().await
}

pub async fn insert_login(
    on: impl Exec<'_>,
    user: UserId,
    origin: &Origin,
    by: Proof,
    now: At,
) -> Result<LoginId> {
    let id = LoginId::new();
    sql!(
        on,
        "insert into logins (id, user_id, created_at, seen_at, reauthenticated_at, reauthenticated_by, ip, user_agent)
         values ($1, $2, $3, $3, $3, $4, $5, $6)",
        id,
        user,
        now,
        by,
        origin.ip.clone(),
        origin.user_agent.clone()
    )
    .execute()
    .await?;
    Ok(id)
}

pub async fn touch_login(on: impl Exec<'_>, id: LoginId, now: At) -> Result<u64> {
    sql!(on, "update logins set seen_at = $2 where id = $1 and seen_at < $2 and revoked_at is null", id, now)
        .execute()
        .await
}

/// They showed once more who they are.
pub async fn renew_login(on: impl Exec<'_>, id: LoginId, by: Proof, now: At) -> Result<u64> {
    sql!(
        on,
        "update logins set reauthenticated_at = $3, reauthenticated_by = $2, seen_at = $3
         where id = $1 and revoked_at is null",
        id,
        by,
        now
    )
    .execute()
    .await
}

pub async fn revoke_login(on: impl Exec<'_>, user: UserId, id: LoginId, now: At) -> Result<u64> {
    sql!(
        on,
        "update logins set revoked_at = $3 where id = $2 and user_id = $1 and revoked_at is null",
        user,
        id,
        now
    )
    .execute()
    .await
}

pub async fn revoke_logins(on: impl Exec<'_>, user: UserId, now: At) -> Result<u64> {
    sql!(on, "update logins set revoked_at = $2 where user_id = $1 and revoked_at is null", user, now)
        .execute()
        .await
}

pub async fn revoke_other_logins(on: impl Exec<'_>, user: UserId, but: LoginId, now: At) -> Result<u64> {
    sql!(
        on,
        "update logins set revoked_at = $3 where user_id = $1 and id <> $2 and revoked_at is null",
        user,
        but,
        now
    )
    .execute()
    .await
}

/// Those not ended, used since the one instant and begun since the other; newest use first.
pub async fn valid_logins(on: impl Exec<'_>, user: UserId, seen: At, begun: At) -> Result<Vec<LoginRow>> {
    sql!(
        on,
        "select id, created_at, seen_at, reauthenticated_at, reauthenticated_by, ip, user_agent, revoked_at from logins
         where user_id = $1 and revoked_at is null and seen_at >= $2 and created_at >= $3
         order by seen_at desc, id desc",
        user,
        seen,
        begun
    )
    .all()
    .await
}

pub async fn logins(on: impl Exec<'_>, user: UserId) -> Result<Vec<LoginRow>> {
    sql!(
        on,
        "select id, created_at, seen_at, reauthenticated_at, reauthenticated_by, ip, user_agent, revoked_at from logins
         where user_id = $1 order by created_at desc, id desc",
        user
    )
    .all()
    .await
}

/// Keeps the newest 20 of a person.
pub async fn end_oldest_logins(on: impl Exec<'_>, user: UserId, now: At) -> Result<u64> {
    sql!(on,
        "update logins set revoked_at = $2
         where user_id = $1 and revoked_at is null and id not in
           (select id from logins where user_id = $1 and revoked_at is null order by created_at desc, id desc limit 20)",
        user, now)
    .execute()
    .await
}

pub async fn delete_old_logins(on: impl Exec<'_>, before: At) -> Result<u64> {
    sql!(on, "delete from logins where seen_at < $1", before).execute().await
}

/// One try of the generic cell rate algorithm, in microseconds: false if it would exceed `limit`. An
/// arrival further ahead than that is from before the clock was set back, and counts for nothing.
pub async fn take_from_throttle(
    on: impl Exec<'_>,
    key: &str,
    now: i64,
    every: i64,
    limit: i64,
) -> Result<bool> {
    let taken = sql!(
        on,
        "insert into throttles (key, arrival) values ($1, cast($2 as bigint) + $3)
         on conflict (key) do update
           set arrival = (case when throttles.arrival between $2 and cast($2 as bigint) + $4 then throttles.arrival else $2 end) + $3
           where (case when throttles.arrival between $2 and cast($2 as bigint) + $4 then throttles.arrival else $2 end) + $3
                 <= cast($2 as bigint) + $4",
        key,
        now,
        every,
        limit
    )
    .execute()
    .await?;
    Ok(taken == 1)
}

pub async fn forget_throttle(on: impl Exec<'_>, key: &str) -> Result<u64> {
    sql!(on, "delete from throttles where key = $1", key).execute().await
}

pub async fn delete_idle_throttles(on: impl Exec<'_>, now: i64) -> Result<u64> {
    sql!(on, "delete from throttles where arrival < $1", now).execute().await
}

/// An update, never the stock upsert: a session deleted meanwhile stays deleted.
pub async fn update_session(on: impl Exec<'_>, id: String, data: Vec<u8>) -> Result<u64> {
    sql!(on, "update sessions set data = $2 where id = $1", id, data).execute().await
}

pub async fn delete_expired_sessions(on: impl Exec<'_>, now: time::OffsetDateTime) -> Result<u64> {
    sql!(on, "delete from sessions where expiry_date < $1", now).execute().await
}
