//! The API keys of the list, in the order in which they are tried. While keys are rotated, one of them may be
//! deleted at Stripe before we restart, and Stripe rejects one now and then by mistake.
use secrecy::SecretString;
use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// How long a rejected key is passed over. After that it is tried first again, so that one rejection by mistake
/// does not leave us with the other key for good.
const PASSED_OVER: Duration = Duration::from_secs(60);

pub struct Keys {
    keys: Vec<SecretString>,
    /// When Stripe rejected each of them last, and has not accepted it since.
    rejected_at: Mutex<Vec<Option<Instant>>>,
}

impl Keys {
    pub fn new(keys: Vec<SecretString>) -> Self {
        let rejected_at = Mutex::new(vec![None; keys.len()]);
        Self { keys, rejected_at }
    }

    pub fn get(&self, position: usize) -> Option<&SecretString> {
        self.keys.get(position)
    }

    /// The positions to try for one request: in the order of the list, those that were rejected lately at the
    /// end. The first comes once more after all others: if they are rejected too, it is the one whose rejection
    /// may have been a mistake.
    pub fn order(&self, now: Instant) -> Vec<usize> {
        let rejected_at = self.rejected_at();
        let is_passed_over = |position: &usize| {
            rejected_at[*position].is_some_and(|at| now.saturating_duration_since(at) < PASSED_OVER)
        };
        let (last, mut order): (Vec<usize>, Vec<usize>) = (0..self.keys.len()).partition(is_passed_over);
        order.extend(last);
        if order.len() > 1 {
            order.push(order[0]);
        }
        order
    }

    pub fn rejected(&self, position: usize, now: Instant) {
        self.set(position, Some(now));
    }

    pub fn accepted(&self, position: usize) {
        self.set(position, None);
    }

    fn set(&self, position: usize, at: Option<Instant>) {
        if let Some(rejected_at) = self.rejected_at().get_mut(position) {
            *rejected_at = at;
        }
    }

    fn rejected_at(&self) -> MutexGuard<'_, Vec<Option<Instant>>> {
        self.rejected_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> Keys {
        Keys::new((0..count).map(|n| SecretString::from(format!("sk_test_{n}"))).collect())
    }

    #[test]
    fn the_first_key_of_the_list_is_tried_first_and_once_more_after_the_others() {
        let now = Instant::now();

        assert_eq!(keys(2).order(now), [0, 1, 0]);
        assert_eq!(keys(1).order(now), [0], "there is nothing to turn to");
        assert!(keys(0).order(now).is_empty());
    }

    #[test]
    fn a_rejected_key_comes_last_for_a_minute_and_then_first_again() {
        let (keys, now) = (keys(2), Instant::now());

        keys.rejected(0, now);

        assert_eq!(keys.order(now + Duration::from_secs(59)), [1, 0, 1]);
        assert_eq!(keys.order(now + Duration::from_secs(60)), [0, 1, 0]);
    }

    #[test]
    fn a_key_that_is_accepted_is_passed_over_no_longer() {
        let (keys, now) = (keys(2), Instant::now());
        keys.rejected(0, now);
        keys.rejected(1, now);

        keys.accepted(0);

        assert_eq!(keys.order(now), [0, 1, 0]);
    }
}
