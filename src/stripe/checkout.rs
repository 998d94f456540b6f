//! Checkout sessions for subscriptions.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    hosts::StripeUrl,
    view::{CheckoutSession, CustomerId, PAGE},
};
use std::collections::HashMap;
use stripe_checkout::{
    CheckoutSessionMode, CheckoutSessionStatus,
    checkout_session::{
        CreateCheckoutSession, CreateCheckoutSessionAutomaticTax, CreateCheckoutSessionCustomerUpdate,
        CreateCheckoutSessionCustomerUpdateAddress, CreateCheckoutSessionCustomerUpdateName,
        CreateCheckoutSessionLineItems, CreateCheckoutSessionSubscriptionData,
        CreateCheckoutSessionTaxIdCollection, ExpireCheckoutSession, ListCheckoutSession,
        RetrieveCheckoutSession,
    },
};
use stripe_client_core::StripeRequest;

/// What a Checkout session is made for.
pub struct NewCheckoutSession<'a> {
    pub customer: &'a CustomerId,
    pub org_id: String,
    pub attempt_id: String,
    pub user_id: String,
    pub price: String,
    pub quantity: u64,
    pub trial_days: Option<u32>,
    /// Unix seconds by the wall clock.
    pub expires_at: i64,
    pub success_url: String,
    pub cancel_url: String,
    pub automatic_tax: bool,
    pub tax_ids: bool,
}

impl Stripe {
    /// Creates a session; its id and URL. The attempt's id is the idempotency key, so an attempt has one session.
    pub async fn create_checkout_session(
        &self,
        new: NewCheckoutSession<'_>,
        until: Deadline,
    ) -> Result<(String, StripeUrl), Error> {
        // Session metadata is not copied to the subscription, so both carry it.
        let metadata = HashMap::from([
            ("org_id".to_owned(), new.org_id.clone()),
            ("attempt_id".to_owned(), new.attempt_id.clone()),
            ("actor_user_id".to_owned(), new.user_id),
        ]);
        let line = CreateCheckoutSessionLineItems {
            price: Some(new.price),
            quantity: Some(new.quantity),
            ..CreateCheckoutSessionLineItems::new()
        };
        let data = CreateCheckoutSessionSubscriptionData {
            metadata: Some(metadata.clone()),
            trial_period_days: new.trial_days,
            ..CreateCheckoutSessionSubscriptionData::new()
        };
        let ask = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Subscription)
            .customer(new.customer.0.as_str())
            .client_reference_id(new.org_id)
            .metadata(metadata)
            .subscription_data(data)
            .line_items([line])
            .allow_promotion_codes(true)
            .expires_at(new.expires_at)
            .success_url(new.success_url)
            .cancel_url(new.cancel_url);
        let ask = with_tax(ask, new.automatic_tax, new.tax_ids);
        let key = format!("checkout:{}", new.attempt_id);
        let made: CheckoutSession = self.transport.send(ask.build(), Some(&key), until).await?;
        let url = made.url.ok_or_else(|| Error::Absent("the Checkout session's address".into()))?;
        Ok((made.id, self.hosts.check(url)?))
    }

    /// The session as Stripe has it now.
    pub async fn checkout_session(&self, session: &str, until: Deadline) -> Result<CheckoutSession, Error> {
        self.transport.send(RetrieveCheckoutSession::new(session).build(), None, until).await
    }

    /// Expires every open session of the customer, so that none can be paid any more.
    pub async fn expire_open_checkout_sessions(
        &self,
        customer: &CustomerId,
        until: Deadline,
    ) -> Result<(), Error> {
        for session in self.open_checkout_sessions(customer, until).await? {
            self.expire_checkout_session(&session, until).await?;
        }
        Ok(())
    }

    /// Ids of the sessions that the customer could pay now.
    async fn open_checkout_sessions(
        &self,
        customer: &CustomerId,
        until: Deadline,
    ) -> Result<Vec<String>, Error> {
        let ask = ListCheckoutSession::new()
            .customer(customer.0.as_str())
            .status(CheckoutSessionStatus::Open)
            .limit(PAGE);
        let page = |after: Option<String>| {
            after.into_iter().fold(ask.clone(), ListCheckoutSession::starting_after).build()
        };
        let open: Vec<CheckoutSession> = self.all(until, page).await?;
        Ok(open.into_iter().map(|session| session.id).collect())
    }

    /// Expires a session. One that is complete or expired already stays as it is.
    pub async fn expire_checkout_session(&self, session: &str, until: Deadline) -> Result<(), Error> {
        match self
            .transport
            .send::<CheckoutSession>(ExpireCheckoutSession::new(session).build(), None, until)
            .await
        {
            Err(Error::Refused(refusal)) if refusal.status == 400 || refusal.status == 404 => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The URL of a session that Stripe gave us again, if it leads to Stripe.
    pub fn checked_url(&self, url: String) -> Result<StripeUrl, Error> {
        self.hosts.check(url)
    }
}

/// What Stripe Tax and tax ids ask of a session.
fn with_tax(mut ask: CreateCheckoutSession, automatic_tax: bool, tax_ids: bool) -> CreateCheckoutSession {
    if automatic_tax {
        ask = ask.automatic_tax(CreateCheckoutSessionAutomaticTax::new(true));
    }
    if tax_ids {
        ask = ask.tax_id_collection(CreateCheckoutSessionTaxIdCollection::new(true));
    }
    if automatic_tax || tax_ids {
        // Stripe wants to keep what people type with the customer they already are.
        let mut update = CreateCheckoutSessionCustomerUpdate::new();
        update.address = Some(CreateCheckoutSessionCustomerUpdateAddress::Auto);
        update.name = Some(CreateCheckoutSessionCustomerUpdateName::Auto);
        ask = ask.customer_update(update);
    }
    ask
}
