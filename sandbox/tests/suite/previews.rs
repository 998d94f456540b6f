//! `invoices/create_preview` says to the cent what the next renewal then charges, and a customer's balance.
use crate::support::{
    child_process,
    sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

const HOUR: i64 = 3600;
const FEBRUARY: i64 = NEW_YEAR + 31 * DAY;
const MID_JANUARY: i64 = NEW_YEAR + 31 * DAY / 2;

async fn preview(sandbox: &SandboxClient, sub: &Value) -> Value {
    sandbox.post("/v1/invoices/create_preview", &[("subscription", &id(sub))]).await
}

/// What was said of the next invoice, and what it then was: once an hour after the renewal at `at`.
async fn as_it_came(sandbox: &SandboxClient, sub: &Value, at: i64) -> (Value, Value) {
    let said = preview(sandbox, sub).await;
    sandbox.wait_until(at + HOUR).await;
    let came = sandbox.subscription_with_invoice(&id(sub)).await["latest_invoice"].clone();
    for field in [
        "total",
        "subtotal",
        "amount_due",
        "currency",
        "starting_balance",
        "ending_balance",
        "period_start",
        "period_end",
    ] {
        assert_eq!(said[field], came[field], "{field} of\n{said:#}\nand\n{came:#}");
    }
    assert_eq!(said["next_payment_attempt"], at + HOUR);
    let off = |invoice: &Value| {
        invoice["total_discount_amounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["amount"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(off(&said), off(&came));
    (said, came)
}

#[tokio::test]
async fn credit_debt_prorations_and_discounts_are_in_it() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox
        .subscribe(
            &olivia,
            "business_month",
            &[("items[0][quantity]", "2"), ("discounts[0][coupon]", "welcome25")],
        )
        .await;
    let item = id(&sub["items"]["data"][0]);
    sandbox.wait_until(NEW_YEAR + 10 * DAY).await;
    sandbox
        .post(
            &format!("/v1/subscriptions/{}", id(&sub)),
            &[("items[0][id]", &item), ("items[0][quantity]", "5")],
        )
        .await;
    let path = format!("/v1/customers/{olivia}/balance_transactions");
    sandbox
        .post(&path, &[("amount", "-1000"), ("currency", "usd"), ("description", "Sorry for the outage")])
        .await;

    let (said, came) = as_it_came(&sandbox, &sub, FEBRUARY).await;

    // Five seats at $15, a quarter off. 21 of 31 days of five in place of two, a quarter off too: 3810.48
    // and 1524.19. And $10 of credit.
    let more = 3_810 - 1_524;
    assert_eq!(said["total"], 5_625 + more);
    assert_eq!(came["amount_paid"], 5_625 + more - 1_000);
    assert_eq!(came["status"], "paid");
    let kinds: Vec<String> = sandbox.list(&path).await.iter().map(|it| text(&it["type"])).collect();
    assert_eq!(kinds, ["applied_to_invoice", "adjustment"]);
    let used = &sandbox.list(&path).await[0];
    assert_eq!(
        (&used["amount"], &used["ending_balance"], &used["invoice"]),
        (&1_000.into(), &0.into(), &came["id"])
    );

    sandbox.post(&format!("/v1/customers/{olivia}"), &[("balance", "250")]).await;
    let (said, _) = as_it_came(&sandbox, &sub, FEBRUARY + 28 * DAY).await;
    assert_eq!(said["amount_due"], 5_625 + 250, "what is owed besides is asked for too");
}

#[tokio::test]
async fn a_change_that_waits_is_in_it() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_year", &[]).await;
    sandbox.act(json!({ "customer": olivia, "action": "switch_plan", "price": "pro_month" })).await;

    let (said, _) = as_it_came(&sandbox, &sub, NEW_YEAR + 365 * DAY).await;

    assert_eq!(said["total"], 2_900);
}

#[tokio::test]
async fn a_trial_says_what_its_end_charges() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[("trial_period_days", "14")]).await;

    let (said, _) = as_it_came(&sandbox, &sub, NEW_YEAR + 14 * DAY).await;

    assert_eq!(
        (&said["total"], &said["lines"]["data"][0]["period"]["end"]),
        (&2_900.into(), &(FEBRUARY + 14 * DAY).into())
    );
}

#[tokio::test]
async fn an_end_in_the_middle_of_the_next_period_costs_its_part() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let end = (FEBRUARY + 14 * DAY).to_string();
    sandbox.post(&format!("/v1/subscriptions/{}", id(&sub)), &[("cancel_at", &end)]).await;

    let (said, _) = as_it_came(&sandbox, &sub, FEBRUARY).await;

    assert_eq!(said["total"], 1_450, "14 of 28 days");
    let error = sandbox.refused(404, "/v1/invoices/create_preview", &[("subscription", &id(&sub))]).await;
    assert_eq!(error["code"], "invoice_upcoming_none");
}

#[tokio::test]
async fn where_nothing_comes_it_says_so_as_stripe_does() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    sandbox.delete(&format!("/v1/subscriptions/{}", id(&sub))).await;

    for named in [("subscription", id(&sub)), ("customer", olivia.clone())] {
        let error = sandbox.refused(404, "/v1/invoices/create_preview", &[(named.0, &named.1)]).await;
        assert_eq!(error["code"], "invoice_upcoming_none");
        assert_eq!(error["message"], format!("No upcoming invoices for customer: {olivia}"));
    }
    let error = sandbox.refused(400, "/v1/invoices/create_preview", &[("subscription", "sub_no")]).await;
    assert_eq!(error["code"], "resource_missing");
}

#[tokio::test]
async fn prorations_that_wait_are_charged_when_the_period_ends_and_let_go_at_once() {
    let sandbox = SandboxClient::new().await;
    let mut subs = Vec::new();
    for _ in 0..2 {
        let olivia = sandbox.customer_with("pm_card_visa").await;
        subs.push((sandbox.subscribe(&olivia, "business_month", &[]).await, olivia));
    }
    sandbox.wait_until(MID_JANUARY).await;
    for (sub, _) in &subs {
        let fields = [("items[0][id]", id(&sub["items"]["data"][0])), ("items[0][quantity]", "3".into())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sandbox.post(&format!("/v1/subscriptions/{}", id(sub)), &fields).await;
    }
    sandbox.post(&format!("/v1/subscriptions/{}", id(&subs[0].0)), &[("cancel_at_period_end", "true")]).await;
    assert_eq!(preview(&sandbox, &subs[0].0).await["amount_due"], 1_500);

    sandbox.delete(&format!("/v1/subscriptions/{}", id(&subs[1].0))).await;
    sandbox.wait_until(FEBRUARY + HOUR).await;

    let last = sandbox.subscription_with_invoice(&id(&subs[0].0)).await;
    assert_eq!(
        (&last["status"], &last["latest_invoice"]["amount_paid"]),
        (&"canceled".into(), &1_500.into())
    );
    assert_eq!(sandbox.list(&format!("/v1/invoices?customer={}", subs[1].1)).await.len(), 1);
    assert!(sandbox.list(&format!("/v1/invoiceitems?customer={}", subs[1].1)).await.is_empty());
}

/// Something that happens to a subscription before anybody looks at what comes next.
#[derive(Clone, Debug)]
enum Turn {
    Seats { quantity: i64, how: usize },
    Switch { price: usize, how: usize },
    InThePortal { price: usize },
    Coupon(usize),
    Balance(i64),
    EndsIn { days: i64 },
    Wait { hours: i64 },
}

const PRICES: [&str; 4] = ["pro_month", "pro_year", "business_month", "business_year"];
const PRORATIONS: [&str; 3] = ["none", "create_prorations", "always_invoice"];

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        3 => (1..9i64, 0..3usize).prop_map(|(quantity, how)| Turn::Seats { quantity, how }),
        2 => (0..4usize, 0..3usize).prop_map(|(price, how)| Turn::Switch { price, how }),
        2 => (0..4usize).prop_map(|price| Turn::InThePortal { price }),
        2 => (0..4usize).prop_map(Turn::Coupon),
        2 => (-6_000..3_000i64).prop_map(Turn::Balance),
        1 => (5..70i64).prop_map(|days| Turn::EndsIn { days }),
        4 => (1..500i64).prop_map(|hours| Turn::Wait { hours }),
    ]
}

#[test]
fn whatever_happened_before_the_preview_is_what_the_renewal_charges() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // More by hand, after a change of the engine: `PORTICO_CASES=500`.
    let cases = child_process::setting("PORTICO_CASES").and_then(|n| n.parse().ok()).unwrap_or(12);
    let config =
        ProptestConfig { cases, max_shrink_iters: 60, failure_persistence: None, ..Default::default() };
    let histories = (any::<bool>(), vec(turn(), 1..9));
    let outcome = TestRunner::new(config).run(&histories, |(trial, turns)| {
        runtime.block_on(renewed_as_said(trial, &turns)).map_err(TestCaseError::fail)
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// A history that ends with the renewal; what differs from the preview, in words.
async fn renewed_as_said(trial: bool, turns: &[Turn]) -> Result<(), String> {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let more = [("trial_period_days", "9")];
    let sub = id(&sandbox.subscribe(&olivia, "business_month", if trial { &more } else { &[] }).await);
    for kind in [
        [("id", "once"), ("amount_off", "700"), ("currency", "usd"), ("duration", "once")].as_slice(),
        &[("id", "months"), ("percent_off", "33.3"), ("duration", "repeating"), ("duration_in_months", "2")],
        &[("id", "ever"), ("percent_off", "12.5"), ("duration", "forever")],
    ] {
        sandbox.post("/v1/coupons", kind).await;
    }
    for turn in turns {
        take(&sandbox, &olivia, &sub, turn).await;
    }
    sandbox.advance(2 * HOUR).await; // a draft of before has used what credit there is

    let asked = sandbox.ask("POST", "/v1/invoices/create_preview", &[("subscription", &sub)]).await;
    let (said, before) = (asked.json(), sandbox.subscription_with_invoice(&sub).await);
    let end = before["items"]["data"][0]["current_period_end"].as_i64().unwrap();
    let end = before["cancel_at"].as_i64().map_or(end, |at| at.min(end));
    sandbox.advance((end + HOUR - sandbox.now().await).max(0)).await;
    let came = sandbox.subscription_with_invoice(&sub).await["latest_invoice"].clone();

    if asked.status == 404 {
        let same = came["id"] == before["latest_invoice"]["id"];
        return same.then_some(()).ok_or_else(|| format!("nothing was to come, and it was\n{came:#}"));
    }
    for field in ["total", "subtotal", "amount_due", "currency", "starting_balance", "ending_balance"] {
        if said[field] != came[field] {
            return Err(format!("{field} of\n{said:#}\nand\n{came:#}"));
        }
    }
    let off = |invoice: &Value| {
        let all = invoice["total_discount_amounts"].as_array().unwrap().clone();
        all.iter().map(|it| it["amount"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    (off(&said) == off(&came)).then_some(()).ok_or_else(|| format!("discounts of\n{said:#}\nand\n{came:#}"))
}

/// One turn; where it is refused, nothing happens.
async fn take(sandbox: &SandboxClient, olivia: &str, sub: &str, turn: &Turn) {
    let path = format!("/v1/subscriptions/{sub}");
    let item = id(&sandbox.subscription(sub).await["items"]["data"][0]);
    let post = async |path: &str, fields: &[(&str, &str)]| drop(sandbox.ask("POST", path, fields).await);
    match turn {
        Turn::Seats { quantity, how } => {
            let fields = [
                ("items[0][id]", item.as_str()),
                ("items[0][quantity]", &quantity.to_string()),
                ("proration_behavior", PRORATIONS[*how]),
            ];
            post(&path, &fields).await;
        }
        Turn::Switch { price, how } => {
            let price = sandbox.price(PRICES[*price]).await;
            let fields = [
                ("items[0][id]", item.as_str()),
                ("items[0][price]", &price),
                ("proration_behavior", PRORATIONS[*how]),
            ];
            post(&path, &fields).await;
        }
        Turn::InThePortal { price } => {
            let switch = json!({ "customer": olivia, "action": "switch_plan", "price": PRICES[*price] });
            sandbox.control_post("/act", switch).await;
        }
        Turn::Coupon(0) => post(&format!("/v1/customers/{olivia}"), &[("coupon", "ever")]).await,
        Turn::Coupon(n) => post(&path, &[("discounts[0][coupon]", ["once", "months", "ever"][n - 1])]).await,
        Turn::Balance(amount) => {
            let fields = [("amount", amount.to_string()), ("currency", "usd".to_owned())];
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            post(&format!("/v1/customers/{olivia}/balance_transactions"), &fields).await;
        }
        Turn::EndsIn { days } => {
            let at = (sandbox.now().await + days * DAY).to_string();
            post(&path, &[("cancel_at", &at)]).await;
        }
        Turn::Wait { hours } => drop(sandbox.advance(hours * HOUR).await),
    }
}
