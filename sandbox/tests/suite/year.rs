//! A year of many subscriptions goes by in seconds: each step looks at what it concerns, not at all.
use crate::support::sandbox_client::{DAY, NEW_YEAR, SandboxClient};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_of_forty_subscriptions_is_a_matter_of_seconds() {
    let sandbox = SandboxClient::new().await;
    let (price, olivia) = (sandbox.price("pro_month").await, sandbox.customer_with("pm_card_visa").await);
    for _ in 0..40 {
        sandbox.post("/v1/subscriptions", &[("customer", &olivia), ("items[0][price]", &price)]).await;
    }

    let began = Instant::now();
    sandbox.wait_until(NEW_YEAR + 365 * DAY + 3600).await;

    // Unoptimised it takes one second on an idle machine; where each step looked at every row, minutes.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let last = sandbox.list("/v1/invoices?limit=1").await[0].clone();
    assert_eq!((&last["status"], &last["created"]), (&"paid".into(), &(NEW_YEAR + 365 * DAY).into()));
}
