//! What the page says of the next payment is what Stripe then charges, to the minor unit, whatever happened before.
use super::random_histories::Chance;
use crate::{
    billing_app::{BillingApp, GOOD},
    support::child_process,
    test_app::{Org, TestApp},
};
use serde_json::{Value, json};

/// How many lives are lived; more in CI.
fn lives() -> u64 {
    if child_process::setting("PORTICO_REQUIRE_ALL").is_some() { 24 } else { 6 }
}

#[portico_test]
async fn what_the_page_says_of_the_next_payment_is_charged_to_the_cent(app: TestApp) {
    let it = BillingApp::of(app).await;
    for seed in 1..=lives() {
        let name = format!("life-{seed}");
        let acme = it.org(&name).await;
        let done = live(&it, &acme, seed).await;
        let state = it.billing_state(&name).await;
        let said = state["next_payment"].clone();
        assert!(!said.is_null(), "seed {seed}, {done:?}: {state}");
        let money =
            product::words::money(said["amount"].as_i64().unwrap(), said["currency"].as_str().unwrap());
        acme.owner.get(&format!("/orgs/{name}/billing")).await.assert_says(&money);

        let now: Value = it.ask(hyper::Method::GET, "/clock", json!({})).await.json();
        it.advance(said["at"].as_i64().unwrap() - now["now"].as_i64().unwrap() + 3_600).await;
        it.settled().await;

        let customer = it.customer_of(&name).await;
        let invoices = it.app.at_stripe(&format!("/v1/invoices?customer={customer}&limit=100")).await;
        let charged = invoices.iter().find(|it| it["billing_reason"] == "subscription_cycle");
        let charged = charged.unwrap_or_else(|| panic!("seed {seed}, {done:?}: nothing was charged"));
        assert_eq!(
            (&said["amount"], &said["currency"]),
            (&charged["amount_due"], &charged["currency"]),
            "seed {seed}, {done:?}: {charged}"
        );
        it.delete_at_stripe(&format!("/v1/customers/{customer}")).await;
        it.settled().await;
    }
}

/// Buys something, and a few things happen to it before it renews.
async fn live(it: &BillingApp, acme: &Org, seed: u64) -> Vec<&'static str> {
    let mut c = Chance::seeded(seed);
    let (plan, interval) =
        [("pro", "month"), ("business", "month"), ("business", "year")][c.below(3) as usize];
    let customer = it.subscribe(acme, plan, interval, GOOD).await;
    let sub = it.billing_state(&acme.slug).await["subscription"].as_str().unwrap().to_owned();
    let at = format!("/v1/subscriptions/{sub}");
    let mut done = vec![plan, interval];
    for _ in 0..1 + c.below(4) {
        let what = c.below(6);
        match what {
            0 => {
                let percent = (5 + c.below(60)).to_string();
                let duration = ["once", "forever", "repeating"][c.below(3) as usize];
                let mut coupon = vec![("percent_off", percent.as_str()), ("duration", duration)];
                if duration == "repeating" {
                    coupon.push(("duration_in_months", "2"));
                }
                let coupon = it.write_at_stripe("/v1/coupons", &coupon).await;
                it.write_at_stripe(&at, &[("discounts[0][coupon]", coupon["id"].as_str().unwrap())]).await;
            }
            1 => {
                let balance = (c.below(6_000) as i64 - 4_000).to_string();
                it.write_at_stripe(&format!("/v1/customers/{customer}"), &[("balance", &balance)]).await;
            }
            2 => {
                let quantity = if plan == "pro" { 1 } else { 1 + c.below(5) };
                let price = format!("{plan}_{interval}");
                it.try_act(&customer, "switch_plan", json!({ "price": price, "quantity": quantity })).await;
            }
            3 => drop(
                it.try_act(&customer, "switch_plan", json!({ "price": "business_year", "quantity": 2 }))
                    .await,
            ),
            4 => it.advance(3_600 * (1 + c.below(72) as i64)).await,
            _ => {
                let off = (100 + c.below(900)).to_string();
                let coupon = [("amount_off", off.as_str()), ("currency", "usd"), ("duration", "forever")];
                let coupon = it.write_at_stripe("/v1/coupons", &coupon).await;
                it.write_at_stripe(&at, &[("discounts[0][coupon]", coupon["id"].as_str().unwrap())]).await;
            }
        }
        done.push(["coupon", "balance", "quantity", "switch", "time", "amount off"][what as usize]);
    }
    it.settled().await;
    done
}
