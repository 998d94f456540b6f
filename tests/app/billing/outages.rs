//! Stripe slow, down, refusing, talking nonsense: an honest page in time, nothing half done, nothing lost.
use crate::{
    billing_app::{BillingApp, GOOD},
    support::{
        http::Person,
        stub::{Arrived, Reply, Stub},
    },
    test_app::{Org, TestApp},
};
use product::{orgs::Role, worker};
use serde_json::json;
use std::time::{Duration, Instant};

pub const CUSTOMER: &str = r#"{"id":"cus_1","object":"customer"}"#;

pub const NO_CONFIGURATION: &str = r#"{"object":"list","data":[],"has_more":false}"#;

pub fn says(status: u16, body: &str) -> Reply {
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

#[portico_test]
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
    assert!(page.text().contains(page.header_text("x-request-id")), "the page names the request");
    assert_eq!(page.header_text("retry-after"), "30");
    assert_eq!(app.count("select count(*) from billing_customers").await, 0);
}

#[portico_test]
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

#[portico_test]
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

#[portico_test]
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

#[portico_test]
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
    assert_eq!(page.header_text("location"), "");
}

#[portico_test]
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

#[portico_test]
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

/// The keys that requests carried, in order.
fn keys_used(stripe: &Stub) -> Vec<String> {
    let key = |r: &Arrived| r.header("authorization").unwrap_or_default().replace("Bearer sk_test_", "");
    stripe.arrived().iter().map(key).collect()
}

#[portico_test]
async fn a_key_that_is_rejected_once_by_mistake_is_turned_back_to(app: TestApp) {
    let acme = app.org("acme").await;
    let rejected = || says(401, r#"{"error":{"type":"invalid_request_error"}}"#);
    let stripe = Stub::answering([
        rejected(), // the good key, by mistake
        rejected(), // the other one, which Stripe has deleted
        says(200, CUSTOMER),
        says(200, NO_CONFIGURATION),
        portal(),
    ]);
    let app = app.restarted_with("STRIPE_SECRET_KEY", "sk_test_good,sk_test_deleted").await;
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    olivia.post("/orgs/acme/billing/portal").await.assert_status(303);

    assert_eq!(keys_used(&stripe), ["good", "deleted", "good", "good", "good"]);
}

#[portico_test]
async fn where_no_key_is_accepted_each_is_tried_and_none_is_given_up(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([says(401, r#"{"error":{"type":"invalid_request_error"}}"#)]);
    let app = app.restarted_with("STRIPE_SECRET_KEY", "sk_test_a,sk_test_b").await;
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;
    olivia.post("/orgs/acme/billing/portal").await.assert_status(503);
    assert_eq!(keys_used(&stripe), ["a", "b", "a"]);
    stripe.now_answer([says(200, CUSTOMER), says(200, NO_CONFIGURATION), portal()]);

    olivia.post("/orgs/acme/billing/portal").await.assert_status(303);
}

#[portico_test]
async fn an_answer_that_was_cut_off_is_asked_for_again_under_the_same_key(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([
        says(200, r#"{"id":"cus_1","obj"#),
        says(200, CUSTOMER),
        says(200, r#"{"object":"list","da"#),
        says(200, NO_CONFIGURATION),
        says(200, r#"{"id":"bps_1","url":"https://bill"#),
        portal(),
    ]);
    let (app, olivia) = in_front_of(&app, &acme, &stripe).await;

    olivia.post("/orgs/acme/billing/portal").await.assert_status(303);

    let arrived = stripe.arrived();
    let keys: Vec<&str> = arrived.iter().map(|r| r.header("idempotency-key").unwrap_or_default()).collect();
    assert_eq!(keys.len(), 6, "{keys:?}");
    assert!(keys[0].starts_with("customer:") && keys[0] == keys[1], "{keys:?}");
    assert!(keys[2].is_empty() && keys[3].is_empty(), "a GET needs none: {keys:?}");
    assert!(keys[4].starts_with("portal:") && keys[4] == keys[5], "{keys:?}");
    assert_eq!(app.count("select count(*) from billing_customers").await, 1);
}

#[portico_test]
async fn an_answer_without_what_we_need_is_not_asked_for_again(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([says(200, r#"{"object":"customer"}"#)]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    let page = olivia.post("/orgs/acme/billing/portal").await;

    page.assert_status(503).assert_says("Billing is not available");
    assert_eq!(stripe.arrived().len(), 1);
}

#[portico_test]
async fn a_redirect_is_not_followed(app: TestApp) {
    let acme = app.org("acme").await;
    let elsewhere = Reply::http("302 Found", &["location: http://169.254.169.254/"], "");
    let stripe = Stub::answering([elsewhere]);
    let (_app, olivia) = in_front_of(&app, &acme, &stripe).await;

    olivia.post("/orgs/acme/billing/portal").await.assert_status(503);
    assert!(stripe.arrived().iter().all(|r| r.path.starts_with("/v1/customers")));
}

#[portico_test]
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

#[portico_test]
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

#[portico_test]
async fn an_hour_without_stripe_takes_nothing_away_and_loses_nothing(app: TestApp) {
    let mut it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.stop_workers();
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.control("/delivery/flush", json!({})).await;
    let down = it.app.restarted_with("STRIPE_API_BASE", "http://127.0.0.1:9").await;
    let working = tokio::spawn(worker::run(down.app.clone()));

    for _ in 0..80 {
        down.app.clock.advance(time::Duration::minutes(1));
        down.app.work_arrived.notify_waiters();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let ada = down.joins(&acme, Role::Admin).await; // fresh enough to be let to the portal at once
    let page = ada.get("/orgs/acme/billing").await;
    let clicked = ada.post("/orgs/acme/billing/portal").await;
    working.abort();

    assert!(page.text().contains("Business") && page.text().contains("Active"), "{}", page.text());
    assert!(
        page.text().contains("Last updated ") && page.text().contains("Stripe is not answering"),
        "{}",
        page.text()
    );
    assert_eq!((clicked.status.as_u16(), clicked.header_text("retry-after")), (503, "30"));
    assert_eq!(it.billing_state("acme").await["status"], "active");
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
    assert_eq!(it.app.count("select count(*) from jobs where dead = true").await, 0);
    it.app.app.clock.advance(time::Duration::hours(3));
    it.start_worker();
    it.settled().await;
    assert!(it.billing_state("acme").await["cancel_at"].is_i64(), "what arrived meanwhile is settled");
    it.assert_no_drift("acme").await;
}

#[portico_test]
async fn a_proxys_page_and_half_an_answer_delay_an_event_and_lose_none(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;

    for (kind, price) in [("502_html", "pro_year"), ("truncated", "business_year")] {
        it.control("/faults", json!({ "method": "GET", "path": "/v1/*", "kind": kind, "times": 2 })).await;
        it.act(&customer, "switch_plan", json!({ "price": price })).await;
        it.settled().await;
    }

    it.assert_no_drift("acme").await;
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
    assert_eq!(it.app.count("select count(*) from jobs where dead = true").await, 0);
}

/// With one key only there is nothing to turn to; what waits is done once the key is good again.
#[portico_test]
async fn a_key_that_is_rejected_for_a_while_loses_no_event(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;

    it.control("/faults", json!({ "method": "GET", "path": "/v1/customers/*", "kind": "401", "times": 1 }))
        .await;
    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.settled().await;

    it.assert_no_drift("acme").await;
    let tries = it.app.count("select max(tries) from stripe_events").await;
    assert!(tries >= 2, "the first try was rejected: {tries}");
    let faults = it.ask(hyper::Method::GET, "/faults", json!(null)).await.text();
    assert!(!faults.contains("\"struck\":0"), "{faults}");
}

/// Whoever watches sees what was given up, and replays it under a good key.
#[portico_test]
async fn a_key_that_is_rejected_for_good_is_not_tried_for_ever(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.control("/faults", json!({ "path": "/v1/*", "kind": "401" })).await;
    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.deliver(json!({ "thin": true })).await; // says whose it is only to whoever asks
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.control("/delivery/flush", json!({})).await;

    for _ in 0..200 {
        if it.app.count("select count(*) from jobs where dead = false").await == 0 {
            break;
        }
        it.app.app.clock.advance(time::Duration::minutes(11));
        it.app.app.work_arrived.notify_waiters();
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }

    assert_eq!(it.app.count("select count(*) from jobs where dead = false").await, 0);
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'pending'").await, 0);
    assert!(it.app.figure("jobs_dead").await > 0);
    let given_up = it.app.texts("select id from stripe_events where state = 'dead'").await;
    assert!(it.app.figure(r#"inbox_events{state="dead"}"#).await as usize == given_up.len());
    assert_eq!(it.billing_state("acme").await["interval"], "month", "and nothing was taken away");
    it.ask(hyper::Method::DELETE, "/faults", json!({})).await.assert_status(200);
    for id in &given_up {
        it.app.operator().post("/inbox/replay").field("id", id).await.assert_status(303);
    }
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
    assert_eq!(it.app.count("select count(*) from jobs").await, 0);
}
