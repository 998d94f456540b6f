//! What the sandbox says of what happens, type by type and in order, as Stripe does.
use crate::support::sandbox_client::{ASKS, DAY, GOOD, NEVER_PAYS, SandboxClient};
use serde_json::json;

const TRIAL: (&str, &str) = ("subscription_data[trial_period_days]", "14");
const MISSING: &str = "subscription_data[trial_settings][end_behavior][missing_payment_method]";

/// A renewal that fails: the first try an hour after the period's end.
const FAILED_TRY: [&str; 3] = ["charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"];

/// A subscriber whose card stopped paying.
async fn with_a_bad_card(sandbox: &SandboxClient) -> (String, String) {
    let (customer, sub) = sandbox.subscriber("pro_month", &[]).await;
    let card = sandbox.get(&format!("/v1/subscriptions/{sub}")).await["default_payment_method"].clone();
    sandbox.act(json!({ "action": "add_card", "customer": customer, "card": NEVER_PAYS })).await;
    sandbox.act(json!({ "action": "remove_card", "customer": customer, "card": card })).await;
    (customer, sub)
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_that_is_paid() {
    let sandbox = SandboxClient::in_mid_january().await;
    let customer = sandbox.customer("Acme").await;
    let session = sandbox.checkout_session(&customer, "pro_month", &[]).await;
    let before = sandbox.event_count().await;

    sandbox.act(json!({ "action": "complete_checkout", "session": session, "card": GOOD })).await;

    assert_eq!(
        sandbox.event_types_after(before).await,
        [
            "payment_method.attached",
            "customer.updated",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "checkout.session.completed",
        ]
    );
    let created = &sandbox.control_list("/events").await[before + 2]["data"]["object"];
    assert_eq!(created["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_that_begins_a_trial_which_then_ends() {
    let sandbox = SandboxClient::in_mid_january().await;
    let customer = sandbox.customer("Acme").await;
    let session = sandbox.checkout_session(&customer, "pro_month", &[TRIAL]).await;
    let before = sandbox.event_count().await;

    sandbox.act(json!({ "action": "complete_checkout", "session": session, "card": GOOD })).await;
    let begun = sandbox.event_count().await;
    sandbox.advance(11 * DAY).await;
    let reminded = sandbox.event_count().await;
    sandbox.control_post("/clock/advance", json!({ "to": "trial_end" })).await;
    sandbox.advance(3600).await;

    assert_eq!(
        sandbox.event_types_after(before).await[..begun - before],
        [
            "payment_method.attached",
            "customer.updated",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "checkout.session.completed",
        ]
    );
    let between = sandbox.event_types_after(begun).await[..reminded - begun].to_vec();
    assert!(between.contains(&"customer.subscription.trial_will_end".to_owned()), "{between:?}");
    assert_eq!(
        sandbox.event_types_after(reminded).await,
        [
            "customer.subscription.updated",
            "invoice.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_that_is_declined_or_expires() {
    let sandbox = SandboxClient::in_mid_january().await;
    let customer = sandbox.customer("Acme").await;
    let session = sandbox.checkout_session(&customer, "pro_month", &[]).await;
    let before = sandbox.event_count().await;

    sandbox.control_post("/act", json!({ "action": "decline_checkout", "session": session })).await;
    let declined = sandbox.event_types_after(before).await;
    sandbox.act(json!({ "action": "expire_checkout", "session": session })).await;

    assert_eq!(declined, Vec::<String>::new());
    assert_eq!(sandbox.event_types_after(before).await, ["checkout.session.expired"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_goes_well() {
    let sandbox = SandboxClient::in_mid_january().await;
    sandbox.subscriber("pro_month", &[]).await;
    let before = sandbox.event_count().await;

    sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
    let at_the_end = sandbox.event_types_after(before).await;
    sandbox.advance(3600).await;

    assert_eq!(at_the_end, ["invoice.upcoming", "customer.subscription.updated", "invoice.created"]);
    assert_eq!(
        sandbox.event_types_after(before).await[3..],
        [
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_fails_until_the_end() {
    for (word, last) in
        [("cancel", "customer.subscription.deleted"), ("mark_unpaid", "customer.subscription.updated")]
    {
        let sandbox = SandboxClient::in_mid_january().await;
        sandbox.control_put("/settings", json!({ "dunning": word })).await;
        with_a_bad_card(&sandbox).await;
        sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
        let before = sandbox.event_count().await;

        sandbox.advance(16 * DAY).await;

        let first = ["invoice.finalized"];
        let expected = [
            &first[..],
            &FAILED_TRY,
            &["customer.subscription.updated"],
            &FAILED_TRY,
            &FAILED_TRY,
            &FAILED_TRY,
            &[last],
        ]
        .concat();
        assert_eq!(sandbox.event_types_after(before).await, expected, "{word}");
        let events = sandbox.control_list("/events").await;
        let ended = &events.last().unwrap()["data"]["object"];
        match word {
            "cancel" => assert_eq!(ended["cancellation_details"]["reason"], "payment_failed"),
            _ => assert_eq!(ended["status"], "unpaid"),
        }
        let days: Vec<i64> = events
            .iter()
            .filter(|event| event["type"] == "invoice.payment_failed")
            .map(|event| event["created"].as_i64().unwrap() / DAY)
            .collect();
        assert_eq!(days.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>(), [3, 5, 7]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_bank_wants_to_see_the_holder() {
    let sandbox = SandboxClient::in_mid_january().await;
    let customer = sandbox.customer("Acme").await;
    let session = sandbox.checkout_session(&customer, "pro_month", &[]).await;
    sandbox.act(json!({ "action": "complete_checkout", "session": session, "card": ASKS })).await;
    sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
    let before = sandbox.event_count().await;

    sandbox.advance(DAY).await;

    assert_eq!(
        sandbox.event_types_after(before).await,
        [
            "invoice.finalized",
            "payment_intent.requires_action",
            "invoice.payment_action_required",
            "invoice.payment_failed",
            "customer.subscription.updated",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_mended_and_the_invoice_paid() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (customer, sub) = with_a_bad_card(&sandbox).await;
    sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
    sandbox.advance(DAY).await;
    assert_eq!(sandbox.subscription_status(&sub).await, "past_due");
    let before = sandbox.event_count().await;

    sandbox.act(json!({ "action": "add_card", "customer": customer, "card": GOOD })).await;
    sandbox.act(json!({ "action": "pay_invoice", "customer": customer })).await;

    assert_eq!(
        sandbox.event_types_after(before).await,
        [
            "payment_method.attached",
            "customer.updated",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "customer.subscription.updated",
        ]
    );
    assert_eq!(sandbox.subscription_status(&sub).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_renewing_and_the_end_of_the_period() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (customer, _) = sandbox.subscriber("pro_month", &[]).await;
    let before = sandbox.event_count().await;
    let cancel =
        json!({ "action": "cancel", "when": "period_end", "customer": customer, "feedback": "unused" });

    sandbox.act(cancel.clone()).await;
    sandbox.act(json!({ "action": "renew", "customer": customer })).await;
    sandbox.act(cancel).await;
    let asked = sandbox.event_count().await;
    sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;

    assert_eq!(
        sandbox.event_types_after(before).await[..asked - before],
        ["customer.subscription.updated"; 6]
    );
    let events = sandbox.control_list("/events").await;
    let object = &events[before]["data"]["object"];
    assert_eq!((object["cancel_at"].is_i64(), &object["cancel_at_period_end"]), (true, &json!(false)));
    assert_eq!(sandbox.event_types_after(asked).await, ["customer.subscription.deleted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_switched_is_said_before_its_invoice() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (customer, _) = sandbox.subscriber("pro_month", &[]).await;
    let before = sandbox.event_count().await;

    sandbox.act(json!({ "action": "switch_plan", "customer": customer, "price": "pro_year" })).await;

    let types = sandbox.event_types_after(before).await;
    assert_eq!(types[..3], ["customer.subscription.updated", "invoice.created", "invoice.finalized"]);
    let event = &sandbox.control_list("/events").await[before];
    assert!(event["data"]["previous_attributes"]["items"].is_object(), "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_ends_without_a_card() {
    let failed = [
        "customer.subscription.updated",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "customer.subscription.updated",
    ];
    for (what, expected, status) in [
        ("pause", &["customer.subscription.paused"][..], "paused"),
        ("cancel", &["customer.subscription.deleted"], "canceled"),
        ("create_invoice", &failed, "past_due"),
    ] {
        let sandbox = SandboxClient::in_mid_january().await;
        let customer = sandbox.customer("Acme").await;
        let if_required = ("payment_method_collection", "if_required");
        let session =
            sandbox.checkout_session(&customer, "pro_month", &[TRIAL, (MISSING, what), if_required]).await;
        let touched =
            sandbox.act(json!({ "action": "complete_checkout", "session": session, "card": null })).await;
        let sub = touched.into_iter().find(|id| id.starts_with("sub_")).unwrap();
        // The card that Checkout took is gone again.
        let held = sandbox.get(&format!("/v1/subscriptions/{sub}")).await["default_payment_method"].clone();
        if let Some(card) = held.as_str() {
            sandbox.post(&format!("/v1/payment_methods/{card}/detach"), &[]).await;
        }
        sandbox.advance(14 * DAY - 60).await;
        let before = sandbox.event_count().await;

        sandbox.advance(2 * 3600).await;

        assert_eq!(sandbox.event_types_after(before).await, expected, "{what}");
        assert_eq!(sandbox.subscription_status(&sub).await, status, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_pauses_and_comes_back() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (customer, _) = sandbox.subscriber("pro_month", &[]).await;
    let before = sandbox.event_count().await;

    sandbox.act(json!({ "action": "pause", "customer": customer })).await;
    let paused = sandbox.event_types_after(before).await;
    sandbox.act(json!({ "action": "resume", "customer": customer })).await;

    assert_eq!(paused, ["customer.subscription.paused"]);
    assert_eq!(sandbox.event_types_after(before).await[1], "customer.subscription.resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_payment_that_never_comes() {
    let sandbox = SandboxClient::in_mid_january().await;
    let customer = sandbox.customer("Acme").await;
    let price = sandbox.get("/v1/prices?lookup_keys[]=pro_month").await["data"][0]["id"].clone();
    let fields = [
        ("customer", customer.as_str()),
        ("items[0][price]", price.as_str().unwrap()),
        ("payment_behavior", "default_incomplete"),
    ];
    sandbox.post("/v1/subscriptions", &fields).await;
    let before = sandbox.event_count().await;

    sandbox.advance(DAY).await;

    assert_eq!(sandbox.event_types_after(before).await, ["customer.subscription.updated", "invoice.voided"]);
}
