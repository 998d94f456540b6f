//! The role of Postgres that an organisation's work runs as.

/// As whom a statement of an organisation's transaction runs on Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Tenant,
    System,
}

/// The role that tenants' work runs as. Made by the first migration, under the product's name.
pub(super) const TENANT_ROLE: &str = concat!(env!("CARGO_PKG_NAME"), "_tenant");

impl Role {
    /// `reset`, not `none`: a database may give its user another role from the start.
    pub(super) fn become_it(self) -> &'static str {
        match self {
            Role::Tenant => concat!("set local role ", env!("CARGO_PKG_NAME"), "_tenant"),
            Role::System => "reset role",
        }
    }
}
