//! What this process counts of webhooks and of what they missed; `metrics.rs` writes it out.
use crate::stripe::Rejected;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counted since the process began; what lasts is counted from the database when asked.
#[derive(Default)]
pub struct Metrics {
    pub(super) bad_signature: AtomicU64,
    pub(super) bad_timestamp: AtomicU64,
    pub(super) newest_secret: AtomicU64,
    pub(super) older_secret: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) not_stored: AtomicU64,
    pub(super) missed: AtomicU64,
    pub(super) drifted: AtomicU64,
}

impl Metrics {
    pub fn webhook_rejected(&self, why: Rejected) {
        match why {
            Rejected::Signature => self.bad_signature.fetch_add(1, Relaxed),
            Rejected::Timestamp => self.bad_timestamp.fetch_add(1, Relaxed),
        };
    }

    /// By which of the configured secrets, the newest first: once the older ones stand still, they can go.
    pub fn webhook_verified(&self, secret: usize) {
        if secret == 0 { &self.newest_secret } else { &self.older_secret }.fetch_add(1, Relaxed);
    }

    pub fn webhook_stored(&self, stored: bool) {
        if stored { &self.stored } else { &self.not_stored }.fetch_add(1, Relaxed);
    }

    /// Events that never came and were found at Stripe.
    pub fn add_missed(&self, events: u64) {
        self.missed.fetch_add(events, Relaxed);
    }

    /// Organisations whose copy was not what Stripe holds.
    pub fn add_drifted(&self, organisations: u64) {
        self.drifted.fetch_add(organisations, Relaxed);
    }
}
