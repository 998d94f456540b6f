//! Prices that are not so much a month: by tiers, with fractions, in packages, every few months, by hand.
use crate::support::sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text};
use serde_json::{Value, json};

const HOUR: i64 = 3600;

async fn price(sandbox: &SandboxClient, fields: &[(&str, &str)]) -> Value {
    let product = text(&sandbox.list("/v1/prices").await[0]["product"]);
    let all =
        [&[("product", product.as_str()), ("currency", "usd"), ("recurring[interval]", "month")], fields];
    sandbox.post("/v1/prices", &all.concat()).await
}

/// What so many cost a customer who has just subscribed.
async fn first_total(sandbox: &SandboxClient, price: &Value, quantity: &str) -> i64 {
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let (price, more) = (id(price), ("expand[]", "latest_invoice"));
    let fields =
        [("customer", olivia.as_str()), ("items[0][price]", &price), ("items[0][quantity]", quantity), more];
    sandbox.post("/v1/subscriptions", &fields).await["latest_invoice"]["total"].as_i64().unwrap()
}

const TIERS: [(&str, &str); 8] = [
    ("billing_scheme", "tiered"),
    ("tiers[0][up_to]", "5"),
    ("tiers[0][unit_amount]", "1000"),
    ("tiers[0][flat_amount]", "500"),
    ("tiers[1][up_to]", "10"),
    ("tiers[1][unit_amount]", "800"),
    ("tiers[2][up_to]", "inf"),
    ("tiers[2][unit_amount_decimal]", "500.5"),
];

#[tokio::test]
async fn tiers_are_counted_one_after_the_other_or_by_the_last_one() {
    let sandbox = SandboxClient::new().await;
    let graduated = price(&sandbox, &[&TIERS[..], &[("tiers_mode", "graduated")]].concat()).await;
    let volume = price(&sandbox, &[&TIERS[..], &[("tiers_mode", "volume")]].concat()).await;

    // 5 × $10 + $5, then 5 × $8, then 2 × $5.005; and 12 × $5.005.
    assert_eq!(first_total(&sandbox, &graduated, "12").await, 5_500 + 4_000 + 1_001);
    assert_eq!(first_total(&sandbox, &volume, "12").await, 6_006);
    assert_eq!(first_total(&sandbox, &volume, "5").await, 5_500);
    assert_eq!((&graduated["unit_amount"], &graduated["billing_scheme"]), (&Value::Null, &"tiered".into()));
    assert_eq!(graduated.get("tiers"), None, "they are shown when they are asked for");
    let whole = sandbox.get(&format!("/v1/prices/{}?expand[]=tiers", id(&graduated))).await;
    let ends: Vec<&Value> = whole["tiers"].as_array().unwrap().iter().map(|tier| &tier["up_to"]).collect();
    assert_eq!(ends, [&json!(5), &json!(10), &Value::Null]);
    assert_eq!(whole["tiers"][2]["unit_amount_decimal"], "500.5");
}

#[tokio::test]
async fn tiers_that_make_no_sense_are_refused() {
    let sandbox = SandboxClient::new().await;
    let product = text(&sandbox.list("/v1/prices").await[0]["product"]);
    let tiered = [("product", product.as_str()), ("currency", "usd"), ("billing_scheme", "tiered")];
    let mode = ("tiers_mode", "volume");

    for (fields, param) in [
        (vec![("tiers[0][up_to]", "inf"), ("tiers[0][unit_amount]", "1")], "tiers_mode"),
        (vec![mode], "tiers"),
        (vec![mode, ("tiers[0][up_to]", "5"), ("tiers[0][unit_amount]", "1")], "tiers[0][up_to]"),
        (vec![mode, ("tiers[0][up_to]", "inf")], "tiers[0][unit_amount]"),
        (vec![mode, ("tiers[0][up_to]", "inf"), ("tiers[0][colour]", "red")], "tiers[0][colour]"),
        (vec![mode, ("unit_amount", "5")], "unit_amount"),
    ] {
        let error = sandbox.refused(400, "/v1/prices", &[&tiered[..], &fields].concat()).await;
        assert_eq!(error["param"], param, "{error}");
    }
}

#[tokio::test]
async fn fractions_of_a_cent_and_packages_are_counted_to_the_nearest_cent() {
    let sandbox = SandboxClient::new().await;
    let fraction = price(&sandbox, &[("unit_amount_decimal", "0.3")]).await;
    let package = [
        ("unit_amount", "1000"),
        ("transform_quantity[divide_by]", "12"),
        ("transform_quantity[round]", "up"),
    ];
    let package = price(&sandbox, &package).await;

    assert_eq!((&fraction["unit_amount"], &fraction["unit_amount_decimal"]), (&Value::Null, &"0.3".into()));
    assert_eq!(first_total(&sandbox, &fraction, "12").await, 4);
    assert_eq!(first_total(&sandbox, &package, "13").await, 2_000);
}

#[tokio::test]
async fn a_price_can_be_due_every_few_weeks_or_months() {
    let sandbox = SandboxClient::new().await;
    for (interval, count, days) in [("month", "3", 90), ("week", "2", 14), ("day", "10", 10)] {
        let every =
            [("unit_amount", "900"), ("recurring[interval]", interval), ("recurring[interval_count]", count)];
        let made = price(&sandbox, &every).await;
        let olivia = sandbox.customer_with("pm_card_visa").await;

        let sub = sandbox
            .post("/v1/subscriptions", &[("customer", &olivia), ("items[0][price]", &id(&made))])
            .await;

        // The first three months of 2027 have 90 days.
        assert_eq!(
            sub["items"]["data"][0]["current_period_end"],
            NEW_YEAR + days * DAY,
            "{count} {interval}s"
        );
    }
    let product = text(&sandbox.list("/v1/prices").await[0]["product"]);
    let long = [
        ("product", product.as_str()),
        ("currency", "usd"),
        ("unit_amount", "1"),
        ("recurring[interval]", "month"),
        ("recurring[interval_count]", "37"),
    ];
    assert_eq!(sandbox.refused(400, "/v1/prices", &long).await["param"], "recurring[interval_count]");
}

#[tokio::test]
async fn an_account_holds_prices_by_hand_several_items_and_a_second_subscription() {
    let sandbox = SandboxClient::new().await;
    let by_hand = price(&sandbox, &[("unit_amount", "1900"), ("nickname", "Old friends")]).await;
    let addon = [
        ("product_data[name]", "Support"),
        ("currency", "usd"),
        ("unit_amount", "500"),
        ("recurring[interval]", "month"),
    ];
    let addon = id(&sandbox.post("/v1/prices", &addon).await);
    let olivia = sandbox.customer_with("pm_card_visa").await;

    let both = [
        ("customer", olivia.as_str()),
        ("items[0][price]", &id(&by_hand)),
        ("items[1][price]", &addon),
        ("expand[]", "latest_invoice"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let both: Vec<(&str, &str)> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let first = sandbox.post("/v1/subscriptions", &both).await;
    sandbox.post("/v1/subscriptions", &[("customer", &olivia), ("items[0][price]", &addon)]).await;

    assert_eq!(by_hand["lookup_key"], Value::Null);
    assert_eq!(first["latest_invoice"]["total"], 2_400);
    assert_eq!(sandbox.list(&format!("/v1/subscriptions?customer={olivia}")).await.len(), 2);
    sandbox.wait_until(NEW_YEAR + 31 * DAY + HOUR).await;
    assert_eq!(sandbox.list(&format!("/v1/invoices?customer={olivia}&status=paid")).await.len(), 4);
}
