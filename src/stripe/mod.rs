//! The only place that names the Stripe crates: their typed builders, over our own transport.
mod breaker;
mod deadline;
mod error;
mod gateway;
mod hosts;
mod transport;
mod view;

pub use deadline::Deadline;
pub use error::Error;
pub use gateway::{Flow, NewCustomer, PortalSession, Stripe};
pub use hosts::{StripeUrl, hosts_people_are_sent_to};
pub use view::{CustomerId, Subscription};
