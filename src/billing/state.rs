//! The billing state: our record of what Stripe holds for an organisation, and the words pages use for it.
use super::{
    plans::Plan,
    terms::{AddOn, NextPayment, ScheduledChange, every},
};
use crate::{
    db::{At, Json},
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
    /// The price of the subscription does not say for which plan it is: `plan` is then the one that the
    /// organisation had, until a person has looked.
    pub unknown_price: bool,
    /// Stripe's word for how often it is paid, `month` or `year`, and after how many of these each time.
    #[sqlx(rename = "billing_interval")]
    pub interval: Option<String>,
    pub interval_count: Option<i64>,
    pub quantity: Option<i64>,
    /// When it ends for good, however that was scheduled.
    pub cancel_at: Option<At>,
    pub current_period_end: Option<At>,
    pub trial_end: Option<At>,
    /// When Stripe was last asked; never, for an organisation that has no customer there.
    pub synced_at: Option<At>,
    /// The price of one unit, in minor units of `currency`; none for prices in tiers.
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    /// What is charged: the subscription's own payment method, or else the customer's. Stripe's word for its
    /// type, and its text.
    pub payment_method_type: Option<String>,
    pub payment_method: Option<String>,
    /// Invoices are sent and paid by transfer; nothing is charged.
    pub invoiced: bool,
    /// A bank is working on a payment, which is neither paid nor failed.
    pub processing: bool,
    /// What Stripe charges next, where it says so.
    pub next_payment: Option<Json<NextPayment>>,
    /// Credit that the next payments use; below zero, what is added to them. Minor units of `currency`.
    pub credit: i64,
    /// Other products in the same subscription.
    pub add_ons: Json<Vec<AddOn>>,
    /// Since when a payment of this subscription is overdue, or Stripe's status is one that we do not know.
    pub trouble_since: Option<At>,
    /// How many are alive. More than one is a mistake: the customer pays twice.
    pub live_subscriptions: i64,
    /// The item that the plan is in, which a change of plan or seats changes, and how many items there are.
    pub item_id: Option<String>,
    pub item_count: i64,
    /// Stripe does not collect invoices for now; access stays.
    pub collection_paused: bool,
    /// The schedule that will change the subscription, and what it changes.
    pub schedule_id: Option<String>,
    pub scheduled_change: Option<Json<ScheduledChange>>,
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

    /// Nothing more is charged before it ends.
    fn ends_without_charge(&self) -> bool {
        self.cancel_at.is_some() && self.next_payment.as_ref().is_none_or(|next| next.amount <= 0)
    }

    /// The text of the badge, and how urgent it is: `ok`, `info`, `warn`, `bad`, `quiet`.
    pub fn badge(&self) -> (String, &'static str) {
        let ends = self.cancel_at.map(date);
        match (self.status.as_deref(), ends) {
            (Some("active" | "trialing"), Some(ends)) => (format!("Ends on {ends}"), "warn"),
            (Some("trialing"), None) => (self.until("Trial"), "info"),
            (Some("active"), None) => ("Active".into(), "ok"),
            (Some("past_due"), _) if self.processing => ("Payment processing".into(), "info"),
            (Some("past_due"), _) if self.invoiced => ("Invoice overdue".into(), "bad"),
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

    /// What happens next and what to do. That it ends, what is charged until then, and that something is owed
    /// are three facts, and each is said.
    pub fn detail(&self) -> Option<String> {
        let next = self.current_period_end.map(date);
        let what_next = match self.status.as_deref()? {
            "active" | "trialing" | "past_due" | "incomplete" if self.processing => PROCESSING.into(),
            "active" | "trialing" if self.ends_without_charge() => {
                "You will not be charged again. You can keep the plan until then.".into()
            }
            "active" | "trialing" if self.cancel_at.is_some() => {
                "Payments continue until then. You can keep the plan until that day.".into()
            }
            "trialing" => {
                "The first payment is due when the trial ends. Cancel before then and you pay nothing.".into()
            }
            "active" if self.collection_paused => "Payments are paused. Your plan continues.".into(),
            "active" => match &self.scheduled_change {
                Some(change) => format!("Changes to {}.", change.text()),
                None => format!("Renews on {}.", next?),
            },
            "past_due" if self.invoiced => "An invoice is overdue. Please pay it.".into(),
            "past_due" => "The last payment failed. Update your payment method and we will try again.".into(),
            "unpaid" => "You have unpaid invoices. Pay them to continue.".into(),
            "paused" => "You are not charged while the plan is paused. Resume it to continue.".into(),
            "incomplete" => "The first payment is not complete. Complete it to begin.".into(),
            _ => return None,
        };
        let ends = self.cancel_at.filter(|_| matches!(self.status.as_deref(), Some("past_due" | "unpaid")));
        let ends =
            ends.map(|at| format!(" The plan ends on {}; the open invoice still has to be paid.", date(at)));
        Some(what_next + &ends.unwrap_or_default())
    }

    /// `$29 a month`, `5 seats at $15 a month`; nothing where Stripe names no price for one unit.
    pub fn price(&self) -> Option<String> {
        let each = money(self.unit_amount?, self.currency.as_deref()?);
        let each = format!("{each} {}", every(self.interval.as_deref()?, self.interval_count.unwrap_or(1)));
        match (self.plan.offer().per_seat, self.quantity.unwrap_or(1)) {
            (true, 1) => Some(format!("1 seat at {each}")),
            (true, seats) => Some(format!("{seats} seats at {each}")),
            (false, 1) => Some(each),
            (false, units) => Some(format!("{units} × {each}")),
        }
    }
}

/// Whether a subscription in this state can still be managed. A status newer than this program counts as
/// alive.
pub fn is_alive(status: &str) -> bool {
    !matches!(status, "canceled" | "incomplete_expired")
}

const PROCESSING: &str =
    "Your bank is processing a payment. This can take a few days, and you do not need to do anything.";

#[cfg(test)]
mod tests {
    use super::{super::plans::OFFERS, *};

    fn state(status: &str) -> BillingState {
        let (plan, interval) = (Plan::Pro, Some("month".to_owned()));
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
            (BillingState { invoiced: true, ..state("past_due") }, "Invoice overdue", "bad"),
            (BillingState { processing: true, ..state("past_due") }, "Payment processing", "info"),
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

        let one = BillingState { quantity: Some(1), ..flat.clone() };
        assert_eq!(one.price().as_deref(), Some("$29.00 a month"));
        assert_eq!(seats.price().as_deref(), Some("5 seats at $29.00 a month"));
        assert_eq!(
            BillingState { interval_count: Some(3), ..flat.clone() }.price().as_deref(),
            Some("5 × $29.00 every 3 months")
        );
        assert_eq!(BillingState { unit_amount: None, ..flat }.price(), None, "a price in tiers");
        assert_eq!(BillingState::default().price(), None);
    }

    #[test]
    fn an_end_and_what_is_charged_until_then_are_two_facts() {
        let next = NextPayment {
            amount: 2_900,
            currency: "usd".into(),
            at: 1_796_083_200,
            discounts: Vec::new(),
            credit: 0,
            tax: 0,
            proration: 0,
        };
        let ends = BillingState { cancel_at: Some(At::from_unix(1_798_761_600)), ..state("active") };
        let ends_later = BillingState { next_payment: Some(Json(next)), ..ends.clone() };

        assert!(ends.detail().unwrap().contains("You will not be charged again."));
        assert!(ends_later.detail().unwrap().contains("Payments continue until then."));
    }

    #[test]
    fn cancelled_while_overdue_says_both() {
        let ends = At::from_unix(1_798_761_600);
        let detail = BillingState { cancel_at: Some(ends), ..state("past_due") }.detail().unwrap();

        assert!(detail.contains("The last payment failed.") && detail.contains("ends on 1 January 2027"));
    }
}
