//! `Stripe`: the transport, the hosts people may be sent to, and the portal configuration.
use super::{
    deadline::Deadline,
    error::Error,
    hosts::Hosts,
    metadata::is_ours,
    transport::Transport,
    view::{List, PAGE, PortalConfiguration, Price},
};
use crate::config::Config;
use std::sync::RwLock;
use stripe_billing::billing_portal_configuration::ListBillingPortalConfiguration;
use stripe_client_core::StripeRequest;
use stripe_product::price::ListPrice;

pub struct Stripe {
    pub(super) transport: Transport,
    pub(super) hosts: Hosts,
    /// The portal configuration that was set by hand.
    configuration_by_hand: Option<String>,
    /// The one that was found by its metadata, until Stripe refuses it.
    configuration: RwLock<Option<String>>,
}

impl Stripe {
    pub fn new(config: &Config) -> Self {
        Self {
            transport: Transport::new(&config.stripe, config.is_real_stripe()),
            hosts: Hosts::new(config),
            configuration_by_hand: config.stripe.portal_configuration.clone(),
            configuration: RwLock::default(),
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

    /// The id of the active price with this lookup key. It is looked up each time: `stripe setup` may have made
    /// another since.
    pub async fn price(&self, lookup_key: &str, until: Deadline) -> Result<String, Error> {
        let ask = ListPrice::new().lookup_keys([lookup_key.to_owned()]).active(true).build();
        let prices: List<Price> = self.transport.send(ask, None, until).await?;
        let price = prices.data.into_iter().next();
        price.map(|price| price.id).ok_or_else(|| Error::Absent(format!("price {lookup_key}")))
    }

    /// Our portal configuration. None if there is none: Stripe then uses the account's default.
    pub(super) async fn configuration(&self, until: Deadline) -> Result<Option<String>, Error> {
        if self.configuration_by_hand.is_some() {
            return Ok(self.configuration_by_hand.clone());
        }
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

    /// Forgets the configuration, so that it is looked up again. False for one that was set by hand.
    pub(super) fn forget_configuration(&self) -> bool {
        *self.configuration.write().unwrap_or_else(|p| p.into_inner()) = None;
        self.configuration_by_hand.is_none()
    }
}
