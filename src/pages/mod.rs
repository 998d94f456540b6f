//! What anyone may read: landing, pricing, terms, privacy.
pub mod web;
