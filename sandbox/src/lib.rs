//! A stateful Stripe on a port of its own: API, hosted pages, webhooks, a clock that can be moved.
//! Whoever uses it speaks HTTP with it, as with Stripe; this crate starts and stops it.
mod act;
mod alone;
mod api;
mod engine;
mod hooks;
mod http;
mod money;
mod objects;
mod paced;
mod pages;
mod panel;
mod params;
mod refusal;
mod reply;
mod request;
mod sandbox;
mod seed;
mod serve;
mod state;
mod wire;
#[cfg(test)]
mod year;

pub use alone::{bind, open_alone, run_alone};
pub use reply::Body;
pub use sandbox::{Options, Sandbox, SandboxError, Webhook};
