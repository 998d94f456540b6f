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
