//! A log line for what strangers can make happen at will: one a minute, with a count.
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const MINUTE: Duration = Duration::from_secs(60);

pub struct OnceAMinute(Mutex<Counted>);

struct Counted {
    said: Option<Instant>,
    times: u64,
}

impl OnceAMinute {
    pub const fn new() -> Self {
        Self(Mutex::new(Counted { said: None, times: 0 }))
    }

    /// Counts one. Says how many there were since the last line if it is time for another.
    pub fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.times += 1;
        if counted.said.is_some_and(|said| now.duration_since(said) < MINUTE) {
            return None;
        }
        counted.said = Some(now);
        Some(std::mem::take(&mut counted.times))
    }
}

impl Default for OnceAMinute {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_a_minute_are_one_line_that_counts_them() {
        let (refusals, start) = (OnceAMinute::new(), Instant::now());
        assert_eq!(refusals.due_at(start), Some(1));

        let within: Vec<_> =
            (0..1000).filter_map(|ms| refusals.due_at(start + Duration::from_millis(ms))).collect();

        assert_eq!(within.len(), 0);
        assert_eq!(refusals.due_at(start + MINUTE), Some(1001));
    }
}
