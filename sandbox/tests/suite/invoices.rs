//! Invoices that are sent, paid by other means, written off, credited and refunded, and their links.
use crate::support::sandbox_client::{DAY, NEW_YEAR, PRO_MONTH, SandboxClient, id, text};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

async fn invoiced(sandbox: &SandboxClient, olivia: &str) -> Value {
    let by_invoice = [("collection_method", "send_invoice"), ("days_until_due", "14")];
    let sub = sandbox.subscribe(olivia, "pro_month", &by_invoice).await;
    sandbox.subscription_with_invoice(&id(&sub)).await
}

#[tokio::test]
async fn an_invoice_that_is_not_paid_when_it_is_due_is_overdue() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let before = sandbox.event_count().await;

    let sub = invoiced(&sandbox, &olivia).await;

    let said = sandbox.event_types_after(before).await;
    assert_eq!(
        said,
        ["customer.subscription.created", "invoice.created", "invoice.finalized", "invoice.sent"]
    );
    assert_eq!(sub["latest_invoice"]["due_date"], NEW_YEAR + 14 * DAY);
    let by_due = format!("/v1/invoices?collection_method=send_invoice&due_date[lte]={}", NEW_YEAR + 14 * DAY);
    assert_eq!(sandbox.list(&by_due).await.len(), 1);

    sandbox.wait_until(NEW_YEAR + 14 * DAY - 1).await;
    assert_eq!(sandbox.subscription_status(&id(&sub)).await, "active");
    let before = sandbox.event_count().await;
    sandbox.wait_until(NEW_YEAR + 14 * DAY).await;

    let said = sandbox.event_types_after(before).await;
    assert_eq!(said[..2], ["invoice.overdue", "customer.subscription.updated"]);
    assert_eq!(sandbox.subscription_status(&id(&sub)).await, "past_due");
    assert_eq!(sandbox.get(&format!("/v1/customers/{olivia}")).await["delinquent"], true);
    sandbox.act(json!({ "customer": olivia, "action": "mark_paid_out_of_band" })).await;
    assert_eq!(sandbox.subscription_status(&id(&sub)).await, "active");
    assert_eq!(sandbox.get(&format!("/v1/customers/{olivia}")).await["delinquent"], false);
}

#[tokio::test]
async fn a_renewal_is_sent_as_well_and_may_be_sent_again() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let sub = invoiced(&sandbox, &olivia).await;
    sandbox
        .post(&format!("/v1/invoices/{}/pay", id(&sub["latest_invoice"])), &[("paid_out_of_band", "true")])
        .await;

    sandbox.wait_until(NEW_YEAR + 31 * DAY + HOUR).await;

    let next = sandbox.subscription_with_invoice(&id(&sub)).await["latest_invoice"].clone();
    assert_eq!((&next["status"], &next["due_date"]), (&"open".into(), &(NEW_YEAR + 45 * DAY + HOUR).into()));
    assert_eq!(sandbox.newest_event_types(2).await[0], "test_helpers.test_clock.created");
    assert_eq!(sandbox.newest_event_types(2).await[1], "invoice.sent");
    sandbox.post(&format!("/v1/invoices/{}/send", id(&next)), &[]).await;
    assert_eq!(sandbox.newest_event_types(1).await, ["invoice.sent"]);
    let path = format!("/v1/subscriptions/{}", id(&sub));
    let back = sandbox.post(&path, &[("collection_method", "charge_automatically")]).await;
    assert_eq!(back["collection_method"], "charge_automatically");
}

#[tokio::test]
async fn an_invoice_paid_by_a_transfer_is_paid_outside_stripe() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let sub = invoiced(&sandbox, &olivia).await;
    let before = sandbox.event_count().await;
    let path = format!("/v1/invoices/{}", id(&sub["latest_invoice"]));

    let paid = sandbox.post(&format!("{path}/pay"), &[("paid_out_of_band", "true")]).await;

    assert_eq!((&paid["status"], &paid["amount_remaining"]), (&"paid".into(), &0.into()));
    assert_eq!(paid["amount_paid_off_stripe"], PRO_MONTH);
    let payments = sandbox.get(&format!("{path}?expand[]=payments")).await["payments"]["data"].clone();
    assert_eq!(
        (payments[0]["payment"]["type"].clone(), payments.as_array().unwrap().len()),
        ("payment_record".into(), 1)
    );
    assert_eq!(sandbox.event_types_after(before).await, ["invoice.paid"]);
    assert_eq!(sandbox.refused(400, &format!("{path}/pay"), &[]).await["code"], "invoice_already_paid");
}

#[tokio::test]
async fn an_invoice_can_be_written_off_withdrawn_and_still_be_paid() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let (first, second) = (invoiced(&sandbox, &olivia).await, invoiced(&sandbox, &olivia).await);
    let path = |sub: &Value, what: &str| format!("/v1/invoices/{}/{what}", id(&sub["latest_invoice"]));

    let off = sandbox.post(&path(&first, "mark_uncollectible"), &[]).await;
    sandbox.act(json!({ "customer": olivia, "action": "void_invoice", "invoice": second["latest_invoice"]["id"] })).await;

    assert_eq!(off["status"], "uncollectible");
    assert_eq!(off["status_transitions"]["marked_uncollectible_at"], NEW_YEAR);
    let said = sandbox.newest_event_types(2).await;
    assert_eq!(said, ["invoice.voided", "invoice.marked_uncollectible"]);
    for (sub, what) in [(&first, "mark_uncollectible"), (&second, "void"), (&second, "mark_uncollectible")] {
        sandbox.refused(400, &path(sub, what), &[]).await;
    }
    let paid = sandbox.post(&path(&first, "pay"), &[("paid_out_of_band", "true")]).await;
    assert_eq!(paid["status"], "paid");
}

#[tokio::test]
async fn a_payment_is_refunded_in_part_and_then_whole() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let invoice = text(&sub["latest_invoice"]);

    sandbox.act(json!({ "customer": olivia, "action": "refund", "invoice": invoice, "amount": 900 })).await;

    let event = &sandbox.list("/v1/events?type=charge.refunded").await[0]["data"]["object"];
    assert_eq!((&event["amount_refunded"], &event["refunded"]), (&900.into(), &false.into()));
    let of = format!(
        "/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={}",
        text(&event["payment_intent"])
    );
    assert_eq!(sandbox.list(&of).await[0]["invoice"], invoice, "the invoice is found by its payment");
    let charge = id(event);
    let error = sandbox.refused(400, "/v1/refunds", &[("charge", &charge), ("amount", "2001")]).await;
    assert_eq!(
        error["message"],
        "Refund amount ($20.01) is greater than unrefunded amount on charge ($20.00)"
    );
    let rest = sandbox.post("/v1/refunds", &[("charge", &charge), ("reason", "duplicate")]).await;
    assert_eq!((&rest["amount"], &rest["status"]), (&2_000.into(), &"succeeded".into()));
    assert_eq!(sandbox.get(&format!("/v1/charges/{charge}")).await["refunded"], true);
    assert_eq!(
        sandbox.refused(400, "/v1/refunds", &[("charge", &charge)]).await["code"],
        "charge_already_refunded"
    );
    assert_eq!(sandbox.list(&format!("/v1/refunds?charge={charge}")).await.len(), 2);
    assert_eq!(
        sandbox.get(&format!("/v1/invoices/{invoice}")).await["status"],
        "paid",
        "an invoice stays paid"
    );
}

#[tokio::test]
async fn a_credit_note_takes_off_what_is_open_and_gives_back_what_was_paid() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let paid = text(&sandbox.subscribe(&olivia, "pro_month", &[]).await["latest_invoice"]);
    let open = text(&invoiced(&sandbox, &olivia).await["latest_invoice"]["id"]);

    let part = [("invoice", open.as_str()), ("amount", "900"), ("reason", "order_change")];
    let note = sandbox.post("/v1/credit_notes", &part).await;
    let back =
        [("invoice", paid.as_str()), ("amount", "1500"), ("refund_amount", "1000"), ("credit_amount", "500")];
    let given_back = sandbox.post("/v1/credit_notes", &back).await;

    assert_eq!((&note["type"], &note["pre_payment_amount"]), (&"pre_payment".into(), &900.into()));
    let invoice = sandbox.get(&format!("/v1/invoices/{open}")).await;
    assert_eq!(
        (&invoice["amount_remaining"], &invoice["pre_payment_credit_notes_amount"]),
        (&2_000.into(), &900.into())
    );
    assert_eq!(
        (&given_back["type"], &given_back["refunds"][0]["amount_refunded"]),
        (&"post_payment".into(), &1_000.into())
    );
    let invoice = sandbox.get(&format!("/v1/invoices/{paid}")).await;
    assert_eq!(
        (&invoice["post_payment_credit_notes_amount"], &invoice["status"]),
        (&1_500.into(), &"paid".into())
    );
    assert_eq!(sandbox.get(&format!("/v1/customers/{olivia}")).await["balance"], -500);
    let more = [("invoice", paid.as_str()), ("amount", "1401"), ("credit_amount", "1401")];
    assert_eq!(sandbox.refused(400, "/v1/credit_notes", &more).await["param"], "amount");
    let void = sandbox.post(&format!("/v1/credit_notes/{}/void", id(&note)), &[]).await;
    assert_eq!(void["status"], "void");
    let all = [
        ("invoice", open.as_str()),
        ("lines[0][type]", "custom_line_item"),
        ("lines[0][unit_amount]", "2900"),
        ("lines[0][description]", "Never mind"),
    ];
    sandbox.post("/v1/credit_notes", &all).await;
    assert_eq!(
        sandbox.get(&format!("/v1/invoices/{open}")).await["status"],
        "paid",
        "nothing is left to pay"
    );
    assert_eq!(sandbox.list(&format!("/v1/credit_notes?invoice={open}")).await.len(), 2);
}

#[tokio::test]
async fn a_link_to_an_invoice_works_for_thirty_days() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_year", &[]).await;
    let path = format!("/v1/invoices/{}", text(&sub["latest_invoice"]));
    let old = sandbox.get(&path).await;
    let visitor = sandbox.visitor();

    sandbox.wait_until(NEW_YEAR + 30 * DAY).await;
    for url in [&old["hosted_invoice_url"], &old["invoice_pdf"]] {
        visitor.get(&sandbox.path_at(url)).await.assert_status(200);
    }
    sandbox.wait_until(NEW_YEAR + 32 * DAY).await;

    for url in [&old["hosted_invoice_url"], &old["invoice_pdf"]] {
        let ended = visitor.get(&sandbox.path_at(url)).await;
        assert_eq!(ended.status, 410);
        assert!(ended.text().contains("This link has expired"));
    }
    let fresh = sandbox.get(&path).await;
    visitor.get(&sandbox.path_at(&fresh["hosted_invoice_url"])).await.assert_status(200);
}

#[tokio::test]
async fn paused_collection_keeps_withdraws_or_writes_off() {
    let sandbox = SandboxClient::new().await;
    let mut subs = Vec::new();
    for behavior in ["keep_as_draft", "void", "mark_uncollectible"] {
        let olivia = sandbox.customer_with("pm_card_visa").await;
        let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
        let path = format!("/v1/subscriptions/{}", id(&sub));
        let paused = sandbox.post(&path, &[("pause_collection[behavior]", behavior)]).await;
        assert_eq!(
            (&paused["pause_collection"]["behavior"], &paused["status"]),
            (&behavior.into(), &"active".into())
        );
        subs.push((sub, path));
    }

    sandbox.wait_until(NEW_YEAR + 31 * DAY + HOUR).await;

    for ((sub, path), status) in subs.iter().zip(["draft", "void", "uncollectible"]) {
        let said = sandbox.subscription_with_invoice(&id(sub)).await;
        assert_eq!((&said["latest_invoice"]["status"], &said["status"]), (&status.into(), &"active".into()));
        let on = sandbox.post(path, &[("pause_collection", "")]).await;
        assert_eq!(on["pause_collection"], Value::Null);
    }
    sandbox.wait_until(NEW_YEAR + 59 * DAY + HOUR).await;
    for (sub, _) in &subs {
        assert_eq!(sandbox.subscription_with_invoice(&id(sub)).await["latest_invoice"]["status"], "paid");
    }
}

#[tokio::test]
async fn charges_are_listed_by_their_customer_a_page_at_a_time() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    sandbox.customer("Gregor").await;
    for _ in 0..2 {
        sandbox.subscribe(&olivia, "pro_month", &[]).await;
    }

    let first = sandbox.get(&format!("/v1/charges?customer={olivia}&limit=1")).await;
    let next = format!("/v1/charges?customer={olivia}&limit=1&starting_after={}", id(&first["data"][0]));
    let second = sandbox.get(&next).await;

    assert_eq!((&first["has_more"], &second["has_more"]), (&json!(true), &json!(false)));
    assert_ne!(first["data"][0]["id"], second["data"][0]["id"]);
    assert_eq!(first["data"][0]["customer"], olivia);
    assert_eq!(
        sandbox.list(&format!("/v1/charges?customer={olivia}&created[gte]=4000000000")).await.len(),
        0
    );
    let payment = text(&first["data"][0]["payment_intent"]);
    let of_payment = sandbox.list(&format!("/v1/charges?payment_intent={payment}")).await;
    assert_eq!(of_payment.len(), 1);
}
