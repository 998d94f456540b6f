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

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Price {
    pub id: String,
    pub created: i64,
    pub active: bool,
    pub product: String,
    pub currency: String,
    /// Minor units, each; none where they have fractions, and where there are tiers.
    pub unit_amount: Option<i64>,
    /// Minor units with their fraction, where `unit_amount` cannot say them.
    #[serde(default)]
    pub unit_amount_decimal: Option<String>,
    /// In order; empty where each costs the same.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// `graduated` or `volume`.
    #[serde(default)]
    pub tiers_mode: Option<String>,
    /// So many count as one, the rest rounded `up` or `down`.
    #[serde(default)]
    pub packages: Option<(i64, String)>,
    /// None: paid once.
    pub recurring: Option<Every>,
    pub lookup_key: Option<String>,
    pub nickname: Option<String>,
    pub tax_behavior: String,
    pub metadata: Metadata,
}

/// What the units up to a bound cost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tier {
    /// None: without bound.
    pub up_to: Option<i64>,
    /// Minor units, as they were given.
    pub unit_amount: Option<String>,
    pub flat_amount: Option<String>,
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
    /// Ids of the products it takes something off; empty: of all.
    #[serde(default)]
    pub products: Vec<String>,
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

/// Stripe's amounts have up to twelve decimals of a minor unit.
const PARTS: i128 = 1_000_000_000_000;

/// `12.5` minor units in `PARTS`; none where it is no such number.
pub fn parts(amount: &str) -> Option<i128> {
    let (whole, rest) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(rest) || whole.is_empty() || whole.len() > 14 || rest.len() > 12 {
        return None;
    }
    format!("{whole}{rest:0<12}").parse().ok()
}

impl Tier {
    /// For so many units of this tier, in `PARTS`.
    fn cost(&self, units: i64) -> i128 {
        let amount = |given: &Option<String>| given.as_deref().and_then(parts).unwrap_or_default();
        amount(&self.unit_amount) * i128::from(units) + amount(&self.flat_amount)
    }
}

impl Price {
    /// Minor units for so many, to the nearest one.
    pub fn cost(&self, quantity: i64) -> i64 {
        let quantity = match &self.packages {
            Some((by, round)) if round == "up" => (quantity + by - 1).div_euclid(*by),
            Some((by, _)) => quantity.div_euclid(*by),
            None => quantity,
        };
        let parts = match self.tiers_mode.as_deref() {
            Some("volume") => {
                let fits = |tier: &&Tier| tier.up_to.is_none_or(|up_to| quantity <= up_to);
                self.tiers.iter().find(fits).map_or(0, |tier| tier.cost(quantity))
            }
            Some(_) => self.graduated(quantity),
            None => parts(&self.each()).unwrap_or_default() * i128::from(quantity),
        };
        i64::try_from((2 * parts + PARTS) / (2 * PARTS)).unwrap_or(i64::MAX)
    }

    fn graduated(&self, quantity: i64) -> i128 {
        let (mut from, mut all) = (0, 0);
        for tier in self.tiers.iter().take_while(|_| quantity > 0) {
            if from >= quantity {
                break;
            }
            let to = tier.up_to.unwrap_or(i64::MAX).min(quantity);
            all += tier.cost(to - from);
            from = to;
        }
        all
    }

    /// Minor units, each, as `unit_amount_decimal` says them; empty where there are tiers.
    pub fn each(&self) -> String {
        let whole = || self.unit_amount.map(|amount| amount.to_string());
        self.unit_amount_decimal.clone().or_else(whole).unwrap_or_default()
    }

    pub fn to_wire_each(&self) -> Value {
        Some(self.each()).filter(|each| !each.is_empty()).map_or(Value::Null, Value::from)
    }

    pub fn to_wire_recurring(&self) -> Value {
        self.recurring.as_ref().map_or(Value::Null, |every| {
            serde_json::json!({ "interval": every.interval, "interval_count": every.count, "meter": null,
                "trial_period_days": null, "usage_type": "licensed" })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(mode: Option<&str>, tiers: &[(Option<i64>, &str, &str)], each: &str) -> Price {
        let text = |amount: &str| Some(amount.to_owned()).filter(|amount| !amount.is_empty());
        Price {
            tiers_mode: mode.map(str::to_owned),
            tiers: tiers
                .iter()
                .map(|(up_to, unit, flat)| Tier {
                    up_to: *up_to,
                    unit_amount: text(unit),
                    flat_amount: text(flat),
                })
                .collect(),
            unit_amount_decimal: text(each),
            ..Price::default()
        }
    }

    #[test]
    fn units_are_counted_as_their_tiers_say() {
        let tiers = [(Some(5), "500", ""), (Some(10), "400", "100"), (None, "0.5", "")];
        let (graduated, volume) = (price(Some("graduated"), &tiers, ""), price(Some("volume"), &tiers, ""));

        // 5 × 500; and 1 × 400 + 100 with the sixth; and 5 × 400 + 100 + 3 × 0.5 with the thirteenth.
        assert_eq!([0, 1, 5, 6, 13].map(|n| graduated.cost(n)), [0, 500, 2500, 3000, 4602]);
        assert_eq!([1, 5, 6, 13].map(|n| volume.cost(n)), [500, 2500, 2500, 7]);
        assert_eq!([1, 2, 3].map(|n| price(None, &[], "0.5").cost(n)), [1, 1, 2]);
        let dozens = Price { packages: Some((12, "up".into())), ..price(None, &[], "1000") };
        assert_eq!([1, 12, 13].map(|n| dozens.cost(n)), [1000, 1000, 2000]);
    }
}
