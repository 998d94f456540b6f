//! Back from Stripe: with or without a webhook, or never, or with a session of somebody else.
use crate::{
    billing_app::{BillingApp, GOOD},
    support::stub::{Reply, Stub},
    test_app::TestApp,
};
use serde_json::json;

#[portico_test]
async fn a_person_who_closes_the_tab_after_paying_has_what_they_paid_for(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;

    it.subscribe(&acme, "business", "year", GOOD).await; // and nobody comes back

    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["plan"], "business");
    assert_eq!(it.mails().await, ["Welcome to Business"]);
    assert_eq!(it.audited("acme", "billing.checkout_started").await, 1);
}

#[portico_test]
async fn a_person_who_comes_back_after_the_webhook_changes_nothing_more(app: TestApp) {
    let it = BillingApp::of(app).await;
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

#[portico_test]
async fn a_person_who_comes_back_needs_no_webhook(app: TestApp) {
    let it = BillingApp::of(app).await;
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

#[portico_test]
async fn a_session_of_another_organisation_is_not_found(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    let theirs = it.subscribe(&globex, "pro", "month", GOOD).await;
    let session = it.newest_session(&theirs).await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);

    let refused = acme.owner.get(&format!("/orgs/acme/billing/return?session_id={session}")).await;

    refused.assert_status(404);
    assert_eq!(it.billing_state("acme").await["status"], json!(null));
    globex.owner.get(&format!("/orgs/globex/billing/return?session_id={session}")).await.assert_status(303);
}

#[portico_test]
async fn what_cannot_be_a_session_never_reaches_stripe(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([Reply::html_502()]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let olivia = app.lets_in(&acme.owner);

    for id in [
        "cs_x/../../customers",
        "cs_test_..%2F..%2Fv1%2Fcustomers",
        "cs_test_a1B2c3D4e5F6%3Fexpand",
        "cs_test_a1B2c3D4e5F6",
        "cus_1",
    ] {
        olivia.get(&format!("/orgs/acme/billing/return?session_id={id}")).await.assert_status(404);
    }

    assert_eq!(stripe.arrived().len(), 0);
}
