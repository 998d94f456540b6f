//! The requests that all of the setup is made of: changes that are executed once.
use crate::stripe::{deadline::Deadline, error::Error, gateway::Stripe};
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod};

impl Stripe {
    /// Sends one change. Stripe executes it once, however often the transport sends it.
    pub(super) async fn change<T: DeserializeOwned>(&self, ask: RequestBuilder) -> Result<T, Error> {
        let key = format!("setup:{}", uuid::Uuid::now_v7());
        self.transport.send(ask, Some(&key), Deadline::of_job()).await
    }
}

/// The update of an object, from the request that creates one: it takes the same fields, at the object's path.
pub fn as_update(create: RequestBuilder, id: &str) -> RequestBuilder {
    let path = format!("{}/{id}", create.path);
    RequestBuilder { path, method: StripeMethod::Post, ..create }
}

/// An answer whose content does not matter.
#[derive(serde::Deserialize)]
pub struct Done {}
