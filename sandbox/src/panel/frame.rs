//! What every page of the panel shows around its own.
use crate::{
    hooks,
    state::{World, minute},
};

pub struct Said {
    pub wrong: bool,
    pub text: String,
}

/// What every page shows.
pub struct Frame {
    pub now: String,
    pub moved: bool,
    pub paused: bool,
    pub said: Option<Said>,
    pub here: String,
    pub failing: usize,
    pub faults: usize,
}

pub struct Link {
    pub to: &'static str,
    pub name: &'static str,
    pub here: bool,
    pub count: usize,
}

impl Frame {
    pub fn of(w: &World, here: &str, said: Option<Said>) -> Self {
        let tally = hooks::tally(w);
        let moved = w.settings.ahead != 0 || w.settings.frozen.is_some();
        let paused = w.settings.delivery.paused;
        let (now, here) = (minute(w.now()), here.to_owned());
        Self { now, moved, paused, said, here, failing: tally.failed + tally.waiting, faults: w.faults.len() }
    }

    pub fn links(&self) -> Vec<Link> {
        let all = [
            ("/_sandbox", "Customers", "", 0),
            ("/_sandbox/events", "Events", "events", 0),
            ("/_sandbox/deliveries", "Deliveries", "deliveries", self.failing),
            ("/_sandbox/faults", "API faults", "faults", self.faults),
            ("/_sandbox/objects", "Objects", "objects", 0),
            ("/_sandbox/settings", "Settings", "settings", 0),
        ];
        let here = if self.here == "customers" { "" } else { &self.here };
        all.map(|(to, name, word, count)| Link { to, name, here: word == here, count }).into()
    }
}
