//! Stripe refusing, repeating an old failure, throttling, or gone: scenarios 15 to 19.
use crate::{
    loop_world::{GOOD, Loop},
    support::stub::{Reply, Stub},
    world::{Said, TestApp},
};
use product::{billing, orgs::Role, worker};
use serde_json::json;
use std::time::{Duration, Instant};

crate::support::on_both_engines! {
    where_no_portal_is_set_up_a_person_gets_a_plain_word_and_no_jargon,
    a_page_that_is_switched_off_gives_way_to_the_portals_home,
    what_stripe_did_before_the_line_went_dead_is_done_once,
    a_session_whose_answer_was_lost_does_not_keep_a_person_waiting,
    a_recorded_failure_of_checkout_is_over_with_the_next_click,
    a_burst_of_429_in_the_nightly_pass_is_waited_out,
    a_full_pass_asks_five_times_a_second_and_a_click_does_not_wait_for_it,
    a_customer_that_stripe_keeps_refusing_does_not_hold_up_the_others,
    an_hour_without_stripe_takes_nothing_away_and_loses_nothing,
}

const PRO: [(&str, &str); 2] = [("plan", "pro"), ("interval", "month")];
const CUSTOMER: &str = r#"{"id":"cus_1","object":"customer"}"#;
const NO_CONFIGURATION: &str = r#"{"object":"list","data":[],"has_more":false}"#;

fn says(status: u16, body: &str) -> Reply {
    Reply::http(&format!("{status} Said"), &["content-type: application/json"], body)
}

/// Scenario 15: no configuration, ours or the account's.
async fn where_no_portal_is_set_up_a_person_gets_a_plain_word_and_no_jargon(app: TestApp) {
    let acme = app.org("acme").await;
    let none = r#"{"error":{"type":"invalid_request_error","message":"No configuration provided and your test mode default configuration has not been created."}}"#;
    let stripe = Stub::answering([says(200, CUSTOMER), says(200, NO_CONFIGURATION), says(400, none)]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;

    let page = app.lets_in(&acme.owner).post("/orgs/acme/billing/portal").await;

    page.assert_status(503);
    assert!(page.text().contains("Billing is not available"), "{}", page.text());
    assert!(page.text().contains(page.said("x-request-id")), "what to tell support");
    assert!(!page.text().contains("No configuration"), "{}", page.text());
}

/// Scenario 15: the flow is off in the configuration.
async fn a_page_that_is_switched_off_gives_way_to_the_portals_home(app: TestApp) {
    let acme = app.org("acme").await;
    let off = r#"{"error":{"type":"invalid_request_error","message":"The feature is disabled in the portal configuration."}}"#;
    let opened = r#"{"id":"bps_1","url":"https://billing.stripe.com/p/session/x"}"#;
    let stripe = Stub::answering([
        says(200, CUSTOMER),
        says(200, NO_CONFIGURATION),
        says(400, off),
        says(200, opened),
    ]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;

    let sent =
        app.lets_in(&acme.owner).post("/orgs/acme/billing/portal").field("flow", "payment_method").await;

    sent.assert_redirects_to("https://billing.stripe.com/");
    let asked = stripe.arrived();
    let (with, without) = (&asked[asked.len() - 2], &asked[asked.len() - 1]);
    assert!(with.body.contains("flow_data") && !without.body.contains("flow_data"), "{asked:?}");
}

/// Scenario 16.
async fn what_stripe_did_before_the_line_went_dead_is_done_once(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    for path in ["/v1/customers", "/v1/checkout/sessions"] {
        it.fail(json!({ "method": "POST", "path": path, "kind": "close_after", "times": 1 })).await;
    }

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    assert_eq!(it.app.customers_at_stripe().await.len(), 1);
    let sessions = it.app.at_stripe("/v1/checkout/sessions?limit=100").await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sent.location(), sessions[0]["url"].as_str().unwrap());
}

/// Scenario 16, where every try of a click was lost.
async fn a_session_whose_answer_was_lost_does_not_keep_a_person_waiting(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    it.fail(json!({ "method": "POST", "path": "/v1/checkout/sessions", "kind": "close_after", "times": 3 }))
        .await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await.assert_status(503);
    let started = Instant::now();

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let open = it.app.at_stripe("/v1/checkout/sessions?status=open&limit=100").await;
    assert_eq!(open.iter().map(|it| it["url"].as_str().unwrap()).collect::<Vec<_>>(), [sent.location()]);
}

/// Scenario 17, for Checkout.
async fn a_recorded_failure_of_checkout_is_over_with_the_next_click(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    it.fail(json!({ "method": "POST", "path": "/v1/checkout/sessions", "kind": "500", "times": 1 })).await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await.assert_status(503);
    let started = Instant::now();

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// Scenario 18.
async fn a_burst_of_429_in_the_nightly_pass_is_waited_out(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.deliver(json!({ "drop": 1 })).await;
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.fail(json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "429", "times": 2 })).await;
    it.fail(json!({ "method": "GET", "path": "/v1/invoices", "kind": "429_lock", "times": 1 })).await;

    let found = billing::full_pass(&it.app.app).await.unwrap();

    assert_eq!((found.looked_at, found.missing), (1, 1));
    it.assert_no_drift("acme").await;
    assert!(!it.app.app.stripe.circuit_is_open(), "being throttled is no outage");
}

/// Scenario 18: three calls a customer, a customer every 0.6 s, and whoever clicks goes first.
async fn a_full_pass_asks_five_times_a_second_and_a_click_does_not_wait_for_it(app: TestApp) {
    let mut people = Vec::new();
    for name in ["acme", "globex", "initech", "umbrella"] {
        let org = app.org(name).await;
        org.owner.post(&format!("/orgs/{name}/billing/portal")).await.assert_status(303);
        people.push(org.owner);
    }
    let pass = async {
        let begun = std::time::Instant::now();
        let found = billing::full_pass(&app.app).await.unwrap();
        (found.looked_at, begun.elapsed().as_millis())
    };
    let click = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        let begun = std::time::Instant::now();
        people[3].post("/orgs/umbrella/billing/portal").await.assert_status(303);
        begun.elapsed().as_millis()
    };

    let ((looked_at, pass), click) = tokio::join!(pass, click);

    assert!(looked_at == 4 && pass >= 1800, "{looked_at} in {pass} ms");
    assert!(click < pass / 2, "a click took {click} ms while the pass took {pass} ms");
}

/// Scenario 18: one customer's trouble is not everybody's.
async fn a_customer_that_stripe_keeps_refusing_does_not_hold_up_the_others(app: TestApp) {
    let it = Loop::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    let mut customers = Vec::new();
    for org in [&acme, &globex] {
        customers.push((it.subscribe(org, "pro", "month", GOOD).await, org.slug.clone()));
    }
    it.deliver(json!({ "drop": 1 })).await;
    for (customer, _) in &customers {
        it.act(customer, "cancel", json!({ "when": "period_end" })).await;
    }
    customers.sort(); // as the pass goes
    let locked = format!("/v1/customers/{}", customers[0].0);
    it.fail(json!({ "method": "GET", "path": locked, "kind": "429_lock", "times": 3 })).await;

    let outcome = billing::full_pass(&it.app.app).await;

    assert!(outcome.is_err(), "a pass that left somebody out did not complete");
    it.assert_no_drift(&customers[1].1).await;
    billing::full_pass(&it.app.app).await.unwrap();
    it.assert_no_drift(&customers[0].1).await;
}

/// Scenario 19.
async fn an_hour_without_stripe_takes_nothing_away_and_loses_nothing(app: TestApp) {
    let mut it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.end_work();
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
        page.text().contains("As of ") && page.text().contains("Stripe is not answering"),
        "{}",
        page.text()
    );
    assert_eq!((clicked.status.as_u16(), clicked.said("retry-after")), (503, "30"));
    assert_eq!(it.billing_state("acme").await["status"], "active");
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
    assert_eq!(it.app.count("select count(*) from jobs where dead = true").await, 0);
    it.app.app.clock.advance(time::Duration::hours(3));
    it.begin_work();
    it.settled().await;
    assert!(it.billing_state("acme").await["cancel_at"].is_i64(), "what arrived meanwhile is settled");
    it.assert_no_drift("acme").await;
}
