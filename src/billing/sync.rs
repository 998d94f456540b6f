//! The only writer of our copy: Stripe is asked for the truth, whoever says that something changed.
use super::{
    Standing, db,
    plans::{Interval, Plan, of_lookup_key},
};
use crate::{
    App,
    db::{At, Scope},
    error::{Error, Result},
    stripe::{Deadline, Subscription},
};

/// Losing this often to other writers within one call means that something else is wrong.
const TRIES: u32 = 5;

/// Fetches what Stripe holds for the organisation and writes it down. Without a customer there is
/// nothing to ask for. What was fetched before somebody else wrote is fetched again, so that an
/// older truth never replaces a newer one.
pub async fn sync(app: &App, scope: &Scope, until: Deadline) -> Result<()> {
    let Some(customer) = super::customer(app, scope).await? else { return Ok(()) };
    for _ in 0..TRIES {
        let generation = db::generation(&mut app.db.read(scope).await?, scope.org()).await?;
        let held = app.stripe.subscriptions(&customer, until).await?;
        let standing = projection(&held, app.clock.now());
        let mut tx = app.db.write(scope).await?;
        if db::replace_standing(&mut tx, &standing, generation).await? {
            return Ok(tx.commit().await?);
        }
    }
    Err(Error::Busy)
}

/// Of several subscriptions the one that entitles most, then the newest.
fn projection(held: &[Subscription], now: At) -> Standing {
    let chosen = held.iter().max_by_key(|s| (rank(&s.status), s.created));
    let Some(chosen) = chosen else { return Standing { synced_at: Some(now), ..Standing::default() } };
    let bought = chosen.lookup_keys().find_map(of_lookup_key).filter(|_| is_alive(&chosen.status));
    let (plan, interval): (Plan, Option<Interval>) =
        bought.map_or((Plan::Free, None), |(plan, interval)| (plan, Some(interval)));
    let alive = is_alive(&chosen.status);
    let instant = |seconds: Option<i64>| seconds.filter(|_| alive).map(At::from_unix);
    Standing {
        subscription_id: Some(chosen.id.clone()).filter(|_| alive),
        status: Some(chosen.status.clone()),
        plan,
        interval,
        quantity: chosen.quantity().filter(|_| alive),
        cancel_at: instant(chosen.ends_at()),
        current_period_end: instant(chosen.period_end()),
        trial_end: instant(chosen.trial_end),
        synced_at: Some(now),
    }
}

fn is_alive(status: &str) -> bool {
    !matches!(status, "canceled" | "incomplete_expired")
}

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
        _ => 3, // a word of Stripe's that is newer than we are
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(json: &str) -> Vec<Subscription> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_subscription_that_entitles_most_is_the_one_that_counts() {
        let held = held(
            r#"[{"id":"sub_new","status":"canceled","created":9,"items":{"data":[]}},
                {"id":"sub_old","status":"active","created":1,"items":{"data":[{"quantity":3,"current_period_end":50,"price":{"id":"price_1","lookup_key":"business_year"}}]}}]"#,
        );

        let standing = projection(&held, At::from_unix(10));

        assert_eq!(standing.subscription_id.as_deref(), Some("sub_old"));
        assert_eq!(
            (standing.plan, standing.interval, standing.quantity),
            (Plan::Business, Some(Interval::Year), Some(3))
        );
    }

    #[test]
    fn an_ended_subscription_leaves_its_word_and_nothing_else() {
        let held = held(
            r#"[{"id":"sub_1","status":"canceled","created":9,"items":{"data":[{"quantity":1,"price":{"id":"price_1","lookup_key":"pro_month"}}]}}]"#,
        );

        let standing = projection(&held, At::from_unix(10));

        assert_eq!(
            (standing.status.as_deref(), standing.plan, standing.subscription_id),
            (Some("canceled"), Plan::Free, None)
        );
    }
}
