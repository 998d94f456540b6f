//! What Stripe holds of one customer at one moment, and the billing state that follows from it.
use super::{
    bought::{self, Bought, Products},
    entitlements::Entitlements,
    state::{BillingState, is_alive},
    terms::{AddOn, ScheduledChange},
};
use crate::{
    App,
    db::{At, Json, Scope, kept},
    error::Result,
    stripe::{
        CustomerId, CustomerState, Deadline, Invoice, PaymentMethod, Preview, Schedule, Subscription,
        WantedInvoices,
    },
};

/// The longest name of a product that is kept, in characters.
const MAX_NAME: usize = 200;
/// At most so many add-ons are shown.
const MAX_ADD_ONS: usize = 20;

/// Everything we look at of one customer.
#[derive(Default)]
pub struct Snapshot {
    /// The customer was deleted at Stripe, and everything else is empty.
    pub deleted: bool,
    pub customer: Option<CustomerState>,
    /// The customer's default payment method.
    method: Option<PaymentMethod>,
    /// Ours; those to other products of the Stripe account are left out.
    pub subscriptions: Vec<Subscription>,
    products: Products,
    /// Every open one, the newest ones, and those that were asked for.
    pub invoices: Vec<Invoice>,
    /// Whether these are all that there are.
    pub has_all_invoices: bool,
    /// Ids that were asked for and of which Stripe has no invoice any more.
    pub missing_invoices: Vec<String>,
    /// The next invoice of the subscription that counts, and what is scheduled for it.
    next: Option<Preview>,
    schedule: Option<Schedule>,
}

impl Snapshot {
    /// Asks Stripe for the customer, its subscriptions and invoices, and for what comes next.
    pub async fn fetch(
        app: &App,
        scope: &Scope,
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
        let (subscriptions, products) = bought::subscriptions(app, scope, customer, until).await?;
        let invoices = app.stripe.invoices(customer, wanted, until).await?;
        let snapshot = Self {
            method: held.method().cloned(),
            subscriptions,
            products,
            invoices: invoices.found,
            has_all_invoices: invoices.all,
            missing_invoices: invoices.missing,
            customer: Some(held),
            ..Self::default()
        };
        snapshot.with_what_comes(app, customer, until).await
    }

    /// Adds what is only asked about the subscription that counts.
    async fn with_what_comes(mut self, app: &App, customer: &CustomerId, until: Deadline) -> Result<Self> {
        let Some(s) = chosen(&self.subscriptions).filter(|s| is_alive(&s.status)) else { return Ok(self) };
        let goes_on = matches!(s.status.as_str(), "active" | "trialing" | "past_due");
        let (id, schedule) = (s.id.clone(), s.schedule().map(str::to_owned));
        let asked = goes_on && !is_collection_paused(s);
        if asked {
            self.next = app.stripe.preview(customer, &id, until).await?;
        }
        if let Some(schedule) = schedule {
            let schedule = app.stripe.schedule(&schedule, until).await?;
            let known = std::mem::take(&mut self.products);
            self.products = bought::with_products_of_phases(app, &schedule, known, until).await?;
            self.schedule = Some(schedule);
        }
        Ok(self)
    }

    /// The billing state by this snapshot. `before` is the one it replaces: a used trial stays used, and a
    /// status or a price that we do not know keeps what there was.
    pub fn state(&self, before: &BillingState, now: At) -> BillingState {
        let held = &self.subscriptions;
        let nothing = BillingState {
            synced_at: Some(now),
            trial_used: before.trial_used || held.iter().any(|s| s.trial_end.is_some()),
            live_subscriptions: held.iter().filter(|s| is_alive(&s.status)).count() as i64,
            payment_method_type: self.method.as_ref().map(PaymentMethod::kind),
            payment_method: self.method.as_ref().map(PaymentMethod::text),
            credit: self.customer.as_ref().map_or(0, |held| -held.balance),
            ..BillingState::default()
        };
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
        let (item, bought) = bought::plan_item(s, &self.products).unzip();
        let price = item.and_then(|item| item.price.as_ref());
        let every = price.and_then(|price| price.recurring.as_ref());
        let named = if let Some(Bought::Plan(plan)) = bought { Some(plan) } else { None };
        // A status that we do not know keeps the plan for a while and grants nothing new.
        let plan = match named {
            _ if rank(&s.status) == UNKNOWN => Entitlements::of(before, now).plan,
            Some(plan) => plan,
            None => before.plan,
        };
        let ends_at = s.ends_at().or(self.schedule.as_ref().and_then(Schedule::ends_at));
        let state = BillingState {
            subscription_id: Some(s.id.clone()),
            status: Some(s.status.clone()),
            plan,
            unknown_price: named.is_none(),
            interval: every.map(|every| every.interval.clone()),
            interval_count: every.map(|every| every.interval_count),
            quantity: item.and_then(|item| item.quantity),
            cancel_at: ends_at.map(At::from_unix),
            current_period_end: s.period_end().map(At::from_unix),
            trial_end: s.trial_end.map(At::from_unix),
            unit_amount: price.and_then(|price| price.unit_amount),
            currency: price.and_then(|price| price.currency.clone()),
            invoiced: s.collection_method.as_deref() == Some("send_invoice"),
            processing: self.invoices.iter().any(|it| it.processing && it.subscription() == Some(&s.id)),
            next_payment: self.next.as_ref().map(|next| Json(next.into())),
            add_ons: Json(self.add_ons(s)),
            trouble_since: trouble_since(s, &self.invoices, before, now),
            item_id: item.map(|item| item.id.clone()).filter(|id| !id.is_empty()),
            item_count: s.items().len() as i64,
            collection_paused: is_collection_paused(s),
            schedule_id: s.schedule().map(str::to_owned),
            scheduled_change: self.scheduled_change(s).map(Json),
            ..rest
        };
        self.with_method(state, s)
    }

    /// The subscription's own payment method is charged in place of the customer's.
    fn with_method(&self, state: BillingState, s: &Subscription) -> BillingState {
        let other =
            self.method.as_ref().filter(|usual| s.method().is_some_and(|pinned| pinned.id != usual.id));
        let charged = s.method().or(self.method.as_ref());
        BillingState {
            payment_method_type: charged.map(PaymentMethod::kind),
            payment_method: charged.map(PaymentMethod::text),
            other_payment_method: other.map(PaymentMethod::name),
            other_payment_method_id: other.map(|method| method.id.clone()),
            ..state
        }
    }

    /// The items of other products.
    fn add_ons(&self, s: &Subscription) -> Vec<AddOn> {
        let others = s.items().iter().filter_map(|item| {
            let price =
                item.price.as_ref().filter(|price| bought::bought(price, &self.products) == Bought::AddOn)?;
            let product = price.product().and_then(|id| self.products.get(id));
            let every = price.recurring.as_ref();
            Some(AddOn {
                name: product.map_or("Add-on".into(), |product| kept(&product.name, MAX_NAME)),
                quantity: item.quantity,
                unit_amount: price.unit_amount,
                currency: price.currency.clone(),
                interval: every.map(|every| every.interval.clone()),
                interval_count: every.map_or(1, |every| every.interval_count),
            })
        });
        others.take(MAX_ADD_ONS).collect()
    }

    /// The change that the schedule's next phase brings, if it brings one.
    fn scheduled_change(&self, s: &Subscription) -> Option<ScheduledChange> {
        let next = self.schedule.as_ref()?.next()?;
        let judged =
            next.items().map(|(price, quantity)| (price, quantity, bought::bought(price, &self.products)));
        let (price, quantity, bought) = judged.min_by_key(|(_, _, bought)| *bought == Bought::AddOn)?;
        let present = bought::plan_item(s, &self.products).map(|(item, _)| item)?;
        let same =
            present.price.as_ref().is_some_and(|now| now.id == price.id) && present.quantity == quantity;
        let every = price.recurring.as_ref();
        (!same).then(|| ScheduledChange {
            plan: if let Bought::Plan(plan) = bought { Some(plan.as_str().into()) } else { None },
            interval: every.map(|every| every.interval.clone()),
            interval_count: every.map_or(1, |every| every.interval_count),
            quantity,
            at: next.start_date,
        })
    }
}

/// The subscription that counts: the one that entitles most, then the newest.
fn chosen(held: &[Subscription]) -> Option<&Subscription> {
    held.iter().max_by_key(|s| (rank(&s.status), s.created))
}

fn is_collection_paused(s: &Subscription) -> bool {
    s.pause_collection.as_ref().is_some_and(|pause| !pause.is_null())
}

/// Since when there is trouble: since the first invoice of this subscription that could not be collected or was
/// not paid when it was due, or since we first saw a status that we do not know.
fn trouble_since(s: &Subscription, invoices: &[Invoice], before: &BillingState, now: At) -> Option<At> {
    let unpaid = invoices.iter().filter(|invoice| invoice.is_open() && invoice.subscription() == Some(&s.id));
    let failed = unpaid.filter_map(|invoice| match invoice.due_date {
        Some(due) => Some(due).filter(|due| *due <= now.unix()),
        None => Some(invoice.created).filter(|_| invoice.attempted),
    });
    let first_failure = failed.map(At::from_unix).min_by_key(|at| at.unix());
    let known = before.trouble_since.filter(|_| before.subscription_id.as_ref() == Some(&s.id));
    match s.status.as_str() {
        "past_due" | "unpaid" => first_failure.or(known).or(Some(now)),
        word if rank(word) != UNKNOWN => None,
        _ => known.or(Some(now)),
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
    use super::{super::plans::Plan, *};

    fn held(json: &str) -> Snapshot {
        Snapshot { subscriptions: serde_json::from_str(json).unwrap(), ..Snapshot::default() }
    }

    fn state(json: &str, before: &BillingState) -> BillingState {
        held(json).state(before, At::from_unix(10))
    }

    #[test]
    fn the_subscription_that_entitles_most_is_the_one_that_counts() {
        let state = state(
            r#"[{"id":"sub_new","status":"canceled","created":9,"items":{"data":[]}},
                {"id":"sub_old","status":"active","created":1,"items":{"data":[{"quantity":3,"current_period_end":50,
                 "price":{"id":"price_1","lookup_key":"business_year","recurring":{"interval":"year"}}}]}}]"#,
            &BillingState::default(),
        );

        assert_eq!(state.subscription_id.as_deref(), Some("sub_old"));
        assert_eq!(
            (state.plan, state.interval.as_deref(), state.quantity, state.live_subscriptions),
            (Plan::Business, Some("year"), Some(3), 1)
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
    fn a_price_that_names_no_plan_keeps_the_plan_that_was() {
        let by_hand =
            r#"[{"id":"sub_1","status":"active","items":{"data":[{"price":{"id":"price_by_hand"}}]}}]"#;
        let had = BillingState { plan: Plan::Business, ..BillingState::default() };

        let after = state(by_hand, &had);

        assert_eq!((after.plan, after.unknown_price), (Plan::Business, true));
    }

    #[test]
    fn the_subscriptions_own_card_goes_before_the_customers() {
        let mut snapshot = held(
            r#"[{"id":"sub_1","status":"active","items":{"data":[]},"default_payment_method":{"id":"pm_1","type":"card",
                 "card":{"brand":"visa","last4":"0341","exp_month":1,"exp_year":2030}}}]"#,
        );
        let usual = r#"{"id":"pm_2","type":"card","card":{"brand":"mastercard","last4":"4444","exp_month":12,"exp_year":2034}}"#;
        snapshot.method = serde_json::from_str(usual).unwrap();

        let state = snapshot.state(&BillingState::default(), At::from_unix(1));

        assert_eq!(state.payment_method.as_deref(), Some("Visa ending in 0341, expires 01/2030"));
        assert_eq!(
            state.other_payment_method.as_deref(),
            Some("Mastercard ending in 4444"),
            "and can take its place"
        );
    }

    #[test]
    fn trouble_begins_with_the_first_failed_invoice_of_this_subscription() {
        let sub = |status: &str| {
            let json = format!(r#"{{"id":"sub_1","status":"{status}","items":{{"data":[]}}}}"#);
            serde_json::from_str::<Subscription>(&json).unwrap()
        };
        let invoices: Vec<Invoice> = serde_json::from_str(
            r#"[{"id":"in_2","status":"open","attempted":true,"created":200,"subscription":"sub_1"},
                {"id":"in_1","status":"open","attempted":true,"created":100,"subscription":"sub_1"},
                {"id":"in_old","status":"open","attempted":true,"created":2,"subscription":"sub_gone"},
                {"id":"in_0","status":"paid","attempted":true,"created":1,"subscription":"sub_1"}]"#,
        )
        .unwrap();
        let (before, now) = (BillingState::default(), At::from_unix(300));

        assert_eq!(trouble_since(&sub("past_due"), &invoices, &before, now), Some(At::from_unix(100)));
        assert_eq!(trouble_since(&sub("active"), &invoices, &before, now), None);
        assert_eq!(trouble_since(&sub("hibernating"), &[], &before, now), Some(now));
    }
}
