//! `Stripe`: the transport, the hosts people may be sent to, and the portal configuration, found once.
use super::{
    deadline::Deadline,
    error::Error,
    hosts::Hosts,
    metadata::is_ours,
    transport::Transport,
    view::{Customer, CustomerId, List, PAGE, PortalConfiguration, Price},
};
use crate::config::Config;
use std::{collections::HashMap, sync::RwLock};
use stripe_billing::billing_portal_configuration::ListBillingPortalConfiguration;
use stripe_client_core::StripeRequest;
use stripe_core::customer::CreateCustomer;
use stripe_product::price::ListPrice;

/// A customer to create at Stripe.
pub struct NewCustomer<'a> {
    pub org_id: String,
    pub slug: &'a str,
    pub name: &'a str,
    /// Where receipts go. It proves nothing about a person.
    pub email: &'a str,
}

pub struct Stripe {
    pub(super) transport: Transport,
    pub(super) hosts: Hosts,
    /// The portal configuration: set by hand, or found once by its metadata.
    configuration: RwLock<Option<String>>,
}

impl Stripe {
    pub fn new(config: &Config) -> Self {
        let configuration = RwLock::new(config.stripe.portal_configuration.clone());
        Self {
            transport: Transport::new(&config.stripe, config.is_real_stripe()),
            hosts: Hosts::new(config),
            configuration,
        }
    }

    /// Whether Stripe is not called for now, after repeated failures.
    pub fn circuit_is_open(&self) -> bool {
        self.transport.circuit_is_open()
    }

    /// Seconds by which Stripe's time is ahead of ours: 0, except that a sandbox's clock can be moved.
    pub fn ahead(&self) -> i64 {
        self.transport.ahead()
    }

    /// Creates a customer. The same `key` gives the same customer, however often it is sent.
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

    /// The id of the active price with this lookup key.
    pub async fn price(&self, lookup_key: &str, until: Deadline) -> Result<String, Error> {
        let ask = ListPrice::new().lookup_keys([lookup_key.to_owned()]).active(true).build();
        let prices: List<Price> = self.transport.send(ask, None, until).await?;
        let price = prices.data.into_iter().next();
        price.map(|price| price.id).ok_or_else(|| Error::Absent(format!("price {lookup_key}")))
    }

    /// Our portal configuration. None if there is none: Stripe then uses the account's default.
    pub(super) async fn configuration(&self, until: Deadline) -> Result<Option<String>, Error> {
        if let Some(known) = self.configuration.read().unwrap_or_else(|p| p.into_inner()).clone() {
            return Ok(Some(known));
        }
        let ask = ListBillingPortalConfiguration::new().active(true).limit(PAGE);
        let page = |after: Option<String>| {
            after.into_iter().fold(ask.clone(), ListBillingPortalConfiguration::starting_after).build()
        };
        let all: Vec<PortalConfiguration> = self.all(until, page).await?;
        let found = all.into_iter().find(|it| is_ours(it.metadata.as_ref())).map(|it| it.id);
        *self.configuration.write().unwrap_or_else(|p| p.into_inner()) = found.clone();
        Ok(found)
    }
}
