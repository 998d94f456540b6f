//! What Stripe holds of one customer at one moment, and the billing state that follows from it.
use super::{
    entitlements::Entitlements,
    plans::{Interval, Plan, of_lookup_key},
    state::{BillingState, card_text, is_alive},
};
use crate::{
    App,
    db::At,
    error::Result,
    stripe::{
        Card, CustomerId, CustomerState, Deadline, Invoice, PaymentMethod, Subscription, WantedInvoices,
    },
};

/// Everything we look at of one customer.
#[derive(Default)]
pub struct Snapshot {
    /// The customer was deleted at Stripe, and everything else is empty.
    pub deleted: bool,
    pub customer: Option<CustomerState>,
    /// The customer's default payment method.
    method: Option<PaymentMethod>,
    pub subscriptions: Vec<Subscription>,
    /// Every open one, the newest ones, and those that were asked for.
    pub invoices: Vec<Invoice>,
    /// Whether these are all that there are.
    pub has_all_invoices: bool,
    /// Ids that were asked for and of which Stripe has no invoice any more.
    pub missing_invoices: Vec<String>,
}

impl Snapshot {
    /// Asks Stripe for the customer, its subscriptions and its invoices.
    pub async fn fetch(
        app: &App,
        customer: &CustomerId,
        wanted: &WantedInvoices,
        until: Deadline,
    ) -> Result<Self> {
        let deleted = || Self { deleted: true, ..Self::default() };
        let held = match app.stripe.customer(customer, until).await {
            Err(error) if error.is_missing_customer() => return Ok(deleted()),
            held => held?,
        };
        if held.deleted {
            return Ok(deleted());
        }
        let subscriptions = app.stripe.subscriptions(customer, until).await?;
        let invoices = app.stripe.invoices(customer, wanted, until).await?;
        Ok(Self {
            deleted: false,
            method: held.method().cloned(),
            customer: Some(held),
            subscriptions,
            invoices: invoices.found,
            has_all_invoices: invoices.all,
            missing_invoices: invoices.missing,
        })
    }

    /// The billing state by this snapshot. `before` is the one it replaces: a used trial stays used, and a
    /// status that we do not know keeps what there was.
    pub fn state(&self, before: &BillingState, now: At) -> BillingState {
        let held = &self.subscriptions;
        let nothing = BillingState {
            synced_at: Some(now),
            trial_used: before.trial_used || held.iter().any(|s| s.trial_end.is_some()),
            live_subscriptions: held.iter().filter(|s| is_alive(&s.status)).count() as i64,
            ..BillingState::default()
        };
        let nothing = with_card(nothing, self.method.as_ref().and_then(|method| method.card.as_ref()));
        match chosen(held) {
            None if self.deleted && before.status.is_some() => {
                BillingState { status: Some("canceled".into()), ..nothing }
            }
            None => nothing,
            Some(ended) if !is_alive(&ended.status) => {
                BillingState { status: Some(ended.status.clone()), ..nothing }
            }
            Some(alive) => self.of_subscription(alive, before, now, nothing),
        }
    }

    fn of_subscription(
        &self,
        s: &Subscription,
        before: &BillingState,
        now: At,
        rest: BillingState,
    ) -> BillingState {
        let bought = s.lookup_keys().find_map(|key| of_lookup_key(&key));
        let (plan, interval): (Plan, Option<Interval>) = match bought {
            Some((plan, interval)) => (plan, Some(interval)),
            None => (Plan::Free, None),
        };
        // A status that we do not know keeps the plan for a while and grants nothing new.
        let plan = if rank(&s.status) == UNKNOWN { Entitlements::of(before, now).plan } else { plan };
        let first = s.items().first();
        let price = first.and_then(|item| item.price.as_ref());
        let state = BillingState {
            subscription_id: Some(s.id.clone()),
            status: Some(s.status.clone()),
            plan,
            interval,
            quantity: s.quantity(),
            cancel_at: s.ends_at().map(At::from_unix),
            current_period_end: s.period_end().map(At::from_unix),
            trial_end: s.trial_end.map(At::from_unix),
            unit_amount: price.and_then(|price| price.unit_amount),
            currency: price.and_then(|price| price.currency.clone()),
            trouble_since: trouble_since(&s.status, &self.invoices, before, now),
            item_id: first.map(|item| item.id.clone()).filter(|id| !id.is_empty()),
            item_count: s.items().len() as i64,
            collection_paused: s.pause_collection.as_ref().is_some_and(|pause| !pause.is_null()),
            scheduled: s.schedule.as_ref().is_some_and(|schedule| !schedule.is_null()),
            ..rest
        };
        let other =
            self.method.as_ref().filter(|usual| s.method().is_some_and(|pinned| pinned.id != usual.id));
        let charged = s.method().or(self.method.as_ref()).and_then(|method| method.card.as_ref());
        let state = with_card(state, charged);
        BillingState {
            other_payment_method: other
                .and_then(|method| method.card.as_ref())
                .map(|card| card_text(&card.brand, &card.last4)),
            other_payment_method_id: other.map(|method| method.id.clone()),
            ..state
        }
    }
}

/// The subscription that counts: the one that entitles most, then the newest.
fn chosen(held: &[Subscription]) -> Option<&Subscription> {
    held.iter().max_by_key(|s| (rank(&s.status), s.created))
}

/// Since when there is trouble: since the first invoice that could not be collected, or since we first saw a status
/// that we do not know.
fn trouble_since(status: &str, invoices: &[Invoice], before: &BillingState, now: At) -> Option<At> {
    let unpaid = invoices.iter().filter(|i| i.status.as_deref() == Some("open") && i.attempted);
    let first_failure = unpaid.map(|invoice| At::from_unix(invoice.created)).min();
    match status {
        "past_due" | "unpaid" => first_failure.or(before.trouble_since).or(Some(now)),
        known if rank(known) != UNKNOWN => None,
        _ => before.trouble_since.or(Some(now)),
    }
}

fn with_card(state: BillingState, card: Option<&Card>) -> BillingState {
    BillingState {
        card_brand: card.map(|card| card.brand.clone()),
        card_last4: card.map(|card| card.last4.clone()),
        card_expires: card.map(|card| format!("{:02}/{}", card.exp_month, card.exp_year)),
        ..state
    }
}

/// The rank of a status that is newer than this program.
const UNKNOWN: u8 = 3;

/// How much a status entitles to.
fn rank(status: &str) -> u8 {
    match status {
        "active" => 8,
        "trialing" => 7,
        "past_due" => 6,
        "unpaid" => 5,
        "paused" => 4,
        "incomplete" => 2,
        "canceled" => 1,
        "incomplete_expired" => 0,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(json: &str) -> Snapshot {
        let subscriptions = serde_json::from_str(json).unwrap();
        Snapshot { subscriptions, ..Snapshot::default() }
    }

    fn state(json: &str, before: &BillingState) -> BillingState {
        held(json).state(before, At::from_unix(10))
    }

    #[test]
    fn the_subscription_that_entitles_most_is_the_one_that_counts() {
        let state = state(
            r#"[{"id":"sub_new","status":"canceled","created":9,"items":{"data":[]}},
                {"id":"sub_old","status":"active","created":1,"items":{"data":[{"quantity":3,"current_period_end":50,"price":{"id":"price_1","lookup_key":"business_year"}}]}}]"#,
            &BillingState::default(),
        );

        assert_eq!(state.subscription_id.as_deref(), Some("sub_old"));
        assert_eq!(
            (state.plan, state.interval, state.quantity, state.live_subscriptions),
            (Plan::Business, Some(Interval::Year), Some(3), 1)
        );
    }

    #[test]
    fn an_ended_subscription_leaves_its_word_and_nothing_else() {
        let state = state(
            r#"[{"id":"sub_1","status":"canceled","created":9,"trial_end":5,"items":{"data":[{"quantity":1,"price":{"id":"price_1","lookup_key":"pro_month"}}]}}]"#,
            &BillingState::default(),
        );

        assert_eq!(
            (state.status.as_deref(), state.plan, state.subscription_id),
            (Some("canceled"), Plan::Free, None)
        );
        assert!(state.trial_used, "there is one trial in an organisation's life");
    }

    #[test]
    fn the_subscriptions_own_card_goes_before_the_customers() {
        let mut snapshot = held(
            r#"[{"id":"sub_1","status":"active","default_payment_method":{"id":"pm_1","card":{"brand":"visa","last4":"0341","exp_month":1,"exp_year":2030}},
                 "items":{"data":[]}}]"#,
        );
        let card = Card { brand: "mastercard".into(), last4: "4444".into(), exp_month: 12, exp_year: 2034 };
        snapshot.method = Some(PaymentMethod { id: "pm_2".into(), card: Some(card) });

        let state = snapshot.state(&BillingState::default(), At::from_unix(1));

        assert_eq!(state.card_last4.as_deref(), Some("0341"));
        assert_eq!(
            state.other_payment_method.as_deref(),
            Some("Mastercard ending in 4444"),
            "and can take its place"
        );
    }

    #[test]
    fn trouble_begins_with_the_first_invoice_that_failed_and_ends_with_the_state() {
        let invoices: Vec<Invoice> = serde_json::from_str(
            r#"[{"id":"in_2","status":"open","attempted":true,"created":200},{"id":"in_1","status":"open","attempted":true,"created":100},
                {"id":"in_0","status":"paid","attempted":true,"created":1}]"#,
        )
        .unwrap();
        let (before, now) = (BillingState::default(), At::from_unix(300));

        assert_eq!(trouble_since("past_due", &invoices, &before, now), Some(At::from_unix(100)));
        assert_eq!(trouble_since("active", &invoices, &before, now), None);
        assert_eq!(trouble_since("hibernating", &[], &before, now), Some(now));
    }
}
