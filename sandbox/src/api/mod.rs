//! The API under `/v1`: who asks, whether it fails on request, whether it was asked before, and
//! only then what is asked.
mod answer;
mod catalogue;
mod checkout;
mod clocks;
mod coupons;
mod customers;
mod entitlements;
mod events;
mod execute;
mod expand;
mod faults;
mod idempotency;
mod invoices;
mod items;
mod list;
mod lists;
mod payment_methods;
mod portal;
mod portal_features;
mod portal_flow;
mod refunds;
mod routes;
mod schedules;
mod subscription_items;
mod subscription_update;
mod subscriptions;

pub use answer::{answer, with_headers};
pub use customers::{TAX_ID_KINDS, add_tax_id, delete_tax_id};
pub use events::roll_secret;
pub use faults::add as add_fault;
pub use routes::route;

use crate::{
    params::Params,
    refusal::{Answer, Refusal},
    request::Request,
};
use list::Paging;
