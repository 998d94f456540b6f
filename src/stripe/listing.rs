//! Lists, read to their last page.
use super::{deadline::Deadline, error::Error, gateway::Stripe, view::List};
use serde::de::DeserializeOwned;
use stripe_client_core::RequestBuilder;

/// How many objects a page is asked for: the most that Stripe gives.
pub const PAGE: i64 = 100;

/// An object of a list. Its id asks for the page after it.
pub trait Listed: DeserializeOwned {
    fn id(&self) -> &str;
}

impl Stripe {
    /// All pages of a list; `page` makes the request for the page after an id.
    pub(super) async fn all<T: Listed>(
        &self,
        until: Deadline,
        page: impl Fn(Option<String>) -> RequestBuilder,
    ) -> Result<Vec<T>, Error> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id().to_owned());
            let listed: List<T> = self.transport.send(page(after), None, until).await?;
            let ends = listed.data.is_empty() || !listed.has_more;
            all.extend(listed.data);
            if ends {
                return Ok(all);
            }
        }
    }
}
