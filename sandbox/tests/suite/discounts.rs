//! Money off: for how long, on what, whose, and how an invoice says it.
use crate::support::sandbox_client::{DAY, NEW_YEAR, PRO_MONTH, SandboxClient, id, text};
use serde_json::Value;

const HOUR: i64 = 3600;

async fn coupon(sandbox: &SandboxClient, fields: &[(&str, &str)]) -> String {
    id(&sandbox.post("/v1/coupons", fields).await)
}

/// Totals of a subscription's invoices, oldest first.
async fn totals(sandbox: &SandboxClient, sub: &Value) -> Vec<i64> {
    let all = sandbox.list(&format!("/v1/invoices?subscription={}", id(sub))).await;
    all.iter().rev().map(|invoice| invoice["total"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_coupon_is_used_once_for_months_or_for_ever() {
    let sandbox = SandboxClient::new().await;
    let once = coupon(&sandbox, &[("amount_off", "900"), ("currency", "usd"), ("duration", "once")]).await;
    let months = [("percent_off", "50"), ("duration", "repeating"), ("duration_in_months", "2")];
    let months = coupon(&sandbox, &months).await;
    let ever = coupon(&sandbox, &[("percent_off", "10"), ("duration", "forever")]).await;
    let mut subs = Vec::new();
    for coupon in [&once, &months, &ever] {
        let olivia = sandbox.customer_with("pm_card_visa").await;
        subs.push(sandbox.subscribe(&olivia, "pro_month", &[("discounts[0][coupon]", coupon)]).await);
    }

    for month in [31, 59, 90] {
        sandbox.wait_until(NEW_YEAR + month * DAY + HOUR).await;
    }

    assert_eq!(totals(&sandbox, &subs[0]).await, [2_000, 2_900, 2_900, 2_900]);
    assert_eq!(totals(&sandbox, &subs[1]).await, [1_450, 1_450, 2_900, 2_900]);
    assert_eq!(totals(&sandbox, &subs[2]).await, [2_610, 2_610, 2_610, 2_610]);
    assert_eq!(sandbox.subscription(&id(&subs[1])).await["discounts"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn discounts_are_shown_on_subscription_and_invoice() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let tenner =
        coupon(&sandbox, &[("amount_off", "1000"), ("currency", "usd"), ("duration", "forever")]).await;
    let two = [("discounts[0][coupon]", "welcome25"), ("discounts[1][coupon]", tenner.as_str())];

    let sub = sandbox.subscribe(&olivia, "pro_month", &two).await;

    let path =
        format!("/v1/subscriptions/{}?expand[]=discounts.source.coupon&expand[]=latest_invoice", id(&sub));
    let whole = sandbox.get(&path).await;
    let names: Vec<&Value> =
        whole["discounts"].as_array().unwrap().iter().map(|it| &it["source"]["coupon"]["id"]).collect();
    assert_eq!(names, ["welcome25", &tenner]);
    assert_eq!(
        (&whole["discounts"][0]["subscription"], &whole["discounts"][0]["customer"]),
        (&sub["id"], &olivia.as_str().into())
    );
    let off: Vec<&Value> = whole["latest_invoice"]["total_discount_amounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["amount"])
        .collect();
    assert_eq!(off, [725, 1_000], "a quarter of $29, then $10");
    assert_eq!(whole["latest_invoice"]["total"], PRO_MONTH - 1_725);
}

#[tokio::test]
async fn a_customers_discount_is_for_subscriptions_without_one_of_their_own() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let half = coupon(&sandbox, &[("percent_off", "50"), ("duration", "forever")]).await;
    sandbox.post(&format!("/v1/customers/{olivia}"), &[("coupon", &half)]).await;

    let plain = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let own = sandbox.subscribe(&olivia, "pro_month", &[("discounts[0][coupon]", "welcome25")]).await;

    assert_eq!((totals(&sandbox, &plain).await, totals(&sandbox, &own).await), (vec![1_450], vec![2_175]));
    assert_eq!(plain["discounts"], serde_json::json!([]));
    let gone = sandbox.delete(&format!("/v1/customers/{olivia}/discount")).await;
    assert_eq!((&gone["object"], &gone["deleted"]), (&"discount".into(), &true.into()));
    sandbox.delete(&format!("/v1/subscriptions/{}/discount", id(&own))).await;
    assert_eq!(sandbox.list("/v1/events?type=customer.discount.deleted").await.len(), 2);
    sandbox.wait_until(NEW_YEAR + 31 * DAY + HOUR).await;
    assert_eq!(totals(&sandbox, &plain).await, [1_450, 2_900]);
    assert_eq!(totals(&sandbox, &own).await, [2_175, 2_900]);
}

#[tokio::test]
async fn a_coupon_for_some_products_leaves_the_others_alone() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let pro = sandbox.price("pro_month").await;
    let product = text(&sandbox.get(&format!("/v1/prices/{pro}")).await["product"]);
    let addon = [
        ("product_data[name]", "Support"),
        ("currency", "usd"),
        ("unit_amount", "1000"),
        ("recurring[interval]", "month"),
    ];
    let addon = id(&sandbox.post("/v1/prices", &addon).await);
    let of_pro =
        [("percent_off", "50"), ("duration", "forever"), ("applies_to[products][0]", product.as_str())];
    let of_pro = coupon(&sandbox, &of_pro).await;

    let sub = sandbox
        .subscribe(&olivia, "pro_month", &[("items[1][price]", &addon), ("discounts[0][coupon]", &of_pro)])
        .await;

    assert_eq!(totals(&sandbox, &sub).await, [1_450 + 1_000]);
    let euros = coupon(&sandbox, &[("amount_off", "100"), ("currency", "eur")]).await;
    let fields = [("discounts[0][coupon]", euros.as_str())];
    let error = sandbox.refused(400, &format!("/v1/subscriptions/{}", id(&sub)), &fields).await;
    assert_eq!(error["param"], "discounts[0][coupon]");
}
