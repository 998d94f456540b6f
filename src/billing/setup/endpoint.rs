//! The webhook endpoint, known by its exact URL. Its secret stays as it is.
use super::work::{Mending, Part, Work};
use crate::{
    brand::SLUG,
    config::Config,
    stripe::{
        Error, Stripe,
        account::{Endpoint, subscribed},
    },
};

/// Where Stripe sends its events. An endpoint is ours if it has exactly this URL.
pub fn webhook_url(config: &Config) -> String {
    format!("{}/webhooks/stripe", config.public_url.as_str().trim_end_matches('/'))
}

impl Work<'_> {
    pub(super) async fn endpoint(&mut self) -> Result<(), Error> {
        let url = webhook_url(self.config);
        let all = self.stripe.endpoints().await?;
        let ours = all.iter().filter(|it| it.url == url);
        // An endpoint that was replaced is still there, disabled.
        let best = ours.max_by_key(|it| (it.is_enabled(), it.has_our_version()));
        let Some(found) = best else {
            self.found(Part::Endpoint, format!("webhook endpoint {url}: is missing"));
            return self.make_endpoint(&url).await;
        };
        if !found.has_our_version() && self.mending == Mending::WithEndpoint {
            self.found(Part::Endpoint, version_drift(found));
            self.make_endpoint(&url).await?;
            return self.stripe.disable_endpoint(&found.id).await;
        }
        self.mend_endpoint(found).await
    }

    async fn make_endpoint(&mut self, url: &str) -> Result<(), Error> {
        if self.mends() {
            self.report.secret = Some(self.stripe.make_endpoint(url).await?);
        }
        Ok(())
    }

    async fn mend_endpoint(&mut self, found: &Endpoint) -> Result<(), Error> {
        let before = self.report.findings.len();
        if !found.is_enabled() {
            self.found(Part::Endpoint, format!("webhook endpoint {}: is disabled", found.id));
        }
        for wrong in wrong_events(&found.enabled_events) {
            self.found(Part::Endpoint, format!("webhook endpoint {}: {wrong}", found.id));
        }
        let can_be_mended = self.report.findings.len() > before;
        if !found.has_our_version() {
            self.left(Part::Endpoint, version_drift(found));
        }
        if self.report.findings.len() == before {
            self.right(format!("webhook endpoint {} for {}", found.id, found.url));
        }
        match self.mends() && can_be_mended {
            true => self.stripe.change_endpoint(&found.id).await,
            false => Ok(()),
        }
    }
}

/// What is missing in the types an endpoint is subscribed to, and what is too much.
fn wrong_events(heard: &[String]) -> impl Iterator<Item = String> {
    let wanted = subscribed();
    let heard: Vec<&str> = heard.iter().map(String::as_str).collect();
    let missing = wanted.iter().filter(|kind| !heard.contains(kind) && !heard.contains(&"*"));
    let extra = heard.iter().filter(|kind| !wanted.contains(kind));
    let line = |what, kinds: Vec<&str>| (!kinds.is_empty()).then(|| format!("{what} {}", kinds.join(", ")));
    let lines = [
        line("is not subscribed to", missing.copied().collect()),
        line("should not be subscribed to", extra.copied().collect()),
    ];
    lines.into_iter().flatten()
}

/// Stripe sets an endpoint's API version when it is made and never changes it.
fn version_drift(found: &Endpoint) -> String {
    format!(
        "webhook endpoint {}: API version is {}, should be {}; `{SLUG} stripe setup --replace-endpoint` replaces it",
        found.id,
        found.api_version.as_deref().unwrap_or("the account's default"),
        Stripe::version()
    )
}
