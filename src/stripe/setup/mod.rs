//! What is set up once at Stripe and then only looked at: products, prices, the portal's
//! configuration, the webhook endpoint. Nobody waits for it with a click.
mod catalogue;
mod endpoint;
mod portal;
mod probe;

pub use catalogue::{NewPrice, NewProduct, Price, Product};
pub use endpoint::{Endpoint, subscribed};
pub use portal::{Configuration, Difference, Portal, SwitchTo};
pub use probe::READS;

use super::{Deadline, Error, Stripe, view::List};
use crate::brand;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use stripe_client_core::{RequestBuilder, StripeMethod};

/// What is ours at Stripe says so in its metadata.
const OURS: (&str, &str) = ("app", brand::SLUG);

pub type Metadata = HashMap<String, String>;

pub fn is_ours(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|it| it.get(OURS.0).is_some_and(|app| app == OURS.1))
}

fn ours(plan: Option<&str>) -> Metadata {
    let pairs = [Some(OURS), plan.map(|plan| ("plan", plan))];
    pairs.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What a list is paged by.
trait Listed: DeserializeOwned {
    fn id(&self) -> &str;
}

impl Stripe {
    /// All pages of a list; `page` asks for the one after an id.
    async fn all<T: Listed>(&self, page: impl Fn(Option<String>) -> RequestBuilder) -> Result<Vec<T>, Error> {
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

    /// One change, executed once however often it is sent.
    async fn change<T: DeserializeOwned>(&self, ask: RequestBuilder) -> Result<T, Error> {
        let key = format!("setup:{}", uuid::Uuid::now_v7());
        self.transport.send(ask, Some(&key), Deadline::of_job()).await
    }
}

/// An update of what a creation makes takes the same fields, at the object's own path.
fn as_update(create: RequestBuilder, id: &str) -> RequestBuilder {
    let path = format!("{}/{id}", create.path);
    RequestBuilder { path, method: StripeMethod::Post, ..create }
}

/// An answer of which nothing matters but that it came.
#[derive(serde::Deserialize)]
struct Done {}
