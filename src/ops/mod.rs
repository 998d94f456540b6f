//! For whoever runs it: health, metrics, the webhook inbox, the doctor.
mod check;
mod counters;
mod doctor;
mod doctor_stripe;
mod metrics;
pub mod web;

pub use check::{Check, Verdict};
pub use counters::Metrics;
pub use doctor::examine;
pub use doctor_stripe::compare_modes;
pub use metrics::rendered as metrics_text;
