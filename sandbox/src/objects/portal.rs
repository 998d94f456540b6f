//! The customer portal: what it may do, and one visit to it.
use super::Metadata;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PortalConfiguration {
    pub id: String,
    pub created: i64,
    pub updated: i64,
    pub active: bool,
    pub is_default: bool,
    pub name: Option<String>,
    pub headline: Option<String>,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
    pub default_return_url: Option<String>,
    pub login_page: bool,
    pub features: Features,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Features {
    pub customer_update: bool,
    /// Of `address email name phone shipping tax_id`.
    pub customer_allowed_updates: Vec<String>,
    pub invoice_history: bool,
    pub payment_method_update: bool,
    pub cancel: bool,
    /// `at_period_end` or `immediately`.
    pub cancel_mode: String,
    /// `none` or `create_prorations`.
    pub cancel_proration: String,
    pub cancel_reason: bool,
    pub cancel_reasons: Vec<String>,
    pub update: bool,
    /// Of `price quantity promotion_code`.
    pub update_allowed: Vec<String>,
    pub update_products: Vec<SwitchProduct>,
    /// `none`, `create_prorations` or `always_invoice`.
    pub update_proration: String,
    /// `unchanged` or `now`.
    pub update_anchor: String,
    /// `end_trial` or `continue_trial`.
    pub update_trial: String,
    /// Of `decreasing_item_amount shortening_interval`: such a change waits for the period's end.
    pub update_at_period_end: Vec<String>,
    pub pause: bool,
}

/// A product people may switch to, at these prices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SwitchProduct {
    pub product: String,
    pub prices: Vec<String>,
    pub adjustable_quantity: bool,
    pub minimum: i64,
    pub maximum: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PortalSession {
    pub id: String,
    pub created: i64,
    pub customer: String,
    pub configuration: String,
    pub return_url: Option<String>,
    pub locale: Option<String>,
    pub on_behalf_of: Option<String>,
    pub flow: Option<Flow>,
    /// The last part of the address: good once, for five minutes.
    pub secret: String,
    /// What the visitor's cookie holds from then on.
    pub visit: Option<String>,
    /// Wall-clock seconds of the visitor's last step; an hour without one ends the visit.
    pub seen: i64,
    /// A flow that has been completed.
    pub done: bool,
    /// The step that was asked for, path and form, while a bank wants to see a card's holder.
    pub challenged: Option<String>,
}

/// A deep link: one step, and then away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow {
    pub kind: FlowKind,
    pub subscription: Option<String>,
    /// Of `subscription_update_confirm`: the item, its new price and quantity, and a discount.
    pub item: Option<String>,
    pub price: Option<String>,
    pub quantity: Option<i64>,
    pub coupon: Option<String>,
    pub promotion_code: Option<String>,
    /// `portal_homepage`, `redirect` or `hosted_confirmation`.
    pub after: String,
    pub after_url: Option<String>,
    pub after_message: Option<String>,
    /// A coupon that is offered to whoever wants to leave.
    pub retention_coupon: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    PaymentMethodUpdate,
    CustomerUpdate,
    SubscriptionCancel,
    SubscriptionUpdate,
    SubscriptionUpdateConfirm,
    SubscriptionPause,
}

impl FlowKind {
    pub const ALL: [(&'static str, FlowKind); 6] = [
        ("payment_method_update", FlowKind::PaymentMethodUpdate),
        ("customer_update", FlowKind::CustomerUpdate),
        ("subscription_cancel", FlowKind::SubscriptionCancel),
        ("subscription_update", FlowKind::SubscriptionUpdate),
        ("subscription_update_confirm", FlowKind::SubscriptionUpdateConfirm),
        ("subscription_pause", FlowKind::SubscriptionPause),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}
