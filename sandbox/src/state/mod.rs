//! What the sandbox holds, and how it is kept.
mod agenda;
mod calendar;
mod events;
mod ids;
mod keep;
mod perturbed;
mod table;
mod world;

pub use agenda::Agenda;
pub use calendar::{DAY, Every, HOUR, date, minute, wall, wall_ms};
#[cfg(test)]
pub use events::{MOST_EVENTS, NOW_AND_THEN};
pub use events::{decide, listening, queue};
pub use ids::Chance;
pub use keep::Keep;
pub use perturbed::Perturbed;
pub use table::{Kept, Row, Table};
pub use world::{Asked, Dunning, Settings, World};
