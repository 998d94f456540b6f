//! Payment methods that are no card, and debits that take days.
use crate::support::sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

async fn paid_by(sandbox: &SandboxClient, method: &str) -> (String, Value) {
    let olivia = sandbox.customer("Olivia").await;
    let session = sandbox.checkout_session(&olivia, "pro_month", &[]).await;
    sandbox
        .act(json!({ "customer": olivia, "action": "pay_by", "session": session, "method": method }))
        .await;
    let path = format!("/v1/checkout/sessions/{session}?expand[]=subscription&expand[]=invoice");
    (olivia, sandbox.get(&path).await)
}

#[tokio::test]
async fn every_type_shows_what_it_is_known_by() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    for (fields, field, expected) in [
        (vec![("type", "link"), ("billing_details[email]", "o@acme.test")], "email", "pat@example.com"),
        (vec![("type", "sepa_debit"), ("sepa_debit[iban]", "AT61 1904 3002 3457 3201")], "last4", "3201"),
        (
            vec![("type", "us_bank_account"), ("us_bank_account[account_number]", "000123456789")],
            "bank_name",
            "STRIPE TEST BANK",
        ),
        (vec![("type", "bacs_debit"), ("bacs_debit[sort_code]", "108800")], "sort_code", "108800"),
        (vec![("type", "paypal")], "payer_email", "pat@example.com"),
        (vec![("type", "cashapp")], "cashtag", "$pat"),
        (vec![("type", "moonpay"), ("moonpay[crater]", "Tycho")], "crater", "Tycho"),
    ] {
        let made = sandbox.post("/v1/payment_methods", &fields).await;
        let kind = text(&made["type"]);
        assert_eq!(made[&kind][field], expected, "{made}");
        assert_eq!(made["card"], Value::Null);
        let path = format!("/v1/payment_methods/{}/attach", id(&made));
        assert_eq!(sandbox.post(&path, &[("customer", &olivia)]).await["customer"], olivia);
    }
    assert_eq!(sandbox.list(&format!("/v1/payment_methods?customer={olivia}&type=link")).await.len(), 1);
    let page = sandbox.visit_portal(&olivia, &[]).await.get("/p/cards").await;
    for shown in ["SEPA debit •••• 3201", "Link (pat@example.com)", "moonpay"] {
        assert!(page.text().contains(shown), "{shown} in {}", page.text());
    }
}

#[tokio::test]
async fn a_wallet_pays_at_once() {
    let sandbox = SandboxClient::new().await;

    for method in ["link", "paypal", "cashapp"] {
        let (_, session) = paid_by(&sandbox, method).await;

        assert_eq!(
            (&session["payment_status"], &session["invoice"]["status"]),
            (&"paid".into(), &"paid".into())
        );
        let intents = format!(
            "/v1/invoice_payments?invoice={}&expand[]=data.payment.payment_intent",
            id(&session["invoice"])
        );
        let paid = &sandbox.list(&intents).await[0]["payment"]["payment_intent"];
        assert_eq!((&paid["status"], &paid["payment_method_types"]), (&"succeeded".into(), &json!([method])));
    }
}

#[tokio::test]
async fn a_debit_is_neither_paid_nor_failed_for_four_days() {
    let sandbox = SandboxClient::new().await;
    let before = sandbox.event_count().await;

    let (_, session) = paid_by(&sandbox, "sepa_debit").await;

    assert_eq!((&session["status"], &session["payment_status"]), (&"complete".into(), &"unpaid".into()));
    assert_eq!(session["subscription"]["status"], "active");
    let invoice = &session["invoice"];
    assert_eq!((&invoice["status"], &invoice["attempted"]), (&"open".into(), &true.into()));
    assert_eq!(invoice["next_payment_attempt"], Value::Null);
    let said = sandbox.event_types_after(before).await;
    for kind in ["payment_intent.processing", "charge.pending", "checkout.session.completed"] {
        assert!(said.iter().any(|it| it == kind), "{kind} in {said:?}");
    }
    assert!(!said.iter().any(|it| it.starts_with("invoice.pa") || it.contains("failed")), "{said:?}");
    let error = sandbox.refused(400, &format!("/v1/invoices/{}/pay", id(invoice)), &[]).await;
    assert!(text(&error["message"]).contains("processing"));

    let before = sandbox.event_count().await;
    sandbox.wait_until(NEW_YEAR + 4 * DAY).await;

    let session = sandbox.get(&format!("/v1/checkout/sessions/{}", id(&session))).await;
    assert_eq!(session["payment_status"], "paid");
    let said = sandbox.event_types_after(before).await;
    let order = [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.async_payment_succeeded",
    ];
    assert_eq!(said[..order.len()], order);
}

#[tokio::test]
async fn a_debit_that_fails_is_owed_and_tried_again() {
    let sandbox = SandboxClient::new().await;
    let (olivia, session) = paid_by(&sandbox, "us_bank_account").await;
    let before = sandbox.event_count().await;

    sandbox.act(json!({ "customer": olivia, "action": "settle_debit", "outcome": "failed" })).await;

    let said = sandbox.event_types_after(before).await;
    assert_eq!(
        said,
        [
            "charge.failed",
            "payment_intent.payment_failed",
            "invoice.payment_failed",
            "customer.subscription.updated",
            "checkout.session.async_payment_failed"
        ]
    );
    let sub = sandbox.subscription_with_invoice(&id(&session["subscription"])).await;
    assert_eq!((&sub["status"], &sub["latest_invoice"]["status"]), (&"past_due".into(), &"open".into()));
    assert_eq!(sub["latest_invoice"]["next_payment_attempt"], NEW_YEAR + 3 * DAY);
    sandbox.wait_until(NEW_YEAR + 3 * DAY).await;
    assert_eq!(sandbox.subscription_status(&id(&sub)).await, "past_due", "a second debit is under way");
    sandbox.wait_until(NEW_YEAR + 7 * DAY).await;
    assert_eq!(sandbox.subscription_status(&id(&sub)).await, "active");
}

#[tokio::test]
async fn a_renewal_by_debit_stays_active_until_it_is_known() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let account = [("type", "sepa_debit"), ("sepa_debit[iban]", "DE62370400440532013001")];
    let empty = id(&sandbox.post("/v1/payment_methods", &account).await);
    sandbox.act(json!({ "customer": olivia, "action": "add_method", "method": "bacs_debit" })).await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    assert_eq!(sub["status"], "active");
    sandbox.wait_until(NEW_YEAR + 5 * DAY).await;
    sandbox.post(&format!("/v1/payment_methods/{empty}/attach"), &[("customer", &olivia)]).await;
    sandbox.post(&format!("/v1/subscriptions/{}", id(&sub)), &[("default_payment_method", &empty)]).await;

    let february = NEW_YEAR + 31 * DAY + HOUR;
    for (days, status) in [(0, "active"), (3, "active"), (4, "past_due")] {
        sandbox.wait_until(february + days * DAY).await;
        assert_eq!(sandbox.subscription_status(&id(&sub)).await, status, "after {days} days");
    }
}

#[tokio::test]
async fn an_open_invoice_can_be_paid_by_debit() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let (page, invoice) = sandbox.open_invoice(&olivia).await;

    sandbox.act(json!({ "customer": olivia, "action": "pay_by", "invoice": invoice, "method": "us_bank_account" })).await;

    let shown = sandbox.visitor().get(&page).await;
    assert!(shown.text().contains("Processing") && !shown.text().contains("Pay this invoice"));
    sandbox.act(json!({ "customer": olivia, "action": "settle_debit", "outcome": "succeeded" })).await;
    assert_eq!(sandbox.get(&format!("/v1/invoices/{invoice}")).await["status"], "paid");
}
