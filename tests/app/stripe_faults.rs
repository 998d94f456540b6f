//! Stripe slow, down, refusing, talking nonsense: an honest page in time, and nothing half done.
use crate::{
    support::{http::Target, stub::Stub},
    world::{Org, TestApp},
};
use std::time::{Duration, Instant};

on_both_engines! {
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

/// The same organisation in front of another Stripe.
async fn in_front_of(app: &TestApp, acme: &Org, stripe: &Stub) -> (TestApp, crate::support::http::Person) {
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let owner = acme.owner.moved_to(Target::Router(app.router.clone()));
    (app, owner)
}

async fn a_stripe_that_hangs_costs_a_person_fifteen_seconds_and_no_more(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.always_hangs();
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;
    let started = Instant::now();

    let page = olivia.post("/orgs/acme/billing/portal", &[]).await;

    assert!(started.elapsed() < Duration::from_secs(16), "{:?}", started.elapsed());
    assert_eq!(page.status(), 503);
    assert!(page.text().contains("Stripe did not answer") && page.text().contains("Nothing was changed"), "{}", page.text());
    assert!(page.text().contains(page.header("x-request-id")), "the page names the request");
    assert_eq!(page.header("retry-after"), "30");
    assert_eq!(app.count("select count(*) from billing_customers").await, 0);
}

async fn a_stripe_that_is_down_is_said_at_once(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("STRIPE_API_BASE", "http://127.0.0.1:9").await;
    let olivia = acme.owner.moved_to(Target::Router(app.router.clone()));
    let started = Instant::now();

    let page = olivia.post("/orgs/acme/billing/portal", &[]).await;

    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(page.status(), 503);
    assert_eq!(olivia.get("/orgs/acme/billing").await.status(), 200, "the rest of the product goes on");
}

async fn faults_get_an_honest_page_and_leave_nothing_behind(app: TestApp) {
    let acme = app.org("acme").await;
    for (fault, said) in [
        (Stub::json(500, r#"{"error":{"type":"api_error","message":"secret detail"}}"#), "Stripe did not answer"),
        (Stub::html(502, "<html>Bad gateway</html>"), "Stripe did not answer"),
        (Stub::json(429, r#"{"error":{"type":"rate_limit_error","code":"rate_limit"}}"#), "Stripe is busy"),
        (Stub::json(401, r#"{"error":{"type":"invalid_request_error","message":"secret detail"}}"#), "Billing is not available"),
        (Stub::json(403, r#"{"error":{"type":"invalid_request_error","message":"secret detail"}}"#), "Billing is not available"),
        (Stub::json(400, r#"{"error":{"type":"invalid_request_error","message":"secret detail"}}"#), "Billing is not available"),
        (Stub::json(200, r#"{"id":"cus_1","obj"#), "Stripe did not answer"),
        (Stub::truncated(CUSTOMER), "Stripe did not answer"),
        (Stub::closed(), "Stripe did not answer"),
    ] {
        let stripe = Stub::start().await;
        stripe.always(fault.clone());
        let (app, olivia) = in_front_of(&app, &acme, &stripe).await;

        let page = olivia.post("/orgs/acme/billing/portal", &[]).await;

        assert_eq!(page.status(), 503, "{fault:?}");
        assert!(page.text().contains(said), "{fault:?}: {}", page.text());
        assert!(!page.text().contains("secret detail"));
        assert_eq!(app.count("select count(*) from billing_customers").await, 0, "{fault:?}");
        assert_eq!(app.audit("acme").await, ["org.created"], "{fault:?}");
    }
    assert_eq!(acme.owner.post("/orgs/acme/billing/portal", &[]).await.status(), 303, "and when Stripe is well, it works");
}

async fn a_fault_that_passes_is_not_noticed(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.then([
        Stub::json(500, r#"{"error":{"type":"api_error"}}"#),
        Stub::json(200, CUSTOMER),
        Stub::html(502, "<html>"),
        Stub::json(200, NO_CONFIGURATION),
        Stub::closed(),
        Stub::json(200, &format!(r#"{{"id":"bps_1","url":"{}/p/session/x"}}"#, stripe.url())),
    ]);
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;

    let sent = olivia.post("/orgs/acme/billing/portal", &[]).await;

    assert_eq!(sent.status(), 303, "{}", sent.text());
    let keys: Vec<String> = stripe.requests().iter().map(|request| request.header("idempotency-key").to_owned()).collect();
    assert!(keys[0].starts_with("customer:") && keys[0] == keys[1], "a retry carries the same key: {keys:?}");
    assert!(keys[4].starts_with("portal:") && keys[4] == keys[5], "{keys:?}");
    assert_eq!(app.audit("acme").await, ["org.created", "billing.customer_created", "billing.portal_opened"]);
}

async fn a_page_on_a_foreign_host_is_not_followed(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.then([
        Stub::json(200, CUSTOMER),
        Stub::json(200, NO_CONFIGURATION),
        Stub::json(200, r#"{"id":"bps_1","url":"https://billing.stripe.com.evil.test/p/session/x"}"#),
    ]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    let page = olivia.post("/orgs/acme/billing/portal", &[]).await;

    assert_eq!(page.status(), 503);
    assert_eq!(page.header("location"), "");
}

async fn a_recorded_failure_does_not_lock_an_organisation_out(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    let recorded = Stub::json(500, r#"{"error":{"type":"api_error"}}"#).with_header("idempotent-replayed", "true");
    let mismatch = Stub::json(400, r#"{"error":{"type":"idempotency_error"}}"#);
    stripe.then([
        recorded,
        mismatch,
        Stub::json(200, CUSTOMER),
        Stub::json(200, NO_CONFIGURATION),
        Stub::json(200, &format!(r#"{{"id":"bps_1","url":"{}/p/session/x"}}"#, stripe.url())),
    ]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    assert_eq!(olivia.post("/orgs/acme/billing/portal", &[]).await.status(), 303);

    let keys: Vec<String> = stripe.requests()[..3].iter().map(|r| r.header("idempotency-key").to_owned()).collect();
    assert!(keys[0].ends_with(":1") && keys[1].ends_with(":2") && keys[2].ends_with(":3"), "{keys:?}");
}

async fn a_rejected_key_gives_way_to_the_next(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.then([
        Stub::json(401, r#"{"error":{"type":"invalid_request_error"}}"#),
        Stub::json(200, CUSTOMER),
        Stub::json(200, NO_CONFIGURATION),
        Stub::json(200, &format!(r#"{{"id":"bps_1","url":"{}/p/session/x"}}"#, stripe.url())),
    ]);
    let app = app.restarted_with("STRIPE_SECRET_KEY", "sk_test_old,sk_test_new").await;
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    assert_eq!(olivia.post("/orgs/acme/billing/portal", &[]).await.status(), 303);

    let used: Vec<String> = stripe.requests().iter().map(|r| r.header("authorization").to_owned()).collect();
    assert_eq!(used, ["Bearer sk_test_old", "Bearer sk_test_new", "Bearer sk_test_new", "Bearer sk_test_new"]);
}

async fn a_redirect_is_not_followed(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.always(Stub::json(302, "").with_header("location", "http://169.254.169.254/"));
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    assert_eq!(olivia.post("/orgs/acme/billing/portal", &[]).await.status(), 503);
    assert!(stripe.requests().iter().all(|r| r.path.starts_with("/v1/customers")));
}

async fn after_five_failures_people_do_not_wait_for_the_sixth(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.always(Stub::json(500, r#"{"error":{"type":"api_error"}}"#));
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;
    olivia.post("/orgs/acme/billing/portal", &[]).await;
    olivia.post("/orgs/acme/billing/portal", &[]).await;
    let (asked, started) = (stripe.requests().len(), Instant::now());

    let page = olivia.post("/orgs/acme/billing/portal", &[]).await;

    assert_eq!((page.status(), stripe.requests().len()), (503, asked), "Stripe is left alone");
    assert!(started.elapsed() < Duration::from_millis(500));
    assert!(olivia.get("/orgs/acme/billing").await.text().contains("Stripe is not answering"));
}

async fn a_customer_made_before_a_fault_is_the_one_used_after(app: TestApp) {
    let (acme, stripe) = (app.org("acme").await, Stub::start().await);
    stripe.then([Stub::json(200, CUSTOMER), Stub::json(400, r#"{"error":{"type":"invalid_request_error"}}"#)]);
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;
    assert_eq!(olivia.post("/orgs/acme/billing/portal", &[]).await.status(), 503);
    stripe.then([
        Stub::json(200, NO_CONFIGURATION),
        Stub::json(200, &format!(r#"{{"id":"bps_1","url":"{}/p/session/x"}}"#, stripe.url())),
    ]);

    assert_eq!(olivia.post("/orgs/acme/billing/portal", &[]).await.status(), 303);

    let last = stripe.requests().pop().unwrap();
    assert!(last.body.contains("customer=cus_1"), "{}", last.body);
    assert_eq!(app.texts("select customer_id from billing_customers").await, ["cus_1"]);
}
