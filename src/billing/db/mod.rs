//! SQL of billing, a file a table, and one for what billing reads of the organisation itself.
mod attempts;
mod cursors;
mod customers;
mod events;
mod invoices;
mod orgs;
mod state;
mod trials;

pub use attempts::*;
pub use cursors::*;
pub use customers::*;
pub use events::*;
pub use invoices::*;
pub use orgs::*;
pub use state::*;
pub use trials::*;
