//! Checkout sessions.
use super::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CheckoutSession {
    pub id: String,
    /// Wall-clock, as `expires_at` is: a session dies on the visitor's time, not the sandbox's.
    pub created: i64,
    pub expires_at: i64,
    /// `subscription` or `setup`.
    pub mode: String,
    /// `open`, `complete` or `expired`.
    pub status: String,
    /// `unpaid`, `paid` or `no_payment_required`.
    pub payment_status: String,
    pub customer: Option<String>,
    pub customer_email: Option<String>,
    pub client_reference_id: Option<String>,
    pub currency: Option<String>,
    pub line_items: Vec<LineItem>,
    pub subscription_data: SubscriptionData,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub allow_promotion_codes: bool,
    pub coupon: Option<String>,
    pub promotion_code: Option<String>,
    /// `always` or `if_required`.
    pub payment_method_collection: String,
    pub billing_address_collection: Option<String>,
    pub automatic_tax: bool,
    pub tax_id_collection: bool,
    pub locale: Option<String>,
    pub integration_identifier: Option<String>,
    pub custom_text: Option<Value>,
    pub metadata: Metadata,
    pub subscription: Option<String>,
    pub invoice: Option<String>,
    /// Opens the hosted page.
    pub page: String,
    /// The form that was sent, while a bank wants to see the card's holder before anything happens.
    pub challenged: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LineItem {
    pub id: String,
    pub price: String,
    pub quantity: i64,
}

/// What the subscription will carry.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SubscriptionData {
    pub metadata: Metadata,
    pub description: Option<String>,
    pub trial_period_days: Option<i64>,
    pub trial_end: Option<i64>,
    pub missing_payment_method: Option<String>,
    pub billing_mode: Option<String>,
    pub billing_cycle_anchor: Option<i64>,
}
