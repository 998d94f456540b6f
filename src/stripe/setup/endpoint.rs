//! The webhook endpoint.
use super::{Done, Error, Listed, Stripe, ours};
use crate::brand;
use crate::stripe::{DISPUTE, EVENT_TYPES};
use secrecy::SecretString;
use serde::Deserialize;
use std::str::FromStr;
use stripe_client_core::{StripeRequest, VERSION};
use stripe_misc::webhook_endpoint::{
    CreateWebhookEndpoint, CreateWebhookEndpointEnabledEvents, ListWebhookEndpoint, UpdateWebhookEndpoint,
    UpdateWebhookEndpointEnabledEvents,
};

/// Tax ids are part of what an invoice says. `invoice.created` is left out on purpose: whoever
/// subscribes to it and does not answer delays every invoice.
const TAX_IDS: [&str; 3] = ["customer.tax_id.created", "customer.tax_id.deleted", "customer.tax_id.updated"];

/// What the endpoint hears of.
pub fn subscribed() -> Vec<&'static str> {
    [EVENT_TYPES, &TAX_IDS, &[DISPUTE]].concat()
}

#[derive(Debug, Deserialize)]
pub struct Endpoint {
    pub id: String,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    pub enabled_events: Vec<String>,
    /// None: the account's default.
    pub api_version: Option<String>,
    #[serde(default)]
    pub livemode: bool,
}

/// The secret is said once, to whoever makes the endpoint.
#[derive(Deserialize)]
struct Made {
    secret: Option<String>,
}

impl Endpoint {
    pub fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }

    pub fn has_our_version(&self) -> bool {
        self.api_version.as_deref() == Some(Stripe::version())
    }
}

impl Listed for Endpoint {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Stripe {
    /// The version of the API that every request asks for.
    pub fn version() -> &'static str {
        VERSION.as_str()
    }

    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        self.all(|after| {
            let ask = ListWebhookEndpoint::new().limit(100);
            after.into_iter().fold(ask, ListWebhookEndpoint::starting_after).build()
        })
        .await
    }

    /// Its version is set now or never, and its secret is said now or never.
    pub async fn make_endpoint(&self, url: &str) -> Result<SecretString, Error> {
        let events: Vec<_> =
            subscribed().into_iter().map(known::<CreateWebhookEndpointEnabledEvents>).collect();
        let ask = CreateWebhookEndpoint::new(events, url)
            .api_version(VERSION)
            .description(concat!(brand::name!(), ": billing"))
            .metadata(ours(None));
        let made: Made = self.change(ask.build()).await?;
        made.secret
            .map(SecretString::from)
            .ok_or_else(|| Error::Absent("the new webhook endpoint's secret".into()))
    }

    /// Enabled, and for our events; secret and version stay.
    pub async fn change_endpoint(&self, id: &str) -> Result<(), Error> {
        let events: Vec<_> =
            subscribed().into_iter().map(known::<UpdateWebhookEndpointEnabledEvents>).collect();
        let ask = UpdateWebhookEndpoint::new(id).enabled_events(events).disabled(false);
        self.change::<Done>(ask.build()).await.map(drop)
    }

    pub async fn disable_endpoint(&self, id: &str) -> Result<(), Error> {
        self.change::<Done>(UpdateWebhookEndpoint::new(id).disabled(true).build()).await.map(drop)
    }
}

/// A word of Stripe's as its builders want it; unknown ones are kept.
fn known<T: FromStr<Err = std::convert::Infallible>>(word: &str) -> T {
    let Ok(word) = word.parse();
    word
}
