//! Customers, their cards and their tax ids.
use super::{Discount, Metadata};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Customer {
    pub id: String,
    pub created: i64,
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub description: Option<String>,
    pub address: Option<Value>,
    pub shipping: Option<Value>,
    pub preferred_locales: Vec<String>,
    pub metadata: Metadata,
    /// `invoice_settings.default_payment_method`.
    pub default_payment_method: Option<String>,
    /// Minor units; below zero it is credit that the next invoice uses up.
    pub balance: i64,
    pub currency: Option<String>,
    pub delinquent: bool,
    #[serde(default)]
    pub discount: Option<Discount>,
    pub tax_exempt: String,
    pub invoice_prefix: String,
    pub invoices_numbered: i64,
    pub test_clock: Option<String>,
    /// Stripe keeps the id of a deleted customer and nothing else.
    pub deleted: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PaymentMethod {
    pub id: String,
    pub created: i64,
    /// None before it is attached, and once it is detached; then it never comes back.
    pub customer: Option<String>,
    #[serde(default)]
    pub detached: bool,
    /// Stripe's type: `card`, `sepa_debit`, `link`, …
    #[serde(default = "card")]
    pub kind: String,
    pub card: Option<Card>,
    /// What a method that is no card says of itself, as clients see it.
    #[serde(default)]
    pub details: Value,
    /// No payment by it ever goes through. A card has its own ways.
    #[serde(default)]
    pub fails: bool,
    pub billing_details: Value,
    pub metadata: Metadata,
}

fn card() -> String {
    "card".into()
}

/// A change of a customer's balance, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BalanceTransaction {
    pub id: String,
    pub created: i64,
    pub customer: String,
    /// Below zero it is credit.
    pub amount: i64,
    pub ending_balance: i64,
    pub currency: String,
    /// Stripe's word: `adjustment`, `applied_to_invoice`, `unapplied_from_invoice`, `credit_note`, …
    pub kind: String,
    pub invoice: Option<String>,
    pub credit_note: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
}

/// What is remembered of a card: never its number, only which test card it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Card {
    pub brand: String,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
    pub country: String,
    /// Which entry of `engine::cards::TEST_CARDS`, by its last four digits, says how it behaves.
    pub behaves_like: String,
    /// Whether its holder has passed 3-D Secure once.
    pub authenticated: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaxId {
    pub id: String,
    pub created: i64,
    pub customer: String,
    /// `eu_vat`, `gb_vat`, `us_ein`, …
    pub kind: String,
    pub value: String,
    pub country: Option<String>,
}
