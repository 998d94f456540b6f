//! What a change of our copy means to people: audit entries and mails, from the difference between
//! old and new and in the same transaction, so that a doubled webhook causes neither twice.
use super::{BillingState, GRACE, db, sync::is_alive};
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

/// News older than this (after an outage, a restored backup) is not mailed any more.
const STALE: Duration = Duration::days(3);
const TRIAL_WARNING: Duration = Duration::days(3);

/// A mail with the reason why it is sent: the same reason never mails twice.
struct News {
    key: String,
    /// When it happened at Stripe.
    at: At,
    message: Message,
}

pub async fn tell(
    tx: &mut OrgTx<'_>,
    app: &App,
    before: &BillingState,
    after: &BillingState,
    subscriptions: &[Subscription],
    invoices: &[Invoice],
) -> Result<()> {
    for (field, old, new) in differences(before, after) {
        let event = Event::SubscriptionChanged { field, old: &old, new: &new };
        audit::record(tx, app.clock.now(), event).await?;
    }
    let now = app.billing_now();
    let mut news = of_state(before, after, subscriptions, now);
    news.extend(of_trouble(before, after, invoices, now));
    news.extend(of_invoices(after, invoices));
    for it in news.into_iter().filter(|it| it.at > now - STALE) {
        send(tx, app, it, now).await?;
    }
    Ok(())
}

/// The customer was deleted at Stripe.
pub async fn detached(tx: &mut OrgTx<'_>, app: &App) -> Result<()> {
    audit::record(tx, app.clock.now(), Event::CustomerDetached).await
}

async fn send(tx: &mut OrgTx<'_>, app: &App, news: News, now: At) -> Result<()> {
    let link = app.url(&format!("/orgs/{}/billing", tx.scope().slug()));
    let org = tx.org();
    let people = db::billing_managers(&mut *tx, org).await?;
    mail::tell(tx, app, people, &news.key, &news.message, &link, now).await
}

/// Field, old and new value of all that people would ask about.
fn differences(before: &BillingState, after: &BillingState) -> Vec<(&'static str, String, String)> {
    let fields = |s: &BillingState| {
        let at = |instant: Option<At>| instant.map(date).unwrap_or_default();
        [
            ("status", s.status.clone().unwrap_or_default()),
            ("plan", s.plan.as_str().to_owned()),
            ("interval", s.interval.map(|i| i.as_str().to_owned()).unwrap_or_default()),
            ("quantity", s.quantity.map(|n| n.to_string()).unwrap_or_default()),
            ("cancel_at", at(s.cancel_at)),
            ("card", s.card().unwrap_or_default()),
            ("subscription", s.subscription_id.clone().unwrap_or_default()),
        ]
    };
    let pairs = fields(before).into_iter().zip(fields(after));
    pairs.filter(|(old, new)| old.1 != new.1).map(|((field, old), (_, new))| (field, old, new)).collect()
}

fn of_state(before: &BillingState, after: &BillingState, held: &[Subscription], now: At) -> Vec<News> {
    let mut news = Vec::new();
    let id = after.subscription_id.clone().unwrap_or_default();
    let current = held.iter().find(|s| s.id == id);
    if let Some(started) = current.filter(|_| before.subscription_id != after.subscription_id) {
        let at = At::from_unix(started.created);
        news.push(News {
            key: format!("started:{id}"),
            at,
            message: Message::Started { plan: after.plan_name() },
        });
    }
    if let Some(ends) = after.cancel_at.filter(|_| before.cancel_at.is_none() && !id.is_empty()) {
        let at = current.and_then(|s| s.canceled_at).map_or(now, At::from_unix);
        let (key, on) = (format!("ends:{id}:{}:{}", ends.unix(), at.unix()), date(ends));
        news.push(News { key, at, message: Message::WillEnd { plan: after.plan_name(), on } });
    }
    if before.cancel_at.is_some()
        && after.cancel_at.is_none()
        && before.subscription_id == after.subscription_id
    {
        // Stripe keeps no date of it; whoever cancels and stays twice is told twice.
        let key = format!("renewed:{id}:{}", before.synced_at.map_or(0, At::unix));
        news.push(News { key, at: now, message: Message::GoesOn { plan: after.plan_name() } });
    }
    if let Some((ended, at)) = ended(before, after, held) {
        let message = Message::Ended { plan: before.plan_name() };
        news.push(News { key: format!("ended:{ended}"), at: at.unwrap_or(now), message });
    }
    news
}

/// What needs somebody, or does not any more.
fn of_trouble(before: &BillingState, after: &BillingState, invoices: &[Invoice], now: At) -> Vec<News> {
    let mut news = Vec::new();
    let id = after.subscription_id.as_deref().unwrap_or_default();
    if let Some(end) = after.trial_end.filter(|end| is_trialing(after) && *end - TRIAL_WARNING <= now) {
        let (key, on) = (format!("trial:{id}:{}", end.unix()), date(end));
        let message =
            Message::TrialEnding { plan: after.plan_name(), on, has_card: after.card_brand.is_some() };
        news.push(News { key, at: now, message });
    }
    if let Some(since) = after.trouble_since.filter(|since| is_past_due(after) && *since + GRACE <= now) {
        let key = format!("read-only:{id}:{}", since.unix());
        news.push(News { key, at: since + GRACE, message: Message::ReadOnly });
    }
    if before.status.as_deref() == Some("past_due") && after.status.as_deref() == Some("active") {
        let key = format!("recovered:{id}:{}", before.trouble_since.map_or(0, At::unix));
        let at = invoices.iter().filter_map(Invoice::paid_at).max().map_or(now, At::from_unix);
        news.push(News { key, at, message: Message::Recovered });
    }
    news
}

fn is_past_due(state: &BillingState) -> bool {
    matches!(state.status.as_deref(), Some("past_due" | "unpaid"))
}

fn is_trialing(state: &BillingState) -> bool {
    state.status.as_deref() == Some("trialing") && state.cancel_at.is_none()
}

/// The subscription that was alive for us and is no more, and when it ended. One whose customer was
/// deleted is not even listed.
fn ended<'s>(
    before: &'s BillingState,
    after: &BillingState,
    held: &[Subscription],
) -> Option<(&'s str, Option<At>)> {
    let was = before.subscription_id.as_deref()?;
    match held.iter().find(|s| s.id == was) {
        Some(listed) if is_alive(&listed.status) => None,
        Some(listed) => Some((was, listed.ended_at.map(At::from_unix))),
        None => (after.status.as_deref() == Some("canceled")).then_some((was, None)),
    }
}

/// Each invoice that could not be collected is told once.
fn of_invoices(after: &BillingState, invoices: &[Invoice]) -> Vec<News> {
    let troubled = is_past_due(after);
    let open = invoices.iter().filter(|i| troubled && i.status.as_deref() == Some("open") && i.attempted);
    let one = |invoice: &Invoice| {
        let id = invoice.id.clone()?;
        let amount = money(invoice.amount_remaining, &invoice.currency);
        let page = invoice.hosted_invoice_url.clone();
        let at = At::from_unix(invoice.created);
        Some(News { key: format!("failed:{id}"), at, message: Message::PaymentFailed { amount, page } })
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
    fn a_subscription_that_ends_is_told_once_under_its_own_name() {
        let held: Vec<Subscription> =
            serde_json::from_str(r#"[{"id":"sub_1","status":"canceled","ended_at":50,"items":{"data":[]}}]"#)
                .unwrap();

        let news = of_state(&state("active"), &BillingState::default(), &held, At::from_unix(60));

        assert_eq!(news.iter().map(|n| n.key.as_str()).collect::<Vec<_>>(), ["ended:sub_1"]);
    }
}
