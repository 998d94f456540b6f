//! Work that a closed socket does not cut short.
use crate::error::{Error, Result};
use tracing::Instrument;

/// Does the work in a task of its own, which ends even if nobody waits for it any more: what has begun at
/// Stripe is not left half done because somebody closed the tab. The next click finds it finished.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work.in_current_span()).await.map_err(Error::broken)?
}
