//! What we sell. The first file every fork edits.
use crate::{text_enum, words};

text_enum! {
    /// In the order of the pricing page. Free is what an organisation has before it buys.
    #[derive(Default)]
    Plan { #[default] Free = "free", Pro = "pro", Business = "business" }
}

text_enum! {
    Interval { Month = "month", Year = "year" }
}

/// What a plan may switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    AuditExport,
}

/// A plan as it is offered. Amounts are US cents for one unit and interval; Stripe's price, found
/// by its lookup key `{plan}_{interval}`, is what people really pay.
#[derive(Debug)]
pub struct Offer {
    pub plan: Plan,
    pub name: &'static str,
    pub tagline: &'static str,
    pub month: i64,
    pub year: i64,
    /// The quantity follows the number of members.
    pub per_seat: bool,
    /// Days, once an organisation.
    pub trial: Option<u16>,
    /// At most so many of each. What is not named here has no limit; what is named is counted by a room
    /// (`limit.rs`).
    pub limits: &'static [(&'static str, i64)],
    pub allows: &'static [Feature],
    /// What the pricing page says after the limits.
    pub features: &'static [&'static str],
}

pub const OFFERS: [Offer; 3] = [
    Offer {
        plan: Plan::Free,
        name: "Free",
        tagline: "For trying it out, for as long as you like.",
        month: 0,
        year: 0,
        per_seat: false,
        trial: None,
        limits: &[("project", 3), ("member", 3)],
        allows: &[],
        features: &["Community support"],
    },
    Offer {
        plan: Plan::Pro,
        name: "Pro",
        tagline: "For a team that relies on it.",
        month: 2_900,
        year: 29_000,
        per_seat: false,
        trial: Some(14),
        limits: &[("project", 50), ("member", 10)],
        allows: &[],
        features: &["Support by e-mail"],
    },
    Offer {
        plan: Plan::Business,
        name: "Business",
        tagline: "For a company with rules to keep.",
        month: 1_500,
        year: 15_000,
        per_seat: true,
        trial: None,
        limits: &[],
        allows: &[Feature::AuditExport],
        features: &["Priced per member", "Support within a working day"],
    },
];

impl Plan {
    pub fn offer(self) -> &'static Offer {
        match self {
            Plan::Free => &OFFERS[0],
            Plan::Pro => &OFFERS[1],
            Plan::Business => &OFFERS[2],
        }
    }
}

impl Offer {
    /// How many of these there may be. None: no limit.
    pub fn limit(&self, one: &str) -> Option<i64> {
        self.limits.iter().find(|(limited, _)| *limited == one).map(|(_, most)| *most)
    }

    /// Everything it includes, as pages and Stripe say it: `3 projects`, `Unlimited members`, then the rest.
    pub fn includes(&self) -> Vec<String> {
        let limits = limited().into_iter().map(|one| match self.limit(one) {
            Some(most) => words::several(most, one),
            None => format!("Unlimited {}", words::plural(one)),
        });
        limits.chain(self.features.iter().map(|&text| text.to_owned())).collect()
    }
}

/// What any plan limits, each named once, in the order in which plans name them.
pub fn limited() -> Vec<&'static str> {
    let mut all = Vec::new();
    for (one, _) in OFFERS.iter().flat_map(|offer| offer.limits) {
        if !all.contains(one) {
            all.push(*one);
        }
    }
    all
}

/// What Checkout asks for beside the money. Stripe Tax collects nothing, and says nothing, until you
/// have registered somewhere: switch it on after that.
pub const AUTOMATIC_TAX: bool = false;
/// Whether people may give a tax id, which then stands on their invoices.
pub const COLLECT_TAX_IDS: bool = false;

/// `pro`, `month` → `pro_month`.
pub fn lookup_key(plan: Plan, interval: Interval) -> String {
    format!("{}_{}", plan.as_str(), interval.as_str())
}

/// The plan and interval behind a price's lookup key; nothing for a price that is not ours.
pub fn of_lookup_key(key: &str) -> Option<(Plan, Interval)> {
    let (plan, interval) = key.rsplit_once('_')?;
    Some((plan.parse().ok()?, interval.parse().ok()?))
}

/// `$29`, or `$29.50` where cents matter.
pub fn dollars(cents: i64) -> String {
    match (cents / 100, cents % 100) {
        (whole, 0) => format!("${whole}"),
        (whole, rest) => format!("${whole}.{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plan_is_offered_under_its_own_name() {
        for plan in Plan::ALL {
            assert_eq!(plan.offer().plan, *plan);
        }
    }

    #[test]
    fn a_lookup_key_names_plan_and_interval() {
        assert_eq!(of_lookup_key("pro_year"), Some((Plan::Pro, Interval::Year)));
        assert_eq!(
            of_lookup_key(&lookup_key(Plan::Business, Interval::Month)),
            Some((Plan::Business, Interval::Month))
        );
        for foreign in ["pro", "pro_week", "legacy_month", "_month", ""] {
            assert_eq!(of_lookup_key(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_plan_says_its_limits_and_what_has_none() {
        let (free, business) = (Plan::Free.offer(), Plan::Business.offer());

        assert!(free.includes().contains(&"3 members".to_owned()), "{:?}", free.includes());
        assert!(business.includes().contains(&"Unlimited members".to_owned()), "{:?}", business.includes());
    }

    #[test]
    fn cents_are_shown_where_there_are_any() {
        assert_eq!((dollars(2_900), dollars(2_905)), ("$29".into(), "$29.05".into()));
    }
}
