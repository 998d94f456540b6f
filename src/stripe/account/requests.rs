//! The requests that all of the setup is made of: whole lists, and changes that are executed once.
use crate::stripe::{deadline::Deadline, error::Error, gateway::Stripe, view::List};
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeMethod};

/// An object of a list. Its id asks for the page after it.
pub trait Listed: DeserializeOwned {
    fn id(&self) -> &str;
}

impl Stripe {
    /// All pages of a list; `page` makes the request for the page after an id.
    pub(super) async fn all<T: Listed>(
        &self,
        page: impl Fn(Option<String>) -> RequestBuilder,
    ) -> Result<Vec<T>, Error> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id().to_owned());
            let listed: List<T> = self.transport.send(page(after), None, Deadline::of_job()).await?;
            let ends = listed.data.is_empty() || !listed.has_more;
            all.extend(listed.data);
            if ends {
                return Ok(all);
            }
        }
    }

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
