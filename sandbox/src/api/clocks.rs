//! Test clocks. A sandbox has one clock; each test clock is a name for it.
use super::{Answer, Paging, Params, Refusal};
use crate::{engine, objects::TestClock, state::World, wire};
use serde_json::json;

/// Stripe allows two periods at once; a few years are enough to see anything.
fn reachable(w: &World, to: i64) -> Answer<()> {
    match to - w.now() > engine::FURTHEST {
        true => Err(Refusal::invalid("A clock can be advanced by five years at most.").at("frozen_time")),
        false => Ok(()),
    }
}

/// A `frozen_time` ahead moves the sandbox there. One in the past takes it back while there is no customer
/// yet, and is now afterwards: time does not go back over what has happened. Then the clock stands still.
pub fn create(w: &mut World, mut p: Params) -> Answer {
    let to = p.instant("frozen_time")?.ok_or_else(|| p.missing("frozen_time"))?;
    let name = p.word("name")?;
    p.finish()?;
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

pub fn advance(w: &mut World, id: &str, mut p: Params) -> Answer {
    let to = p.instant("frozen_time")?.ok_or_else(|| p.missing("frozen_time"))?;
    p.finish()?;
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

pub fn list(w: &World, mut p: Params) -> Answer {
    let paging = Paging::take(&mut p)?;
    p.finish()?;
    paging.of("/v1/test_helpers/test_clocks", w.test_clocks.iter().rev(), |clock| wire::test_clock(w, clock))
}

pub fn delete(w: &mut World, id: &str, p: Params) -> Answer {
    p.finish()?;
    wire::shown(w, "test_helpers.test_clock", id)?;
    w.test_clocks.remove(id);
    if w.test_clocks.len() == 0 {
        w.release_clock();
    }
    Ok(json!({ "id": id, "object": "test_helpers.test_clock", "deleted": true }))
}
