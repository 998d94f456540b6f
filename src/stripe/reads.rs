//! What is true at Stripe now: customers, subscriptions, invoices, events.
use super::{
    CustomerId, Deadline, Error, Stripe, Subscription,
    view::{CustomerState, Invoice, List, ListedEvent, Owned},
};
use stripe_billing::{
    invoice::ListInvoice,
    subscription::{
        CancelSubscription, ListSubscription, ListSubscriptionStatus, UpdateSubscription,
        UpdateSubscriptionItems, UpdateSubscriptionProrationBehavior,
    },
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::{customer::RetrieveCustomer, event::ListEvent};

/// Events that say that something of a customer's billing may have changed. Everything else is
/// acknowledged and ignored.
pub const EVENT_TYPES: &[&str] = &[
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.voided",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
];

/// Somebody disputed a charge with their bank: a person has to answer it at Stripe, in time. It
/// changes nothing of what may be done here.
pub const DISPUTE: &str = "charge.dispute.created";

/// The most types one listing takes.
const TYPES_A_LISTING: usize = 20;
/// Shown on the billing page; older ones are in the portal.
const INVOICES: i64 = 12;

impl Stripe {
    /// With its card; a deleted one has nothing that could be expanded, and is asked for plainly.
    pub async fn customer(&self, customer: &CustomerId, until: Deadline) -> Result<CustomerState, Error> {
        let plain = RetrieveCustomer::new(customer.0.as_str());
        let ask = plain.clone().expand(["invoice_settings.default_payment_method".to_owned()]);
        match self.transport.send(ask.build(), None, until).await {
            Err(Error::Refused(r)) if r.status == 400 && r.param.as_deref() == Some("expand") => {
                self.transport.send(plain.build(), None, until).await
            }
            answer => answer,
        }
    }

    /// All of a customer's, ended ones too: the default listing hides those.
    pub async fn subscriptions(
        &self,
        customer: &CustomerId,
        until: Deadline,
    ) -> Result<Vec<Subscription>, Error> {
        let ask = ListSubscription::new()
            .customer(customer.0.as_str())
            .status(ListSubscriptionStatus::All)
            .expand(["data.default_payment_method".to_owned()])
            .limit(100);
        let page: List<Subscription> = self.transport.send(ask.build(), None, until).await?;
        Ok(page.data)
    }

    /// The newest ones.
    pub async fn invoices(&self, customer: &CustomerId, until: Deadline) -> Result<Vec<Invoice>, Error> {
        let ask = ListInvoice::new().customer(customer.0.as_str()).limit(INVOICES);
        let page: List<Invoice> = self.transport.send(ask.build(), None, until).await?;
        Ok(page.data)
    }

    /// Whose object it is, from the first part of its id. None for what belongs to nobody.
    pub async fn owner_of(&self, object: &str, until: Deadline) -> Result<Option<String>, Error> {
        let folder = match object.split('_').next() {
            Some("cus") => return Ok(Some(object.to_owned())),
            Some("sub") => "subscriptions",
            Some("in") => "invoices",
            Some("pm") => "payment_methods",
            Some("cs") => "checkout/sessions",
            _ => return Ok(None),
        };
        // Ids are letters, digits and underscores (see envelope.rs), so nothing else gets into the path.
        let ask = RequestBuilder::new(StripeMethod::Get, format!("/{folder}/{object}"));
        match self.transport.send::<Owned>(ask, None, until).await {
            Ok(owned) => Ok(owned.customer),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Events of our types since `from` (unix seconds), newest first.
    pub async fn events_since(&self, from: i64, until: Deadline) -> Result<Vec<ListedEvent>, Error> {
        let mut all = Vec::new();
        for types in EVENT_TYPES.chunks(TYPES_A_LISTING) {
            let mut after: Option<String> = None;
            loop {
                let mut ask = ListEvent::new()
                    .types(types.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>())
                    .created(stripe_types::RangeQueryTs::gte(from))
                    .limit(100);
                if let Some(id) = after.take() {
                    ask = ask.starting_after(id);
                }
                let page: List<ListedEvent> = self.transport.send(ask.build(), None, until).await?;
                after = page.data.last().map(|event| event.id.clone()).filter(|_| page.has_more);
                all.extend(page.data);
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(all)
    }

    /// As many seats as there are members, prorated as Stripe does by default.
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

    /// Ends it now. One that has ended already is ended.
    pub async fn cancel(&self, subscription: &str, until: Deadline) -> Result<(), Error> {
        let ask = CancelSubscription::new(subscription);
        match self.transport.send::<Subscription>(ask.build(), None, until).await {
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(()),
            answer => answer.map(drop),
        }
    }
}
