//! Plans, the organisation's customer at Stripe, the ways to Checkout and the portal, and the billing
//! state: our record of what Stripe holds. This file lists what other rooms may call.
mod actions;
mod bought;
mod checkout;
mod closing;
mod customer;
mod db;
mod details;
mod entitlements;
mod events;
mod inbox;
mod invoices;
mod jobs;
mod notifications;
pub mod plans;
mod portal;
mod queries;
mod reconcile;
pub mod setup;
mod snapshot;
mod state;
mod subscription;
mod sync;
mod terms;
mod trials;
pub mod web;

pub use actions::{Action, Availability, availability, is_available, next_step};
pub use checkout::{Returned, return_from as return_from_checkout};
pub use closing::close;
pub use customer::{Changed, change_details, ensure as ensure_customer, follow_details};
pub use db::{CheckoutRow, EventState, InboxRow, InvoiceRow};
pub use details::{Details, LANGUAGES, details};
pub use entitlements::{Access, Entitlements, GRACE};
pub use events::{
    attribute, dead_letter as dead_letter_event, dead_letter_all as dead_letter_events, forget_payloads,
    listed as inbox_rows, process, replay,
};
pub use inbox::{Delivery, Inbox};
pub use invoices::{InvoicePage, hosted as hosted_invoice, open as open_invoices, page as invoices};
pub use jobs::{scope_of_org, scope_of_slug};
pub use portal::{checkout_link, portal_link};
pub use queries::{
    Figures, checkouts_of_person, customer, entitlements, figures, managers, state, state_of_every_org, usage,
};
pub use reconcile::{Report, by_hand as sync_by_hand, full_pass, reconcile};
pub use state::BillingState;
pub use subscription::{follow_seats, keep_present_plan, use_other_payment_method};
pub use sync::{sync, sync_everything};
pub use terms::AddOn;
pub use trials::had_one as had_trial;
