//! The circuit breaker: after five failures in a row Stripe is not called for 20 s, so that people get an error
//! page at once instead of after a long wait.
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made. After the pause one call is let through, to see whether Stripe answers again.
    pub fn lets_through(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match state.open_until {
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                state.open_until = Some(Instant::now() + PAUSE);
                true
            }
            None => true,
        }
    }

    /// Whether calls are stopped at the moment. Lets none through itself.
    pub fn circuit_is_open(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        state.open_until.is_some_and(|until| Instant::now() < until)
    }

    pub fn answered(&self) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = State::default();
    }

    pub fn failed(&self) {
        let mut state = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        state.failures += 1;
        if state.failures >= FAILURES {
            state.open_until = Some(Instant::now() + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_the_circuit_and_one_answer_closes_it() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed();
        }
        breaker.answered();
        for _ in 0..4 {
            breaker.failed();
        }
        assert!(breaker.lets_through());

        breaker.failed();

        assert!(!breaker.lets_through());
        breaker.answered();
        assert!(breaker.lets_through());
    }
}
