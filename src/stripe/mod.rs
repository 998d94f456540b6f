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
mod listing;
mod metadata;
mod payment_method;
mod portal;
mod preview;
mod reads;
mod schedules;
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
pub use payment_method::PaymentMethod;
pub use portal::{Flow, NewPortalSession, PlanChange, PortalSession};
pub use preview::{Discount, Preview};
pub use reads::{DISPUTE, EVENT_TYPES};
pub use schedules::{Phase, Schedule};
pub use signature::{Rejected, could_be_signed, verify};
pub use view::{
    CheckoutSession, CustomerId, CustomerState, Invoice, Item, ListedEvent, Price, Product, Subscription,
};
