//! What the commands print, for people and for scripts.
mod doctor;
mod stripe;
mod stripe_setup;

pub use doctor::{doctor, refusals_as_checks};
pub use stripe::{events, replay, status, status_line, sync};
pub use stripe_setup::{setup, verify};
