//! The few fields of Stripe's answers that we use. Unknown values are kept and missing fields are absent, so
//! these views also read other API versions and stripe-mock's fixtures.
use super::metadata::is_ours;
use crate::db::AttemptId;
use serde::Deserialize;
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
    pub default_payment_method: Expandable<PaymentMethod>,
    /// Set while invoices are not collected; access stays.
    pub pause_collection: Option<serde_json::Value>,
    /// Set while a change is scheduled for the end of the period; changing the items directly would undo it.
    pub schedule: Option<serde_json::Value>,
    metadata: Option<HashMap<String, String>>,
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
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    recurring: Option<Recurring>,
    metadata: Option<HashMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Recurring {
    interval: String,
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

#[derive(Clone, Debug, Deserialize)]
pub struct PaymentMethod {
    #[serde(default)]
    pub id: String,
    pub card: Option<Card>,
}

/// The part of a card that a receipt shows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Card {
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
}

/// A customer, with the payment method that is charged where a subscription has none of its own.
#[derive(Clone, Debug, Deserialize)]
pub struct CustomerState {
    #[serde(default)]
    pub deleted: bool,
    pub name: Option<String>,
    pub email: Option<String>,
    preferred_locales: Option<Vec<String>>,
    metadata: Option<HashMap<String, String>>,
    #[serde(default)]
    invoice_settings: InvoiceSettings,
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
        self.invoice_settings.default_payment_method.object()
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
    /// By when an invoice that is sent has to be paid.
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
    /// Where the request asked to expand it.
    payments: Option<List<InvoicePayment>>,
    /// What was paid back of its charges. Stripe keeps it with the charges, see invoices.rs.
    #[serde(skip)]
    pub refunded: i64,
    /// A bank is working on its payment: neither paid nor failed.
    #[serde(skip)]
    pub processing: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct InvoicePayment {
    payment: PaymentOfInvoice,
}

#[derive(Clone, Debug, Deserialize)]
struct PaymentOfInvoice {
    payment_intent: Option<String>,
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
        payments.filter_map(|it| it.payment.payment_intent.as_deref())
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

/// Any object that belongs to a customer.
#[derive(Deserialize)]
pub struct CustomersObject {
    pub customer: Option<String>,
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
    /// The lookup key, or the one it had: a price of ours that lost its key to a newer one is still paid by those
    /// who bought at it, and its metadata names the plan.
    fn key(&self) -> Option<String> {
        let metadata = self.metadata.as_ref().filter(|it| is_ours(Some(it)));
        self.lookup_key
            .clone()
            .or_else(|| Some(format!("{}_{}", metadata?.get("plan")?, self.recurring.as_ref()?.interval)))
    }
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

    /// The lookup keys of its prices.
    pub fn lookup_keys(&self) -> impl Iterator<Item = String> {
        self.items.data.iter().filter_map(|item| item.price.as_ref()?.key())
    }

    pub fn quantity(&self) -> Option<i64> {
        self.items.data.first().and_then(|item| item.quantity)
    }

    /// The attempt to buy that its metadata names. Only our own record of that attempt proves anything.
    pub fn attempt(&self) -> Option<AttemptId> {
        self.metadata.as_ref()?.get("attempt_id")?.parse().ok().map(AttemptId)
    }

    /// Its own payment method, as Checkout sets one; it is charged in place of the customer's.
    pub fn method(&self) -> Option<&PaymentMethod> {
        self.default_payment_method.object()
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
        assert_eq!(running.lookup_keys().collect::<Vec<_>>(), ["pro_month"]);
    }

    #[test]
    fn a_price_that_gave_its_key_to_a_newer_one_still_names_its_plan() {
        let paying = |app: &str| {
            let price = format!(
                r#"{{"id":"price_1","lookup_key":null,"recurring":{{"interval":"year"}},"metadata":{{"app":"{app}","plan":"pro"}}}}"#
            );
            let whole =
                format!(r#"{{"id":"sub_1","status":"active","items":{{"data":[{{"price":{price}}}]}}}}"#);
            serde_json::from_str::<Subscription>(&whole).unwrap().lookup_keys().collect::<Vec<_>>()
        };

        assert_eq!(paying(crate::brand::SLUG), ["pro_year"]);
        assert_eq!(paying("another product"), Vec::<String>::new());
    }
}
