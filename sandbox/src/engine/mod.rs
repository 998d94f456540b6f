//! What Stripe does: subscribe, change, invoice, take money, remind, end. No HTTP in here.
mod amend;
mod cancel;
pub mod cards;
mod change;
mod checkout;
mod clock;
mod customers;
mod discounts;
mod ending;
mod invoicing;
pub mod methods;
mod paying;
mod periods;
mod portal_rules;
mod preview;
mod ready_made;
mod refunds;
mod steps;
mod subscribe;

pub use amend::{amend, say, say_change};
pub use cancel::{cancel_now, pause, renew, resume, schedule_cancel};
pub use cards::Holder;
pub use change::{
    Change, ItemChange, Proration, change, keep_schedule, new_schedule, recurring_price, schedule_change,
};
pub use checkout::{Paying, complete_checkout, decline_checkout, expire_checkout};
pub use clock::{FURTHEST, advance, catch_up, next_renewal, next_trial_end};
pub use customers::{
    Why, add_card, add_method, card_in_charge, change_customer, create_customer, fits_currency, move_balance,
    remove_card,
};
pub use discounts::{
    code_for, discount_customer, discount_of, remove_customer_discount, usable as code_is_usable,
};
pub use ending::{cancel_schedule, end, release_schedule};
pub use invoicing::{finalize, pay, pay_outside, product_name, void, write_off};
pub use methods::NewMethod;
pub use paying::{is_processing, settle_debit};
pub use periods::period_after;
pub use portal_rules::{can_pause, cannot_switch};
pub use preview::{nothing as nothing_upcoming, preview, preview_of, upcoming};
pub use ready_made::{attach, ready_made};
pub use refunds::{NewCredit, credit, refund, void_credit};
pub use subscribe::{NewSubscription, subscribe, would_ask};
