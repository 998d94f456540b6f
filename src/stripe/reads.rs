//! What Stripe holds now: customers, subscriptions, events. Invoices have a file of their own.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    view::{
        CustomerId, CustomerState, CustomersObject, InvoicePayment, List, ListedEvent, PAGE, Product,
        Subscription,
    },
};
use stripe_billing::{
    invoice_payment::ListInvoicePayment,
    subscription::{ListSubscription, ListSubscriptionStatus},
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::{customer::RetrieveCustomer, event::ListEvent};
use stripe_product::product::ListProduct;

/// The events after which a customer's billing may be different. All others are acknowledged and ignored.
pub const EVENT_TYPES: &[&str] = &[
    "charge.refunded",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.deleted",
    "customer.discount.updated",
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
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
    "payment_intent.processing",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "subscription_schedule.canceled",
    "subscription_schedule.created",
    "subscription_schedule.released",
    "subscription_schedule.updated",
];

/// Somebody disputed a charge with their bank. A person has to respond at Stripe in time; what the organisation
/// may do here stays as it is.
pub const DISPUTE: &str = "charge.dispute.created";

/// The largest number of types that one listing takes.
const MAX_TYPES: usize = 20;

impl Stripe {
    /// The customer with its payment method. Stripe refuses to expand anything of a deleted customer, which is then
    /// asked for without.
    pub async fn customer(&self, customer: &CustomerId, until: Deadline) -> Result<CustomerState, Error> {
        let plain = RetrieveCustomer::new(customer.0.as_str());
        let methods = ["invoice_settings.default_payment_method", "default_source"].map(str::to_owned);
        let ask = plain.clone().expand(methods);
        match self.transport.send(ask.build(), None, until).await {
            Err(Error::Refused(r)) if r.status == 400 && r.param.as_deref() == Some("expand") => {
                self.transport.send(plain.build(), None, until).await
            }
            answer => answer,
        }
    }

    /// All of a customer's subscriptions, also those that ended, which Stripe's default listing leaves out.
    pub async fn subscriptions(
        &self,
        customer: &CustomerId,
        until: Deadline,
    ) -> Result<Vec<Subscription>, Error> {
        let ask = ListSubscription::new()
            .customer(customer.0.as_str())
            .status(ListSubscriptionStatus::All)
            .expand(["data.default_payment_method", "data.default_source"].map(str::to_owned))
            .limit(PAGE);
        self.all(until, |after| after.into_iter().fold(ask.clone(), ListSubscription::starting_after).build())
            .await
    }

    /// Products by their ids; those that were deleted are left out.
    pub async fn products_of(&self, ids: Vec<String>, until: Deadline) -> Result<Vec<Product>, Error> {
        let ask = ListProduct::new().ids(ids).limit(PAGE);
        self.all(until, |after| after.into_iter().fold(ask.clone(), ListProduct::starting_after).build())
            .await
    }

    /// Whether a bank is still working on a payment of this invoice.
    pub async fn is_processing(&self, invoice: &str, until: Deadline) -> Result<bool, Error> {
        let ask = ListInvoicePayment::new()
            .invoice(invoice)
            .expand(["data.payment.payment_intent".to_owned()])
            .limit(PAGE);
        let page: List<InvoicePayment> = self.transport.send(ask.build(), None, until).await?;
        Ok(page.data.iter().any(InvoicePayment::is_processing))
    }

    /// The customer that an object belongs to; the first part of its id tells what it is. None for an object
    /// without a customer.
    pub async fn owner_of(&self, object: &str, until: Deadline) -> Result<Option<String>, Error> {
        let folder = match object.split('_').next() {
            Some("cus") => return Ok(Some(object.to_owned())),
            Some("sub") => "subscriptions",
            Some("in") => "invoices",
            Some("pm") => "payment_methods",
            Some("cs") => "checkout/sessions",
            Some("ch") => "charges",
            Some("cn") => "credit_notes",
            _ => return Ok(None),
        };
        // Ids are letters, digits and underscores (see envelope.rs), so nothing else gets into the path.
        let ask = RequestBuilder::new(StripeMethod::Get, format!("/{folder}/{object}"));
        match self.transport.send::<CustomersObject>(ask, None, until).await {
            Ok(object) => Ok(object.customer),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Events of our types since `from` (unix seconds), newest first.
    pub async fn events_since(&self, from: i64, until: Deadline) -> Result<Vec<ListedEvent>, Error> {
        let mut all = Vec::new();
        for types in EVENT_TYPES.chunks(MAX_TYPES) {
            let ask = ListEvent::new()
                .types(types.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>())
                .created(stripe_types::RangeQueryTs::gte(from))
                .limit(PAGE);
            let page = |after: Option<String>| {
                after.into_iter().fold(ask.clone(), ListEvent::starting_after).build()
            };
            all.extend(self.all(until, page).await?);
        }
        Ok(all)
    }
}
