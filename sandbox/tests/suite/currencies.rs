//! Currencies: which there are, one for each customer, and amounts without or with three decimals.
use crate::support::sandbox_client::{NEW_YEAR, SandboxClient, id, text};
use serde_json::Value;

const HOUR: i64 = 3600;

/// A monthly price in a currency; its id.
async fn monthly(sandbox: &SandboxClient, currency: &str, amount: &str) -> String {
    let fields = [
        ("product_data[name]", "Atlas"),
        ("currency", currency),
        ("unit_amount", amount),
        ("recurring[interval]", "month"),
    ];
    id(&sandbox.post("/v1/prices", &fields).await)
}

#[tokio::test]
async fn a_currency_that_stripe_does_not_have_is_refused() {
    let sandbox = SandboxClient::new().await;
    let product = text(&sandbox.list("/v1/prices").await[0]["product"]);
    let olivia = sandbox.customer("Olivia").await;

    for code in ["zzz", "U$D", "<b>", "us"] {
        let price = [("product", product.as_str()), ("currency", code), ("unit_amount", "100")];
        let coupon = [("amount_off", "100"), ("currency", code)];
        let balance = [("amount", "100"), ("currency", code)];
        for (path, fields) in [
            ("/v1/prices".to_owned(), &price[..]),
            ("/v1/coupons".to_owned(), &coupon[..]),
            (format!("/v1/customers/{olivia}/balance_transactions"), &balance[..]),
        ] {
            let error = sandbox.refused(400, &path, fields).await;
            assert_eq!(error["param"], "currency", "{path}");
            let said = format!("Invalid currency: {}. Stripe currently supports", code.to_lowercase());
            assert!(text(&error["message"]).starts_with(&said), "{error}");
        }
    }

    let shouted = [("product", product.as_str()), ("currency", "EUR"), ("unit_amount", "100")];
    assert_eq!(sandbox.post("/v1/prices", &shouted).await["currency"], "eur");
}

#[tokio::test]
async fn a_customer_has_one_currency_while_anything_is_in_it() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let dollars = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let euros = monthly(&sandbox, "eur", "2900").await;
    let subscription = [("customer", olivia.as_str()), ("items[0][price]", &euros)];
    let checkout = [
        ("mode", "subscription"),
        ("customer", &olivia),
        ("line_items[0][price]", &euros),
        ("success_url", "https://portico.test/"),
    ];

    for (path, fields) in [("/v1/subscriptions", &subscription[..]), ("/v1/checkout/sessions", &checkout[..])]
    {
        let error = sandbox.refused(400, path, fields).await;
        assert!(text(&error["message"]).starts_with("You cannot combine currencies on a single customer."));
        assert!(text(&error["message"]).ends_with("currency usd."), "{error}");
    }
    sandbox.delete(&format!("/v1/subscriptions/{}", id(&dollars))).await;
    let sub = sandbox.post("/v1/subscriptions", &subscription).await;

    assert_eq!(sub["currency"], "eur");
    assert_eq!(sandbox.get(&format!("/v1/customers/{olivia}")).await["currency"], "eur");
}

#[tokio::test]
async fn amounts_without_and_with_three_decimals_are_counted_in_their_own_units() {
    let sandbox = SandboxClient::new().await;
    for (currency, amount, shown) in [("jpy", "2900", "¥2,900"), ("kwd", "12340", "12.340 KWD")] {
        let price = monthly(&sandbox, currency, amount).await;
        let olivia = sandbox.customer_with("pm_card_visa").await;
        let fields =
            [("customer", olivia.as_str()), ("items[0][price]", &price), ("expand[]", "latest_invoice")];
        let sub = sandbox.post("/v1/subscriptions", &fields).await;

        let invoice = &sub["latest_invoice"];
        assert_eq!(invoice["amount_paid"].to_string(), amount);
        let page = sandbox.visitor().get(&sandbox.path_at(&invoice["hosted_invoice_url"])).await;
        assert!(page.text().contains(shown), "{currency}: {}", page.text());
        let half = [("items[0][id]", id(&sub["items"]["data"][0])), ("items[0][quantity]", "2".into())];
        let half: Vec<(&str, &str)> = half.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sandbox.wait_until(sandbox.now().await + 15 * 86_400 + 43_200).await; // half of January, half of the next
        sandbox.post(&format!("/v1/subscriptions/{}", id(&sub)), &half).await;
        let waiting = sandbox.list(&format!("/v1/invoiceitems?customer={olivia}")).await;
        assert!(waiting.iter().all(|item| item["currency"] == currency && item["amount"] != Value::Null));
    }
    assert!(sandbox.now().await > NEW_YEAR + HOUR);
}
