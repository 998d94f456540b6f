//! SQL of people and logins.
use super::Email;
use crate::{
    db::{At, Exec, LoginId, OrgId, Origin, Result, UserId},
    orgs::{Membership, Role},
    sql,
};

#[derive(sqlx::FromRow)]
pub struct Credentials {
    pub id: UserId,
    pub password_hash: String,
}

#[derive(sqlx::FromRow)]
pub struct LoginRow {
    pub user_id: UserId,
    pub name: String,
    pub email: String,
    pub created_at: At,
    pub seen_at: At,
    pub reauthenticated_at: At,
    org_id: Option<OrgId>,
    org_name: Option<String>,
    role: Option<Role>,
}

impl LoginRow {
    pub fn membership(&self, slug: Option<&str>) -> Option<Membership> {
        Some(Membership {
            org: self.org_id?,
            slug: slug?.to_owned(),
            org_name: self.org_name.clone()?,
            role: self.role?,
        })
    }
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

/// The login with its person and, if `slug` is an organisation of theirs, their role in it.
pub async fn login(on: impl Exec<'_>, id: LoginId, slug: &str) -> Result<Option<LoginRow>> {
    sql!(
        on,
        "select l.user_id, u.name, u.email, l.created_at, l.seen_at, l.reauthenticated_at,
                m.org_id, o.name as org_name, m.role
         from logins l
         join users u on u.id = l.user_id
         left join orgs o on o.slug = $2
         left join members m on m.org_id = o.id and m.user_id = l.user_id
         where l.id = $1 and l.revoked_at is null",
        id,
        slug
    )
    .optional()
    .await
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

/// One try of the generic cell rate algorithm, in microseconds: false if it would exceed `limit`.
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
           set arrival = (case when throttles.arrival < $2 then $2 else throttles.arrival end) + $3
           where (case when throttles.arrival < $2 then $2 else throttles.arrival end) + $3 <= cast($2 as bigint) + $4",
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
