//! One SQL text, two engines: rooms see `Db`, `Tx`, `OrgTx`, `System` and `sql!`, never a driver.
mod error;
mod ids;
mod migrate;
mod open;
mod pool;
mod probe;
mod role;
mod scope;
mod statement;
#[cfg(test)]
mod tests;
mod transaction;
mod values;

pub use error::{Error, Result};
pub(crate) use ids::id;
pub use ids::{AttemptId, EventId, LeaseId, LoginId, OrgId, UserId};
pub use migrate::{RowSecurity, migrate, pending, row_security};
pub use open::Db;
pub use pool::STATEMENT;
pub use scope::{Origin, Scope};
#[cfg(test)]
pub use statement::Registered;
pub use statement::{
    Exec, Query, Record, SYSTEM_TABLES, Stmt, TENANT_TABLES, Value, names_system_table, names_tenant_table,
    on,
};
pub use transaction::{OrgTx, System, Tx, Within};
pub use values::{At, Json, kept};
