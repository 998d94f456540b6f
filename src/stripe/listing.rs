//! Lists, read to their last page.
use super::{
    deadline::Deadline,
    error::Error,
    gateway::Stripe,
    view::{List, Listed},
};
use stripe_client_core::RequestBuilder;

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
