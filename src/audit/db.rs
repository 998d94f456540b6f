//! SQL of the audit log: it is appended to, and only failed sign-ins are ever taken out.
use crate::{
    db::{At, EventId, Exec, Json, OrgId, Result, Tx, UserId},
    sql,
};
use serde_json::Value;

pub struct Entry {
    pub org: OrgId,
    pub id: EventId,
    pub at: At,
    pub action: &'static str,
    pub actor: Option<UserId>,
    pub detail: Value,
    pub personal: Value,
}

/// An entry as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub struct EntryRow {
    pub org_id: OrgId,
    pub at: At,
    pub action: String,
    pub detail: Json<Value>,
    pub personal: Option<Json<Value>>,
}

pub async fn append(on: impl Exec<'_>, e: Entry) -> Result<()> {
    sql!(on,
        "insert into audit_events (org_id, id, at, action, actor_id, detail, personal) values ($1, $2, $3, $4, $5, $6, $7)",
        e.org, e.id, e.at, e.action, e.actor, Json(e.detail), Json(e.personal))
    .execute()
    .await
    .map(drop)
}

/// In the log of the installation, before then. The triggers let these go, and no other.
pub async fn forget_failed_sign_ins(tx: &mut Tx, installation: OrgId, before: At) -> Result<u64> {
    sql!(
        tx,
        "delete from audit_events where org_id = $1 and action = 'auth.sign_in_failed' and at < $2",
        installation,
        before
    )
    .execute()
    .await
}

/// In every organisation and in the installation's log; newest first.
pub async fn of_person(on: impl Exec<'_>, user: UserId) -> Result<Vec<EntryRow>> {
    sql!(
        on,
        "select org_id, at, action, detail, personal from audit_events
         where actor_id = $1 order by at desc, id desc limit 20000",
        user
    )
    .all()
    .await
}

/// In every organisation and in the installation's log.
pub async fn erase_actor(on: impl Exec<'_>, user: UserId) -> Result<u64> {
    sql!(on, "update audit_events set personal = null where actor_id = $1 and org_id is not null", user)
        .execute()
        .await
}

/// Where somebody tried this address, or asked for a link to it.
pub async fn erase_failed_sign_ins(on: impl Exec<'_>, installation: OrgId, email: &str) -> Result<u64> {
    sql!(
        on,
        sqlite "update audit_events set personal = null
                where org_id = $1 and actor_id is null and json_extract(personal, '$.email') = $2",
        postgres "update audit_events set personal = null
                  where org_id = $1 and actor_id is null and personal ->> 'email' = $2",
        installation,
        email
    )
    .execute()
    .await
}
