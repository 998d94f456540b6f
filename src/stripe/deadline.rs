//! How long a person, or a job, waits for Stripe in all.
use std::time::Duration;
use tokio::time::Instant;

/// For everything one click asks of Stripe, retries and all.
const CLICK: Duration = Duration::from_secs(15);
/// For one piece of work nobody waits for.
const JOB: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn of_click() -> Self {
        Self(Instant::now() + CLICK)
    }

    pub fn of_job() -> Self {
        Self(Instant::now() + JOB)
    }

    /// What is left, at most `limit`; nothing once it has passed.
    pub fn at_most(self, limit: Duration) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left.min(limit))
    }
}
