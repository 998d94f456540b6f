//! Subscribe, switch, fail, fix, cancel, renew: each step's webhooks arrive, and our copy is Stripe's.
use crate::{
    loop_world::{DAY, GOOD, Loop, NEVER_PAYS},
    world::TestApp,
};
use serde_json::json;

crate::support::on_both_engines! {
    a_year_of_a_subscription_is_lived_without_drift,
    a_person_who_closes_the_tab_after_paying_has_what_they_paid_for,
    a_card_added_in_the_portal_is_offered_and_takes_over_on_a_click,
}

async fn a_year_of_a_subscription_is_lived_without_drift(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["status"], "trialing");

    it.advance(15 * DAY).await;
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["status"], "active");

    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["interval"], "year");

    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.settled().await;
    assert!(it.billing_state("acme").await["cancel_at"].is_i64());
    it.act(&customer, "renew", json!({})).await;
    it.settled().await;
    it.assert_no_drift("acme").await;

    // Checkout has pinned its card to the subscription; a card that never pays takes its place.
    let bad = it.act(&customer, "add_card", json!({ "card": NEVER_PAYS })).await;
    let sub = it.billing_state("acme").await["subscription"].as_str().unwrap().to_owned();
    let pin = [("default_payment_method", bad[0].as_str())];
    let clerk = crate::support::http::Person::visiting(&crate::support::http::Site::at(&it.app.stripe));
    let pinned = clerk
        .post(&format!("/v1/subscriptions/{sub}"))
        .fields(&pin)
        .header("authorization", "Bearer sk_test_123");
    pinned.await.assert_status(200);
    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["status"], "past_due");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("A payment did not go through"), "{}", page.text());
    assert!(page.text().contains("ending in 0341"), "the card in charge is the pinned one: {}", page.text());
}

async fn a_person_who_closes_the_tab_after_paying_has_what_they_paid_for(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;

    it.subscribe(&acme, "business", "year", GOOD).await; // and nobody comes back

    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["plan"], "business");
    assert_eq!(it.mails().await, ["Welcome to Business"]);
    assert_eq!(it.audited("acme", "billing.checkout_started").await, 1);
}

/// Checkout pins its card to the subscription, so adding one to the customer changes nothing by itself.
async fn a_card_added_in_the_portal_is_offered_and_takes_over_on_a_click(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.act(&customer, "add_card", json!({ "card": "5555555555554444" })).await;
    it.settled().await;
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("Visa ending in 4242"), "still in charge: {}", page.text());
    assert!(page.text().contains("Use Mastercard ending in 4444 instead"), "{}", page.text());

    acme.owner.post("/orgs/acme/billing/card").await.assert_redirects_to("/orgs/acme/billing");

    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("Mastercard ending in 4444, expires") && !page.text().contains("instead"));
    it.settled().await;
    it.assert_no_drift("acme").await;
}
