//! Waiting for the queue: until it is empty, or nothing in it gets anywhere.
use crate::{
    Sandbox,
    state::{World, wall_ms},
};
use std::time::{Duration, Instant};

/// Without a delivery that succeeds for so long, an endpoint is as good as dead.
const PATIENCE: Duration = Duration::from_secs(6);
const LONGEST: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(15);

/// How all deliveries stand that are remembered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub delivered: usize,
    /// For good, or until the next try.
    pub failed: usize,
    pub dropped: usize,
    /// Not tried yet.
    pub waiting: usize,
}

pub fn tally(w: &World) -> Tally {
    let mut tally = Tally::default();
    for it in w.deliveries.iter() {
        let place = match it.status.as_str() {
            "delivered" => &mut tally.delivered,
            "dropped" => &mut tally.dropped,
            "pending" if it.attempts == 0 => &mut tally.waiting,
            _ => &mut tally.failed,
        };
        *place += 1;
    }
    tally
}

/// Tries at once whatever waits for another try, and waits until nothing is due.
pub async fn flush(sandbox: &Sandbox) -> Tally {
    let now = |w: &mut World| {
        for id in w.deliveries.ids(|it| it.status == "pending" && it.attempts > 0) {
            // An extra try costs none of those on the schedule.
            if let Some(it) = w.deliveries.change(&id) {
                (it.due_ms, it.extra) = (wall_ms(), it.extra + 1);
            }
        }
    };
    sandbox.note(now).await;
    sandbox.wake_deliveries();
    wait(sandbox, true).await;
    sandbox.look(tally).await
}

/// Until every delivery was tried once, or nothing gets anywhere.
pub async fn until_quiet(sandbox: &Sandbox) {
    sandbox.wake_deliveries();
    wait(sandbox, false).await;
}

async fn wait(sandbox: &Sandbox, also_retries: bool) {
    let (begun, mut moved, mut before) = (Instant::now(), Instant::now(), 0);
    while begun.elapsed() < LONGEST {
        let (waits, due, delivered) = sandbox.look(|w| standing(w, also_retries)).await;
        if !waits {
            return;
        }
        if delivered != before || !due {
            (moved, before) = (Instant::now(), delivered);
        }
        if moved.elapsed() > PATIENCE {
            return;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Whether something is worth waiting for, whether some of it is due now, and how many have arrived.
fn standing(w: &World, also_retries: bool) -> (bool, bool, usize) {
    let (now, mut waits, mut due, mut delivered) = (wall_ms(), false, false, 0);
    for it in w.deliveries.iter() {
        match it.status.as_str() {
            "delivered" => delivered += 1,
            "pending" if it.attempts == 0 || (also_retries && it.due_ms <= now) => {
                waits = true;
                due |= it.due_ms <= now;
            }
            _ => {}
        }
    }
    (waits && !w.settings.delivery.paused, due, delivered)
}
