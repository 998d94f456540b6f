//! Stripe's own SDK for Node cannot tell the sandbox from Stripe (`tests/sdk/life.mjs`).
use crate::support::{node, sandbox_client::SandboxClient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_lives_a_whole_life_at_the_sandbox() {
    let Some(node) = node::node_or_skip() else { return };
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let port = sandbox.url.rsplit(':').next().unwrap();

    let lived = node.run("life.mjs", &["127.0.0.1", port]).await;

    lived.unwrap_or_else(|said| panic!("{said}"));
}
