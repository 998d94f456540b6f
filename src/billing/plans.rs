//! What we sell. The first file every fork edits.
use crate::text_enum;

text_enum! {
    /// In the order of the pricing page. Free is what an organisation has before it buys.
    #[derive(Default)]
    Plan { #[default] Free = "free", Pro = "pro", Business = "business" }
}

text_enum! {
    Interval { Month = "month", Year = "year" }
}

/// What a plan may count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Projects,
    Members,
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
    /// At most so many; none means as many as they like.
    pub projects: Option<i64>,
    pub members: Option<i64>,
    pub allows: &'static [Feature],
    /// As the pricing page says it.
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
        projects: Some(3),
        members: Some(3),
        allows: &[],
        features: &["3 projects", "Up to 3 members", "Community support"],
    },
    Offer {
        plan: Plan::Pro,
        name: "Pro",
        tagline: "For a team that relies on it.",
        month: 2_900,
        year: 29_000,
        per_seat: false,
        trial: Some(14),
        projects: Some(50),
        members: Some(10),
        allows: &[],
        features: &["50 projects", "Up to 10 members", "Support by e-mail"],
    },
    Offer {
        plan: Plan::Business,
        name: "Business",
        tagline: "For a company with rules to keep.",
        month: 1_500,
        year: 15_000,
        per_seat: true,
        trial: None,
        projects: None,
        members: None,
        allows: &[Feature::AuditExport],
        features: &["Unlimited projects", "Priced per member", "Support within a working day"],
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
    fn cents_are_shown_where_there_are_any() {
        assert_eq!((dollars(2_900), dollars(2_905)), ("$29".into(), "$29.05".into()));
    }
}
