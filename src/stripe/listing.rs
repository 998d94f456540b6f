//! Lists, read page by page to the end.
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
        Ok(self.pages(until, page, |_| true).await?.0)
    }

    /// The pages of a list for as long as `goes_on` says so of what was read; and whether that was all of it.
    pub(super) async fn pages<T: Listed>(
        &self,
        until: Deadline,
        page: impl Fn(Option<String>) -> RequestBuilder,
        goes_on: impl Fn(&[T]) -> bool,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id().to_owned());
            let listed: List<T> = self.transport.send(page(after), None, until).await?;
            let ends = listed.data.is_empty() || !listed.has_more;
            all.extend(listed.data);
            if ends || !goes_on(&all) {
                return Ok((all, ends));
            }
        }
    }
}
