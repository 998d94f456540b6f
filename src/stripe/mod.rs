//! The only place that names the Stripe crates: their typed builders, over our own transport.
pub mod account;
mod breaker;
mod checkout;
mod customers;
mod deadline;
mod envelope;
mod error;
mod gateway;
mod hosts;
mod invoices;
mod json;
mod keys;
mod lists;
mod metadata;
mod portal;
mod reads;
mod signature;
mod subscriptions;
mod transport;
mod view;

pub use checkout::NewCheckoutSession;
pub use customers::{CustomerDetails, NewCustomer};
pub use deadline::Deadline;
pub use envelope::Envelope;
pub use error::Error;
pub use gateway::Stripe;
pub use hosts::{StripeUrl, hosts_people_are_sent_to};
pub use invoices::{HostedInvoice, ReadInvoices, WantedInvoices};
pub use portal::{Flow, NewPortalSession, PortalSession};
pub use reads::{DISPUTE, EVENT_TYPES};
pub use signature::{Rejected, could_be_signed, verify};
pub use view::{
    Card, CheckoutSession, CustomerId, CustomerState, Invoice, ListedEvent, PaymentMethod, Subscription,
};
