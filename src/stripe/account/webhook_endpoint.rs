//! The webhook endpoint.
use super::requests::Done;
use crate::brand;
use crate::stripe::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    metadata::ours,
    reads::{DISPUTE, EVENT_TYPES},
    view::Listed,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::str::FromStr;
use stripe_client_core::{StripeRequest, VERSION};
use stripe_misc::webhook_endpoint::{
    CreateWebhookEndpoint, CreateWebhookEndpointEnabledEvents, ListWebhookEndpoint, UpdateWebhookEndpoint,
    UpdateWebhookEndpointEnabledEvents,
};

/// Tax ids appear on invoices. `invoice.created` is left out on purpose: an endpoint that subscribes to it and
/// does not answer delays every invoice.
const TAX_IDS: [&str; 3] = ["customer.tax_id.created", "customer.tax_id.deleted", "customer.tax_id.updated"];

/// The event types that the endpoint is subscribed to.
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

/// A new endpoint. Stripe gives its secret only in the answer to its creation.
#[derive(Deserialize)]
struct NewEndpoint {
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
    /// The API version that every request names.
    pub fn version() -> &'static str {
        VERSION.as_str()
    }

    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        self.all(Deadline::of_job(), |after| {
            let ask = ListWebhookEndpoint::new().limit(100);
            after.into_iter().fold(ask, ListWebhookEndpoint::starting_after).build()
        })
        .await
    }

    /// Creates an endpoint; its secret. Version and secret cannot be set or read later.
    pub async fn make_endpoint(&self, url: &str) -> Result<SecretString, Error> {
        let events: Vec<_> =
            subscribed().into_iter().map(event_type::<CreateWebhookEndpointEnabledEvents>).collect();
        let ask = CreateWebhookEndpoint::new(events, url)
            .api_version(VERSION)
            .description(concat!(brand::name!(), ": billing"))
            .metadata(ours(None));
        let made: NewEndpoint = self.change(ask.build()).await?;
        made.secret
            .map(SecretString::from)
            .ok_or_else(|| Error::Absent("the new webhook endpoint's secret".into()))
    }

    /// Enables an endpoint and subscribes it to our event types; secret and version stay.
    pub async fn change_endpoint(&self, id: &str) -> Result<(), Error> {
        let events: Vec<_> =
            subscribed().into_iter().map(event_type::<UpdateWebhookEndpointEnabledEvents>).collect();
        let ask = UpdateWebhookEndpoint::new(id).enabled_events(events).disabled(false);
        self.change::<Done>(ask.build()).await.map(drop)
    }

    pub async fn disable_endpoint(&self, id: &str) -> Result<(), Error> {
        self.change::<Done>(UpdateWebhookEndpoint::new(id).disabled(true).build()).await.map(drop)
    }
}

/// An event type as the request builders want it; they take unknown ones as they are.
fn event_type<T: FromStr<Err = std::convert::Infallible>>(word: &str) -> T {
    let Ok(word) = word.parse();
    word
}
