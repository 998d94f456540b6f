//! The time, from one place: rules never read the system's clock themselves.
use crate::db::At;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Wall-clock time plus an offset, which development lets the sandbox move and tests move by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_seconds: Arc<AtomicI64>,
}

impl Clock {
    pub fn now(&self) -> At {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = time::OffsetDateTime::now_utc();
        At::new(now + time::Duration::seconds(self.offset_seconds.load(Ordering::Relaxed)))
    }

    /// Moves the time, forwards or back, for everyone who holds this clock.
    pub fn advance(&self, by: time::Duration) {
        self.offset_seconds.fetch_add(by.whole_seconds(), Ordering::Relaxed);
    }
}
