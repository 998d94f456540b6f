//! Debits that take days, wallets, and customers who pay an invoice by transfer.
use crate::{
    billing_app::{BUSINESS, BillingApp, DAY, GOOD},
    test_app::{Org, TestApp},
};
use serde_json::json;

/// An owner who paid in Checkout by a debit that the bank is still working on; the customer and the way back.
async fn paying_by_debit(it: &BillingApp) -> (Org, String, String) {
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&BUSINESS).await.assert_status(303);
    let customer = it.customer_of("acme").await;
    let session = it.newest_session(&customer).await;
    it.act(&customer, "pay_by", json!({ "session": session, "method": "sepa_debit" })).await;
    it.settled().await;
    (acme, customer, format!("/orgs/acme/billing/return?session_id={session}"))
}

#[portico_test]
async fn a_debit_in_progress_is_neither_paid_nor_failed(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, customer, way_back) = paying_by_debit(&it).await;

    acme.owner.get(&way_back).await.assert_redirects_to("/orgs/acme/billing");

    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("bank is processing")
        .assert_says("Processing")
        .assert_says("SEPA Direct Debit ending in");
    page.assert_does_not_say("Pay this invoice").assert_does_not_say("did not go through");
    let state = it.billing_state("acme").await;
    assert_eq!((&state["processing"], &state["plan"]), (&json!(true), &json!("business")), "{state}");
    assert_eq!(state["payment_method"]["type"], "sepa_debit");
    assert!(!it.mails().await.iter().any(|subject| subject.contains("did not go through")));

    it.act(&customer, "settle_debit", json!({ "outcome": "succeeded" })).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["processing"], false);
    acme.owner.get("/orgs/acme/billing").await.assert_says("Paid").assert_does_not_say("bank is processing");
}

#[portico_test]
async fn a_debit_that_fails_is_a_failed_payment(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, customer, _) = paying_by_debit(&it).await;

    it.act(&customer, "settle_debit", json!({ "outcome": "failed" })).await;
    it.settled().await;

    let state = it.billing_state("acme").await;
    assert_eq!((&state["processing"], &state["status"]), (&json!(false), &json!("past_due")), "{state}");
    acme.owner.get("/orgs/acme/billing").await.assert_says("Pay this invoice");
    assert!(
        it.mails().await.iter().any(|subject| subject.contains("did not go through")),
        "{:?}",
        it.mails().await
    );
}

#[portico_test]
async fn each_payment_method_is_named_in_its_own_words(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let customer = it.customer_of("acme").await;
    for (method, words) in [
        ("link", "Link ("),
        ("sepa_debit", "SEPA Direct Debit ending in"),
        ("us_bank_account", "ending in"),
        ("bacs_debit", "Bacs Direct Debit ending in"),
        ("paypal", "PayPal"),
        ("cashapp", "Cash App"),
    ] {
        it.act(&customer, "add_method", json!({ "method": method })).await;
        it.settled().await;

        assert_eq!(it.billing_state("acme").await["payment_method"]["type"], method);
        acme.owner.get("/orgs/acme/billing").await.assert_says(words).assert_does_not_say(">None<");
    }
}

/// A customer of the sales team's: invoices are sent, and due after a week.
async fn invoiced(it: &BillingApp) -> (Org, String) {
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let customer = it.customer_of("acme").await;
    let form = [
        ("customer", customer.as_str()),
        ("items[0][price]", &it.price("business_month").await),
        ("collection_method", "send_invoice"),
        ("days_until_due", "7"),
    ];
    it.write_at_stripe("/v1/subscriptions", &form).await;
    it.advance(2 * 3_600).await;
    it.settled().await;
    (acme, customer)
}

#[portico_test]
async fn an_invoiced_customer_is_asked_to_pay_the_invoice_and_never_for_a_card(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, _) = invoiced(&it).await;
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("Invoices, paid by transfer").assert_does_not_say("Update payment method");

    it.advance(8 * DAY).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "past_due");
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("An invoice is overdue")
        .assert_says("Pay this invoice")
        .assert_says("Everything works until");
    page.assert_does_not_say("Update payment method").assert_does_not_say("payment failed");
    let letters = it.app.texts("select text_body from mails where subject like 'An invoice of%'").await;
    assert!(!letters.is_empty() && !letters[0].contains("card"), "{:?}: {letters:?}", it.mails().await);
    assert!(!it.mails().await.iter().any(|subject| subject.contains("read-only")), "the letter comes first");

    it.advance(8 * DAY).await;
    it.reconcile().await;
    acme.owner.post("/orgs/acme/billing/sync").await.assert_status(303);
    acme.owner.get("/orgs/acme/billing").await.assert_says("read-only until it is paid");
}

#[portico_test]
async fn an_invoice_paid_by_transfer_is_paid(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, customer) = invoiced(&it).await;
    it.advance(8 * DAY).await;
    it.settled().await;

    it.act(&customer, "mark_paid_out_of_band", json!({})).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "active");
    acme.owner
        .get("/orgs/acme/billing")
        .await
        .assert_says("Paid outside Stripe")
        .assert_does_not_say("overdue");
}

#[portico_test]
async fn a_price_for_three_months_in_yen_is_said_as_stripe_says_it(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let customer = it.customer_of("acme").await;
    it.act(&customer, "add_card", json!({ "card": GOOD })).await;
    let product = it.app.at_stripe("/v1/prices?lookup_keys[]=business_month").await[0]["product"].clone();
    let product = product.as_str().unwrap();
    let quarterly = [
        ("currency", "jpy"),
        ("unit_amount", "9000"),
        ("recurring[interval]", "month"),
        ("recurring[interval_count]", "3"),
        ("product", product),
    ];
    let quarterly = it.write_at_stripe("/v1/prices", &quarterly).await["id"].as_str().unwrap().to_owned();

    it.write_at_stripe("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &quarterly)])
        .await;
    it.settled().await;

    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("1 seat at ¥9,000 every 3 months").assert_says("¥9,000 on");
    let state = it.billing_state("acme").await;
    assert_eq!(state["next_payment"]["currency"], "jpy");
    assert_eq!(state["next_payment"]["amount"], 9_000);
}
