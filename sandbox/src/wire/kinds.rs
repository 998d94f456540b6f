//! The kinds of objects that clients see, a line each.
use super::{
    catalogue::{coupon, price, product, promotion_code},
    checkout::checkout_session,
    customer::{balance_transaction, customer, payment_method, tax_id},
    event::{endpoint, event, test_clock},
    invoice::{invoice, invoice_item},
    payment::{credit_note, payment_intent, refund},
    portal::{portal_configuration, portal_session},
    subscription::{schedule, subscription},
};
use crate::{
    refusal::{Answer, Refusal},
    state::World,
};
use serde_json::Value;

pub struct Kind {
    /// As `object` says it.
    pub name: &'static str,
    /// As `No such …` says it.
    said: &'static str,
    /// Under `/v1`, where one of them is read: `customers`. Empty where that is nowhere, or takes more.
    path: &'static str,
    /// Whether a list of all objects has it.
    pub is_listed: bool,
    get: fn(&World, &str) -> Option<Value>,
    pub all: fn(&World) -> Vec<Value>,
}

macro_rules! kinds {
    (|$w:ident, $it:ident| $($name:literal, $said:literal, $path:literal, $listed:literal, $table:ident => $object:expr;)+) => {
        pub const KINDS: &[Kind] = &[$(Kind {
            name: $name,
            said: $said,
            path: $path,
            is_listed: $listed,
            get: |$w, id| $w.$table.get(id).map(|$it| $object),
            all: |$w| $w.$table.iter().map(|$it| $object).collect(),
        }),+];
    };
}
kinds! { |w, it|
    "customer", "customer", "customers", true, customers => customer(it);
    "payment_method", "PaymentMethod", "payment_methods", true, payment_methods => payment_method(it);
    "tax_id", "tax id", "", true, tax_ids => tax_id(it);
    "customer_balance_transaction", "customer balance transaction", "", true, balance_transactions => balance_transaction(it);
    "subscription", "subscription", "subscriptions", true, subscriptions => subscription(w, it);
    "subscription_schedule", "subscription schedule", "subscription_schedules", true, schedules => schedule(w, it);
    "invoice", "invoice", "invoices", true, invoices => invoice(w, it);
    "invoiceitem", "invoiceitem", "", true, invoice_items => invoice_item(w, it);
    "payment_intent", "payment_intent", "payment_intents", true, payments => payment_intent(w, it);
    "refund", "refund", "refunds", true, refunds => refund(w, it);
    "credit_note", "credit note", "credit_notes", true, credit_notes => credit_note(w, it);
    "checkout.session", "checkout.session", "checkout/sessions", true, checkout_sessions => checkout_session(w, it);
    "billing_portal.session", "portal session", "", true, portal_sessions => portal_session(w, it);
    "billing_portal.configuration", "billing_portal configuration", "billing_portal/configurations", true,
        portal_configurations => portal_configuration(it);
    "product", "product", "products", true, products => product(it);
    "price", "price", "prices", true, prices => price(it);
    "coupon", "coupon", "", true, coupons => coupon(w, it);
    "promotion_code", "promotion code", "promotion_codes", true, promotion_codes => promotion_code(it);
    "webhook_endpoint", "webhook endpoint", "webhook_endpoints", true, endpoints => endpoint(it, false);
    "test_helpers.test_clock", "test clock", "test_helpers/test_clocks", false, test_clocks => test_clock(w, it);
    "event", "event", "events", false, events => event(it);
}

impl Kind {
    /// The kind that is read under this path.
    pub fn at(path: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.path == path && !path.is_empty())
    }

    pub fn one(&self, w: &World, id: &str) -> Answer {
        (self.get)(w, id).ok_or_else(|| Refusal::not_found(self.said, id))
    }
}

/// The object of that kind, by its name in `KINDS`.
pub fn shown(w: &World, name: &str, id: &str) -> Answer {
    KINDS.iter().find(|kind| kind.name == name).expect("KINDS has every name that is asked for").one(w, id)
}

/// The object with this id, of whichever kind in `KINDS`.
pub fn any(w: &World, id: &str) -> Option<Value> {
    KINDS.iter().find_map(|kind| (kind.get)(w, id))
}
