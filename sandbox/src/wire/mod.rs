//! How objects are said to clients: Stripe's shapes, whole, with `null` where nothing is.
mod catalogue;
mod checkout;
mod customer;
mod event;
mod invoice;
mod json;
mod kinds;
mod lookup;
mod older;
mod payment;
mod portal;
mod subscription;

pub use catalogue::{coupon, price, product, promotion_code};
pub use checkout::{checkout_session, line_items};
pub use customer::{balance_transaction, customer, payment_method, tax_id};
pub use event::{endpoint, event, test_clock, thin};
pub use invoice::{invoice, invoice_item, invoice_payment};
pub use json::{deleted, whole};
pub use kinds::{KINDS, Kind, shown};
pub use lookup::{by_id, left_out};
pub use older::{VERSION, as_of};
pub use payment::{charge, credit_note, payment_intent, refund};
pub use portal::{portal_configuration, portal_session};
pub use subscription::{deleted_discount, discount, schedule, subscription, subscription_item};
