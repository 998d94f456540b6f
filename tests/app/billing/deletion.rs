//! Organisations that are deleted, while they pay, while somebody buys, while Stripe is down.
use crate::{
    billing_app::{BillingApp, GOOD},
    support::stub::{Reply, Stub},
    test_app::{Org, TestApp},
    webhook_deliveries::hand_over,
};
use hyper::Method;
use product::{db::TENANT_TABLES, orgs::Role};
use serde_json::json;
use std::time::{Duration, Instant};

async fn deletes(org: &Org) -> u16 {
    let form = [("confirm", &*org.slug)];
    org.owner.post(&format!("/orgs/{}/delete", org.slug)).fields(&form).await.status.as_u16()
}

async fn alive_at_stripe(it: &BillingApp, customer: &str) -> usize {
    let held = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}&status=all")).await;
    held.iter().filter(|sub| sub["status"] != "canceled" && sub["status"] != "incomplete_expired").count()
}

#[portico_test]
async fn whoever_deletes_a_paying_organisation_is_charged_no_more(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let mira = it.app.joins(&acme, Role::Member).await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;

    let gone = acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await;
    it.settled().await;

    gone.assert_redirects_to("/account");
    assert_eq!(alive_at_stripe(&it, &customer).await, 0);
    for person in [&acme.owner, &mira] {
        person.get("/orgs/acme").await.assert_status(404);
        person.get("/account").await.assert_status(200);
    }
    // The log stays, and so does whose invoices Stripe keeps.
    for table in TENANT_TABLES.iter().filter(|t| !["audit_events", "billing_former_customers"].contains(t)) {
        let left = format!("select count(*) from {table} where org_id not in (select id from orgs)");
        assert_eq!(it.app.count(&left).await, 0, "{table}");
    }
    let kept = "select customer_id || ' ' || slug from billing_former_customers";
    assert_eq!(it.app.texts(kept).await, [format!("{customer} acme")]);
    let invoices = it.app.at_stripe(&format!("/v1/invoices?customer={customer}")).await;
    assert!(!invoices.is_empty(), "and whoever keeps the books finds its invoices at Stripe");
    let told = "select recipient from mails where key like 'deleted:%' order by recipient";
    assert_eq!(it.app.texts(told).await.len(), 2, "both were told");
    assert_eq!(it.app.count("select count(*) from audit_events where action = 'org.deleted'").await, 1);
}

#[portico_test]
async fn the_last_events_of_a_deleted_organisation_change_nothing(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "month", GOOD).await;
    it.deliver(json!({ "paused": true })).await;
    assert_eq!(deletes(&acme).await, 303);
    let mails = it.mails().await;

    it.deliver(json!({})).await;
    it.settled().await;
    let late = it.newest_event("customer.subscription.deleted").await;
    hand_over(&it.app, &late).await.assert_status(200);
    it.reconcile().await;
    it.settled().await;

    let state =
        "select state || ': ' || error from stripe_events where type = 'customer.subscription.deleted'";
    assert_eq!(it.app.texts(state).await, ["ignored: the organisation was deleted"]);
    assert_eq!(it.mails().await, mails, "and nobody hears of it");
}

#[portico_test]
async fn while_stripe_cannot_be_asked_nothing_is_deleted(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;
    it.fail(
        json!({ "method": "DELETE", "path": "/v1/subscriptions/*", "kind": "500", "times": 20, "probability": 1.0 }),
    )
    .await;

    let refused = acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await;

    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("x-request-id").is_some());
    acme.owner.get("/orgs/acme").await.assert_status(200);
    it.assert_no_drift("acme").await;
    it.ask(Method::DELETE, "/faults", json!({})).await;
    assert_eq!(deletes(&acme).await, 303, "and once Stripe answers, it goes");
    assert_eq!(alive_at_stripe(&it, &customer).await, 0);
}

/// The tab is closed while Stripe cancels the plan.
#[portico_test]
async fn a_deletion_that_is_given_up_is_finished(app: TestApp) {
    let says = |body: &str| Reply::http("200 OK", &["content-type: application/json"], body);
    let acme = app.org("acme").await;
    let none = || says(r#"{"object":"list","data":[],"has_more":false}"#);
    let stripe = Stub::answering([
        says(r#"{"id":"cus_1","object":"customer"}"#),
        none(), // sessions
        none(), // subscriptions
        says(r#"{"object":"list","data":[{"id":"price_1"}],"has_more":false}"#),
        says(r#"{"id":"cs_test_1","status":"open","url":"https://checkout.stripe.com/c/pay/x"}"#),
    ]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let olivia = app.lets_in(&acme.owner);
    let plan = [("plan", "pro"), ("interval", "month")];
    olivia.post("/orgs/acme/billing/checkout").fields(&plan).await.assert_status(303);
    let item = r#"{"id":"si_1","price":{"id":"price_1","lookup_key":"pro_month"}}"#;
    let paid =
        &format!(r#"{{"id":"sub_1","object":"subscription","status":"active","items":{{"data":[{item}]}}}}"#);
    stripe.now_answer([
        none(), // sessions
        says(&format!(r#"{{"object":"list","data":[{paid}],"has_more":false}}"#)),
        says(paid).after(Duration::from_millis(500)),
    ]);
    let click =
        tokio::spawn(async move { olivia.post("/orgs/acme/delete").field("confirm", "acme").await.status });
    while !stripe.arrived().iter().any(|it| it.method == "DELETE") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    click.abort();

    let started = Instant::now();
    while app.count("select count(*) from orgs").await > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "the plan is cancelled and the organisation stands"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(click.await.is_err_and(|error| error.is_cancelled()), "nobody waited for it");
}

#[portico_test]
async fn an_open_checkout_cannot_be_paid_any_more(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let plan = [("plan", "pro"), ("interval", "month")];
    acme.owner.post("/orgs/acme/billing/checkout").fields(&plan).await.assert_status(303);
    let customer = it.customer_of("acme").await;
    let session = it.newest_session(&customer).await;

    assert_eq!(deletes(&acme).await, 303);

    let paid = it.try_act(&customer, "complete_checkout", json!({ "session": session, "card": GOOD })).await;
    assert_eq!(paid["ok"], false, "{paid}");
    assert_eq!(alive_at_stripe(&it, &customer).await, 0);
    let back = acme.owner.get(&format!("/orgs/acme/billing/return?session_id={session}")).await;
    back.assert_status(404);
}

#[portico_test]
async fn deleted_while_somebody_buys_nobody_pays_for_nothing(app: TestApp) {
    let it = BillingApp::of(app).await;
    for round in 0..6 {
        let acme = it.org(&format!("acme {round}")).await;
        let slug = &acme.slug;
        acme.owner.post(&format!("/orgs/{slug}/billing/portal")).await.assert_status(303);
        let customer = it.customer_of(slug).await;
        let buys = |plan: &'static str| {
            let form = [("plan", plan), ("interval", "month")];
            let click = acme.owner.post(&format!("/orgs/{slug}/billing/checkout")).fields(&form);
            async move { click.await.status.as_u16() }
        };

        let (ended, one, other, third) =
            tokio::join!(deletes(&acme), buys("pro"), buys("business"), buys("pro"));

        for status in [one, other, third] {
            assert!([303, 404, 503].contains(&status), "{status}");
        }
        if ended != 303 {
            assert_eq!(ended, 503, "too many were buying");
            assert_eq!(deletes(&acme).await, 303);
        }
        for session in it.app.at_stripe(&format!("/v1/checkout/sessions?customer={customer}")).await {
            let pay = json!({ "session": session["id"], "card": GOOD });
            assert_eq!(it.try_act(&customer, "complete_checkout", pay).await["ok"], false, "{session}");
        }
        assert_eq!(alive_at_stripe(&it, &customer).await, 0);
    }
}

#[portico_test]
async fn two_clicks_on_delete_are_one_end(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "year", GOOD).await;

    let mut answers: [u16; 3] = tokio::join!(deletes(&acme), deletes(&acme), deletes(&acme)).into();
    answers.sort_unstable();
    it.settled().await;

    assert_eq!(answers[0], 303);
    assert!(answers[1..].iter().all(|status| *status == 404), "{answers:?}");
    assert_eq!(it.app.count("select count(*) from audit_events where action = 'org.deleted'").await, 1);
    assert_eq!(it.app.count("select count(*) from mails where key like 'deleted:%'").await, 1);
}

#[portico_test]
async fn one_whose_customer_stripe_has_deleted_can_be_deleted(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.deliver(json!({ "paused": true })).await;
    it.delete_at_stripe(&format!("/v1/customers/{customer}")).await;

    assert_eq!(deletes(&acme).await, 303);

    it.deliver(json!({})).await;
    it.settled().await;
    assert_eq!(it.app.count("select count(*) from orgs where slug = 'acme'").await, 0);
}

#[portico_test]
async fn another_of_that_name_begins_anew(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let before = it.subscribe(&acme, "business", "month", GOOD).await;
    assert_eq!(deletes(&acme).await, 303);

    acme.owner.post("/orgs").field("name", "acme").await.assert_redirects_to("/orgs/acme");
    it.settled().await;

    acme.owner.get("/orgs/acme/billing").await.assert_status(200).assert_says("Free");
    let after = it.subscribe(&acme, "pro", "month", GOOD).await;
    assert_ne!(before, after, "with a customer of its own");
    it.assert_no_drift("acme").await;
}
