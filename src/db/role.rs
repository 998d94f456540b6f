//! The role of Postgres that an organisation's work runs as.

/// As whom a statement of an organisation's transaction runs on Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Tenant,
    System,
}

/// The role that tenants' work runs as. Made by the first migration.
pub(super) const TENANT_ROLE: &str = "portico_tenant";

impl Role {
    /// `reset`, not `none`: a database may give its user another role from the start.
    pub(super) fn become_it(self) -> &'static str {
        match self {
            Role::Tenant => "set local role portico_tenant",
            Role::System => "reset role",
        }
    }
}
