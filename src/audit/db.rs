//! SQL of the audit log: it is appended to, and nothing else.
use crate::{
    db::{At, EventId, Exec, Json, OrgId, Result, UserId},
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
