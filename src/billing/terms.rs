//! What was agreed with Stripe beside the plan itself: the next payment, a change that waits, add-ons. Amounts
//! are Stripe's own; nothing here is multiplied or guessed.
use super::plans::Plan;
use crate::{
    db::At,
    stripe::Preview,
    words::{date, money},
};
use serde::{Deserialize, Serialize};

/// What Stripe charges next, by its own preview. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPayment {
    pub amount: i64,
    pub currency: String,
    /// Unix seconds.
    pub at: i64,
    /// Names of coupons with what they take off.
    pub discounts: Vec<(String, i64)>,
    /// Used of the customer's credit; below zero, added from what is owed.
    pub credit: i64,
    pub tax: i64,
    /// What changes in the middle of a period add or take off.
    pub proration: i64,
}

impl From<&Preview> for NextPayment {
    fn from(preview: &Preview) -> Self {
        Self {
            amount: preview.amount_due,
            currency: preview.currency.clone(),
            at: preview.at(),
            discounts: preview.discounts().into_iter().map(|off| (off.name, off.amount)).collect(),
            credit: preview.total - preview.amount_due,
            tax: preview.tax(),
            proration: preview.proration(),
        }
    }
}

impl NextPayment {
    /// `$29.00 on 3 January 2027`
    pub fn text(&self) -> String {
        format!("{} on {}", money(self.amount, &self.currency), date(At::from_unix(self.at)))
    }

    /// What the amount includes, a line each.
    pub fn parts(&self) -> Vec<String> {
        let amount = |minor: i64| money(minor, &self.currency);
        let discounts = self.discounts.iter().map(|(name, off)| format!("{name}: {} off", amount(*off)));
        let rest = [
            (self.proration > 0).then(|| format!("Includes {} for changes", amount(self.proration))),
            (self.proration < 0).then(|| format!("Changes take {} off", amount(-self.proration))),
            (self.tax > 0).then(|| format!("Includes {} tax", amount(self.tax))),
            (self.credit > 0).then(|| format!("{} of your credit is used", amount(self.credit))),
            (self.credit < 0).then(|| format!("Includes {} owed from before", amount(-self.credit))),
        ];
        discounts.chain(rest.into_iter().flatten()).collect()
    }
}

/// A change of the plan that waits for a later period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledChange {
    /// The plan's key; none where the price does not say.
    pub plan: Option<String>,
    /// Stripe's word: `month`.
    pub interval: Option<String>,
    pub interval_count: i64,
    pub quantity: Option<i64>,
    /// Unix seconds.
    pub at: i64,
}

impl ScheduledChange {
    /// `Business, paid every month, on 3 January 2027`
    pub fn text(&self) -> String {
        let plan = self.plan.as_deref().and_then(|key| key.parse::<Plan>().ok());
        let plan = plan.map_or("another price", |plan| plan.offer().name);
        let paid = match &self.interval {
            Some(unit) if self.interval_count == 1 => format!(", paid every {unit},"),
            Some(unit) => format!(", paid every {} {unit}s,", self.interval_count),
            None => String::new(),
        };
        format!("{plan}{paid} on {}", date(At::from_unix(self.at)))
    }
}

/// Another product that the same subscription bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOn {
    pub name: String,
    pub quantity: Option<i64>,
    /// Minor units for one of it; none for prices in tiers.
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    pub interval: Option<String>,
    pub interval_count: i64,
}

impl AddOn {
    /// `Support package, $100.00 a month`
    pub fn text(&self) -> String {
        let amount = self.unit_amount.zip(self.currency.as_deref()).map(|(amount, code)| money(amount, code));
        let each = amount.map(|amount| match &self.interval {
            Some(unit) => format!("{amount} {}", every(unit, self.interval_count)),
            None => amount,
        });
        let times = self.quantity.filter(|count| *count != 1).map(|count| format!("{count} × "));
        let price = each.map(|each| format!(", {}{each}", times.unwrap_or_default()));
        format!("{}{}", self.name, price.unwrap_or_default())
    }
}

/// How often a price recurs: `a month`, `every 3 months`.
pub fn every(interval: &str, count: i64) -> String {
    if count == 1 { format!("a {interval}") } else { format!("every {count} {interval}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_payment_says_what_it_is_made_of() {
        let next = NextPayment {
            amount: 1_900,
            currency: "usd".into(),
            at: 1_798_761_600, // 1 January 2027
            discounts: vec![("Launch offer".into(), 580)],
            credit: 500,
            tax: 150,
            proration: -20,
        };

        assert_eq!(next.text(), "$19.00 on 1 January 2027");
        assert_eq!(
            next.parts(),
            [
                "Launch offer: $5.80 off",
                "Changes take $0.20 off",
                "Includes $1.50 tax",
                "$5.00 of your credit is used"
            ]
        );
    }

    #[test]
    fn an_add_on_says_its_name_and_its_price_as_far_as_stripe_says_one() {
        let add_on = AddOn {
            name: "Support package".into(),
            quantity: Some(2),
            unit_amount: Some(10_000),
            currency: Some("usd".into()),
            interval: Some("month".into()),
            interval_count: 3,
        };

        assert_eq!(add_on.text(), "Support package, 2 × $100.00 every 3 months");
        assert_eq!(AddOn { unit_amount: None, ..add_on }.text(), "Support package");
    }
}
