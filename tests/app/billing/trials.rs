//! Trials: once for each organisation, and once for each person who starts one.
use crate::{
    billing_app::{BillingApp, GOOD, PRO},
    support::http::Person,
    test_app::TestApp,
};
use product::orgs::Role;
use serde_json::json;

/// Goes to Checkout for Pro; whether the session begins with a trial.
async fn is_offered_a_trial(it: &BillingApp, person: &Person, slug: &str) -> bool {
    let sent = person.post(&format!("/orgs/{slug}/billing/checkout")).fields(&PRO).await;
    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    let page = Person::visiting(&crate::support::http::Site::at(&it.app.stripe));
    let page =
        page.get(sent.location().strip_prefix(&it.app.stripe).unwrap()).await.assert_status(200).text();
    page.contains("Start trial")
}

#[portico_test]
async fn a_person_who_had_a_trial_gets_none_in_another_organisation(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.get("/pricing").await.assert_says("14-day trial");
    it.subscribe(&acme, "pro", "month", GOOD).await;
    assert_eq!(it.billing_state("acme").await["status"], "trialing");

    acme.owner.post("/orgs").field("name", "Globex").await.assert_redirects_to("/orgs/globex");

    acme.owner.get("/orgs/globex/billing").await.assert_says("Choose Pro").assert_does_not_say("trial");
    acme.owner.get("/pricing").await.assert_does_not_say("14-day trial");
    assert!(!is_offered_a_trial(&it, &acme.owner, "globex").await);
}

#[portico_test]
async fn a_session_that_nobody_paid_uses_no_trial_up(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    assert!(is_offered_a_trial(&it, &acme.owner, "acme").await);
    let customer = it.customer_of("acme").await;
    let session = it.newest_session(&customer).await;
    it.act(&customer, "expire_checkout", json!({ "session": session })).await;
    it.settled().await;

    acme.owner.post("/orgs").field("name", "Globex").await.assert_redirects_to("/orgs/globex");

    assert!(is_offered_a_trial(&it, &acme.owner, "globex").await);
}

/// Whoever opens two at once would have two trials.
#[portico_test]
async fn of_two_sessions_that_begin_with_a_trial_only_the_last_can_be_paid(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs").field("name", "Globex").await.assert_redirects_to("/orgs/globex");
    assert!(is_offered_a_trial(&it, &acme.owner, "acme").await);
    let of_acme = it.customer_of("acme").await;
    let first = it.newest_session(&of_acme).await;

    assert!(is_offered_a_trial(&it, &acme.owner, "globex").await);

    let paid = it.try_act(&of_acme, "complete_checkout", json!({ "session": first, "card": GOOD })).await;
    assert_eq!(paid["ok"], false, "{paid}");
    let of_globex = it.customer_of("globex").await;
    let second = it.newest_session(&of_globex).await;
    it.act(&of_globex, "complete_checkout", json!({ "session": second, "card": GOOD })).await;
    it.settled().await;
    assert_eq!(it.billing_state("globex").await["status"], "trialing");
    assert!(!is_offered_a_trial(&it, &acme.owner, "acme").await);
}

/// Its subscription is at Stripe, and no webhook has said so yet.
#[portico_test]
async fn a_trial_that_began_a_moment_ago_elsewhere_counts(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs").field("name", "Globex").await.assert_redirects_to("/orgs/globex");
    assert!(is_offered_a_trial(&it, &acme.owner, "acme").await);
    it.deliver(json!({ "drop": 1 })).await;
    let customer = it.customer_of("acme").await;
    let session = it.newest_session(&customer).await;
    it.act(&customer, "complete_checkout", json!({ "session": session, "card": GOOD })).await;

    assert!(!is_offered_a_trial(&it, &acme.owner, "globex").await);
}

#[portico_test]
async fn an_organisation_that_had_a_trial_gets_none_for_its_other_people(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.act(&customer, "cancel", json!({ "when": "now" })).await;
    it.settled().await;
    let bea = it.app.joins(&acme, Role::Billing).await;

    bea.get("/orgs/acme/billing").await.assert_says("Choose Pro").assert_does_not_say("14-day trial");
    assert!(!is_offered_a_trial(&it, &bea, "acme").await);
}

/// What she has bought for others does not matter to those who did not.
#[portico_test]
async fn a_colleague_of_somebody_who_had_a_trial_still_has_one(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "month", GOOD).await;
    let globex = it.org("globex").await;
    it.app.joins(&acme, Role::Billing).await;

    globex.owner.get("/orgs/globex/billing").await.assert_says("14-day trial");
    assert!(is_offered_a_trial(&it, &globex.owner, "globex").await);
}

#[portico_test]
async fn a_trial_stays_used_when_its_organisation_is_deleted(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "month", GOOD).await;
    acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await.assert_redirects_to("/account");
    it.settled().await;

    acme.owner.post("/orgs").field("name", "Acme").await.assert_redirects_to("/orgs/acme");

    assert!(!is_offered_a_trial(&it, &acme.owner, "acme").await);
}
