//! The operators' port: metrics, and the inbox with its replays.
use crate::{
    billing_app::{BillingApp, GOOD},
    support::http::{Person, Site},
    test_app::TestApp,
    webhook_deliveries::{delivered, event, state_of, with_secret},
};
use product::routes;
use serde_json::json;

#[portico_test]
async fn two_subscriptions_alive_are_an_alarm_and_a_banner(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    assert_eq!(it.app.figure("duplicate_subscriptions").await, 0);
    let prices = it.app.at_stripe("/v1/prices?limit=100").await;
    let pro = prices.iter().find(|price| price["lookup_key"] == "pro_month").unwrap()["id"].as_str().unwrap();
    it.act(&customer, "add_card", json!({ "card": GOOD })).await;

    it.write_at_stripe("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", pro)]).await;
    it.settled().await;

    assert_eq!(it.app.figure("duplicate_subscriptions").await, 1);
    acme.owner.get("/orgs/acme/billing").await.assert_says("There are two subscriptions");
}

#[portico_test]
async fn missed_events_and_drift_are_counted(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.reconcile().await;
    let stored = it.app.figure("webhook_stored_total").await;
    it.deliver(json!({ "drop": 1.0 })).await;
    it.act(&customer, "switch_plan", json!({ "price": "business_year" })).await;

    product::billing::full_pass(&it.app.app).await.unwrap();
    it.reconcile().await;
    it.settled().await;

    assert!(stored > 0);
    assert_eq!(it.app.figure("webhook_stored_total").await, stored);
    assert_eq!(it.app.figure("drift_total").await, 1);
    assert!(it.app.figure("events_missed_total").await > 0);
    assert_eq!((it.app.figure("jobs_waiting").await, it.app.figure("jobs_dead").await), (0, 0));
    assert_eq!(it.app.figure("stripe_resting").await, 0);
}

#[portico_test]
async fn the_inbox_lists_what_came_newest_first_and_by_state(app: TestApp) {
    let app = with_secret(&app).await;
    delivered(&app, &event("evt_first", "product.created", "cus_1")).await;
    app.app.clock.advance(time::Duration::seconds(5));
    delivered(&app, &event("evt_second", "customer.subscription.updated", "cus_<b>")).await;

    let all = app.operator().get("/inbox").await.assert_status(200).text();
    let ignored = app.operator().get("/inbox?state=ignored").await.assert_status(200).text();
    let unknown = app.operator().get("/inbox?state=nonsense").await.assert_status(200).text();

    assert!(all.find("evt_second").unwrap() < all.find("evt_first").unwrap(), "{all}");
    assert!(ignored.contains("evt_first") && !ignored.contains("evt_second"));
    assert!(unknown.contains("evt_first") && !all.contains("<b>"));
}

#[portico_test]
async fn an_operator_replays_an_event_and_it_is_settled_again(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    let mails = it.mails().await;
    let of = "select id from stripe_events where type = 'customer.subscription.created'";
    let id = it.app.texts(of).await.remove(0);

    let sent = it.app.operator().post("/inbox/replay").field("id", &id).await;
    it.settled().await;

    sent.assert_redirects_to("/inbox");
    assert_eq!(state_of(&it.app, &id).await, "done");
    assert_eq!(it.app.count(&format!("select applied from stripe_events where id = '{id}'")).await, 2);
    assert_eq!(it.mails().await, mails, "and nobody is told twice");
    it.app.operator().post("/inbox/replay").field("id", "evt_none").await.assert_status(404);
    it.assert_no_drift("acme").await;
}

#[portico_test]
async fn the_inbox_shows_the_newest_where_there_are_many(app: TestApp) {
    let app = with_secret(&app).await;
    for n in 0..205 {
        delivered(&app, &event(&format!("evt_{n:03}"), "product.created", "cus_1")).await;
        app.app.clock.advance(time::Duration::seconds(1));
    }

    let page = app.operator().get("/inbox").await.assert_status(200).text();

    assert!(page.contains("evt_204") && !page.contains("evt_004<"), "the oldest can wait");
}

#[portico_test]
async fn nobody_replays_from_another_site(app: TestApp) {
    let app = with_secret(&app).await;
    delivered(&app, &event("evt_1", "product.created", "cus_1")).await;

    let refused = app.operator().post("/inbox/replay").field("id", "evt_1").sent_from_another_site().await;

    refused.assert_status(403);
    assert_eq!(state_of(&app, "evt_1").await, "ignored");
}

#[portico_test]
async fn the_operators_pages_are_on_their_own_port_alone(app: TestApp) {
    let acme = app.org("acme").await;

    for path in ["/metrics", "/inbox", "/inbox/replay"] {
        acme.owner.get(path).await.assert_status(404);
    }
    acme.owner.post("/inbox/replay").field("id", "evt_1").await.assert_status(404);
    app.operator().get("/orgs/acme").await.assert_status(404);
    app.operator().get("/readyz").await.assert_status(200);
}

/// Over plain http browsers send no Sec-Fetch-Site, but to this machine.
#[portico_test]
async fn an_operator_replays_over_plain_http_at_a_name_of_ours_alone(app: TestApp) {
    let app = with_secret(&app).await.restarted_with("OPS_HOSTS", "ops.internal").await;
    delivered(&app, &event("evt_1", "product.created", "cus_1")).await;
    let at = |name: &str| Person::visiting(&Site::of(routes::ops_router(app.app.clone()), name));
    let replayed = async |name: &str| {
        let operator = at(name);
        operator.post("/inbox/replay").field("id", "evt_1").without("sec-fetch-site").await.status.as_u16()
    };

    assert_eq!(replayed("http://ops.internal:3001").await, 303);
    assert_eq!(replayed("http://rebound.example:3001").await, 421);
    assert_eq!(at("http://rebound.example:3001").get("/inbox").await.status.as_u16(), 421);
    at("http://10.1.2.3:3001").get("/readyz").await.assert_status(200);
}
