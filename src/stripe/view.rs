//! The few fields of Stripe's answers that we use. Unknown values are kept and missing fields are absent, so
//! these views also read other API versions and stripe-mock's fixtures.
use super::{
    metadata::{Metadata, is_ours},
    payment_method::PaymentMethod,
};
use crate::db::AttemptId;
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::HashMap;

/// `cus_…`, as Stripe gave it and we recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent, no_pg_array)]
pub struct CustomerId(pub String);

impl std::fmt::Display for CustomerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
pub struct Customer {
    pub id: CustomerId,
}

#[derive(Deserialize)]
pub struct Portal {
    pub id: String,
    pub url: String,
}

/// How many objects a page is asked for: the most that Stripe gives.
pub const PAGE: i64 = 100;

/// An object of a list. Its id asks for the page after it.
pub trait Listed: DeserializeOwned {
    fn id(&self) -> &str;
}

#[derive(Deserialize)]
pub struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

#[derive(Deserialize)]
pub struct PortalConfiguration {
    pub id: String,
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    pub id: String,
    /// Stripe's word. Stripe adds new ones.
    pub status: String,
    #[serde(default)]
    pub created: i64,
    pub cancel_at: Option<i64>,
    #[serde(default)]
    pub cancel_at_period_end: bool,
    pub ended_at: Option<i64>,
    /// When somebody cancelled, not when it ends.
    pub canceled_at: Option<i64>,
    pub trial_end: Option<i64>,
    /// Charged in place of the customer's, where the request asked to expand it.
    #[serde(default)]
    default_payment_method: Expandable<PaymentMethod>,
    #[serde(default)]
    default_source: Expandable<PaymentMethod>,
    /// `charge_automatically`, or `send_invoice` for customers who pay by transfer.
    pub collection_method: Option<String>,
    /// Set while invoices are not collected; access stays.
    pub pause_collection: Option<serde_json::Value>,
    /// Set while a change is scheduled for the end of the period; changing the items directly would undo it.
    schedule: Option<Reference>,
    metadata: Option<Metadata>,
    /// Before API version 2025-03-31 the period was here, since then on the items.
    current_period_end: Option<i64>,
    items: List<Item>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    #[serde(default)]
    pub id: String,
    pub quantity: Option<i64>,
    current_period_end: Option<i64>,
    pub price: Option<Price>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Price {
    pub id: String,
    pub lookup_key: Option<String>,
    /// Minor units; none for prices in tiers, and for fractions of a minor unit.
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    pub recurring: Option<Recurring>,
    product: Option<Reference>,
    metadata: Option<Metadata>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Recurring {
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
    /// So many intervals in each period.
    #[serde(default = "one")]
    pub interval_count: i64,
}

fn one() -> i64 {
    1
}

#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    pub id: String,
    #[serde(default)]
    pub name: String,
    metadata: Option<Metadata>,
}

/// Another object: its id, or the whole of it where the request asked to expand it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    Id(String),
    Object { id: String },
}

impl Reference {
    pub fn id(&self) -> &str {
        match self {
            Reference::Id(id) | Reference::Object { id } => id,
        }
    }
}

/// A field that is an object if it was expanded, and otherwise an id, null or absent.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    Object(T),
    Other(serde::de::IgnoredAny),
}

impl<T> Default for Expandable<T> {
    fn default() -> Self {
        Expandable::Other(serde::de::IgnoredAny)
    }
}

impl<T> Expandable<T> {
    pub fn object(&self) -> Option<&T> {
        if let Expandable::Object(it) = self { Some(it) } else { None }
    }
}

/// A customer, with the payment method that is charged where a subscription has none of its own.
#[derive(Clone, Debug, Deserialize)]
pub struct CustomerState {
    #[serde(default)]
    pub deleted: bool,
    pub name: Option<String>,
    pub email: Option<String>,
    preferred_locales: Option<Vec<String>>,
    metadata: Option<Metadata>,
    /// Minor units: below zero is credit that the next invoices use, above zero is added to them.
    #[serde(default)]
    pub balance: i64,
    #[serde(default)]
    invoice_settings: InvoiceSettings,
    #[serde(default)]
    default_source: Expandable<PaymentMethod>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Expandable<PaymentMethod>,
}

impl CustomerState {
    /// The first of the languages that the customer prefers on invoices and receipts.
    pub fn language(&self) -> Option<&str> {
        self.preferred_locales.as_ref()?.first().map(String::as_str)
    }

    /// The organisation's word in URLs, as we wrote it into the metadata.
    pub fn slug(&self) -> Option<&str> {
        self.metadata.as_ref()?.get("org").map(String::as_str)
    }

    /// The customer's default payment method.
    pub fn method(&self) -> Option<&PaymentMethod> {
        self.invoice_settings.default_payment_method.object().or(self.default_source.object())
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    /// Upcoming ones have none.
    pub id: Option<String>,
    pub number: Option<String>,
    pub status: Option<String>,
    #[serde(default)]
    pub total: i64,
    #[serde(default)]
    pub amount_remaining: i64,
    #[serde(default)]
    pub attempted: bool,
    #[serde(default)]
    pub currency: String,
    #[serde(default)]
    pub created: i64,
    /// Of an invoice that is sent: when it has to be paid.
    pub due_date: Option<i64>,
    #[serde(default)]
    pub amount_paid: i64,
    /// Of what was paid, what was paid elsewhere: in cash, by transfer.
    amount_paid_off_stripe: Option<i64>,
    /// The same, as API versions before 2025-03-31 say it.
    paid_out_of_band: Option<bool>,
    /// Taken off by credit notes before the invoice was paid, and after.
    #[serde(default)]
    pub pre_payment_credit_notes_amount: i64,
    #[serde(default)]
    pub post_payment_credit_notes_amount: i64,
    pub hosted_invoice_url: Option<String>,
    pub invoice_pdf: Option<String>,
    #[serde(default)]
    status_transitions: Transitions,
    parent: Option<Parent>,
    /// Where `parent` is now, before API version 2025-03-31.
    subscription: Option<Reference>,
    /// Where the request asked to expand it.
    payments: Option<List<PaidBy>>,
    /// What was paid back of its charges, and whether a bank is working on its payment. Stripe keeps both
    /// elsewhere; invoices.rs fills them in.
    #[serde(skip)]
    pub refunded: i64,
    #[serde(skip)]
    pub processing: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct PaidBy {
    payment: Option<PaidByIntent>,
}

#[derive(Clone, Debug, Deserialize)]
struct PaidByIntent {
    payment_intent: Option<Reference>,
}

#[derive(Clone, Debug, Deserialize)]
struct Parent {
    subscription_details: Option<OfSubscription>,
}

#[derive(Clone, Debug, Deserialize)]
struct OfSubscription {
    subscription: Option<Reference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Transitions {
    paid_at: Option<i64>,
}

impl Invoice {
    pub fn paid_at(&self) -> Option<i64> {
        self.status_transitions.paid_at
    }

    /// Whether some of it was paid outside Stripe.
    pub fn is_paid_outside(&self) -> bool {
        self.paid_out_of_band == Some(true) || self.amount_paid_off_stripe.is_some_and(|amount| amount > 0)
    }

    /// Ids of the payments that were made or tried.
    pub fn payment_intents(&self) -> impl Iterator<Item = &str> {
        let payments = self.payments.iter().flat_map(|payments| &payments.data);
        payments.filter_map(|it| it.payment.as_ref()?.payment_intent.as_ref()).map(Reference::id)
    }

    /// The subscription that it bills; none for one made by hand.
    pub fn subscription(&self) -> Option<&str> {
        let parent =
            self.parent.as_ref().and_then(|it| it.subscription_details.as_ref()?.subscription.as_ref());
        parent.or(self.subscription.as_ref()).map(Reference::id)
    }

    /// Whether it has to be paid and no payment has come of it.
    pub fn is_open(&self) -> bool {
        self.status.as_deref() == Some("open")
    }
}

/// An event from the list, kept whole.
#[derive(Deserialize)]
pub struct ListedEvent {
    pub id: String,
    #[serde(flatten)]
    pub whole: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct CheckoutSession {
    pub id: String,
    /// `open`, `complete`, `expired`.
    pub status: Option<String>,
    pub payment_status: Option<String>,
    pub customer: Option<String>,
    pub url: Option<String>,
}

/// A payment of an invoice, with its payment intent where the request asked to expand it.
#[derive(Clone, Debug, Deserialize)]
pub struct InvoicePayment {
    payment: Option<PaymentOfInvoice>,
}

#[derive(Clone, Debug, Deserialize)]
struct PaymentOfInvoice {
    #[serde(default)]
    payment_intent: Expandable<PaymentIntent>,
}

#[derive(Clone, Debug, Deserialize)]
struct PaymentIntent {
    status: String,
}

impl InvoicePayment {
    /// Whether a bank is still working on it, as with debits that take days.
    pub fn is_processing(&self) -> bool {
        let intent = self.payment.as_ref().and_then(|payment| payment.payment_intent.object());
        intent.is_some_and(|intent| intent.status == "processing")
    }
}

/// Any object that belongs to a customer.
#[derive(Deserialize)]
pub struct CustomersObject {
    pub customer: Option<String>,
}

impl Listed for Subscription {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for ListedEvent {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for Product {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for CheckoutSession {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Listed for PortalConfiguration {
    fn id(&self) -> &str {
        &self.id
    }
}

impl<T: Clone> Clone for List<T> {
    fn clone(&self) -> Self {
        Self { data: self.data.clone(), has_more: self.has_more }
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.data.fmt(f)
    }
}

impl Price {
    pub fn product(&self) -> Option<&str> {
        self.product.as_ref().map(Reference::id)
    }

    /// What the price itself says of a plan of ours: its key, none for a price of ours that names none. A price
    /// that gave its lookup key to a newer one is still paid by those who bought at it. None for other prices.
    pub fn plan(&self) -> Option<Option<&str>> {
        plan_of(self.metadata.as_ref())
    }
}

impl Product {
    /// The same of a product: a price made by hand on it says nothing itself.
    pub fn plan(&self) -> Option<Option<&str>> {
        plan_of(self.metadata.as_ref())
    }
}

fn plan_of(metadata: Option<&Metadata>) -> Option<Option<&str>> {
    let ours = metadata.filter(|it| is_ours(Some(it)))?;
    Some(ours.get("plan").map(String::as_str))
}

impl Subscription {
    /// The earliest end among its items.
    pub fn period_end(&self) -> Option<i64> {
        self.items.data.iter().filter_map(|item| item.current_period_end).min().or(self.current_period_end)
    }

    /// When it ends for good: the portal sets `cancel_at` under flexible billing, the flag under classic.
    pub fn ends_at(&self) -> Option<i64> {
        self.cancel_at.or_else(|| self.period_end().filter(|_| self.cancel_at_period_end))
    }

    pub fn items(&self) -> &[Item] {
        &self.items.data
    }

    /// The id of the schedule that will change it.
    pub fn schedule(&self) -> Option<&str> {
        self.schedule.as_ref().map(Reference::id)
    }

    /// The Checkout attempt that its metadata names. Only our own record of that attempt proves anything.
    pub fn attempt(&self) -> Option<AttemptId> {
        self.metadata.as_ref()?.get("attempt_id")?.parse().ok().map(AttemptId)
    }

    /// Its own payment method, as Checkout sets one; it is charged in place of the customer's.
    pub fn method(&self) -> Option<&PaymentMethod> {
        self.default_payment_method.object().or(self.default_source.object())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancellation_is_seen_however_it_was_scheduled() {
        let read = |json: &str| serde_json::from_str::<Subscription>(json).unwrap();
        let flexible = read(
            r#"{"id":"sub_1","status":"active","cancel_at":200,"cancel_at_period_end":false,"items":{"data":[{"current_period_end":200}]}}"#,
        );
        let classic = read(
            r#"{"id":"sub_1","status":"active","cancel_at_period_end":true,"current_period_end":300,"items":{"data":[{}]}}"#,
        );
        let running = read(
            r#"{"id":"sub_1","status":"active_in_2031","items":{"data":[{"current_period_end":9,"price":{"id":"price_1","lookup_key":"pro_month"}}]}}"#,
        );

        assert_eq!((flexible.ends_at(), classic.ends_at(), running.ends_at()), (Some(200), Some(300), None));
    }

    #[test]
    fn a_price_names_its_plan_if_it_is_ours() {
        let price = |metadata: &str| {
            serde_json::from_str::<Price>(&format!(r#"{{"id":"price_1","metadata":{metadata}}}"#)).unwrap()
        };
        let ours = |plan: &str| format!(r#"{{"app":"{}"{plan}}}"#, crate::brand::SLUG);

        assert_eq!(price(&ours(r#","plan":"pro""#)).plan(), Some(Some("pro")));
        assert_eq!(price(&ours("")).plan(), Some(None));
        assert_eq!(price(r#"{"app":"another product","plan":"pro"}"#).plan(), None);
        assert_eq!(price("null").plan(), None);
    }

    #[test]
    fn an_invoice_names_its_subscription_in_either_api_version() {
        let read =
            |json: &str| serde_json::from_str::<Invoice>(json).unwrap().subscription().map(str::to_owned);

        let now = read(r#"{"parent":{"subscription_details":{"subscription":"sub_1"}}}"#);
        let before = read(r#"{"subscription":{"id":"sub_1"}}"#);

        assert_eq!((now.as_deref(), before.as_deref()), (Some("sub_1"), Some("sub_1")));
        assert_eq!(read(r#"{"parent":{"subscription_details":null}}"#), None);
    }
}
