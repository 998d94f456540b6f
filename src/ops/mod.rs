//! For whoever runs it: health, metrics, the webhook inbox, the doctor.
mod doctor;
mod doctor_stripe;
mod metrics;
pub mod web;

pub use doctor::{Check, Verdict, examine};
pub use doctor_stripe::compare_modes;
pub use metrics::{Metrics, rendered as metrics_text};
