//! How people show who they are.
use crate::text_enum;

text_enum! {
    /// By what somebody last showed who they are.
    Proof { Password = "password" }
}
