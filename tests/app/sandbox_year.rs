//! A year of many subscriptions goes by in seconds: each step looks at what it concerns, not at all.
use crate::support::clerk::{Clerk, DAY, NEW_YEAR};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_of_forty_subscriptions_is_a_matter_of_seconds() {
    let clerk = Clerk::new().await;
    let (price, olivia) = (clerk.price("pro_month").await, clerk.customer_with("pm_card_visa").await);
    for _ in 0..40 {
        clerk.post("/v1/subscriptions", &[("customer", &olivia), ("items[0][price]", &price)]).await;
    }

    let began = Instant::now();
    clerk.wait_until(NEW_YEAR + 365 * DAY + 3600).await;

    // Unoptimised it takes one second on an idle machine; where each step looked at every row, minutes.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let last = clerk.list("/v1/invoices?limit=1").await[0].clone();
    assert_eq!((&last["status"], &last["created"]), (&"paid".into(), &(NEW_YEAR + 365 * DAY).into()));
}
