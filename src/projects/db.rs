//! SQL of projects.
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result, id},
    sql,
};

id!(/// A project.
    ProjectId);

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub created_at: At,
}

/// Newest first: so many, after so many.
pub async fn projects(on: impl Exec<'_>, org: OrgId, limit: i64, offset: i64) -> Result<Vec<Project>> {
    sql!(
        on,
        "select id, name, created_at from projects where org_id = $1 order by id desc limit $2 offset $3",
        org,
        limit,
        offset
    )
    .all()
    .await
}

pub async fn project(on: impl Exec<'_>, org: OrgId, id: ProjectId) -> Result<Option<Project>> {
    sql!(on, "select id, name, created_at from projects where org_id = $1 and id = $2", org, id)
        .optional()
        .await
}

pub async fn count(on: impl Exec<'_>, org: OrgId) -> Result<i64> {
    sql!(on, "select count(*) as projects from projects where org_id = $1", org).scalar().await
}

pub async fn insert(tx: &mut OrgTx<'_>, id: ProjectId, name: &str, now: At) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "insert into projects (org_id, id, name, created_at) values ($1, $2, $3, $4)",
        org,
        id,
        name,
        now
    )
    .execute()
    .await
}

pub async fn rename(tx: &mut OrgTx<'_>, id: ProjectId, name: &str) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "update projects set name = $3 where org_id = $1 and id = $2", org, id, name).execute().await
}

pub async fn delete(tx: &mut OrgTx<'_>, id: ProjectId) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "delete from projects where org_id = $1 and id = $2", org, id).execute().await
}
