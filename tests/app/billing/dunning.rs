//! Cards and unpaid invoices: what people are shown, and what pays.
use crate::{
    billing_app::{BillingApp, GOOD, NEVER_PAYS},
    test_app::TestApp,
};
use serde_json::json;

/// Checkout pins its card to the subscription, so adding one to the customer changes nothing by itself.
#[portico_test]
async fn a_card_added_in_the_portal_is_offered_and_takes_over_on_a_click(app: TestApp) {
    let it = BillingApp::of(app).await;
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

#[portico_test]
async fn a_new_card_alone_pays_nothing_and_the_open_invoice_does(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "past_due");

    it.charge_with("acme", GOOD).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "past_due", "a card is no payment");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(
        page.text().contains("ending in 4242") && page.text().contains("Pay this invoice"),
        "{}",
        page.text()
    );
    let open = it.app.at_stripe(&format!("/v1/invoices?customer={customer}&status=open")).await;
    page.assert_says(&format!("href=\"/orgs/acme/billing/invoices/{}\"", open[0]["id"].as_str().unwrap()));
    it.act(&customer, "pay_invoice", json!({})).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "active");
    it.assert_no_drift("acme").await;
    assert!(!acme.owner.get("/orgs/acme/billing").await.text().contains("Pay this invoice"));
}
