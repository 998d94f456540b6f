//! SQL of organisations and memberships.
use super::Role;
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result, Tx, UserId},
    sql,
};

/// An organisation as one of its people sees it.
#[derive(Debug, sqlx::FromRow)]
pub struct OwnRow {
    pub org_id: OrgId,
    pub slug: String,
    pub name: String,
    pub role: Role,
    /// Since when.
    pub created_at: At,
}

/// Organisations of a person, in the order of their ids.
pub async fn of_person(on: impl Exec<'_>, user: UserId) -> Result<Vec<OwnRow>> {
    sql!(
        on,
        "select m.org_id, o.slug, o.name, m.role, m.created_at from members m join orgs o on o.id = m.org_id
         where m.user_id = $1 order by m.org_id",
        user
    )
    .all()
    .await
}

pub async fn count_other_owners(on: impl Exec<'_>, org: OrgId, but: UserId) -> Result<i64> {
    sql!(
        on,
        "select count(*) as owners from members where org_id = $1 and role = 'owner' and user_id <> $2",
        org,
        but
    )
    .scalar()
    .await
}

pub async fn delete_member(tx: &mut Tx, org: OrgId, user: UserId) -> Result<u64> {
    sql!(tx, "delete from members where org_id = $1 and user_id = $2", org, user).execute().await
}

/// False if the slug is taken.
pub async fn insert_org(tx: &mut Tx, id: OrgId, slug: &str, name: &str, now: At) -> Result<bool> {
    let inserted = sql!(
        tx,
        "insert into orgs (id, slug, name, created_at) values ($1, $2, $3, $4) on conflict (slug) do nothing",
        id,
        slug,
        name,
        now
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn insert_member(tx: &mut Tx, org: OrgId, user: UserId, role: Role, now: At) -> Result<u64> {
    sql!(
        tx,
        "insert into members (org_id, user_id, role, created_at) values ($1, $2, $3, $4)",
        org,
        user,
        role,
        now
    )
    .execute()
    .await
}

/// Until the end of the transaction. SQLite needs no lock: whoever writes is alone.
pub async fn lock_memberships(tx: &mut Tx, user: UserId) -> Result<()> {
    let locked = sql!(
        tx,
        sqlite "select org_id from members where user_id = $1",
        postgres "select org_id from members where user_id = $1 for update",
        user
    );
    locked.all::<(OrgId,)>().await.map(drop)
}

/// Organisations of a person.
pub async fn count_memberships(on: impl Exec<'_>, user: UserId) -> Result<i64> {
    sql!(on, "select count(org_id) as memberships from members where user_id = $1", user).scalar().await
}

pub async fn count_members(on: impl Exec<'_>, org: OrgId) -> Result<i64> {
    sql!(on, "select count(*) as head_count from members where org_id = $1", org).scalar().await
}

pub async fn by_slug(on: impl Exec<'_>, slug: &str) -> Result<Option<OrgId>> {
    let found = sql!(on, "select id from orgs where slug = $1", slug).optional::<(OrgId,)>();
    Ok(found.await?.map(|(org,)| org))
}

pub async fn name_of(on: impl Exec<'_>, org: OrgId) -> Result<String> {
    sql!(on, "select name from orgs where id = $1", org).scalar().await
}

pub async fn rename(tx: &mut OrgTx<'_>, name: &str) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "update orgs set name = $2 where id = $1", org, name).execute().await
}

/// Deletes everything that belongs to it too: every reference cascades.
pub async fn delete(tx: &mut OrgTx<'_>) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "delete from orgs where id = $1", org).execute().await
}

/// Addresses of its people, each with the organisation's name.
pub async fn addresses(tx: &mut OrgTx<'_>) -> Result<Vec<(String, String)>> {
    let org = tx.org();
    sql!(
        tx,
        "select p.email, o.name from org_people p join orgs o on o.id = p.org_id
         where p.org_id = $1 order by p.email",
        org
    )
    .all()
    .await
}
