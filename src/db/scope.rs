//! Who acts, from where, in which organisation: the first argument of everything that touches tenant data.
use super::{OrgId, UserId};

/// Where a request came from; goes into the audit log.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub user: Option<UserId>,
    pub ip: String,
    pub user_agent: String,
    pub request_id: String,
}

/// The right to work inside one organisation. Only a guard that has read the membership makes
/// one, or a job that says its name (`tests/app/architecture.rs` holds both to it).
#[derive(Clone, Debug)]
pub struct Scope {
    org: OrgId,
    slug: String,
    origin: Origin,
}

impl Scope {
    /// For guards, after they have read the membership, and for the one who just made the org.
    pub(crate) fn admit(org: OrgId, slug: String, origin: Origin) -> Self {
        Self { org, slug, origin }
    }

    /// For work nobody clicked: the reconciler, the demo seed. `job` stands in the audit log.
    pub(crate) fn of_job(job: &str, org: OrgId, slug: String) -> Self {
        Self { org, slug, origin: Origin { user_agent: job.to_owned(), ..Origin::default() } }
    }

    pub fn org(&self) -> OrgId {
        self.org
    }

    pub fn slug(&self) -> &str {
        &self.slug
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}
