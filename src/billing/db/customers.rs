//! SQL of the organisations' customers at Stripe, those of deleted organisations included.
use super::BillTo;
use crate::{
    db::{At, Exec, OrgId, OrgTx, Result},
    sql,
    stripe::CustomerId,
};

/// An organisation's customer.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CustomerRow {
    pub customer_id: CustomerId,
    /// Since when we know that Stripe has deleted it.
    pub detached_at: Option<At>,
    /// Counts the customers this organisation has had, from 1.
    pub round: i64,
    /// Whether all its invoices were read once.
    pub invoices_complete: bool,
}

/// What Stripe held of a customer when it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct CustomerDetailsRow {
    pub name: Option<String>,
    pub email: Option<String>,
    /// Its code, as Stripe has it; none where Stripe chooses.
    pub language: Option<String>,
    /// What we last wrote there by ourselves.
    pub followed_name: Option<String>,
    pub followed_email: Option<String>,
}

impl CustomerDetailsRow {
    /// Whether Stripe was ever asked for them: a customer of ours has a name and an address.
    pub fn is_known(&self) -> bool {
        self.name.is_some() || self.email.is_some()
    }
}

#[derive(sqlx::FromRow)]
pub struct OwnerOfCustomer {
    pub org_id: OrgId,
    pub slug: String,
}

pub async fn customer(on: impl Exec<'_>, org: OrgId) -> Result<Option<CustomerRow>> {
    sql!(
        on,
        "select customer_id, detached_at, round, invoices_complete from billing_customers where org_id = $1",
        org
    )
    .optional()
    .await
}

/// The organisation that we created this customer for, whatever the customer's metadata says.
pub async fn owner_of_customer(on: impl Exec<'_>, customer: &str) -> Result<Option<OwnerOfCustomer>> {
    sql!(
        on,
        "select c.org_id, o.slug from billing_customers c join orgs o on o.id = c.org_id where c.customer_id = $1",
        customer
    )
    .optional()
    .await
}

/// Customers in the order of their ids, after one of them: a page of the full pass.
pub async fn customers_after(on: impl Exec<'_>, after: &str, limit: i64) -> Result<Vec<(String,)>> {
    sql!(
        on,
        "select customer_id from billing_customers where org_id is not null and customer_id > $1
         order by customer_id limit $2",
        after,
        limit
    )
    .all()
    .await
}

/// Records the organisation's first customer, or the next one after a deleted one, and whom it was created for.
/// False if somebody else has recorded one already.
pub async fn insert_customer(
    tx: &mut OrgTx<'_>,
    customer: &CustomerId,
    bill_to: &BillTo,
    round: i64,
    now: At,
) -> Result<bool> {
    let org = tx.org();
    let inserted = sql!(
        tx,
        "insert into billing_customers (org_id, customer_id, created_at, round, name, email, followed_name, followed_email)
         values ($1, $2, $3, $4, $5, $6, $5, $6)
         on conflict (org_id) do update set customer_id = $2, detached_at = null, round = $4, name = $5, email = $6,
             language = null, followed_name = $5, followed_email = $6, invoices_complete = false
           where billing_customers.detached_at is not null and billing_customers.round < $4",
        org,
        customer.clone(),
        now,
        round,
        &*bill_to.name,
        &*bill_to.email
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn customer_details(on: impl Exec<'_>, org: OrgId) -> Result<Option<CustomerDetailsRow>> {
    sql!(
        on,
        "select name, email, language, followed_name, followed_email from billing_customers where org_id = $1",
        org
    )
    .optional()
    .await
}

pub async fn set_customer_details(tx: &mut OrgTx<'_>, it: CustomerDetailsRow) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "update billing_customers set name = $2, email = $3, language = $4, followed_name = $5, followed_email = $6
         where org_id = $1",
        org,
        it.name,
        it.email,
        it.language,
        it.followed_name,
        it.followed_email
    )
    .execute()
    .await
}

/// Notes that all invoices of the customer were read.
pub async fn set_invoices_complete(tx: &mut OrgTx<'_>) -> Result<u64> {
    let org = tx.org();
    sql!(
        tx,
        "update billing_customers set invoices_complete = true where org_id = $1 and invoices_complete = false",
        org
    )
    .execute()
    .await
}

/// Notes that Stripe has deleted the customer. Its id stays, because invoices bear it. False if that was
/// known already.
pub async fn detach_customer(tx: &mut OrgTx<'_>, now: At) -> Result<bool> {
    let org = tx.org();
    let detached = sql!(
        tx,
        "update billing_customers set detached_at = $2 where org_id = $1 and detached_at is null",
        org,
        now
    );
    Ok(detached.execute().await? == 1)
}

pub async fn delete_customer(tx: &mut OrgTx<'_>) -> Result<u64> {
    let org = tx.org();
    sql!(tx, "delete from billing_customers where org_id = $1", org).execute().await
}

/// What stays of a customer when its organisation is deleted: invoices bear the id, and events still come.
pub async fn insert_former_customer(tx: &mut OrgTx<'_>, customer: &CustomerId, now: At) -> Result<u64> {
    let (org, slug) = (tx.org(), tx.scope().slug().to_owned());
    sql!(
        tx,
        "insert into billing_former_customers (org_id, customer_id, slug, ended_at) values ($1, $2, $3, $4)",
        org,
        customer.clone(),
        slug,
        now
    )
    .execute()
    .await
}

/// Whether this was the customer of an organisation that has been deleted.
pub async fn is_former_customer(on: impl Exec<'_>, customer: &str) -> Result<bool> {
    let found = sql!(on, "select org_id from billing_former_customers where customer_id = $1", customer);
    Ok(found.optional::<(OrgId,)>().await?.is_some())
}
