//! How a subscription at the sandbox ends, rests, is dunned and discounted.
use crate::support::sandbox_client::{DAY, NEW_YEAR, PRO_MONTH, SEAT_MONTH, SandboxClient, id, text};
use serde_json::Value;

const HOUR: i64 = 3600;
const FEBRUARY: i64 = NEW_YEAR + 31 * DAY;
const MARCH: i64 = FEBRUARY + 28 * DAY;
const APRIL: i64 = MARCH + 31 * DAY;

fn path(sub: &Value) -> String {
    format!("/v1/subscriptions/{}", id(sub))
}

async fn totals(sandbox: &SandboxClient, sub: &Value) -> Vec<i64> {
    let all = sandbox.list(&format!("/v1/invoices?subscription={}", id(sub))).await;
    all.iter().rev().map(|invoice| invoice["total"].as_i64().unwrap()).collect()
}

/// A customer whose renewal in February fails with this card.
async fn in_arrears(sandbox: &SandboxClient, card: &str) -> (String, Value) {
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&customer, "pro_month", &[]).await;
    sandbox.post(&format!("/v1/payment_methods/{card}/attach"), &[("customer", &customer)]).await;
    let bad = id(&sandbox.list(&format!("/v1/payment_methods?customer={customer}")).await[0]);
    let path = format!("/v1/customers/{customer}");
    sandbox.post(&path, &[("invoice_settings[default_payment_method]", &bad)]).await;
    sandbox.wait_until(FEBRUARY + HOUR).await;
    (customer, sandbox.subscription_with_invoice(&id(&sub)).await)
}

#[tokio::test]
async fn a_cancellation_waits_for_the_period_and_can_be_taken_back() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let why = [("cancel_at_period_end", "true"), ("cancellation_details[feedback]", "too_expensive")];

    let leaving = sandbox.post(&path(&sub), &why).await;
    assert_eq!((&leaving["cancel_at_period_end"], &leaving["cancel_at"]), (&true.into(), &FEBRUARY.into()));
    assert_eq!((&leaving["canceled_at"], &leaving["status"]), (&NEW_YEAR.into(), &"active".into()));
    assert_eq!(leaving["cancellation_details"]["reason"], "cancellation_requested");
    assert_eq!(leaving["cancellation_details"]["feedback"], "too_expensive");
    let staying = sandbox.post(&path(&sub), &[("cancel_at_period_end", "false")]).await;
    assert_eq!((&staying["cancel_at"], &staying["canceled_at"]), (&Value::Null, &Value::Null));
    assert_eq!(staying["cancellation_details"]["feedback"], Value::Null);
    let both = [("cancel_at_period_end", "true"), ("cancel_at", "1799000000")];
    sandbox.refused(400, &path(&sub), &both).await;

    sandbox.post(&path(&sub), &[("cancel_at", "min_period_end")]).await;
    sandbox.wait_until(FEBRUARY).await;
    let gone = sandbox.get(&path(&sub)).await;
    assert_eq!((&gone["status"], &gone["ended_at"]), (&"canceled".into(), &FEBRUARY.into()));
    assert_eq!(totals(&sandbox, &sub).await, [PRO_MONTH], "no new period was begun");
    assert!(sandbox.list("/v1/events?type=invoice.upcoming").await.is_empty());
}

#[tokio::test]
async fn what_is_canceled_stays_canceled() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    assert_eq!(sandbox.delete(&path(&sub)).await["status"], "canceled");

    assert_eq!(sandbox.ask("DELETE", &path(&sub), &[]).await.status, 404);
    for field in [
        ("cancel_at_period_end", "true"),
        ("description", "Back"),
        ("items[0][quantity]", "2"),
        ("trial_end", "now"),
    ] {
        let error = sandbox.refused(400, &path(&sub), &[field]).await;
        assert!(
            text(&error["message"]).starts_with("A canceled subscription can only update"),
            "{field:?} {error}"
        );
    }
    sandbox
        .post(&path(&sub), &[("metadata[why]", "moved"), ("cancellation_details[comment]", "Moved away")])
        .await;
    sandbox.refused(400, &format!("{}/resume", path(&sub)), &[]).await;
    assert!(sandbox.list(&format!("/v1/subscriptions?customer={olivia}")).await.is_empty());
    assert_eq!(sandbox.list(&format!("/v1/subscriptions?customer={olivia}&status=ended")).await.len(), 1);
}

#[tokio::test]
async fn a_paused_subscription_rests_until_it_is_resumed() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;

    let paused = sandbox.post(&format!("{}/pause", path(&sub)), &[]).await;
    assert_eq!(
        (&paused["status"], &paused["status_details"]["paused"]["subscription"]["type"]),
        (&"paused".into(), &"pause_requested".into())
    );
    sandbox.wait_until(MARCH).await;
    assert_eq!(totals(&sandbox, &sub).await, [PRO_MONTH]);
    let resumed = sandbox.post(&format!("{}/resume", path(&sub)), &[]).await;
    assert_eq!(
        (&resumed["status"], &resumed["items"]["data"][0]["current_period_start"]),
        (&"active".into(), &MARCH.into())
    );
    assert_eq!(totals(&sandbox, &sub).await, [PRO_MONTH, PRO_MONTH]);
    sandbox.refused(400, &format!("{}/resume", path(&sub)), &[]).await;
}

#[tokio::test]
async fn collection_can_be_paused_while_service_goes_on() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let mut subs = Vec::new();
    for (behavior, status) in
        [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
    {
        let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
        let until = (FEBRUARY + DAY).to_string();
        let pause =
            [("pause_collection[behavior]", behavior), ("pause_collection[resumes_at]", until.as_str())];
        sandbox.post(&path(&sub), &pause).await;
        subs.push((sub, status));
    }
    sandbox.refused(400, &path(&subs[0].0), &[("pause_collection[resumes_at]", "1900000000")]).await;

    sandbox.wait_until(FEBRUARY + 2 * HOUR).await;
    for (sub, status) in &subs {
        let said = sandbox.subscription_with_invoice(&id(sub)).await;
        assert_eq!(
            (&said["status"], &said["latest_invoice"]["status"]),
            (&"active".into(), &(*status).into())
        );
    }
    sandbox.wait_until(MARCH + HOUR).await;
    for (sub, _) in &subs {
        let said = sandbox.subscription_with_invoice(&id(sub)).await;
        assert_eq!(
            (&said["pause_collection"], &said["latest_invoice"]["status"]),
            (&Value::Null, &"paid".into())
        );
    }
}

#[tokio::test]
async fn a_declined_payment_is_a_fact_and_a_good_card_mends_it() {
    let sandbox = SandboxClient::new().await;
    let (olivia, late) = in_arrears(&sandbox, "pm_card_chargeCustomerFail").await;
    let invoice = &late["latest_invoice"];
    assert_eq!((&late["status"], &invoice["attempt_count"]), (&"past_due".into(), &1.into()));
    assert_eq!(invoice["next_payment_attempt"], FEBRUARY + HOUR + 3 * DAY);
    let pay = format!("/v1/invoices/{}/pay", id(invoice));

    let error = sandbox.refused(402, &pay, &[]).await;
    assert_eq!(
        (text(&error["code"]), text(&error["message"])),
        ("card_declined".into(), "Your card was declined.".into())
    );
    let after = sandbox.subscription_with_invoice(&id(&late)).await["latest_invoice"].clone();
    assert_eq!(
        (&after["attempt_count"], &after["next_payment_attempt"]),
        (&2.into(), &invoice["next_payment_attempt"])
    );

    let stranger = sandbox.customer_with("pm_card_visa").await;
    let foreign = id(&sandbox.list(&format!("/v1/payment_methods?customer={stranger}")).await[0]);
    assert_eq!(sandbox.refused(400, &pay, &[("payment_method", &foreign)]).await["code"], "resource_missing");
    let cards = sandbox.list(&format!("/v1/payment_methods?customer={olivia}")).await;
    let paid = sandbox.post(&pay, &[("payment_method", &id(&cards[1]))]).await;
    assert_eq!(
        (&paid["status"], &paid["amount_remaining"], &paid["attempt_count"]),
        (&"paid".into(), &0.into(), &3.into())
    );
    assert_eq!(sandbox.get(&path(&late)).await["status"], "active");
    assert_eq!(sandbox.refused(400, &pay, &[]).await["code"], "invoice_already_paid");
}

#[tokio::test]
async fn a_bank_that_wants_to_see_the_holder_says_so() {
    let sandbox = SandboxClient::new().await;
    let (_, late) = in_arrears(&sandbox, "pm_card_authenticationRequired").await;

    let said = sandbox.event_types().await;
    assert!(said.contains(&"invoice.payment_action_required".to_owned()), "{said:?}");
    let error = sandbox.refused(402, &format!("/v1/invoices/{}/pay", id(&late["latest_invoice"])), &[]).await;
    assert_eq!(error["code"], "authentication_required");
    assert_eq!(sandbox.get(&path(&late)).await["status"], "past_due");
}

#[tokio::test]
async fn after_the_last_retry_the_subscription_ends() {
    let sandbox = SandboxClient::new().await;
    let (_, late) = in_arrears(&sandbox, "pm_card_chargeCustomerFail").await;
    let mut at = FEBRUARY + HOUR;
    for (days, status) in [(3, "past_due"), (5, "past_due"), (7, "canceled")] {
        at += days * DAY;
        sandbox.wait_until(at - 1).await;
        assert_eq!(sandbox.get(&path(&late)).await["status"], "past_due");
        sandbox.wait_until(at).await;
        assert_eq!(sandbox.get(&path(&late)).await["status"], status, "after {days} days more");
    }

    let gone = sandbox.subscription_with_invoice(&id(&late)).await;
    assert_eq!(gone["cancellation_details"]["reason"], "payment_failed");
    assert_eq!(
        (&gone["latest_invoice"]["attempt_count"], &gone["latest_invoice"]["auto_advance"]),
        (&4.into(), &false.into())
    );
    assert_eq!(sandbox.list("/v1/events?type=customer.subscription.deleted").await.len(), 1);
}

#[tokio::test]
async fn coupons_count_once_for_some_months_or_for_ever() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    sandbox.post("/v1/coupons", &[("id", "half"), ("percent_off", "50"), ("duration", "once")]).await;
    sandbox
        .post(
            "/v1/coupons",
            &[("id", "off4"), ("amount_off", "400"), ("currency", "usd"), ("duration", "forever")],
        )
        .await;
    let mut subs = Vec::new();
    for coupon in ["half", "welcome25", "off4"] {
        subs.push(sandbox.subscribe(&olivia, "pro_month", &[("discounts[0][coupon]", coupon)]).await);
    }
    sandbox.delete("/v1/coupons/off4").await; // whoever has it keeps it
    sandbox.wait_until(APRIL + HOUR).await;

    assert_eq!(totals(&sandbox, &subs[0]).await, [1450, 2900, 2900, 2900]);
    assert_eq!(totals(&sandbox, &subs[1]).await, [2175, 2175, 2175, 2900]);
    assert_eq!(totals(&sandbox, &subs[2]).await, [2500, 2500, 2500, 2500]);
    let first =
        sandbox.list(&format!("/v1/invoices?subscription={}&expand[]=data.discounts", id(&subs[0]))).await;
    assert_eq!(first.last().unwrap()["discounts"][0]["source"]["coupon"], "half");
    let gone = sandbox.price("pro_month").await;
    let again = [("customer", olivia.as_str()), ("items[0][price]", &gone), ("discounts[0][coupon]", "off4")];
    assert_eq!(sandbox.refused(400, "/v1/subscriptions", &again).await["code"], "resource_missing");
}

#[tokio::test]
async fn only_what_was_paid_is_given_back() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    sandbox.post("/v1/coupons", &[("id", "half"), ("percent_off", "50"), ("duration", "once")]).await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[("discounts[0][coupon]", "half")]).await;
    let (item, seat) = (id(&sub["items"]["data"][0]), sandbox.price("business_month").await);
    sandbox.wait_until(NEW_YEAR + 31 * DAY / 2).await;

    let switch = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", &seat),
        ("proration_behavior", "always_invoice"),
    ];
    sandbox.post(&path(&sub), &switch).await;

    // Half of the 1450 that were paid, and half of a seat's 1500.
    assert_eq!(totals(&sandbox, &sub).await, [1450, 750 - 725]);
}

#[tokio::test]
async fn a_promotion_code_works_while_it_is_good() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let code = id(&sandbox.list("/v1/promotion_codes?code=welcome").await[0]);
    let sub = sandbox.subscribe(&olivia, "pro_month", &[("discounts[0][promotion_code]", &code)]).await;
    assert_eq!(totals(&sandbox, &sub).await, [2175]);
    assert_eq!(sandbox.get(&format!("/v1/promotion_codes/{code}")).await["times_redeemed"], 1);

    let price = sandbox.price("pro_month").await;
    let refused = async |code: &str| {
        let fields = [
            ("customer", olivia.as_str()),
            ("items[0][price]", &price),
            ("discounts[0][promotion_code]", code),
        ];
        text(&sandbox.refused(400, "/v1/subscriptions", &fields).await["code"])
    };
    let newcomers = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", "welcome25"),
        ("code", "FIRST"),
        ("restrictions[first_time_transaction]", "true"),
    ];
    let first = id(&sandbox.post("/v1/promotion_codes", &newcomers).await);
    assert_eq!(refused(&first).await, "promotion_code_customer_not_first_time");
    sandbox.post(&format!("/v1/promotion_codes/{code}"), &[("active", "false")]).await;
    assert_eq!(refused(&code).await, "promotion_code_invalid");
    assert_eq!(refused("promo_no").await, "resource_missing");
}

#[tokio::test]
async fn a_preview_shows_what_comes_and_changes_nothing() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let (item, seat, year) = (
        id(&sub["items"]["data"][0]),
        sandbox.price("business_month").await,
        sandbox.price("pro_year").await,
    );
    sandbox.wait_until(NEW_YEAR + 31 * DAY / 2).await;
    let before = sandbox.everything().await;
    let preview = async |price: &str, way: &str| {
        let fields = [
            ("subscription", id(&sub)),
            ("subscription_details[items][0][id]", item.clone()),
            ("subscription_details[items][0][price]", price.to_owned()),
            ("subscription_details[proration_behavior]", way.to_owned()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sandbox.post("/v1/invoices/create_preview", &fields).await
    };

    let next = sandbox.post("/v1/invoices/create_preview", &[("customer", &olivia)]).await;
    let (later, now, interval) = (
        preview(&seat, "create_prorations").await,
        preview(&seat, "always_invoice").await,
        preview(&year, "none").await,
    );

    assert_eq!((&next["total"], &next["period_end"]), (&PRO_MONTH.into(), &FEBRUARY.into()));
    assert_eq!(later["total"], SEAT_MONTH - 700, "with the next month");
    assert_eq!((&now["total"], &now["amount_due"]), (&(-700).into(), &0.into()));
    assert_eq!(
        (&interval["total"], &interval["amount_remaining"], &interval["amount_paid"]),
        (&29_000.into(), &29_000.into(), &0.into())
    );
    for preview in [&next, &later, &now, &interval] {
        assert_eq!((&preview["status"], &preview["attempt_count"]), (&"draft".into(), &0.into()));
    }
    assert_eq!(sandbox.everything().await, before);
    sandbox.post(&path(&sub), &[("cancel_at_period_end", "true")]).await;
    let error = sandbox.refused(404, "/v1/invoices/create_preview", &[("customer", &olivia)]).await;
    assert_eq!(error["code"], "invoice_upcoming_none");
}
