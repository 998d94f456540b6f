//! What clients keep beside an object.
use std::collections::BTreeMap;

/// Stripe's key-value pairs, in the order of their keys.
pub type Metadata = BTreeMap<String, String>;
