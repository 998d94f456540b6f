//! What we ask of Stripe, one function a request: built by the typed builders, answered in our views.
use super::{
    CustomerId, Deadline, Error, Subscription,
    hosts::{Hosts, StripeUrl},
    transport::Transport,
    view::{Customer, List, Portal, PortalConfiguration, Price},
};
use crate::{config::Config, text_enum};
use std::{collections::HashMap, sync::RwLock};
use stripe_billing::{
    billing_portal_configuration::ListBillingPortalConfiguration,
    billing_portal_session::{
        CreateBillingPortalSession, CreateBillingPortalSessionFlowData,
        CreateBillingPortalSessionFlowDataSubscriptionCancel,
        CreateBillingPortalSessionFlowDataSubscriptionUpdate, CreateBillingPortalSessionFlowDataType,
    },
    subscription::{CreateSubscription, CreateSubscriptionItems, ListSubscription, ListSubscriptionStatus},
};
use stripe_client_core::StripeRequest;
use stripe_core::customer::CreateCustomer;
use stripe_product::price::ListPrice;

text_enum! {
    /// Which page of the portal opens first; the words of our form's field.
    Flow { Home = "home", PaymentMethod = "payment_method", ChangePlan = "change_plan", Cancel = "cancel", Resume = "resume" }
}

/// What a customer of ours carries at Stripe.
pub struct NewCustomer<'a> {
    pub org_id: String,
    pub slug: &'a str,
    pub name: &'a str,
    /// Where receipts go; never an identity.
    pub email: &'a str,
}

/// A way into the portal, for one click.
#[derive(Debug)]
pub struct PortalSession {
    pub id: String,
    pub url: StripeUrl,
}

pub struct Stripe {
    transport: Transport,
    hosts: Hosts,
    /// Set by hand, or found once by its metadata.
    configuration: RwLock<Option<String>>,
}

impl Stripe {
    pub fn new(config: &Config) -> Self {
        let configuration = RwLock::new(config.stripe.portal_configuration.clone());
        Self { transport: Transport::new(&config.stripe), hosts: Hosts::new(config), configuration }
    }

    /// Whether it is left alone after repeated failures.
    pub fn is_resting(&self) -> bool {
        self.transport.is_resting()
    }

    /// The same `key` makes the same customer, however often and from wherever it is sent.
    pub async fn create_customer(
        &self,
        new: NewCustomer<'_>,
        key: &str,
        until: Deadline,
    ) -> Result<CustomerId, Error> {
        let metadata =
            HashMap::from([("org_id".to_owned(), new.org_id), ("org".to_owned(), new.slug.to_owned())]);
        let ask = CreateCustomer::new().name(new.name).email(new.email).metadata(metadata).build();
        let made: Customer = self.transport.send(ask, Some(key), until).await?;
        Ok(made.id)
    }

    /// Opens the portal for one customer, on the page of `flow` if that can be. If Stripe refuses
    /// that page (switched off, already cancelled), the home page still leads to their billing.
    pub async fn open_portal(
        &self,
        customer: &CustomerId,
        flow: Flow,
        subscription: Option<&str>,
        return_url: &str,
        until: Deadline,
    ) -> Result<PortalSession, Error> {
        let mut home = CreateBillingPortalSession::new().customer(customer.0.as_str()).return_url(return_url);
        if let Some(configuration) = self.configuration(until).await? {
            home = home.configuration(configuration);
        }
        let portal = match page_of(flow, subscription) {
            None => self.portal(&home, until).await?,
            Some(page) => match self.portal(&home.clone().flow_data(page), until).await {
                Err(refused) if refused.is_about_the_page() => self.portal(&home, until).await?,
                answer => answer?,
            },
        };
        Ok(PortalSession { url: self.hosts.check(portal.url)?, id: portal.id })
    }

    async fn portal(&self, ask: &CreateBillingPortalSession, until: Deadline) -> Result<Portal, Error> {
        let key = format!("portal:{}", uuid::Uuid::now_v7());
        self.transport.send(ask.build(), Some(&key), until).await
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
            .limit(100);
        let page: List<Subscription> = self.transport.send(ask.build(), None, until).await?;
        Ok(page.data)
    }

    /// A trial without a card, as the demo seed begins it; people subscribe through Checkout.
    pub async fn start_trial(
        &self,
        customer: &CustomerId,
        lookup_key: &str,
        days: u32,
        until: Deadline,
    ) -> Result<(), Error> {
        let ask = ListPrice::new().lookup_keys([lookup_key.to_owned()]).active(true).build();
        let prices: List<Price> = self.transport.send(ask, None, until).await?;
        let price =
            prices.data.into_iter().next().ok_or_else(|| Error::Absent(format!("price {lookup_key}")))?;
        let item = CreateSubscriptionItems { price: Some(price.id), ..CreateSubscriptionItems::new() };
        let ask = CreateSubscription::new()
            .customer(customer.0.as_str())
            .items([item])
            .trial_period_days(days)
            .build();
        let key = format!("trial:{customer}");
        self.transport.send::<Subscription>(ask, Some(&key), until).await.map(drop)
    }

    /// Ours, known by its metadata. None: Stripe's default for the account applies.
    async fn configuration(&self, until: Deadline) -> Result<Option<String>, Error> {
        if let Some(known) = self.configuration.read().unwrap_or_else(|p| p.into_inner()).clone() {
            return Ok(Some(known));
        }
        let ask = ListBillingPortalConfiguration::new().active(true).limit(100).build();
        let page: List<PortalConfiguration> = self.transport.send(ask, None, until).await?;
        let ours = |c: &PortalConfiguration| {
            c.metadata.as_ref().is_some_and(|m| m.get("app").is_some_and(|app| app == "portico"))
        };
        let found = page.data.into_iter().find(ours).map(|c| c.id);
        *self.configuration.write().unwrap_or_else(|p| p.into_inner()) = found.clone();
        Ok(found)
    }
}

/// The home page for a flow that needs a subscription where there is none, and for resuming, which
/// has no page of its own.
fn page_of(flow: Flow, subscription: Option<&str>) -> Option<CreateBillingPortalSessionFlowData> {
    use CreateBillingPortalSessionFlowDataType as Page;
    let page = |of, change: fn(&mut CreateBillingPortalSessionFlowData, String)| {
        let mut page = CreateBillingPortalSessionFlowData::new(of);
        change(&mut page, subscription?.to_owned());
        Some(page)
    };
    match flow {
        Flow::Home | Flow::Resume => None,
        Flow::PaymentMethod => Some(CreateBillingPortalSessionFlowData::new(Page::PaymentMethodUpdate)),
        Flow::ChangePlan => page(Page::SubscriptionUpdate, |page, id| {
            page.subscription_update = Some(CreateBillingPortalSessionFlowDataSubscriptionUpdate::new(id));
        }),
        Flow::Cancel => page(Page::SubscriptionCancel, |page, id| {
            page.subscription_cancel = Some(CreateBillingPortalSessionFlowDataSubscriptionCancel::new(id));
        }),
    }
}
