//! Development only: ways to the sandbox and the mailbox.
pub mod web;
