//! Events twice, late, early, unknown, or never: scenarios 1 to 6.
use crate::{
    loop_world::{GOOD, Loop, hand_over},
    world::TestApp,
};
use hyper::Method;
use serde_json::json;

crate::support::on_both_engines! {
    an_event_that_arrives_twenty_times_at_once_is_settled_once,
    an_update_that_arrives_after_the_end_brings_nothing_back,
    an_event_that_is_quicker_than_our_own_record_waits_for_it,
    metadata_that_names_an_organisation_binds_nothing,
    a_person_who_comes_back_after_the_webhook_changes_nothing_more,
    a_person_who_comes_back_needs_no_webhook,
}

/// Scenario 1.
async fn an_event_that_arrives_twenty_times_at_once_is_settled_once(app: TestApp) {
    let it = Loop::of(app).await;
    it.deliver(json!({ "drop": 1 })).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "month", GOOD).await;
    let event = it.newest_event("customer.subscription.created").await;

    let deliveries = (0..20).map(|_| {
        let (app, event) = (it.app.clone(), event.clone());
        tokio::spawn(async move { hand_over(&app, &event).await })
    });
    for delivery in deliveries.collect::<Vec<_>>() {
        delivery.await.unwrap().assert_status(200);
    }
    it.settled().await;
    hand_over(&it.app, &event).await.assert_status(200); // and once more when all is done
    it.settled().await;

    assert_eq!(it.app.count("select count(*) from stripe_events").await, 1);
    assert_eq!(it.app.count("select applied from stripe_events").await, 1);
    assert_eq!(it.mails().await, ["Welcome to Pro"]);
    it.assert_no_drift("acme").await;
}

/// Scenario 2.
async fn an_update_that_arrives_after_the_end_brings_nothing_back(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.deliver(json!({ "drop": 1 })).await;
    it.act(&customer, "switch_plan", json!({ "price": "business_year" })).await;
    let alive = it.newest_event("customer.subscription.updated").await;
    assert_eq!(alive["data"]["object"]["status"], "active");
    it.act(&customer, "cancel", json!({ "when": "now" })).await;
    hand_over(&it.app, &it.newest_event("customer.subscription.deleted").await).await.assert_status(200);
    it.settled().await;
    let before = (it.mails().await, it.app.audit("acme").await);

    hand_over(&it.app, &alive).await.assert_status(200);
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "canceled");
    it.assert_no_drift("acme").await;
    assert_eq!((it.mails().await, it.app.audit("acme").await), before);
    assert!(acme.owner.get("/orgs/acme/billing").await.text().contains("Subscription ended"));
}

/// Scenario 3, as our design has it: the event waits, and our own record settles it.
async fn an_event_that_is_quicker_than_our_own_record_waits_for_it(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    // Stripe makes the customer, and the answer is lost on the way.
    it.fail(json!({ "method": "POST", "path": "/v1/customers", "kind": "close_after", "times": 3 })).await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(503);
    let customer = it.app.customers_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    it.act(&customer, "update_details", json!({ "name": "Acme Ltd" })).await;
    it.settled().await;
    assert_eq!(
        it.app.texts("select state from stripe_events where type = 'customer.updated'").await,
        ["parked"]
    );
    assert_eq!(it.app.count("select count(*) from billing_customers").await, 0);

    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    it.settled().await;

    assert_eq!(it.customer_of("acme").await, customer, "the one that was made, not a second");
    assert_eq!(
        it.app.texts("select state from stripe_events where type = 'customer.updated'").await,
        ["done"]
    );
    assert_eq!(it.app.customers_at_stripe().await.len(), 1);
}

/// Scenario 3: the other half.
async fn metadata_that_names_an_organisation_binds_nothing(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let ours = &it.app.customers_at_stripe().await[0];
    let org = ours["metadata"]["org_id"].as_str().unwrap().to_owned();
    let named = [("name", "Mallory"), ("metadata[org_id]", org.as_str()), ("metadata[org]", "acme")];
    let foreign = it.in_dashboard(Method::POST, "/v1/customers", &named).await;
    let foreign = foreign["id"].as_str().unwrap();

    let subscribed = [
        ("customer", foreign),
        ("items[0][price]", &price(&it, "pro_month").await),
        ("trial_period_days", "7"),
    ];
    it.in_dashboard(Method::POST, "/v1/subscriptions", &subscribed).await;
    it.settled().await;

    let states = format!(
        "select distinct state from stripe_events where customer_id = '{foreign}' and state <> 'ignored'"
    );
    assert_eq!(it.app.texts(&states).await, ["parked"]);
    assert_eq!(it.billing_state("acme").await["status"], json!(null));
    assert_ne!(it.customer_of("acme").await, foreign);
}

/// Scenario 4.
async fn a_person_who_comes_back_after_the_webhook_changes_nothing_more(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    let session = it.newest_session(&customer).await;
    let before = (it.mails().await, it.app.audit("acme").await, it.billing_state("acme").await);

    let back = acme.owner.get(&format!("/orgs/acme/billing/return?session_id={session}")).await;

    back.assert_redirects_to("/orgs/acme/billing");
    assert!(acme.owner.follow(&back).await.text().contains("Your plan is active"));
    it.settled().await;
    assert_eq!((it.mails().await, it.app.audit("acme").await, it.billing_state("acme").await), before);
}

/// Scenario 5.
async fn a_person_who_comes_back_needs_no_webhook(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    it.deliver(json!({ "drop": 1 })).await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    let session = it.newest_session(&customer).await;
    assert_eq!(it.billing_state("acme").await["status"], json!(null), "nobody has told us yet");

    let back = acme.owner.get(&format!("/orgs/acme/billing/return?session_id={session}")).await;

    assert!(acme.owner.follow(&back).await.text().contains("Your plan is active"));
    it.assert_no_drift("acme").await;
    let before = (it.mails().await, it.app.audit("acme").await);
    assert_eq!(before.0, ["Welcome to Pro"]);
    it.reconcile().await;
    it.settled().await;
    assert!(it.app.count("select count(*) from stripe_events where state = 'done'").await > 0);
    assert_eq!(it.app.count("select count(*) from stripe_events where state <> 'done'").await, 0);
    assert_eq!((it.mails().await, it.app.audit("acme").await), before, "what was known already is no news");
}

async fn price(it: &Loop, lookup_key: &str) -> String {
    let found = it.app.at_stripe(&format!("/v1/prices?lookup_keys[]={lookup_key}")).await;
    found[0]["id"].as_str().unwrap().to_owned()
}
