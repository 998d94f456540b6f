//! `#[portico_test]`: a test that runs on SQLite and on Postgres.
use proc_macro::{TokenStream, TokenTree};

/// Runs an `async fn(TestApp)` twice, each time over a database of its own:
///
/// ```ignore
/// #[portico_test]
/// async fn a_stranger_finds_nothing(app: TestApp) { … }
/// ```
///
/// The tests are called `…::a_stranger_finds_nothing::sqlite` and `…::postgres`.
#[proc_macro_attribute]
pub fn portico_test(_: TokenStream, function: TokenStream) -> TokenStream {
    let tests = match name_of(&function) {
        Some(name) => both_engines(&name),
        None => "compile_error!(\"portico_test stands above an async fn(TestApp)\");".to_owned(),
    };
    let tests: TokenStream = tests.parse().expect("it is written below, and is Rust");
    function.into_iter().chain(tests).collect()
}

/// The word after `fn`.
fn name_of(function: &TokenStream) -> Option<String> {
    let mut tokens = function.clone().into_iter();
    tokens.find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))?;
    tokens.next().map(|name| name.to_string())
}

/// A module may have the name of a function, so the two tests stand in one named like theirs.
fn both_engines(name: &str) -> String {
    format!(
        r#"mod {name} {{
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {{
                let app = crate::test_app::TestApp::sqlite("{name}").await;
                crate::support::in_time(super::{name}(app)).await;
            }}

            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {{
                let Some(app) = crate::test_app::TestApp::postgres("{name}").await else {{ return }};
                crate::support::in_time(super::{name}(app)).await;
            }}
        }}"#
    )
}
