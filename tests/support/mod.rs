//! What tests stand on: databases, people, browsers, stand-ins, processes.
#![allow(dead_code, unused_imports, reason = "not every test uses everything")]
pub mod answer;
pub mod browser;
pub mod circles;
pub mod cookies;
pub mod html;
pub mod http;
pub mod postgres;
pub mod process;
pub mod source;
pub mod statements;
pub mod stripe_mock;
pub mod stub;
pub mod temp;

pub use http::{Answer, Person, Site};
pub use postgres::child_process;

/// A test that hangs should say so by its name.
pub async fn in_time(test: impl Future<Output = ()>) {
    let limit = std::time::Duration::from_secs(180);
    tokio::time::timeout(limit, test).await.expect("the test should end within three minutes");
}
