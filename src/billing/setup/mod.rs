//! What has to be in the Stripe account: products and prices of plans.rs, the portal's configuration, the
//! webhook endpoint. `verify` compares and `setup` mends, by the same steps.
mod catalogue;
mod endpoint;
mod portal;
mod work;

pub use catalogue::lookup_keys;
pub use endpoint::webhook_url;
pub use work::{Finding, Mending, Outcome, Part, Report};

use crate::{
    config::Config,
    stripe::{Error, Stripe},
};
use work::Work;

/// Compares and, if asked to, mends. The findings go into `report` even if a step fails: it may hold the secret
/// of a new endpoint, which Stripe gives only once.
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
