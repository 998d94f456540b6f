//! What the sandbox's tests stand on: a client of it, and what they share with the product's tests.
#![allow(dead_code, unused_imports, reason = "not every test uses everything")]
pub mod catalogue;
pub mod node;
pub mod sandbox_client;

#[path = "../../../tests/support/answer.rs"]
pub mod answer;
#[path = "../../../tests/support/browser.rs"]
pub mod browser;
#[path = "../../../tests/support/child_process.rs"]
pub mod child_process;
#[path = "../../../tests/support/circles.rs"]
pub mod circles;
#[path = "../../../tests/support/cookies.rs"]
pub mod cookies;
#[path = "../../../tests/support/html.rs"]
pub mod html;
#[path = "../../../tests/support/http.rs"]
pub mod http;
#[path = "../../../tests/support/process.rs"]
pub mod process;
#[path = "../../../tests/support/source.rs"]
pub mod source;
#[path = "../../../tests/support/stub.rs"]
pub mod stub;
#[path = "../../../tests/support/temp.rs"]
pub mod temp;

pub use http::{Answer, Person, Site};
