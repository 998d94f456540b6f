//! What the sandbox charges, when, and what becomes of a subscription: figures worked out by hand.
//! January 2027 has 31 days; Pro costs $29 a month and $290 a year, a seat of Business $15 a month.
use crate::support::sandbox_client::{
    DAY, NEW_YEAR, PRO_MONTH, PRO_YEAR, SEAT_MONTH, SandboxClient, id, text,
};
use serde_json::Value;

const HOUR: i64 = 3600;
const FEBRUARY: i64 = NEW_YEAR + 31 * DAY;
const MARCH: i64 = FEBRUARY + 28 * DAY;
const MID_JANUARY: i64 = NEW_YEAR + 31 * DAY / 2;

fn path(sub: &Value) -> String {
    format!("/v1/subscriptions/{}", id(sub))
}

/// Totals of a subscription's invoices, oldest first.
async fn totals(sandbox: &SandboxClient, sub: &Value) -> Vec<i64> {
    let all = sandbox.list(&format!("/v1/invoices?subscription={}", id(sub))).await;
    all.iter().rev().map(|invoice| invoice["total"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_card_is_charged_at_once_and_each_month() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let before = sandbox.event_types().await.len();

    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;

    let said = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!((&said["status"], &said["latest_invoice"]["status"]), (&"active".into(), &"paid".into()));
    assert_eq!(said["latest_invoice"]["amount_paid"], PRO_MONTH);
    assert_eq!(said["items"]["data"][0]["current_period_end"], FEBRUARY);
    assert_eq!(
        sandbox.event_types().await[before..],
        [
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded"
        ]
    );

    sandbox.wait_until(FEBRUARY).await;
    let draft = sandbox.subscription_with_invoice(&id(&sub)).await["latest_invoice"].clone();
    assert_eq!(
        (&draft["status"], &draft["period_start"], &draft["period_end"]),
        (&"draft".into(), &NEW_YEAR.into(), &FEBRUARY.into())
    );
    sandbox.wait_until(FEBRUARY + HOUR).await;
    let paid = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!(
        (&paid["latest_invoice"]["status"], &paid["latest_invoice"]["created"]),
        (&"paid".into(), &FEBRUARY.into())
    );
    assert_eq!(paid["items"]["data"][0]["current_period_end"], MARCH);
    let kinds = sandbox.event_types().await;
    let renewal = kinds.iter().position(|kind| kind == "invoice.upcoming").unwrap();
    assert_eq!(
        kinds[renewal + 1..renewal + 4],
        ["customer.subscription.updated", "invoice.created", "test_helpers.test_clock.created"]
    );
}

#[tokio::test]
async fn a_trial_costs_nothing_until_it_ends() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[("trial_period_days", "14")]).await;
    assert_eq!((&sub["status"], &sub["trial_end"]), (&"trialing".into(), &(NEW_YEAR + 14 * DAY).into()));
    let first = sandbox.subscription_with_invoice(&id(&sub)).await["latest_invoice"].clone();
    assert_eq!((&first["status"], &first["total"]), (&"paid".into(), &0.into()));

    sandbox.wait_until(NEW_YEAR + 11 * DAY).await;
    assert_eq!(sandbox.list("/v1/events?type=customer.subscription.trial_will_end").await.len(), 1);
    sandbox.wait_until(NEW_YEAR + 14 * DAY + HOUR).await;
    let after = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!(
        (&after["status"], &after["latest_invoice"]["amount_paid"]),
        (&"active".into(), &PRO_MONTH.into())
    );
    assert_eq!(after["items"]["data"][0]["current_period_end"], FEBRUARY + 14 * DAY);

    let other = sandbox.subscribe(&olivia, "pro_month", &[("trial_period_days", "14")]).await;
    let now = sandbox.post(&path(&other), &[("trial_end", "now")]).await;
    assert_eq!(now["status"], "active");
    assert_eq!(totals(&sandbox, &other).await, [0, PRO_MONTH]);
    sandbox.post(&path(&other), &[("trial_end", "now")]).await;
    assert_eq!(totals(&sandbox, &other).await.len(), 2, "there is no second trial to end");
}

#[tokio::test]
async fn a_trial_that_ends_without_a_card_ends_as_was_agreed() {
    let sandbox = SandboxClient::new().await;
    let mut subs = Vec::new();
    for way in ["cancel", "pause", "create_invoice"] {
        let customer = id(&sandbox.post("/v1/customers", &[]).await);
        let more =
            [("trial_period_days", "3"), ("trial_settings[end_behavior][missing_payment_method]", way)];
        subs.push((sandbox.subscribe(&customer, "pro_month", &more).await, way));
    }

    sandbox.wait_until(NEW_YEAR + 3 * DAY + HOUR).await;

    for ((sub, way), status) in subs.iter().zip(["canceled", "paused", "past_due"]) {
        assert_eq!(
            (sandbox.subscription_with_invoice(&id(sub)).await["status"].clone(), way),
            (status.into(), way)
        );
    }
}

#[tokio::test]
async fn without_a_card_there_is_no_subscription() {
    let sandbox = SandboxClient::new().await;
    let (olivia, price) = (id(&sandbox.post("/v1/customers", &[]).await), sandbox.price("pro_month").await);
    let before = sandbox.everything().await;

    let error = sandbox
        .refused(400, "/v1/subscriptions", &[("customer", &olivia), ("items[0][price]", &price)])
        .await;

    assert_eq!(error["code"], "resource_missing");
    assert!(
        text(&error["message"])
            .starts_with("This customer has no attached payment source or default payment method.")
    );
    assert_eq!(sandbox.everything().await, before);
    let error = sandbox.refused(400, "/v1/subscriptions", &[("customer", &olivia)]).await;
    assert_eq!((text(&error["code"]), text(&error["param"])), ("parameter_missing".into(), "items".into()));
}

#[tokio::test]
async fn a_declined_first_payment_leaves_what_was_asked_for() {
    let sandbox = SandboxClient::new().await;
    let broke = sandbox.customer_with("pm_card_chargeCustomerFail").await;
    let price = sandbox.price("pro_month").await;

    let allowed = sandbox.subscribe(&broke, "pro_month", &[]).await;
    let default = sandbox.subscribe(&broke, "pro_month", &[("payment_behavior", "default_incomplete")]).await;
    let fields = [
        ("customer", broke.as_str()),
        ("items[0][price]", &price),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let before = sandbox.everything().await;
    let error = sandbox.refused(402, "/v1/subscriptions", &fields).await;

    assert_eq!((text(&error["type"]), text(&error["code"])), ("card_error".into(), "card_declined".into()));
    assert_eq!(error["decline_code"], "generic_decline");
    assert_eq!(sandbox.everything().await, before, "and nothing was made");
    for (sub, attempts) in [(&allowed, 1), (&default, 0)] {
        let said = sandbox.subscription_with_invoice(&id(sub)).await;
        assert_eq!(
            (&said["status"], &said["latest_invoice"]["status"]),
            (&"incomplete".into(), &"open".into())
        );
        assert_eq!(said["latest_invoice"]["attempt_count"], attempts);
        assert_eq!(said["latest_invoice"]["next_payment_attempt"], Value::Null);
    }

    let pay = format!("/v1/invoices/{}/pay", text(&default["latest_invoice"]));
    sandbox.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &broke)]).await;
    let good = id(&sandbox.list(&format!("/v1/payment_methods?customer={broke}")).await[0]);
    sandbox.post(&pay, &[("payment_method", &good)]).await;
    sandbox.wait_until(NEW_YEAR + 23 * HOUR).await;
    let (lost, saved) = (
        sandbox.subscription_with_invoice(&id(&allowed)).await,
        sandbox.subscription_with_invoice(&id(&default)).await,
    );
    assert_eq!(
        (&lost["status"], &lost["latest_invoice"]["status"]),
        (&"incomplete_expired".into(), &"void".into())
    );
    assert_eq!(saved["status"], "active");
}

#[tokio::test]
async fn an_invoice_may_be_sent_instead() {
    let sandbox = SandboxClient::new().await;
    let olivia = id(&sandbox.post("/v1/customers", &[]).await);
    let price = sandbox.price("pro_month").await;
    let fields =
        [("customer", olivia.as_str()), ("items[0][price]", &price), ("collection_method", "send_invoice")];
    assert_eq!(sandbox.refused(400, "/v1/subscriptions", &fields).await["param"], "days_until_due");

    let sub = sandbox.post("/v1/subscriptions", &[&fields[..], &[("days_until_due", "30")]].concat()).await;

    let said = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!((&said["status"], &said["latest_invoice"]["status"]), (&"active".into(), &"open".into()));
    assert_eq!(said["latest_invoice"]["due_date"], NEW_YEAR + 30 * DAY);
    assert_eq!(said["latest_invoice"]["attempt_count"], 0);
}

#[tokio::test]
async fn seats_are_prorated_on_the_next_invoice() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "business_month", &[("items[0][quantity]", "2")]).await;
    let item = id(&sub["items"]["data"][0]);
    sandbox.wait_until(NEW_YEAR + 10 * DAY).await;

    sandbox.post(&path(&sub), &[("items[0][id]", &item), ("items[0][quantity]", "5")]).await;

    // 21 of 31 days: 3000 and 7500 × 21/31 are 2032.26 and 5080.65.
    let waiting = sandbox.list(&format!("/v1/invoiceitems?customer={olivia}&pending=true")).await;
    let amounts: Vec<i64> = waiting.iter().map(|it| it["amount"].as_i64().unwrap()).collect();
    assert_eq!(amounts, [5081, -2032]);
    sandbox.wait_until(FEBRUARY + HOUR).await;
    assert_eq!(totals(&sandbox, &sub).await, [2 * SEAT_MONTH, 5 * SEAT_MONTH + 5081 - 2032]);
}

#[tokio::test]
async fn a_switch_is_prorated_as_it_was_asked() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let seat = sandbox.price("business_month").await;
    let mut subs = Vec::new();
    for way in ["none", "create_prorations", "always_invoice"] {
        subs.push((sandbox.subscribe(&olivia, "pro_month", &[]).await, way));
    }
    sandbox.wait_until(MID_JANUARY).await;

    for (sub, way) in &subs {
        let item = id(&sub["items"]["data"][0]);
        let fields =
            [("items[0][id]", item.as_str()), ("items[0][price]", &seat), ("proration_behavior", way)];
        let switched = sandbox.post(&path(sub), &fields).await;
        assert_eq!(switched["items"]["data"][0]["price"]["id"], seat.as_str());
        assert_eq!(switched["items"]["data"][0]["current_period_end"], FEBRUARY);
    }

    // Half of Pro back, half of a seat: −1450 + 750.
    assert_eq!(totals(&sandbox, &subs[2].0).await, [PRO_MONTH, -700]);
    sandbox.wait_until(FEBRUARY + HOUR).await;
    let months: Vec<_> = [totals(&sandbox, &subs[0].0).await, totals(&sandbox, &subs[1].0).await].into();
    assert_eq!(months, [[PRO_MONTH, SEAT_MONTH], [PRO_MONTH, SEAT_MONTH - 700]]);
}

#[tokio::test]
async fn credit_from_a_downgrade_pays_for_the_next_month() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let (sub, seat) =
        (sandbox.subscribe(&olivia, "pro_month", &[]).await, sandbox.price("business_month").await);
    let item = id(&sub["items"]["data"][0]);
    sandbox.wait_until(MID_JANUARY).await;
    let fields = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", &seat),
        ("proration_behavior", "always_invoice"),
    ];
    sandbox.post(&path(&sub), &fields).await;

    let credit = sandbox.subscription_with_invoice(&id(&sub)).await["latest_invoice"].clone();
    assert_eq!(
        (&credit["amount_due"], &credit["status"], &credit["ending_balance"]),
        (&0.into(), &"paid".into(), &(-700).into())
    );
    assert_eq!(sandbox.get(&format!("/v1/customers/{olivia}")).await["balance"], -700);
    sandbox.wait_until(FEBRUARY + HOUR).await;

    let next = sandbox.subscription_with_invoice(&id(&sub)).await["latest_invoice"].clone();
    assert_eq!(
        (&next["total"], &next["starting_balance"], &next["amount_paid"]),
        (&1500.into(), &(-700).into(), &800.into())
    );
    assert_eq!(sandbox.get(&format!("/v1/customers/{olivia}")).await["balance"], 0);
    sandbox.post(&format!("/v1/customers/{olivia}"), &[("balance", "250")]).await;
    sandbox.wait_until(MARCH + HOUR).await;
    let owed = sandbox.subscription_with_invoice(&id(&sub)).await["latest_invoice"].clone();
    assert_eq!(
        (&owed["amount_paid"], &owed["ending_balance"]),
        (&1750.into(), &0.into()),
        "a debt is asked for once"
    );
}

#[tokio::test]
async fn a_voided_invoice_gives_its_credit_back_and_settles_the_subscription() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    sandbox.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", &[("customer", &olivia)]).await;
    let bad = id(&sandbox.list(&format!("/v1/payment_methods?customer={olivia}")).await[0]);
    sandbox.post(&path(&sub), &[("default_payment_method", &bad)]).await;
    sandbox.post(&format!("/v1/customers/{olivia}"), &[("balance", "-1000")]).await;
    sandbox.wait_until(FEBRUARY + HOUR).await;
    let late = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!((&late["status"], &late["latest_invoice"]["amount_due"]), (&"past_due".into(), &1900.into()));
    let customer = sandbox.get(&format!("/v1/customers/{olivia}")).await;
    assert_eq!((&customer["balance"], &customer["delinquent"]), (&0.into(), &true.into()));

    let void = sandbox.post(&format!("/v1/invoices/{}/void", id(&late["latest_invoice"])), &[]).await;

    assert_eq!((&void["status"], &void["amount_remaining"]), (&"void".into(), &0.into()));
    let customer = sandbox.get(&format!("/v1/customers/{olivia}")).await;
    assert_eq!((&customer["balance"], &customer["delinquent"]), (&(-1000).into(), &false.into()));
    assert_eq!(sandbox.subscription_with_invoice(&id(&sub)).await["status"], "active");
    sandbox.refused(400, &format!("/v1/invoices/{}/void", id(&void)), &[]).await;
}

#[tokio::test]
async fn another_interval_begins_a_period_and_is_charged_at_once() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let (sub, year) = (sandbox.subscribe(&olivia, "pro_month", &[]).await, sandbox.price("pro_year").await);
    let item = id(&sub["items"]["data"][0]);
    sandbox.wait_until(MID_JANUARY).await;

    let switched = sandbox.post(&path(&sub), &[("items[0][id]", &item), ("items[0][price]", &year)]).await;

    assert_eq!(switched["billing_cycle_anchor"], MID_JANUARY);
    assert_eq!(switched["items"]["data"][0]["current_period_start"], MID_JANUARY);
    assert_eq!(switched["items"]["data"][0]["current_period_end"], MID_JANUARY + 365 * DAY);
    assert_eq!(totals(&sandbox, &sub).await, [PRO_MONTH, PRO_YEAR - 1450]);
    let mixed = [("items[0][price]", sandbox.price("business_month").await)];
    let mixed: Vec<(&str, &str)> = mixed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    sandbox.refused(400, &path(&sub), &mixed).await;
}

#[tokio::test]
async fn a_first_period_that_ends_early_costs_its_part() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let anchor = MID_JANUARY.to_string();

    let sub = sandbox.subscribe(&olivia, "pro_month", &[("billing_cycle_anchor", &anchor)]).await;

    assert_eq!(totals(&sandbox, &sub).await, [PRO_MONTH / 2]);
    assert_eq!(sub["items"]["data"][0]["current_period_end"], MID_JANUARY);
    sandbox.wait_until(MID_JANUARY + HOUR).await;
    assert_eq!(totals(&sandbox, &sub).await, [PRO_MONTH / 2, PRO_MONTH]);
}

#[tokio::test]
async fn an_upgrade_that_cannot_be_paid_leaves_what_was_asked_for() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let (sub, year) = (sandbox.subscribe(&olivia, "pro_month", &[]).await, sandbox.price("pro_year").await);
    let item = id(&sub["items"]["data"][0]);
    let attach = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let bad = id(&sandbox.post(attach, &[("customer", &olivia)]).await);
    sandbox.post(&path(&sub), &[("default_payment_method", &bad)]).await;
    let before = sandbox.everything().await;
    let switch = |behavior: &'static str| {
        [("items[0][id]", item.as_str()), ("items[0][price]", &year), ("payment_behavior", behavior)]
    };

    assert_eq!(
        sandbox.refused(402, &path(&sub), &switch("error_if_incomplete")).await["code"],
        "card_declined"
    );
    assert_eq!(
        sandbox.refused(400, &path(&sub), &switch("pending_if_incomplete")).await["param"],
        "payment_behavior"
    );
    assert_eq!(sandbox.everything().await, before);
    let allowed = sandbox.post(&path(&sub), &switch("allow_incomplete")).await;
    assert_eq!(
        (&allowed["status"], &allowed["items"]["data"][0]["price"]["id"]),
        (&"past_due".into(), &year.into())
    );
}
