//! What tests stand on: databases, people, browsers, stand-ins, processes.
#![allow(dead_code, unused_imports, reason = "not every test uses everything")]
pub mod answer;
pub mod browser;
pub mod cookies;
pub mod html;
pub mod http;
pub mod postgres;
pub mod process;
pub mod source;
pub mod stripe_mock;
pub mod stub;
pub mod temp;

pub use http::{Answer, Person, Site};
pub use postgres::tether;

/// Runs each named function, `async fn(TestApp)`, as a test on SQLite and as one on Postgres:
///
/// ```ignore
/// on_both_engines! { an_owner_is_sent_to_the_portal, a_stranger_gets_404 }
/// ```
///
/// The file that uses it has `TestApp` in scope.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                $crate::support::in_time(super::$test(super::TestApp::sqlite(stringify!($test)).await)).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let Some(app) = super::TestApp::postgres(stringify!($test)).await else { return };
                $crate::support::in_time(super::$test(app)).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// A test that hangs should say so by its name.
pub async fn in_time(test: impl Future<Output = ()>) {
    let limit = std::time::Duration::from_secs(180);
    tokio::time::timeout(limit, test).await.expect("the test should end within three minutes");
}
