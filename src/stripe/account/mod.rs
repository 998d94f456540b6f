//! What is set up once in the Stripe account and then only looked at: products, prices, the portal's
//! configuration, the webhook endpoint. `billing::setup` decides what has to be there.
mod permissions;
mod portal_configuration;
mod products;
mod requests;
mod webhook_endpoint;

pub use permissions::READS;
pub use portal_configuration::{Configuration, Difference, Portal, SwitchTo};
pub use products::{NewPrice, NewProduct, Price, Product};
pub use webhook_endpoint::{Endpoint, subscribed};
