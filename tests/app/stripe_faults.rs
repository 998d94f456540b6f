//! Stripe slow, down, refusing, talking nonsense: an honest page in time, and nothing half done.
use crate::{
    support::{
        http::Person,
        stub::{Reply, Stub},
    },
    world::{Org, Said, TestApp},
};

use std::time::{Duration, Instant};

crate::support::on_both_engines! {
    a_stripe_that_hangs_costs_a_person_fifteen_seconds_and_no_more,
    a_stripe_that_is_down_is_said_at_once,
    faults_get_an_honest_page_and_leave_nothing_behind,
    a_fault_that_passes_is_not_noticed,
    a_page_on_a_foreign_host_is_not_followed,
    a_recorded_failure_does_not_lock_an_organisation_out,
    a_rejected_key_gives_way_to_the_next,
    a_redirect_is_not_followed,
    after_five_failures_people_do_not_wait_for_the_sixth,
    a_customer_made_before_a_fault_is_the_one_used_after,
}

const CUSTOMER: &str = r#"{"id":"cus_1","object":"customer"}"#;
const NO_CONFIGURATION: &str = r#"{"object":"list","data":[],"has_more":false}"#;

fn says(status: u16, body: &str) -> Reply {
    Reply::http(&format!("{status} Said"), &["content-type: application/json"], body)
}

/// A session on Stripe's own host.
fn portal() -> Reply {
    says(200, r#"{"id":"bps_1","url":"https://billing.stripe.com/p/session/x"}"#)
}

/// The same organisation in front of another Stripe.
async fn in_front_of(app: &TestApp, acme: &Org, stripe: &Stub) -> (TestApp, Person) {
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let owner = app.lets_in(&acme.owner);
    (app, owner)
}

async fn a_stripe_that_hangs_costs_a_person_fifteen_seconds_and_no_more(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([Reply::Hang]);
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;
    let started = Instant::now();

    let page = olivia.post("/orgs/acme/billing/portal").await;

    assert!(started.elapsed() < Duration::from_secs(16), "{:?}", started.elapsed());
    page.assert_status(503);
    assert!(
        page.text().contains("Stripe did not answer") && page.text().contains("Nothing was changed"),
        "{}",
        page.text()
    );
    assert!(page.text().contains(page.said("x-request-id")), "the page names the request");
    assert_eq!(page.said("retry-after"), "30");
    assert_eq!(app.count("select count(*) from billing_customers").await, 0);
}

async fn a_stripe_that_is_down_is_said_at_once(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("STRIPE_API_BASE", "http://127.0.0.1:9").await;
    let olivia = app.lets_in(&acme.owner);
    let started = Instant::now();

    let page = olivia.post("/orgs/acme/billing/portal").await;

    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    page.assert_status(503);
    olivia.get("/orgs/acme/billing").await.assert_status(200);
}

async fn faults_get_an_honest_page_and_leave_nothing_behind(app: TestApp) {
    let acme = app.org("acme").await;
    for (fault, said) in [
        (says(500, r#"{"error":{"type":"api_error","message":"secret detail"}}"#), "Stripe did not answer"),
        (Reply::html_502(), "Stripe did not answer"),
        (says(429, r#"{"error":{"type":"rate_limit_error","code":"rate_limit"}}"#), "Stripe is busy"),
        (
            says(401, r#"{"error":{"type":"invalid_request_error","message":"secret detail"}}"#),
            "Billing is not available",
        ),
        (
            says(403, r#"{"error":{"type":"invalid_request_error","message":"secret detail"}}"#),
            "Billing is not available",
        ),
        (
            says(400, r#"{"error":{"type":"invalid_request_error","message":"secret detail"}}"#),
            "Billing is not available",
        ),
        (says(200, r#"{"id":"cus_1","obj"#), "Stripe did not answer"),
        (Reply::truncated(CUSTOMER), "Stripe did not answer"),
        (Reply::CloseAfter, "Stripe did not answer"),
    ] {
        let stripe = Stub::answering([fault.clone()]);
        let (app, olivia) = in_front_of(&app, &acme, &stripe).await;

        let page = olivia.post("/orgs/acme/billing/portal").await;

        page.assert_status(503);
        assert!(page.text().contains(said), "{fault:?}: {}", page.text());
        assert!(!page.text().contains("secret detail"));
        assert_eq!(app.count("select count(*) from billing_customers").await, 0, "{fault:?}");
        assert_eq!(app.audit("acme").await, ["org.created"], "{fault:?}");
    }
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
}

async fn a_fault_that_passes_is_not_noticed(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([
        says(500, r#"{"error":{"type":"api_error"}}"#),
        says(200, CUSTOMER),
        Reply::html_502(),
        says(200, NO_CONFIGURATION),
        Reply::CloseAfter,
        portal(),
    ]);
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;

    let sent = olivia.post("/orgs/acme/billing/portal").await;

    sent.assert_status(303);
    let keys: Vec<String> = stripe
        .arrived()
        .iter()
        .map(|request| request.header("idempotency-key").unwrap_or_default().to_owned())
        .collect();
    assert!(keys[0].starts_with("customer:") && keys[0] == keys[1], "a retry carries the same key: {keys:?}");
    assert!(keys[4].starts_with("portal:") && keys[4] == keys[5], "{keys:?}");
    assert_eq!(app.audit("acme").await, ["org.created", "billing.customer_created", "billing.portal_opened"]);
}

async fn a_page_on_a_foreign_host_is_not_followed(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([
        says(200, CUSTOMER),
        says(200, NO_CONFIGURATION),
        says(200, r#"{"id":"bps_1","url":"https://billing.stripe.com.evil.test/p/session/x"}"#),
    ]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    let page = olivia.post("/orgs/acme/billing/portal").await;

    page.assert_status(503);
    assert_eq!(page.said("location"), "");
}

async fn a_recorded_failure_does_not_lock_an_organisation_out(app: TestApp) {
    let acme = app.org("acme").await;
    let recorded = Reply::http(
        "500 Internal Server Error",
        &["idempotent-replayed: true"],
        r#"{"error":{"type":"api_error"}}"#,
    );
    let mismatch = says(400, r#"{"error":{"type":"idempotency_error"}}"#);
    let stripe =
        Stub::answering([recorded, mismatch, says(200, CUSTOMER), says(200, NO_CONFIGURATION), portal()]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    olivia.post("/orgs/acme/billing/portal").await.assert_status(303);

    let keys: Vec<String> = stripe.arrived()[..3]
        .iter()
        .map(|r| r.header("idempotency-key").unwrap_or_default().to_owned())
        .collect();
    assert!(keys[0].ends_with(":1") && keys[1].ends_with(":2") && keys[2].ends_with(":3"), "{keys:?}");
}

async fn a_rejected_key_gives_way_to_the_next(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([
        says(401, r#"{"error":{"type":"invalid_request_error"}}"#),
        says(200, CUSTOMER),
        says(200, NO_CONFIGURATION),
        portal(),
    ]);
    let app = app.restarted_with("STRIPE_SECRET_KEY", "sk_test_old,sk_test_new").await;
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    olivia.post("/orgs/acme/billing/portal").await.assert_status(303);

    let used: Vec<String> =
        stripe.arrived().iter().map(|r| r.header("authorization").unwrap_or_default().to_owned()).collect();
    assert_eq!(
        used,
        ["Bearer sk_test_old", "Bearer sk_test_new", "Bearer sk_test_new", "Bearer sk_test_new"]
    );
}

async fn a_redirect_is_not_followed(app: TestApp) {
    let acme = app.org("acme").await;
    let elsewhere = Reply::http("302 Found", &["location: http://169.254.169.254/"], "");
    let stripe = Stub::answering([elsewhere]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    olivia.post("/orgs/acme/billing/portal").await.assert_status(503);
    assert!(stripe.arrived().iter().all(|r| r.path.starts_with("/v1/customers")));
}

async fn after_five_failures_people_do_not_wait_for_the_sixth(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([says(500, r#"{"error":{"type":"api_error"}}"#)]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;
    olivia.post("/orgs/acme/billing/portal").await;
    olivia.post("/orgs/acme/billing/portal").await;
    let (asked, started) = (stripe.arrived().len(), Instant::now());

    let page = olivia.post("/orgs/acme/billing/portal").await;

    assert_eq!((page.status.as_u16(), stripe.arrived().len()), (503, asked), "Stripe is left alone");
    assert!(started.elapsed() < Duration::from_millis(500));
    assert!(olivia.get("/orgs/acme/billing").await.text().contains("Stripe is not answering"));
}

async fn a_customer_made_before_a_fault_is_the_one_used_after(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe =
        Stub::answering([says(200, CUSTOMER), says(400, r#"{"error":{"type":"invalid_request_error"}}"#)]);
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;
    olivia.post("/orgs/acme/billing/portal").await.assert_status(503);
    stripe.now_answer([says(200, NO_CONFIGURATION), portal()]);

    olivia.post("/orgs/acme/billing/portal").await.assert_status(303);

    let last = stripe.arrived().pop().unwrap();
    assert!(last.body.contains("customer=cus_1"), "{}", last.body);
    assert_eq!(app.texts("select customer_id from billing_customers").await, ["cus_1"]);
}
