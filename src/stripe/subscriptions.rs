//! The changes to subscriptions that we ask of Stripe ourselves.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    view::{CustomerId, Subscription},
};
use stripe_billing::subscription::{
    CancelSubscription, CreateSubscription, CreateSubscriptionItems, UpdateSubscription,
    UpdateSubscriptionItems, UpdateSubscriptionProrationBehavior,
};
use stripe_client_core::StripeRequest;

impl Stripe {
    /// Sets the number of seats, prorated as Stripe does by default.
    pub async fn set_seats(
        &self,
        subscription: &str,
        item: &str,
        seats: u64,
        key: &str,
        until: Deadline,
    ) -> Result<(), Error> {
        let change = UpdateSubscriptionItems {
            id: Some(item.to_owned()),
            quantity: Some(seats),
            ..UpdateSubscriptionItems::new()
        };
        let ask = UpdateSubscription::new(subscription)
            .items([change])
            .proration_behavior(UpdateSubscriptionProrationBehavior::CreateProrations);
        self.transport.send::<Subscription>(ask.build(), Some(key), until).await.map(drop)
    }

    /// Charges the subscription to this payment method from now on.
    pub async fn set_payment_method(
        &self,
        subscription: &str,
        method: &str,
        key: &str,
        until: Deadline,
    ) -> Result<(), Error> {
        let ask = UpdateSubscription::new(subscription).default_payment_method(method);
        self.transport.send::<Subscription>(ask.build(), Some(key), until).await.map(drop)
    }

    /// Cancels a subscription now. One that has ended already stays as it is.
    pub async fn cancel(&self, subscription: &str, until: Deadline) -> Result<(), Error> {
        let ask = CancelSubscription::new(subscription);
        match self.transport.send::<Subscription>(ask.build(), None, until).await {
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Begins a trial without a card, for the demo seed; people subscribe through Checkout.
    pub async fn start_trial(
        &self,
        customer: &CustomerId,
        lookup_key: &str,
        days: u32,
        until: Deadline,
    ) -> Result<(), Error> {
        let price = self.price(lookup_key, until).await?;
        let item = CreateSubscriptionItems { price: Some(price), ..CreateSubscriptionItems::new() };
        let ask = CreateSubscription::new()
            .customer(customer.0.as_str())
            .items([item])
            .trial_period_days(days)
            .build();
        let key = format!("trial:{customer}");
        self.transport.send::<Subscription>(ask, Some(&key), until).await.map(drop)
    }
}
