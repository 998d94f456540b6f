//! Test clocks. A sandbox has one clock; each test clock is a name for it.
use super::{Answer, Params, Refusal};
use crate::{engine, objects::TestClock, params::Instant, state::World, wire};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    frozen_time: Instant,
    name: Option<String>,
}

/// Stripe allows two periods at once; a few years are enough to see anything.
fn reachable(w: &World, to: i64) -> Answer<()> {
    match to - w.now() > engine::FURTHEST {
        true => Err(Refusal::invalid("A clock can be advanced by five years at most.").at("frozen_time")),
        false => Ok(()),
    }
}

/// A `frozen_time` ahead moves the sandbox there. One in the past takes it back while there is no customer
/// yet, and is now afterwards: time does not go back over what has happened. Then the clock stands still.
pub fn create(w: &mut World, p: Params) -> Answer {
    let Given { frozen_time: Instant(to), name } = p.read()?;
    reachable(w, to)?;
    if to > w.now() {
        engine::advance(w, to);
    }
    let now = w.now();
    w.hold_clock(if w.customers.len() == 0 { to } else { now });
    let clock = TestClock { id: w.id("clock_"), created: w.now(), name };
    let object = wire::test_clock(w, &clock);
    w.test_clocks.put(clock);
    w.emit("test_helpers.test_clock.created", object.clone());
    Ok(object)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    frozen_time: Instant,
}

pub fn advance(w: &mut World, id: &str, p: Params) -> Answer {
    let Advance { frozen_time: Instant(to) } = p.read()?;
    wire::shown(w, "test_helpers.test_clock", id)?;
    if to <= w.now() {
        return Err(Refusal::invalid("Cannot advance a test clock to a time in the past.").at("frozen_time"));
    }
    reachable(w, to)?;
    engine::advance(w, to);
    let object = wire::shown(w, "test_helpers.test_clock", id)?;
    w.emit("test_helpers.test_clock.ready", object.clone());
    Ok(object)
}
