//! The only place that names the Stripe crates: their typed builders, over our own transport.
mod breaker;
mod checkout;
mod deadline;
mod envelope;
mod error;
mod gateway;
mod hosts;
mod portal;
mod reads;
pub mod setup;
mod signature;
mod transport;
mod view;

pub use checkout::NewCheckout;
pub use deadline::Deadline;
pub use envelope::Envelope;
pub use error::Error;
pub use gateway::{NewCustomer, Stripe};
pub use hosts::{StripeUrl, hosts_people_are_sent_to};
pub use portal::{Flow, OpenPortal, PortalSession};
pub use reads::{DISPUTE, EVENT_TYPES};
pub use signature::{Rejected, could_be_signed, verify};
pub use view::{
    Card, CheckoutSession, CustomerId, CustomerState, Invoice, ListedEvent, PaymentMethod, Subscription,
};
