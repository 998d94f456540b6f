//! The billing state: our record of what Stripe holds for an organisation, and the words pages use for it.
use super::plans::{self, Interval, Plan};
use crate::{
    db::At,
    words::{date, money},
};

/// What our database says. `billing::sync` is its only writer; the default is an organisation that never
/// bought anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct BillingState {
    pub subscription_id: Option<String>,
    /// Stripe's word for it. Stripe adds new ones.
    pub status: Option<String>,
    pub plan: Plan,
    #[sqlx(rename = "billing_interval")]
    pub interval: Option<Interval>,
    pub quantity: Option<i64>,
    /// When it ends for good, however that was scheduled.
    pub cancel_at: Option<At>,
    pub current_period_end: Option<At>,
    pub trial_end: Option<At>,
    /// When Stripe was last asked; never, for an organisation that has no customer there.
    pub synced_at: Option<At>,
    /// What Stripe charges for one unit, in minor units of `currency`.
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    /// The card that is charged: the subscription's own, or else the customer's.
    pub card_brand: Option<String>,
    pub card_last4: Option<String>,
    pub card_expires: Option<String>,
    /// Since when a payment is overdue, or Stripe's status is one that we do not know.
    pub trouble_since: Option<At>,
    /// How many are alive. More than one is a mistake: the customer pays twice.
    pub live_subscriptions: i64,
    /// The subscription's first item, which a change of plan or seats changes, and how many items there are.
    pub item_id: Option<String>,
    pub item_count: i64,
    /// Stripe does not collect invoices for now; access stays.
    pub collection_paused: bool,
    /// A change of plan is scheduled for the end of the period.
    pub scheduled: bool,
    /// The customer's own payment method where the subscription is charged to another, and Stripe's id of it.
    pub other_payment_method: Option<String>,
    pub other_payment_method_id: Option<String>,
    /// This subscription, or one before it, had a trial.
    pub trial_used: bool,
}

impl BillingState {
    /// Whether two states say the same of Stripe, whenever Stripe was asked.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        Self { synced_at: None, ..self.clone() } == Self { synced_at: None, ..other.clone() }
    }

    pub fn plan_name(&self) -> String {
        self.plan.offer().name.to_owned()
    }

    pub fn is_paid(&self) -> bool {
        self.plan != Plan::Free
    }

    /// Whether Stripe holds a subscription that can still be managed.
    pub fn is_alive(&self) -> bool {
        self.subscription_id.is_some() && self.status.as_deref().is_some_and(is_alive)
    }

    /// The text of the badge, and how urgent it is: `ok`, `info`, `warn`, `bad`, `quiet`.
    pub fn badge(&self) -> (String, &'static str) {
        let ends = self.cancel_at.map(date);
        match (self.status.as_deref(), ends) {
            (Some("active" | "trialing"), Some(ends)) => (format!("Ends on {ends}"), "warn"),
            (Some("trialing"), None) => (self.until("Trial"), "info"),
            (Some("active"), None) => ("Active".into(), "ok"),
            (Some("past_due"), _) => ("Payment failed".into(), "bad"),
            (Some("unpaid"), _) => ("Unpaid".into(), "bad"),
            (Some("paused"), _) => ("Paused".into(), "warn"),
            (Some("incomplete"), _) => ("Waiting for payment".into(), "warn"),
            (Some("canceled" | "incomplete_expired"), _) => ("Subscription ended".into(), "quiet"),
            (Some(new_word), _) => (new_word.replace('_', " "), "info"),
            (None, _) => ("No subscription".into(), "quiet"),
        }
    }

    fn until(&self, what: &str) -> String {
        self.trial_end.map_or_else(|| what.to_owned(), |end| format!("{what} until {}", date(end)))
    }

    /// One sentence on what happens next and what to do.
    pub fn detail(&self) -> Option<String> {
        let next = self.current_period_end.map(date);
        match (self.status.as_deref()?, self.cancel_at.map(date), next) {
            ("active" | "trialing", Some(_), _) => {
                Some("You will not be charged again. You can renew the plan until then.".into())
            }
            ("trialing", None, _) => Some(
                "The first payment is due when the trial ends. Cancel before then and you pay nothing."
                    .into(),
            ),
            ("active", None, Some(next)) => Some(format!("Renews on {next}.")),
            ("past_due", _, _) => {
                Some("The last payment failed. Update your payment method and we will try again.".into())
            }
            ("unpaid", _, _) => {
                Some("You have unpaid invoices. Pay them under Manage billing to continue.".into())
            }
            ("paused", _, _) => {
                Some("You are not charged while the plan is paused. Resume it under Manage billing.".into())
            }
            ("incomplete", _, _) => {
                Some("The first payment is not complete. Complete it under Manage billing.".into())
            }
            _ => None,
        }
    }

    /// `$29 a month`, `5 seats at $15 a month`; nothing for what costs nothing.
    pub fn price(&self) -> Option<String> {
        let (offer, interval) = (self.plan.offer(), self.interval?);
        let every = if interval == Interval::Month { "a month" } else { "a year" };
        let each = format!("{} {every}", self.each()?);
        match (offer.per_seat, self.quantity) {
            (true, Some(seats)) if seats != 1 => Some(format!("{seats} seats at {each}")),
            (true, _) => Some(format!("1 seat at {each}")),
            (false, _) => Some(each),
        }
    }

    /// The amount Stripe charges for one unit; our list price until we have asked Stripe.
    fn each(&self) -> Option<String> {
        match (self.unit_amount, self.currency.as_deref()) {
            (Some(amount), Some(currency)) => Some(money(amount, currency)),
            _ => self.plan.offer().amount(self.interval?).map(plans::price),
        }
    }

    /// Amount and date of the next payment, without discounts and credit.
    pub fn next_payment(&self) -> Option<String> {
        let currency = self.currency.as_deref()?;
        let goes_on = matches!(self.status.as_deref(), Some("active" | "trialing" | "past_due"))
            && self.cancel_at.is_none()
            && !self.collection_paused;
        let amount = self.unit_amount? * self.quantity.unwrap_or(1);
        let when = self
            .trial_end
            .filter(|_| self.status.as_deref() == Some("trialing"))
            .or(self.current_period_end)?;
        (goes_on && amount > 0).then(|| format!("{} on {}", money(amount, currency), date(when)))
    }

    /// `Visa ending in 4242, expires 12/2034`
    pub fn card(&self) -> Option<String> {
        let card = card_text(self.card_brand.as_deref()?, self.card_last4.as_deref()?);
        let expires = self.card_expires.as_ref().map(|at| format!(", expires {at}")).unwrap_or_default();
        Some(card + &expires)
    }
}

/// Whether a subscription in this state can still be managed. A status newer than this program counts as
/// alive.
pub fn is_alive(status: &str) -> bool {
    !matches!(status, "canceled" | "incomplete_expired")
}

/// `visa`, `4242` → `Visa ending in 4242`
pub fn card_text(brand: &str, last4: &str) -> String {
    let mut letters = brand.chars();
    let brand: String = letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default();
    format!("{brand} ending in {last4}")
}

#[cfg(test)]
mod tests {
    use super::{super::plans::OFFERS, *};

    fn state(status: &str) -> BillingState {
        let (plan, interval) = (Plan::Pro, Some(Interval::Month));
        BillingState {
            subscription_id: Some("sub_1".into()),
            status: Some(status.into()),
            plan,
            interval,
            ..BillingState::default()
        }
    }

    #[test]
    fn each_state_has_words_and_an_urgency() {
        let end = Some(At::from_unix(1_798_761_600)); // 1 January 2027
        for (state, words, kind) in [
            (BillingState { trial_end: end, ..state("trialing") }, "Trial until 1 January 2027", "info"),
            (BillingState { cancel_at: end, ..state("trialing") }, "Ends on 1 January 2027", "warn"),
            (BillingState { cancel_at: end, ..state("active") }, "Ends on 1 January 2027", "warn"),
            (state("active"), "Active", "ok"),
            (state("past_due"), "Payment failed", "bad"),
            (state("canceled"), "Subscription ended", "quiet"),
            (state("hibernating_gently"), "hibernating gently", "info"),
            (BillingState::default(), "No subscription", "quiet"),
        ] {
            assert_eq!(state.badge(), (words.to_owned(), kind));
        }
    }

    #[test]
    fn a_price_counts_seats_only_where_they_are_sold() {
        let paid = |plan: Plan| BillingState {
            plan,
            quantity: Some(5),
            unit_amount: Some(2_900),
            currency: Some("usd".into()),
            ..state("active")
        };
        let plan_sold = |per_seat| OFFERS.iter().find(|o| o.plan != Plan::Free && o.per_seat == per_seat);
        let (flat, seats) = (paid(plan_sold(false).unwrap().plan), paid(plan_sold(true).unwrap().plan));

        assert_eq!(flat.price().as_deref(), Some("$29.00 a month"));
        assert_eq!(seats.price().as_deref(), Some("5 seats at $29.00 a month"));
        assert_eq!(BillingState::default().price(), None);
    }
}
