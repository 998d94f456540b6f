//! The only writer of our copy: Stripe is asked for the truth, whoever says that something changed.
use super::{
    BillingState, Entitlements, db,
    db::InvoiceRow,
    notices,
    plans::{Interval, Plan, of_lookup_key},
    state::card_text,
};
use crate::{
    App,
    db::{At, OrgTx, Scope},
    error::{Error, Result},
    stripe::{Card, CustomerId, Deadline, Invoice, PaymentMethod, Subscription},
};

/// Losing this often to other writers within one call means that something else is wrong.
const TRIES: u32 = 5;

/// Everything we look at of one customer, asked for at once.
struct Truth {
    deleted: bool,
    /// The customer's default.
    method: Option<PaymentMethod>,
    subscriptions: Vec<Subscription>,
    invoices: Vec<Invoice>,
}

/// Fetches what Stripe holds for the organisation and writes it down. Without a customer there is
/// nothing to ask for.
pub async fn sync(app: &App, scope: &Scope, until: Deadline) -> Result<()> {
    match sync_processing(app, scope, until, &[]).await {
        Err(Error::NotFound) => Ok(()),
        synced => synced,
    }
}

/// The same, and in the same transaction processes the events that asked for it; `NotFound` where there
/// is no customer (any more). What was fetched before somebody else wrote is fetched again, so that an
/// older truth never replaces a newer one.
pub(super) async fn sync_processing(
    app: &App,
    scope: &Scope,
    until: Deadline,
    events: &[String],
) -> Result<()> {
    let binding = db::binding(&mut app.db.read(scope).await?, scope.org()).await?.ok_or(Error::NotFound)?;
    for _ in 0..TRIES {
        let version = db::version(&mut app.db.read(scope).await?, scope.org()).await?;
        let truth = fetch(app, &binding.customer_id, until).await?;
        if write(app, scope, &truth, version, events).await? {
            app.work_arrived.notify_waiters();
            return Ok(());
        }
    }
    Err(Error::Busy)
}

async fn fetch(app: &App, customer: &CustomerId, until: Deadline) -> Result<Truth> {
    let gone = || Truth { deleted: true, method: None, subscriptions: Vec::new(), invoices: Vec::new() };
    let held = match app.stripe.customer(customer, until).await {
        Err(error) if error.is_missing_customer() => return Ok(gone()),
        held => held?,
    };
    if held.deleted {
        return Ok(gone());
    }
    let subscriptions = app.stripe.subscriptions(customer, until).await?;
    let invoices = app.stripe.invoices(customer, until).await?;
    Ok(Truth { deleted: false, method: held.method().cloned(), subscriptions, invoices })
}

/// False if somebody else wrote since `version` was read.
async fn write(app: &App, scope: &Scope, truth: &Truth, version: i64, events: &[String]) -> Result<bool> {
    let now = app.billing_now();
    let mut tx = app.db.write(scope).await?;
    tx.lock().await?;
    let before = db::state(&mut tx, scope.org()).await?.unwrap_or_default();
    let after = state_from(truth, &before, now);
    if !db::replace_state(&mut tx, &after, version).await? {
        return Ok(false);
    }
    for invoice in truth.invoices.iter().filter_map(row) {
        db::put_invoice(&mut tx, &invoice).await?;
    }
    if truth.deleted && db::detach_customer(&mut tx, now).await? {
        notices::detached(&mut tx, app).await?;
    }
    notices::tell(&mut tx, app, &before, &after, &truth.subscriptions, &truth.invoices).await?;
    process(&mut tx, events, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

async fn process(tx: &mut OrgTx<'_>, events: &[String], now: At) -> Result<()> {
    for id in events {
        db::mark_processed(&mut *tx, id, now).await?;
    }
    Ok(())
}

fn row(invoice: &Invoice) -> Option<InvoiceRow> {
    Some(InvoiceRow {
        id: invoice.id.clone()?,
        number: invoice.number.clone(),
        status: invoice.status.clone().unwrap_or_default(),
        total: invoice.total,
        amount_remaining: invoice.amount_remaining,
        currency: invoice.currency.clone(),
        created_at: At::from_unix(invoice.created),
        page_url: invoice.hosted_invoice_url.clone(),
        pdf_url: invoice.invoice_pdf.clone(),
    })
}

/// Of several subscriptions the one that entitles most, then the newest.
pub fn chosen(held: &[Subscription]) -> Option<&Subscription> {
    held.iter().max_by_key(|s| (rank(&s.status), s.created))
}

fn state_from(truth: &Truth, before: &BillingState, now: At) -> BillingState {
    let held = &truth.subscriptions;
    let nothing = BillingState {
        synced_at: Some(now),
        trial_used: before.trial_used || held.iter().any(|s| s.trial_end.is_some()),
        live_subscriptions: held.iter().filter(|s| is_alive(&s.status)).count() as i64,
        ..BillingState::default()
    };
    let nothing = with_card(nothing, truth.method.as_ref().and_then(|method| method.card.as_ref()));
    match chosen(held) {
        None if truth.deleted && before.status.is_some() => {
            BillingState { status: Some("canceled".into()), ..nothing }
        }
        None => nothing,
        Some(ended) if !is_alive(&ended.status) => {
            BillingState { status: Some(ended.status.clone()), ..nothing }
        }
        Some(alive) => of_subscription(alive, truth, before, now, nothing),
    }
}

fn of_subscription(
    s: &Subscription,
    truth: &Truth,
    before: &BillingState,
    now: At,
    rest: BillingState,
) -> BillingState {
    let bought = s.lookup_keys().find_map(|key| of_lookup_key(&key));
    let (plan, interval): (Plan, Option<Interval>) = match bought {
        Some((plan, interval)) => (plan, Some(interval)),
        None => (Plan::Free, None),
    };
    // A word we do not know keeps for a while what there was, and grants nothing new.
    let plan = if rank(&s.status) == STRANGE { Entitlements::of(before, now).plan } else { plan };
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
        trouble_since: trouble_since(&s.status, &truth.invoices, before, now),
        item_id: first.map(|item| item.id.clone()).filter(|id| !id.is_empty()),
        item_count: s.items().len() as i64,
        collection_paused: s.pause_collection.as_ref().is_some_and(|pause| !pause.is_null()),
        scheduled: s.schedule.as_ref().is_some_and(|schedule| !schedule.is_null()),
        ..rest
    };
    let other = truth.method.as_ref().filter(|usual| s.method().is_some_and(|pinned| pinned.id != usual.id));
    let charged = s.method().or(truth.method.as_ref()).and_then(|method| method.card.as_ref());
    let state = with_card(state, charged);
    BillingState {
        other_payment_method: other
            .and_then(|method| method.card.as_ref())
            .map(|card| card_text(&card.brand, &card.last4)),
        other_payment_method_id: other.map(|method| method.id.clone()),
        ..state
    }
}

/// Since the first invoice that could not be collected; of a strange state since we first saw it.
fn trouble_since(status: &str, invoices: &[Invoice], before: &BillingState, now: At) -> Option<At> {
    let unpaid = invoices.iter().filter(|i| i.status.as_deref() == Some("open") && i.attempted);
    let first_failure = unpaid.map(|invoice| At::from_unix(invoice.created)).min();
    match status {
        "past_due" | "unpaid" => first_failure.or(before.trouble_since).or(Some(now)),
        known if rank(known) != STRANGE => None,
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

pub fn is_alive(status: &str) -> bool {
    !matches!(status, "canceled" | "incomplete_expired")
}

/// A word of Stripe's that is newer than we are.
const STRANGE: u8 = 3;

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
        _ => STRANGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(json: &str) -> Truth {
        let subscriptions = serde_json::from_str(json).unwrap();
        Truth { deleted: false, method: None, subscriptions, invoices: Vec::new() }
    }

    fn state(json: &str, before: &BillingState) -> BillingState {
        state_from(&held(json), before, At::from_unix(10))
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
        let mut truth = held(
            r#"[{"id":"sub_1","status":"active","default_payment_method":{"id":"pm_1","card":{"brand":"visa","last4":"0341","exp_month":1,"exp_year":2030}},
                 "items":{"data":[]}}]"#,
        );
        let card = Card { brand: "mastercard".into(), last4: "4444".into(), exp_month: 12, exp_year: 2034 };
        truth.method = Some(PaymentMethod { id: "pm_2".into(), card: Some(card) });

        let state = state_from(&truth, &BillingState::default(), At::from_unix(1));

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
