//! What is sold: products, prices, coupons and the codes that give them.
use super::Metadata;
use crate::state::Every;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Product {
    pub id: String,
    pub created: i64,
    pub updated: i64,
    pub active: bool,
    pub name: String,
    pub description: Option<String>,
    pub images: Vec<String>,
    /// Names of the features, as `marketing_features[][name]` gives them.
    pub marketing_features: Vec<String>,
    pub default_price: Option<String>,
    pub statement_descriptor: Option<String>,
    pub tax_code: Option<String>,
    pub unit_label: Option<String>,
    pub url: Option<String>,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Price {
    pub id: String,
    pub created: i64,
    pub active: bool,
    pub product: String,
    pub currency: String,
    /// Minor units, each.
    pub unit_amount: i64,
    /// None: paid once.
    pub recurring: Option<Every>,
    pub lookup_key: Option<String>,
    pub nickname: Option<String>,
    pub tax_behavior: String,
    pub metadata: Metadata,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coupon {
    pub id: String,
    pub created: i64,
    pub name: Option<String>,
    pub percent_off: Option<f64>,
    /// Minor units of `currency`.
    pub amount_off: Option<i64>,
    pub currency: Option<String>,
    /// `once`, `repeating` or `forever`.
    pub duration: String,
    pub duration_in_months: Option<i64>,
    pub max_redemptions: Option<i64>,
    pub redeem_by: Option<i64>,
    pub times_redeemed: i64,
    pub metadata: Metadata,
    /// Nobody gets it any more; whoever has it keeps it.
    #[serde(default)]
    pub deleted: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PromotionCode {
    pub id: String,
    pub created: i64,
    /// What people type; upper and lower case are one.
    pub code: String,
    pub coupon: String,
    pub active: bool,
    pub customer: Option<String>,
    pub max_redemptions: Option<i64>,
    pub expires_at: Option<i64>,
    pub first_time_transaction: bool,
    pub times_redeemed: i64,
    pub metadata: Metadata,
}

impl Coupon {
    /// Minor units off `amount`, never more than it.
    pub fn off(&self, amount: i64) -> i64 {
        let off = match (self.percent_off, self.amount_off) {
            (Some(percent), _) => (amount as f64 * percent / 100.0).round() as i64,
            (None, fixed) => fixed.unwrap_or_default(),
        };
        off.clamp(0, amount.max(0))
    }

    pub fn is_valid(&self, now: i64) -> bool {
        !self.deleted
            && self.redeem_by.is_none_or(|by| by > now)
            && self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
    }
}

impl Price {
    pub fn to_wire_recurring(&self) -> Value {
        self.recurring.as_ref().map_or(Value::Null, |every| {
            serde_json::json!({ "interval": every.interval, "interval_count": every.count, "meter": null,
                "trial_period_days": null, "usage_type": "licensed" })
        })
    }
}
