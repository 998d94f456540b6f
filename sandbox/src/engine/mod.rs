//! What Stripe does: subscribe, change, invoice, take money, remind, end. No HTTP in here.
mod amend;
mod cancel;
pub mod cards;
mod change;
mod checkout;
mod clock;
mod customers;
mod discounts;
mod invoicing;
mod paying;
mod preview;
mod steps;
mod subscribe;

pub use amend::{amend, say_change};
pub use cancel::{cancel_now, end, pause, renew, resume, schedule_cancel};
pub use change::{Change, ItemChange, Proration, change, release_schedule, schedule_change};
pub use checkout::{
    Paying, checkout_amounts, checkout_needs_card, complete_checkout, decline_checkout, expire_checkout,
    trial_of,
};
pub use clock::{FURTHEST, advance, catch_up, keep_time, next_renewal, next_trial_end};
pub use customers::{add_card, card_in_charge, change_customer, create_customer, remove_card};
pub use discounts::{code_for, discount_of, usable as code_is_usable};
pub use invoicing::{close as close_invoice, finalize, product_name};
pub use paying::{Holder, pay};
pub use preview::{amount, nothing as nothing_upcoming, preview, preview_invoice, upcoming};
pub use subscribe::{NewSubscription, subscribe, would_ask};
