//! Where an organisation stands: our copy of Stripe's truth, and how it is said to people.
use super::{
    plans::{self, Interval, Plan},
    sync,
};
use crate::{
    db::At,
    words::{date, money},
};

/// What our database believes; `billing::sync` is its only writer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct BillingState {
    pub subscription_id: Option<String>,
    /// Stripe's word, also one that we do not know yet.
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
    /// Of one unit, in minor units of `currency`: what is really paid.
    pub unit_amount: Option<i64>,
    pub currency: Option<String>,
    /// The card that will be charged: the subscription's own, else the customer's.
    pub card_brand: Option<String>,
    pub card_last4: Option<String>,
    pub card_expires: Option<String>,
    /// Since when a payment is missing, or Stripe's word for the state is unknown to us.
    pub trouble_since: Option<At>,
    /// More than one is a mistake that costs somebody money.
    pub live_subscriptions: i64,
    /// The item that a change of plan or seats would change, and how many there are.
    pub item_id: Option<String>,
    pub item_count: i64,
    /// Invoices are not collected for now; access stays.
    pub collection_paused: bool,
    /// A change of plan waits for the end of the period.
    pub scheduled: bool,
    /// The customer's own card where the subscription is charged to another, and Stripe's id of it.
    pub other_payment_method: Option<String>,
    pub other_payment_method_id: Option<String>,
    /// A trial was had, by this subscription or one before it.
    pub trial_used: bool,
}

/// Nothing bought yet.
impl Default for BillingState {
    fn default() -> Self {
        Self {
            subscription_id: None,
            status: None,
            plan: Plan::Free,
            interval: None,
            quantity: None,
            cancel_at: None,
            current_period_end: None,
            trial_end: None,
            synced_at: None,
            unit_amount: None,
            currency: None,
            card_brand: None,
            card_last4: None,
            card_expires: None,
            trouble_since: None,
            live_subscriptions: 0,
            item_id: None,
            item_count: 0,
            collection_paused: false,
            scheduled: false,
            other_payment_method: None,
            other_payment_method_id: None,
            trial_used: false,
        }
    }
}

impl BillingState {
    /// Whether two looks at Stripe found the same, whenever they were.
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
        self.subscription_id.is_some() && self.status.as_deref().is_some_and(sync::is_alive)
    }

    /// The state as a badge says it, and how urgent that is: `ok`, `info`, `warn`, `bad`, `quiet`.
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

    /// One sentence on what happens next and what helps.
    pub fn detail(&self) -> Option<String> {
        let next = self.current_period_end.map(date);
        match (self.status.as_deref()?, self.cancel_at.map(date), next) {
            ("active" | "trialing", Some(_), _) => {
                Some("Nothing more will be charged. You can renew it until then.".into())
            }
            ("trialing", None, _) => Some(
                "The first payment is taken when the trial ends. Cancel before that and you pay nothing."
                    .into(),
            ),
            ("active", None, Some(next)) => Some(format!("Renews on {next}.")),
            ("past_due", _, _) => {
                Some("The last payment did not go through. Update your card and it is tried again.".into())
            }
            ("unpaid", _, _) => Some("Invoices are open. Pay them under Manage billing to go on.".into()),
            ("paused", _, _) => {
                Some("Nothing is charged while it is paused. Resume it under Manage billing.".into())
            }
            ("incomplete", _, _) => {
                Some("The first payment still needs you. Finish it under Manage billing.".into())
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

    /// What Stripe charges for one, or, until we have asked, what we offer it for.
    fn each(&self) -> Option<String> {
        match (self.unit_amount, self.currency.as_deref()) {
            (Some(amount), Some(currency)) => Some(money(amount, currency)),
            _ => self.plan.offer().amount(self.interval?).map(plans::price),
        }
    }

    /// What the next invoice will be about, discounts and credit aside.
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
