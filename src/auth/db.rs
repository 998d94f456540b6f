//! SQL of people and logins.
use super::Email;
use crate::{
    db::{At, Exec, LoginId, Origin, Result, UserId},
    sql,
};

#[derive(sqlx::FromRow)]
pub struct Credentials {
    pub id: UserId,
    pub password_hash: String,
}

/// False if the address is taken.
pub async fn insert_user(
    on: impl Exec<'_>,
    id: UserId,
    email: &Email,
    name: &str,
    hash: &str,
    now: At,
) -> Result<bool> {
    let inserted = sql!(
        on,
        "insert into users (id, email, name, password_hash, created_at) values ($1, $2, $3, $4, $5)
         on conflict (email) do nothing",
        id,
        email.as_str(),
        name,
        hash,
        now
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn credentials(on: impl Exec<'_>, email: &str) -> Result<Option<Credentials>> {
    sql!(on, "select id, password_hash from users where email = $1", email).optional().await
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

pub async fn insert_login(on: impl Exec<'_>, user: UserId, origin: &Origin, now: At) -> Result<LoginId> {
    let id = LoginId::new();
    sql!(
        on,
        "insert into logins (id, user_id, created_at, seen_at, reauthenticated_at, ip, user_agent)
         values ($1, $2, $3, $3, $3, $4, $5)",
        id,
        user,
        now,
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

/// The password was shown once more.
pub async fn renew_login(on: impl Exec<'_>, id: LoginId, now: At) -> Result<u64> {
    sql!(
        on,
        "update logins set reauthenticated_at = $2, seen_at = $2 where id = $1 and revoked_at is null",
        id,
        now
    )
    .execute()
    .await
}

pub async fn revoke_login(on: impl Exec<'_>, id: LoginId, now: At) -> Result<u64> {
    sql!(on, "update logins set revoked_at = $2 where id = $1 and revoked_at is null", id, now)
        .execute()
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
