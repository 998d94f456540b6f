//! Time: it follows the wall, it can be moved on, and whatever is due happens in order.
use super::{checkout::expire_old_sessions, steps};
use crate::state::{DAY, World};

/// More steps than five years of a thousand subscriptions; past it something is wrong with the world.
const MOST_STEPS: usize = 1_000_000;

/// How far the clock may be moved at once.
pub const FURTHEST: i64 = 5 * 366 * DAY;

/// Does what has become due, each at its own instant.
pub fn catch_up(w: &mut World) {
    let now = w.now();
    run_until(w, now);
    expire_old_sessions(w);
}

/// Moves the clock to `to`, doing every due step on the way. How many there were.
pub fn advance(w: &mut World, to: i64) -> usize {
    let to = to.min(w.now() + FURTHEST);
    let steps = run_until(w, to);
    w.move_clock(to);
    steps
}

fn run_until(w: &mut World, to: i64) -> usize {
    for done in 0..MOST_STEPS {
        match steps::next(w) {
            Some((due, step)) if due <= to => {
                w.seen = w.seen.max(due);
                w.step_at = Some(w.seen);
                steps::run(w, &step);
                w.step_at = None;
            }
            _ => {
                w.seen = w.seen.max(to);
                return done;
            }
        }
    }
    MOST_STEPS
}

/// When the next period of anybody begins.
pub fn next_renewal(w: &World) -> Option<i64> {
    let runs = w.subscriptions.iter().filter(|sub| sub.is_billing() || sub.status == "trialing");
    runs.map(|sub| sub.ends_at().unwrap_or(i64::MAX).min(sub.period_end())).min()
}

pub fn next_trial_end(w: &World) -> Option<i64> {
    w.subscriptions.iter().filter(|sub| sub.status == "trialing").filter_map(|sub| sub.trial_end).min()
}
