//! Subscription schedules: changes that wait for a later period.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    view::{Expandable, Price},
};
use serde::Deserialize;
use stripe_billing::subscription_schedule::{ReleaseSubscriptionSchedule, RetrieveSubscriptionSchedule};
use stripe_client_core::StripeRequest;

#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    /// `release` or `cancel`: what happens to the subscription after the last phase.
    end_behavior: Option<String>,
    current_phase: Option<CurrentPhase>,
    #[serde(default)]
    phases: Vec<Phase>,
}

#[derive(Clone, Debug, Deserialize)]
struct CurrentPhase {
    start_date: i64,
    end_date: i64,
}

/// What the subscription is from then on.
#[derive(Clone, Debug, Deserialize)]
pub struct Phase {
    /// Unix seconds.
    pub start_date: i64,
    #[serde(default)]
    items: Vec<PhaseItem>,
}

#[derive(Clone, Debug, Deserialize)]
struct PhaseItem {
    #[serde(default)]
    price: Expandable<Price>,
    quantity: Option<i64>,
}

impl Schedule {
    /// The phase after the present one.
    pub fn next(&self) -> Option<&Phase> {
        let now = self.current_phase.as_ref().map(|phase| phase.start_date)?;
        self.phases.iter().filter(|phase| phase.start_date > now).min_by_key(|phase| phase.start_date)
    }

    /// When the subscription ends with the schedule, in unix seconds.
    pub fn ends_at(&self) -> Option<i64> {
        let cancels = self.end_behavior.as_deref() == Some("cancel") && self.next().is_none();
        self.current_phase.as_ref().map(|phase| phase.end_date).filter(|_| cancels)
    }
}

impl Phase {
    /// Prices with their quantities.
    pub fn items(&self) -> impl Iterator<Item = (&Price, Option<i64>)> {
        self.items.iter().filter_map(|item| Some((item.price.object()?, item.quantity)))
    }
}

impl Stripe {
    /// A schedule, with the prices of its phases.
    pub async fn schedule(&self, id: &str, until: Deadline) -> Result<Schedule, Error> {
        let ask = RetrieveSubscriptionSchedule::new(id).expand(["phases.items.price".to_owned()]);
        self.transport.send(ask.build(), None, until).await
    }

    /// Takes a schedule off its subscription, which goes on as it is. One that has run out stays as it is.
    pub async fn release_schedule(&self, id: &str, key: &str, until: Deadline) -> Result<(), Error> {
        let ask = ReleaseSubscriptionSchedule::new(id);
        match self.transport.send::<Schedule>(ask.build(), Some(key), until).await {
            Err(Error::Refused(refusal)) if refusal.status == 400 || refusal.status == 404 => Ok(()),
            answer => answer.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_says_what_comes_next_or_that_nothing_does() {
        let read = |json: &str| serde_json::from_str::<Schedule>(json).unwrap();
        let change = read(
            r#"{"end_behavior":"release","current_phase":{"start_date":1,"end_date":9},
                "phases":[{"start_date":1,"items":[{"price":"price_1"}]},{"start_date":9,"items":[{"price":{"id":"price_2"},"quantity":3}]}]}"#,
        );
        let end = read(
            r#"{"end_behavior":"cancel","current_phase":{"start_date":1,"end_date":9},"phases":[{"start_date":1}]}"#,
        );

        let next = change.next().expect("a second phase");
        let items: Vec<_> = next.items().map(|(price, quantity)| (price.id.as_str(), quantity)).collect();
        assert_eq!((next.start_date, items), (9, vec![("price_2", Some(3))]));
        assert_eq!((change.ends_at(), end.ends_at()), (None, Some(9)));
    }
}
