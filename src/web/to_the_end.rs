//! Work that a closed socket does not cut short.
use crate::error::{Error, Result};
use std::{sync::LazyLock, time::Instant};
use tokio::sync::watch;
use tracing::Instrument;

/// How much of such work is under way.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        UNDER_WAY.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|count| *count -= 1);
    }
}

/// Does the work in a task of its own, which ends even if nobody waits for it any more: what has begun at
/// Stripe is not left half done because somebody closed the tab. The next click finds it finished.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let under_way = UnderWay::begin();
    let work = async move {
        let _under_way = under_way;
        work.await
    };
    tokio::spawn(work.in_current_span()).await.map_err(Error::broken)?
}

/// For a stop: returns once all such work has ended, or at `deadline`; true if it has.
pub async fn all_at_their_end(deadline: Instant) -> bool {
    let mut under_way = UNDER_WAY.subscribe();
    let ended = under_way.wait_for(|count| *count == 0);
    tokio::time::timeout_at(deadline.into(), ended).await.is_ok()
}
