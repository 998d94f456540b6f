//! What we ask of Stripe, one function a request: built by the typed builders, answered in our views.
use super::{
    CustomerId, Deadline, Error, Subscription,
    hosts::{Hosts, StripeUrl},
    transport::Transport,
    view::{Customer, List, Portal, PortalConfiguration},
};
use crate::{config::Config, text_enum};
use std::{collections::HashMap, sync::RwLock};
use stripe_billing::{
    billing_portal_configuration::ListBillingPortalConfiguration,
    billing_portal_session::{CreateBillingPortalSession, CreateBillingPortalSessionFlowData, CreateBillingPortalSessionFlowDataType},
    subscription::{ListSubscription, ListSubscriptionStatus},
};
use stripe_client_core::StripeRequest;
use stripe_core::customer::CreateCustomer;

text_enum! {
    /// Which page of the portal opens first.
    Flow { Home = "home", PaymentMethod = "payment_method" }
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

    /// The same `key` makes the same customer, however often and from wherever it is sent.
    pub async fn create_customer(&self, new: NewCustomer<'_>, key: &str, until: Deadline) -> Result<CustomerId, Error> {
        let metadata = HashMap::from([("org_id".to_owned(), new.org_id), ("org".to_owned(), new.slug.to_owned())]);
        let ask = CreateCustomer::new().name(new.name).email(new.email).metadata(metadata).build();
        let made: Customer = self.transport.send(ask, Some(key), until).await?;
        Ok(made.id)
    }

    /// Opens the portal for one customer. If Stripe refuses the page asked for, the home page
    /// still gets the person to their billing.
    pub async fn open_portal(&self, customer: &CustomerId, flow: Flow, return_url: &str, until: Deadline) -> Result<PortalSession, Error> {
        let mut ask = CreateBillingPortalSession::new().customer(customer.0.as_str()).return_url(return_url);
        if let Some(configuration) = self.configuration(until).await? {
            ask = ask.configuration(configuration);
        }
        let portal = match flow {
            Flow::Home => self.portal(&ask, until).await?,
            Flow::PaymentMethod => {
                let page = CreateBillingPortalSessionFlowData::new(CreateBillingPortalSessionFlowDataType::PaymentMethodUpdate);
                match self.portal(&ask.clone().flow_data(page), until).await {
                    Err(Error::Refused(refusal)) if refusal.status == 400 && refusal.code.is_none() => self.portal(&ask, until).await?,
                    answer => answer?,
                }
            }
        };
        Ok(PortalSession { url: self.hosts.check(portal.url)?, id: portal.id })
    }

    async fn portal(&self, ask: &CreateBillingPortalSession, until: Deadline) -> Result<Portal, Error> {
        let key = format!("portal:{}", uuid::Uuid::now_v7());
        self.transport.send(ask.build(), Some(&key), until).await
    }

    /// All of a customer's, ended ones too: the default listing hides those.
    pub async fn subscriptions(&self, customer: &CustomerId, until: Deadline) -> Result<Vec<Subscription>, Error> {
        let ask = ListSubscription::new().customer(customer.0.as_str()).status(ListSubscriptionStatus::All).limit(100);
        let page: List<Subscription> = self.transport.send(ask.build(), None, until).await?;
        Ok(page.data)
    }

    /// Ours, known by its metadata. None: Stripe's default for the account applies.
    async fn configuration(&self, until: Deadline) -> Result<Option<String>, Error> {
        if let Some(known) = self.configuration.read().unwrap_or_else(|p| p.into_inner()).clone() {
            return Ok(Some(known));
        }
        let ask = ListBillingPortalConfiguration::new().active(true).limit(100).build();
        let page: List<PortalConfiguration> = self.transport.send(ask, None, until).await?;
        let ours = |c: &PortalConfiguration| c.metadata.as_ref().is_some_and(|m| m.get("app").is_some_and(|app| app == "portico"));
        let found = page.data.into_iter().find(ours).map(|c| c.id);
        *self.configuration.write().unwrap_or_else(|p| p.into_inner()) = found.clone();
        Ok(found)
    }
}
