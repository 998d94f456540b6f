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

/// What every plan is sold in: a code of ISO 4217, in lower case as Stripe writes it.
pub const CURRENCY: &str = "usd";

/// A plan as it is offered. Amounts are minor units of [`CURRENCY`] for one unit and interval; Stripe's
/// price, found by its lookup key `{plan}_{interval}`, is what people really pay.
#[derive(Debug)]
pub struct Offer {
    pub plan: Plan,
    pub name: &'static str,
    pub tagline: &'static str,
    /// None: not sold by the month. Free is sold by neither.
    pub month: Option<i64>,
    pub year: Option<i64>,
    /// The quantity follows the number of members.
    pub per_seat: bool,
    /// Days, once an organisation.
    pub trial: Option<u16>,
    /// The one that the pricing page recommends.
    pub highlighted: bool,
    /// At most so many of each. What is not named here has no limit; what is named is counted by a room
    /// (`limit.rs`).
    pub limits: &'static [(&'static str, i64)],
    pub allows: &'static [Feature],
    /// What the pricing page says after the limits.
    pub features: &'static [&'static str],
}

pub const OFFERS: &[Offer] = &[
    Offer {
        plan: Plan::Free,
        name: "Free",
        tagline: "For trying it out, for as long as you like.",
        month: None,
        year: None,
        per_seat: false,
        trial: None,
        highlighted: false,
        limits: &[("project", 3), ("member", 3)],
        allows: &[],
        features: &["Community support"],
    },
    Offer {
        plan: Plan::Pro,
        name: "Pro",
        tagline: "For a team that relies on it.",
        month: Some(2_900),
        year: Some(29_000),
        per_seat: false,
        trial: Some(14),
        highlighted: true,
        limits: &[("project", 50), ("member", 10)],
        allows: &[],
        features: &["Support by e-mail"],
    },
    Offer {
        plan: Plan::Business,
        name: "Business",
        tagline: "For a company with rules to keep.",
        month: Some(1_500),
        year: Some(15_000),
        per_seat: true,
        trial: None,
        highlighted: false,
        limits: &[],
        allows: &[Feature::AuditExport],
        features: &["Priced per member", "Support within a working day"],
    },
];

impl Plan {
    pub fn offer(self) -> &'static Offer {
        OFFERS.iter().find(|offer| offer.plan == self).expect("a test compares Plan and OFFERS")
    }
}

impl Offer {
    /// What one of it costs, in minor units of [`CURRENCY`]; none where it is not sold by that interval.
    pub fn amount(&self, interval: Interval) -> Option<i64> {
        match interval {
            Interval::Month => self.month,
            Interval::Year => self.year,
        }
    }

    /// By which it is sold, and for how much.
    pub fn prices(&self) -> impl Iterator<Item = (Interval, i64)> {
        Interval::ALL.iter().filter_map(|&every| Some((every, self.amount(every)?)))
    }

    /// What a year paid at once saves over twelve months.
    pub fn saved_by_year(&self) -> Option<i64> {
        Some(self.month? * 12 - self.year?).filter(|&saved| saved > 0)
    }

    /// How many of these there may be. None: no limit.
    pub fn limit(&self, one: &str) -> Option<i64> {
        self.limits.iter().find(|(limited, _)| *limited == one).map(|(_, most)| *most)
    }

    /// Everything it includes, as pages and Stripe say it: `3 notes`, `Unlimited members`, then the rest.
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

/// An amount of [`CURRENCY`] as a price is written: `$29`, or `$29.50` where the cents matter.
pub fn price(minor: i64) -> String {
    words::price(minor, CURRENCY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plan_is_offered_once_and_in_order() {
        let offered: Vec<Plan> = OFFERS.iter().map(|offer| offer.plan).collect();
        assert_eq!(offered, Plan::ALL, "OFFERS and Plan name the same plans in the same order");
    }

    #[test]
    fn every_plan_but_free_is_sold() {
        for offer in OFFERS {
            assert_eq!(offer.prices().count() == 0, offer.plan == Plan::Free, "{}", offer.name);
        }
    }

    #[test]
    fn a_lookup_key_names_plan_and_interval() {
        for (plan, interval) in Plan::ALL.iter().flat_map(|p| Interval::ALL.iter().map(move |i| (*p, *i))) {
            assert_eq!(of_lookup_key(&lookup_key(plan, interval)), Some((plan, interval)));
        }
        for foreign in ["free", "free_week", "legacy_month", "_month", ""] {
            assert_eq!(of_lookup_key(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_plan_says_how_many_of_each_it_includes() {
        for offer in OFFERS {
            let members = match offer.limit("member") {
                Some(most) => words::several(most, "member"),
                None => "Unlimited members".to_owned(),
            };
            assert!(offer.includes().contains(&members), "{:?}", offer.includes());
        }
    }
}
