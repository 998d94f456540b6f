//! What a change of the billing state sets off: audit entries and mails. They come from the difference between
//! the old and the new state, in the transaction that writes the new one, so that a webhook delivered twice
//! causes nothing twice.
use super::{
    db,
    entitlements::GRACE,
    snapshot::Snapshot,
    state::{BillingState, is_alive},
};
use crate::{
    App,
    audit::{self, Event},
    db::{At, OrgTx},
    error::Result,
    mail::{self, Message},
    stripe::{Invoice, Subscription},
    words::{date, money},
};
use time::Duration;

/// What happened longer ago (before an outage, in a restored backup) is not mailed any more.
const MAX_AGE: Duration = Duration::days(3);
/// How long before a trial's end we write.
const TRIAL_WARNING: Duration = Duration::days(3);

/// A mail to send.
struct Notification {
    /// Why it is sent: the same reason never mails the same person twice.
    key: String,
    /// When it happened at Stripe.
    at: At,
    message: Message,
    /// The invoice that its button leads to; none for the billing page.
    invoice: Option<String>,
}

impl Notification {
    /// One that leads to the billing page.
    fn new(key: String, at: At, message: Message) -> Self {
        Self { key, at, message, invoice: None }
    }
}

/// Records and mails what changed between two billing states. `snapshot` is what `after` was made from.
pub async fn of_change(
    tx: &mut OrgTx<'_>,
    app: &App,
    before: &BillingState,
    after: &BillingState,
    snapshot: &Snapshot,
) -> Result<()> {
    let (subscriptions, invoices) = (&snapshot.subscriptions, &snapshot.invoices);
    for (field, old, new) in differences(before, after) {
        let event = Event::SubscriptionChanged { field, old: &old, new: &new };
        audit::record(tx, app.clock.now(), event).await?;
    }
    let now = app.billing_now();
    let mut all = of_subscription(before, after, subscriptions, now);
    all.extend(of_payment(before, after, invoices, now));
    all.extend(of_invoices(after, invoices, now));
    for it in all.into_iter().filter(|it| it.at > now - MAX_AGE) {
        send(tx, app, it, now).await?;
    }
    Ok(())
}

/// Records that the customer was deleted at Stripe.
pub async fn customer_deleted(tx: &mut OrgTx<'_>, app: &App) -> Result<()> {
    audit::record(tx, app.clock.now(), Event::CustomerDetached).await
}

/// Mails everybody who may manage billing, and nobody else.
async fn send(tx: &mut OrgTx<'_>, app: &App, notification: Notification, now: At) -> Result<()> {
    let invoice = notification.invoice.map(|id| format!("/invoices/{id}")).unwrap_or_default();
    let link = app.url(&format!("/orgs/{}/billing{invoice}", tx.scope().slug()));
    let everybody = db::recipients(tx).await?;
    let managers = everybody.into_iter().filter(|person| person.role.may_bill());
    let managers = managers.map(|person| (person.email, person.org_name)).collect();
    let Notification { key, message, .. } = notification;
    mail::enqueue(tx, app, managers, &key, &message, &link, now).await
}

/// Name, old and new value of each field that changed, of those that people ask about.
fn differences(before: &BillingState, after: &BillingState) -> Vec<(&'static str, String, String)> {
    let fields = |s: &BillingState| {
        let at = |instant: Option<At>| instant.map(date).unwrap_or_default();
        [
            ("status", s.status.clone().unwrap_or_default()),
            ("plan", s.plan.as_str().to_owned()),
            ("interval", s.interval.clone().unwrap_or_default()),
            ("quantity", s.quantity.map(|n| n.to_string()).unwrap_or_default()),
            ("cancel_at", at(s.cancel_at)),
            ("payment_method", s.payment_method.clone().unwrap_or_default()),
            ("scheduled", s.scheduled_change.as_ref().map(|change| change.text()).unwrap_or_default()),
            ("subscription", s.subscription_id.clone().unwrap_or_default()),
        ]
    };
    let pairs = fields(before).into_iter().zip(fields(after));
    pairs.filter(|(old, new)| old.1 != new.1).map(|((field, old), (_, new))| (field, old, new)).collect()
}

/// The beginning and the end of a subscription, and a change of mind about the end.
fn of_subscription(
    before: &BillingState,
    after: &BillingState,
    held: &[Subscription],
    now: At,
) -> Vec<Notification> {
    let mut all = Vec::new();
    let id = after.subscription_id.clone().unwrap_or_default();
    let current = held.iter().find(|s| s.id == id);
    if let Some(started) = current.filter(|_| before.subscription_id != after.subscription_id) {
        let at = At::from_unix(started.created);
        all.push(Notification::new(
            format!("started:{id}"),
            at,
            Message::Started { plan: after.plan_name() },
        ));
    }
    if let Some(ends) = after.cancel_at.filter(|_| before.cancel_at.is_none() && !id.is_empty()) {
        let at = current.and_then(|s| s.canceled_at).map_or(now, At::from_unix);
        let (key, on) = (format!("ends:{id}:{}:{}", ends.unix(), at.unix()), date(ends));
        let next = after.next_payment.as_ref().filter(|next| next.amount > 0).map(|next| next.text());
        all.push(Notification::new(key, at, Message::WillEnd { plan: after.plan_name(), on, next }));
    }
    if before.cancel_at.is_some()
        && after.cancel_at.is_none()
        && before.subscription_id == after.subscription_id
    {
        // Stripe keeps no date for this. The last sync's time in the key lets somebody who cancels and resumes
        // a second time get a second mail.
        let key = format!("renewed:{id}:{}", before.synced_at.map_or(0, At::unix));
        all.push(Notification::new(key, now, Message::GoesOn { plan: after.plan_name() }));
    }
    if let Some(change) =
        after.scheduled_change.as_ref().filter(|_| before.scheduled_change != after.scheduled_change)
    {
        let key =
            format!("scheduled:{id}:{}:{}", after.schedule_id.as_deref().unwrap_or_default(), change.at);
        all.push(Notification::new(key, now, Message::WillChange { to: change.text() }));
    }
    if let Some((ended, at)) = ended(before, after, held) {
        let message = Message::Ended { plan: before.plan_name() };
        all.push(Notification::new(format!("ended:{ended}"), at.unwrap_or(now), message));
    }
    all
}

/// What a payment needs, and that it was made after all.
fn of_payment(
    before: &BillingState,
    after: &BillingState,
    invoices: &[Invoice],
    now: At,
) -> Vec<Notification> {
    let mut all = Vec::new();
    let id = after.subscription_id.as_deref().unwrap_or_default();
    if let Some(end) = after.trial_end.filter(|end| is_trialing(after) && *end - TRIAL_WARNING <= now) {
        let (key, on) = (format!("trial:{id}:{}", end.unix()), date(end));
        let message =
            Message::TrialEnding { plan: after.plan_name(), on, has_method: after.payment_method.is_some() };
        all.push(Notification::new(key, now, message));
    }
    if let Some(since) = after.trouble_since.filter(|since| is_past_due(after) && *since + GRACE <= now) {
        let key = format!("read-only:{id}:{}", since.unix());
        all.push(Notification::new(key, since + GRACE, Message::ReadOnly));
    }
    if before.status.as_deref() == Some("past_due") && after.status.as_deref() == Some("active") {
        let key = format!("recovered:{id}:{}", before.trouble_since.map_or(0, At::unix));
        let at = invoices.iter().filter_map(Invoice::paid_at).max().map_or(now, At::from_unix);
        all.push(Notification::new(key, at, Message::Recovered));
    }
    all
}

fn is_past_due(state: &BillingState) -> bool {
    matches!(state.status.as_deref(), Some("past_due" | "unpaid"))
}

fn is_trialing(state: &BillingState) -> bool {
    state.status.as_deref() == Some("trialing") && state.cancel_at.is_none()
}

/// The subscription that was alive before, if none is now, and when it ended. The subscription of a deleted
/// customer is not listed at all.
fn ended<'s>(
    before: &'s BillingState,
    after: &BillingState,
    held: &[Subscription],
) -> Option<(&'s str, Option<At>)> {
    let was = before.subscription_id.as_deref().filter(|_| !after.is_alive())?;
    match held.iter().find(|s| s.id == was) {
        Some(listed) if is_alive(&listed.status) => None,
        Some(listed) => Some((was, listed.ended_at.map(At::from_unix))),
        None => (after.status.as_deref() == Some("canceled")).then_some((was, None)),
    }
}

/// Each invoice of the subscription that is overdue, once: its payment failed, or nobody paid it when it was due.
fn of_invoices(after: &BillingState, invoices: &[Invoice], now: At) -> Vec<Notification> {
    let (troubled, id) = (is_past_due(after) && !after.processing, after.subscription_id.as_deref());
    let open = invoices.iter().filter(|it| troubled && it.is_open() && it.subscription() == id);
    let one = |invoice: &Invoice| {
        let (id, due) = (invoice.id.clone()?, invoice.due_date);
        let amount = money(invoice.amount_remaining, &invoice.currency);
        let (key, at, message) = match due {
            Some(due) if due > now.unix() => return None,
            Some(due) => {
                let at = At::from_unix(due);
                (format!("overdue:{id}"), at, Message::InvoiceOverdue { amount, due: date(at) })
            }
            None if !invoice.attempted => return None,
            None => {
                let at = At::from_unix(invoice.created);
                (format!("failed:{id}"), at, Message::PaymentFailed { amount })
            }
        };
        Some(Notification { invoice: Some(id), ..Notification::new(key, at, message) })
    };
    open.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::plans::Plan;

    fn state(status: &str) -> BillingState {
        BillingState {
            subscription_id: Some("sub_1".into()),
            status: Some(status.into()),
            plan: Plan::Pro,
            ..BillingState::default()
        }
    }

    #[test]
    fn an_entry_names_field_old_and_new_and_only_what_changed() {
        let after = BillingState { cancel_at: Some(At::from_unix(1_798_761_600)), ..state("active") };

        let found = differences(&state("active"), &after);

        assert_eq!(found, [("cancel_at", String::new(), "1 January 2027".to_owned())]);
        assert!(differences(&after, &after).is_empty());
    }

    #[test]
    fn a_subscription_that_ends_is_mailed_once_under_its_own_id() {
        let held: Vec<Subscription> =
            serde_json::from_str(r#"[{"id":"sub_1","status":"canceled","ended_at":50,"items":{"data":[]}}]"#)
                .unwrap();

        let mails = of_subscription(&state("active"), &BillingState::default(), &held, At::from_unix(60));

        assert_eq!(mails.iter().map(|n| n.key.as_str()).collect::<Vec<_>>(), ["ended:sub_1"]);
    }
}
