//! SQL of the copy of an organisation's invoices.
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result},
    sql,
};

/// An invoice as Stripe held it when it was last read. Amounts are minor units of `currency`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct InvoiceRow {
    pub id: String,
    /// None before it is finalized.
    pub number: Option<String>,
    /// Stripe's word for it. Stripe adds new ones.
    pub status: String,
    pub total: i64,
    pub amount_remaining: i64,
    pub amount_paid: i64,
    pub currency: String,
    pub created_at: At,
    /// The subscription that it bills.
    pub subscription_id: Option<String>,
    /// When it has to be paid, where it is sent and not charged.
    pub due_at: Option<At>,
    /// Paid back of what was paid.
    pub refunded: i64,
    /// Taken off by credit notes, without what was paid back.
    pub credited: i64,
    /// Some of it was paid in another way than through Stripe.
    pub paid_outside: bool,
    /// A bank is working on its payment.
    pub processing: bool,
}

/// Newest first, without drafts: at most `limit`, those before the invoice `before` where one is named.
pub async fn invoices(
    on: impl Exec<'_>,
    org: OrgId,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<InvoiceRow>> {
    sql!(
        on,
        "select id, number, status, total, amount_remaining, amount_paid, currency, created_at, subscription_id,
                due_at, refunded, credited, paid_outside, processing
         from billing_invoices where org_id = $1 and status <> 'draft'
           and (cast($2 as text) is null
                or (created_at, id) < (select created_at, id from billing_invoices where org_id = $1 and id = $2))
         order by created_at desc, id desc limit $3",
        org,
        before,
        limit
    )
    .all()
    .await
}

/// Those that wait for a payment, the oldest first.
pub async fn open_invoices(on: impl Exec<'_>, org: OrgId) -> Result<Vec<InvoiceRow>> {
    sql!(
        on,
        "select id, number, status, total, amount_remaining, amount_paid, currency, created_at, subscription_id,
                due_at, refunded, credited, paid_outside, processing
         from billing_invoices where org_id = $1 and status = 'open' and amount_remaining > 0
         order by created_at, id",
        org
    )
    .all()
    .await
}

/// Whether the organisation has this invoice, and it is no draft.
pub async fn has_invoice(on: impl Exec<'_>, org: OrgId, id: &str) -> Result<bool> {
    let found = sql!(
        on,
        "select id from billing_invoices where org_id = $1 and id = $2 and status <> 'draft'",
        org,
        id
    );
    Ok(found.optional::<(String,)>().await?.is_some())
}

/// When the newest invoice was created; none where there is no invoice.
pub async fn newest_invoice_at(on: impl Exec<'_>, org: OrgId) -> Result<Option<At>> {
    let newest = sql!(
        on,
        "select created_at from billing_invoices where org_id = $1 order by created_at desc limit 1",
        org
    );
    Ok(newest.optional::<(At,)>().await?.map(|(at,)| at))
}

/// Ids of those that may change by themselves: drafts and open ones.
pub async fn unsettled_invoices(on: impl Exec<'_>, org: OrgId) -> Result<Vec<(String,)>> {
    sql!(on, "select id from billing_invoices where org_id = $1 and status in ('draft', 'open')", org)
        .all()
        .await
}

pub async fn put_invoice(tx: &mut OrgTx<'_>, i: &InvoiceRow) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "insert into billing_invoices (org_id, id, number, status, total, amount_remaining, amount_paid, currency,
                                       created_at, subscription_id, due_at, refunded, credited, paid_outside,
                                       processing)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (org_id, id) do update set number = $3, status = $4, total = $5, amount_remaining = $6,
             amount_paid = $7, subscription_id = $10, due_at = $11, refunded = $12, credited = $13,
             paid_outside = $14, processing = $15",
        org,
        i.id.clone(),
        i.number.clone(),
        i.status.clone(),
        i.total,
        i.amount_remaining,
        i.amount_paid,
        i.currency.clone(),
        i.created_at,
        i.subscription_id.clone(),
        i.due_at,
        i.refunded,
        i.credited,
        i.paid_outside,
        i.processing
    )
    .execute()
    .await
}

/// Forgets a draft that was deleted at Stripe. Any other invoice stays: Stripe deletes none.
pub async fn delete_draft(tx: &mut OrgTx<'_>, id: &str) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "delete from billing_invoices where org_id = $1 and id = $2 and status = 'draft'", org, id)
        .execute()
        .await
}
