//! What a start or a command ends with: nothing, or a reason in words for whoever ran it.

pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
