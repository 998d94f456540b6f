//! For whoever runs it: health, metrics, the webhook inbox.
mod metrics;
pub mod web;

pub use metrics::{Metrics, rendered as metrics_text};
