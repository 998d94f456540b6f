//! Who acts when nobody clicked: jobs work in the organisation that a customer was made for.
use super::db;
use crate::{App, db::Scope, error::Result, orgs};

/// The organisation that we made this customer for, whatever its metadata says.
pub async fn scope_of_customer(app: &App, customer: &str, job: &str) -> Result<Option<Scope>> {
    let owner = db::owner_of_customer(app.db.system(), customer).await?;
    Ok(owner.map(|owner| Scope::of_job(job, owner.org_id, owner.slug)))
}

/// For the command line.
pub async fn scope_of_slug(app: &App, slug: &str, job: &str) -> Result<Option<Scope>> {
    let org = orgs::by_slug(app, slug).await?;
    Ok(org.map(|org| Scope::of_job(job, org, slug.to_owned())))
}
