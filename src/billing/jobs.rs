//! Scopes for work that nobody clicked. A file of its own because a scope opens an organisation's data: the
//! architecture test lets only guards and files of this name make one.
use super::db;
use crate::{
    App,
    db::{OrgId, Scope},
    error::Result,
    jobs, orgs,
};

/// The organisation that we created this customer for, whatever the customer's metadata says.
pub async fn scope_of_customer(app: &App, customer: &str, job: &str) -> Result<Option<Scope>> {
    let owner = db::owner_of_customer(app.db.system(), customer).await?;
    Ok(owner.map(|owner| {
        jobs::name_org(owner.org_id);
        Scope::of_job(job, owner.org_id, owner.slug)
    }))
}

/// The organisation itself, unless it was deleted.
pub async fn scope_of_org(app: &App, org: OrgId, job: &str) -> Result<Option<Scope>> {
    let slug = db::slug_of_org(app.db.system(), org).await?;
    jobs::name_org(org);
    Ok(slug.map(|(slug,)| Scope::of_job(job, org, slug)))
}

/// The organisation of that slug, for the command line.
pub async fn scope_of_slug(app: &App, slug: &str, job: &str) -> Result<Option<Scope>> {
    let org = orgs::by_slug(app, slug).await?;
    Ok(org.map(|org| Scope::of_job(job, org, slug.to_owned())))
}
