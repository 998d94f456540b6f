//! Webhooks: an event becomes deliveries, and deliveries become requests, well or badly on request.
mod client;
mod deliveries;
mod dispatch;
mod endpoint;
mod rendered;
mod signature;
mod waiting;

pub use deliveries::{perturb, resend};
pub use dispatch::run;
pub use endpoint::add_endpoint;
pub use waiting::{Tally, flush, tally, until_quiet};
