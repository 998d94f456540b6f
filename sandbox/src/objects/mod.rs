//! What the sandbox holds, as it thinks of it. How it is said to a client stands in `wire/`.
mod catalogue;
mod checkout;
mod customer;
mod event;
mod invoice;
mod metadata;
mod portal;
mod subscription;

pub use catalogue::{Coupon, Price, Product, PromotionCode, Tier, parts};
pub use checkout::{CheckoutSession, LineItem, SubscriptionData};
pub use customer::{BalanceTransaction, Card, Customer, PaymentMethod, TaxId};
pub use event::{Delivery, Endpoint, Event, Fault, Remembered, Said, TestClock};
pub use invoice::{CreditLine, CreditNote, Invoice, InvoiceItem, Line, Payment, Refund};
pub use metadata::Metadata;
pub use portal::{Features, Flow, FlowKind, PortalConfiguration, PortalSession, SwitchProduct};
pub use subscription::{
    Cancellation, Discount, Item, PauseCollection, Paused, Phase, Schedule, Subscription,
};

/// Implements `Row` for a struct with an `id`.
macro_rules! row {
    ($($row:ty = $kind:literal $($timed:ident)?),+ $(,)?) => {
        $(impl crate::state::Row for $row {
            const KIND: &'static str = $kind;
            $(const TIMED: bool = stringify!($timed).len() > 0;)?
            fn id(&self) -> &str {
                &self.id
            }
        })+
    };
}
row! {
    Customer = "customer", PaymentMethod = "payment_method", TaxId = "tax_id",
    BalanceTransaction = "balance_transaction",
    Product = "product", Price = "price", Coupon = "coupon", PromotionCode = "promotion_code",
    Subscription = "subscription" timed, Schedule = "schedule" timed,
    Invoice = "invoice" timed, InvoiceItem = "invoice_item", Payment = "payment" timed,
    Refund = "refund", CreditNote = "credit_note",
    CheckoutSession = "checkout_session",
    PortalConfiguration = "portal_configuration", PortalSession = "portal_session",
    Event = "event", Endpoint = "endpoint", Delivery = "delivery", Fault = "fault",
    Remembered = "remembered", TestClock = "test_clock",
}
