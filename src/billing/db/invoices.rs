//! SQL of the invoices that the billing page shows.
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result},
    sql,
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct InvoiceRow {
    pub id: String,
    pub number: Option<String>,
    pub status: String,
    /// Minor units of `currency`.
    pub total: i64,
    pub amount_remaining: i64,
    pub currency: String,
    pub created_at: At,
    pub page_url: Option<String>,
    pub pdf_url: Option<String>,
    /// The subscription that it bills.
    pub subscription_id: Option<String>,
    /// When it has to be paid, where it is sent and not charged.
    pub due_at: Option<At>,
}

/// Newest first.
pub async fn invoices(on: impl Exec<'_>, org: OrgId) -> Result<Vec<InvoiceRow>> {
    sql!(
        on,
        "select id, number, status, total, amount_remaining, currency, created_at, page_url, pdf_url,
                subscription_id, due_at
         from billing_invoices where org_id = $1 order by created_at desc, id desc limit 24",
        org
    )
    .all()
    .await
}

pub async fn put_invoice(tx: &mut OrgTx<'_>, i: &InvoiceRow) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "insert into billing_invoices (org_id, id, number, status, total, amount_remaining, currency, created_at,
                                       page_url, pdf_url, subscription_id, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (org_id, id) do update set number = $3, status = $4, total = $5, amount_remaining = $6,
             page_url = $9, pdf_url = $10, subscription_id = $11, due_at = $12",
        org,
        i.id.clone(),
        i.number.clone(),
        i.status.clone(),
        i.total,
        i.amount_remaining,
        i.currency.clone(),
        i.created_at,
        i.page_url.clone(),
        i.pdf_url.clone(),
        i.subscription_id.clone(),
        i.due_at
    )
    .execute()
    .await
}
