//! SQL of what billing reads of the organisation itself: who is billed and who may be written to.
use crate::{
    db::{Exec, OrgId, OrgTx, Result},
    orgs::Role,
    sql,
};

/// Whom receipts go to, unless they chose otherwise: the longest-standing owner, under the organisation's name.
#[derive(sqlx::FromRow)]
pub struct BillTo {
    pub name: String,
    pub email: String,
}

/// A member as mails about billing need them.
#[derive(sqlx::FromRow)]
pub struct Recipient {
    pub email: String,
    /// The organisation's name; somebody may be in several.
    pub org_name: String,
    pub role: Role,
}

/// An organisation as `stripe status` lists it.
#[derive(sqlx::FromRow)]
pub struct OrgRow {
    pub org_id: OrgId,
    pub slug: String,
    pub customer_id: Option<String>,
}

pub async fn bill_to(tx: &mut OrgTx<'_>) -> Result<Option<BillTo>> {
    let org = tx.org();
    sql!(
        tx,
        "select o.name, p.email from orgs o join org_people p on p.org_id = o.id
         where p.org_id = $1 and p.role = 'owner' order by p.created_at, p.user_id limit 1",
        org
    )
    .optional()
    .await
}

/// Everybody in the organisation, with their role.
pub async fn recipients(tx: &mut OrgTx<'_>) -> Result<Vec<Recipient>> {
    let org = tx.org();
    sql!(
        tx,
        "select p.email, o.name as org_name, p.role from org_people p join orgs o on o.id = p.org_id
         where p.org_id = $1 order by p.email",
        org
    )
    .all()
    .await
}

/// Names of those who may manage billing, the longest-standing owners first.
pub async fn billing_managers(tx: &mut OrgTx<'_>) -> Result<Vec<(String,)>> {
    let org = tx.org();
    sql!(
        tx,
        "select p.name from org_people p where p.org_id = $1 and p.role in ('owner', 'admin', 'billing')
         order by case p.role when 'owner' then 0 when 'admin' then 1 else 2 end, p.created_at, p.user_id limit 3",
        org
    )
    .all()
    .await
}

/// Every organisation by slug, with or without a customer.
pub async fn every_org(on: impl Exec<'_>) -> Result<Vec<OrgRow>> {
    sql!(
        on,
        "select o.id as org_id, o.slug, c.customer_id from orgs o
         left join billing_customers c on c.org_id = o.id order by o.slug"
    )
    .all()
    .await
}

/// The word of an organisation in URLs; none if it was deleted.
pub async fn slug_of_org(on: impl Exec<'_>, org: OrgId) -> Result<Option<(String,)>> {
    sql!(on, "select slug from orgs where id = $1", org).optional().await
}
