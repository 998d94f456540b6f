//! What has to be there at Stripe: products and prices of plans.rs, the portal, the webhook
//! endpoint. `verify` compares, `setup` mends, both by the same steps.
mod catalogue;
mod endpoint;
mod portal;

use crate::{
    config::Config,
    stripe::{Error, Stripe},
};
use secrecy::SecretString;

pub use catalogue::lookup_keys;

/// What was found, in the order it was looked at.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// Of an endpoint made just now: Stripe says it once.
    pub secret: Option<SecretString>,
    /// What is as it should be.
    pub right: Vec<String>,
}

#[derive(Debug)]
pub struct Finding {
    pub part: Part,
    /// `price pro_month: amount is 3000, should be 2900`
    pub drift: String,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Product,
    Price,
    Portal,
    Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody asked for it to be mended.
    Drift,
    Mended,
    /// Only a person can decide it.
    Left,
}

/// What may be done about what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mending {
    None,
    All,
    /// An endpoint of another API version too: a new one takes its place, with a new secret.
    WithEndpoint,
}

/// Into `report` even if it fails halfway: a secret in there is said only once.
pub async fn compare(
    stripe: &Stripe,
    config: &Config,
    mending: Mending,
    report: &mut Report,
) -> Result<(), Error> {
    let mut work = Work { stripe, config, mending, report };
    let sold = work.catalogue().await?;
    work.portal(&sold).await?;
    work.endpoint().await
}

/// Where Stripe sends its events. An endpoint is ours if it has exactly this address.
pub fn webhook_url(config: &Config) -> String {
    format!("{}/webhooks/stripe", config.public_url.as_str().trim_end_matches('/'))
}

struct Work<'w> {
    stripe: &'w Stripe,
    config: &'w Config,
    mending: Mending,
    report: &'w mut Report,
}

impl Work<'_> {
    fn mends(&self) -> bool {
        self.mending != Mending::None
    }

    /// Something that will be mended now, if anything is.
    fn found(&mut self, part: Part, drift: String) {
        let outcome = if self.mends() { Outcome::Mended } else { Outcome::Drift };
        self.report.findings.push(Finding { part, drift, outcome });
    }

    /// Something that is not ours to mend.
    fn left(&mut self, part: Part, drift: String) {
        let outcome = if self.mends() { Outcome::Left } else { Outcome::Drift };
        self.report.findings.push(Finding { part, drift, outcome });
    }

    fn right(&mut self, what: String) {
        self.report.right.push(what);
    }
}
