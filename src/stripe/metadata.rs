//! The metadata by which we know what is ours at Stripe.
use std::collections::HashMap;

/// What our objects carry.
const OURS: (&str, &str) = ("app", crate::brand::SLUG);

pub type Metadata = HashMap<String, String>;

/// Whether an object with this metadata is ours.
pub fn is_ours(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|it| it.get(OURS.0).is_some_and(|app| app == OURS.1))
}

/// The metadata of an object of ours, with the key of the plan that it belongs to.
pub fn ours(plan: Option<&str>) -> Metadata {
    let pairs = [Some(OURS), plan.map(|plan| ("plan", plan))];
    pairs.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
