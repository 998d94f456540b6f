//! What real accounts at Stripe hold beside the plans we sell: other products, prices made by hand, coupons,
//! credit, changes that wait, debts.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    test_app::{Org, TestApp},
};
use product::{billing::plans::Plan, orgs::Role};
use serde_json::{Value, json};

/// An organisation that went to the portal once, with a card; its customer.
async fn with_a_card(it: &BillingApp, name: &str) -> (Org, String) {
    let org = it.org(name).await;
    org.owner.post(&format!("/orgs/{name}/billing/portal")).await.assert_status(303);
    let customer = it.customer_of(name).await;
    it.act(&customer, "add_card", json!({ "card": GOOD })).await;
    (org, customer)
}

/// A price by the month on a product, made in the Dashboard.
async fn price_of(it: &BillingApp, product: &str, amount: &str) -> String {
    let price = [
        ("currency", "usd"),
        ("unit_amount", amount),
        ("recurring[interval]", "month"),
        ("product", product),
    ];
    id(&it.write_at_stripe("/v1/prices", &price).await)
}

/// A price on a product that is not ours.
async fn foreign_price(it: &BillingApp) -> String {
    let product = it.write_at_stripe("/v1/products", &[("name", "Support package")]).await;
    price_of(it, &id(&product), "10000").await
}

fn id(object: &Value) -> String {
    object["id"].as_str().expect("an object has an id").to_owned()
}

async fn subscribe_by_hand(it: &BillingApp, customer: &str, prices: &[&str]) -> String {
    let names: Vec<String> = (0..prices.len()).map(|n| format!("items[{n}][price]")).collect();
    let mut form = vec![("customer", customer)];
    form.extend(names.iter().map(String::as_str).zip(prices.iter().copied()));
    let sub = it.write_at_stripe("/v1/subscriptions", &form).await;
    it.settled().await;
    id(&sub)
}

/// The customer's own payment method, which Checkout does not set.
async fn add_a_card(it: &BillingApp, customer: &str) {
    it.act(customer, "add_card", json!({ "card": GOOD })).await;
}

/// The product that a plan is sold as.
async fn product_of(it: &BillingApp, plan: Plan) -> String {
    let key = format!("{}_month", plan.as_str());
    it.app.at_stripe(&format!("/v1/prices?lookup_keys[]={key}")).await[0]["product"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[portico_test]
async fn a_subscription_to_another_product_is_not_looked_at(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    let ours = it.billing_state("acme").await["subscription"].clone();
    add_a_card(&it, &customer).await;
    let mails = it.mails().await;

    let foreign = subscribe_by_hand(&it, &customer, &[&foreign_price(&it).await]).await;

    let state = it.billing_state("acme").await;
    assert_eq!((&state["subscription"], &state["plan"]), (&ours, &json!("pro")), "{state}");
    assert_eq!(it.app.figure("duplicate_subscriptions").await, 0);
    acme.owner.get("/orgs/acme/billing").await.assert_does_not_say("two subscriptions");
    it.delete_at_stripe(&format!("/v1/subscriptions/{foreign}")).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["subscription"], ours);
    assert_eq!(it.mails().await, mails, "its end is none of a plan");
}

#[portico_test]
async fn a_subscription_to_another_product_is_no_reason_to_refuse_a_plan(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, customer) = with_a_card(&it, "acme").await;
    let foreign = subscribe_by_hand(&it, &customer, &[&foreign_price(&it).await]).await;
    assert_eq!(it.billing_state("acme").await["status"], Value::Null);

    it.subscribe(&acme, "business", "month", GOOD).await;

    assert_eq!(it.billing_state("acme").await["plan"], "business");
    let confirm = acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await;
    confirm.assert_redirects_to("/account");
    let left = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}&status=all&limit=100")).await;
    let alive: Vec<&Value> = left.iter().filter(|sub| sub["status"] != "canceled").collect();
    assert_eq!(alive.len(), 1, "what is bought elsewhere goes on: {left:?}");
    assert_eq!(alive[0]["id"], json!(foreign));
}

#[portico_test]
async fn a_price_made_by_hand_on_our_product_is_the_plan_of_that_product(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, customer) = with_a_card(&it, "acme").await;
    let price = price_of(&it, &product_of(&it, Plan::Business).await, "1100").await;

    subscribe_by_hand(&it, &customer, &[&price]).await;

    let state = it.billing_state("acme").await;
    assert_eq!((&state["plan"], &state["plan_known"]), (&json!("business"), &json!(true)), "{state}");
    acme.owner.get("/orgs/acme/billing").await.assert_says("1 seat at $11.00 a month");
}

#[portico_test]
async fn a_price_that_says_nothing_takes_nothing_away_and_calls_a_person(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    let state = it.billing_state("acme").await;
    let sub = format!("/v1/subscriptions/{}", state["subscription"].as_str().unwrap());
    let item = it
        .app
        .at_stripe(&format!(
            "/v1/subscription_items?subscription={}",
            state["subscription"].as_str().unwrap()
        ))
        .await;
    let strange = foreign_price(&it).await;

    it.write_at_stripe(&sub, &[("items[0][id]", &id(&item[0])), ("items[0][price]", &strange)]).await;
    it.settled().await;

    let now = it.billing_state("acme").await;
    assert_eq!((&now["plan"], &now["plan_known"]), (&json!("business"), &json!(false)), "{now}");
    assert_eq!(it.app.figure("unknown_prices").await, 1, "somebody has to look");
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("our support team is looking into it").assert_does_not_say("Change plan");
    assert!(!it.mails().await.iter().any(|subject| subject.contains("has ended")), "{:?}", it.mails().await);
}

#[portico_test]
async fn a_hundred_and_one_ended_subscriptions_hide_nothing(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    let ours = it.billing_state("acme").await["subscription"].clone();
    add_a_card(&it, &customer).await;
    it.deliver(json!({ "drop": 1.0 })).await;
    let price = it.price("business_month").await;
    for _ in 0..101 {
        let ended = it
            .write_at_stripe("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)])
            .await;
        it.delete_at_stripe(&format!("/v1/subscriptions/{}", id(&ended))).await;
    }

    acme.owner.post("/orgs/acme/billing/sync").await.assert_status(303);

    assert_eq!(it.billing_state("acme").await["subscription"], ours);
    let again = acme.owner.post("/orgs/acme/billing/checkout").fields(&crate::billing_app::BUSINESS).await;
    again.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
    acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await.assert_redirects_to("/account");
    let left = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}&limit=100")).await;
    assert!(left.is_empty(), "nothing of ours is left to be charged: {left:?}");
}

#[portico_test]
async fn an_add_on_is_shown_and_changes_neither_plan_nor_seats(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, customer) = with_a_card(&it, "acme").await;
    let (support, business) = (foreign_price(&it).await, it.price("business_month").await);

    subscribe_by_hand(&it, &customer, &[&support, &business]).await;
    it.app.joins(&acme, Role::Member).await;
    it.follow_seats(&acme).await;

    let state = it.billing_state("acme").await;
    assert_eq!((&state["plan"], &state["quantity"]), (&json!("business"), &json!(2)), "{state}");
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("Support package, $100.00 a month").assert_says("2 seats at");
    let held = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}")).await;
    assert_eq!(held[0]["items"]["data"][0]["quantity"], 1, "the add-on stays as it was");
}

#[portico_test]
async fn the_next_payment_is_what_stripe_says_with_coupon_and_credit(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    let coupon = [("percent_off", "20"), ("duration", "forever"), ("name", "Launch offer")];
    let coupon = id(&it.write_at_stripe("/v1/coupons", &coupon).await);
    let sub = it.billing_state("acme").await["subscription"].as_str().unwrap().to_owned();
    it.write_at_stripe(&format!("/v1/subscriptions/{sub}"), &[("discounts[0][coupon]", &coupon)]).await;
    it.write_at_stripe(&format!("/v1/customers/{customer}"), &[("balance", "-500")]).await;
    it.settled().await;

    let said = it.billing_state("acme").await["next_payment"].clone();
    let page = acme.owner.get("/orgs/acme/billing").await;

    page.assert_says("Launch offer").assert_says("of your credit is used").assert_says("Credit");
    it.advance_to(json!("next_renewal")).await;
    it.advance(2 * 3_600).await;
    it.settled().await;
    let charged = &it.app.at_stripe(&format!("/v1/invoices?customer={customer}&limit=1")).await[0];
    assert_eq!(
        (&said["amount"], &said["currency"]),
        (&charged["amount_due"], &charged["currency"]),
        "{charged}"
    );
}

#[portico_test]
async fn a_change_that_waits_is_said_and_can_be_taken_back(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;
    it.act(&customer, "switch_plan", json!({ "price": "business_month", "quantity": 1 })).await;
    it.settled().await;

    let state = it.billing_state("acme").await;
    assert_eq!(
        (&state["scheduled"]["plan"], &state["scheduled"]["interval"]),
        (&json!("business"), &json!("month"))
    );
    assert_eq!(state["scheduled"]["at"], state["current_period_end"]);
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("paid every month")
        .assert_says("Keep the present plan")
        .assert_does_not_say("Change plan");
    assert!(it.mails().await.iter().any(|subject| subject.starts_with("Your plan changes to Business")));

    acme.owner.post("/orgs/acme/billing/keep-plan").await.assert_redirects_to("/orgs/acme/billing");

    assert_eq!(it.billing_state("acme").await["scheduled"], Value::Null);
    acme.owner
        .get("/orgs/acme/billing")
        .await
        .assert_says("Change plan")
        .assert_does_not_say("Keep the present");
}

#[portico_test]
async fn an_end_far_away_does_not_say_that_nothing_more_is_charged(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    let state = it.billing_state("acme").await;
    let end = state["current_period_end"].as_i64().unwrap() + 170 * DAY;
    let sub = format!("/v1/subscriptions/{}", state["subscription"].as_str().unwrap());

    it.write_at_stripe(&sub, &[("cancel_at", &end.to_string())]).await;
    it.settled().await;

    let state = it.billing_state("acme").await;
    assert_eq!(state["ends_at"], end);
    assert!(state["next_payment"]["amount"].as_i64().unwrap() > 0, "{state}");
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("Payments continue until then").assert_does_not_say("not be charged again");
    let letter =
        it.app.texts("select text_body from mails where subject like '%plan ends on%'").await.remove(0);
    assert!(
        letter.contains("Payments continue until that day") && !letter.contains("not be charged again"),
        "{letter}"
    );
}

#[portico_test]
async fn the_end_of_one_of_two_subscriptions_is_not_the_end_of_the_plan(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    add_a_card(&it, &customer).await;
    let second = subscribe_by_hand(&it, &customer, &[&it.price("business_month").await]).await;
    acme.owner.get("/orgs/acme/billing").await.assert_says("two subscriptions");

    it.delete_at_stripe(&format!("/v1/subscriptions/{second}")).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "active");
    assert!(!it.mails().await.iter().any(|subject| subject.contains("ended")), "{:?}", it.mails().await);
}

#[portico_test]
async fn a_debt_of_a_subscription_that_is_gone_is_shown_and_starts_no_clock(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(2 * 3_600).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "past_due");
    it.act(&customer, "cancel", json!({ "when": "now" })).await;
    it.settled().await;
    it.advance(9 * DAY).await;

    it.subscribe(&acme, "business", "month", GOOD).await;

    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("An earlier invoice of $15.00 has not been paid").assert_says("Pay this invoice");
    page.assert_does_not_say("read-only");
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(2 * 3_600).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "past_due");
    acme.owner.get("/orgs/acme/billing").await.assert_says("Everything works until");
}

#[portico_test]
async fn a_change_of_plan_says_how_many_units_it_means(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    for _ in 0..3 {
        it.app.joins(&acme, Role::Member).await;
    }
    it.subscribe(&acme, "business", "month", GOOD).await;
    let to = |plan: &'static str| [("flow", "change_plan"), ("plan", plan), ("interval", "month")];

    acme.owner.post("/orgs/acme/billing/portal").fields(&to("pro")).await.assert_status(303);

    let opened: Value =
        it.ask(hyper::Method::GET, "/objects?type=billing_portal.session", json!({})).await.json();
    let flow =
        opened["data"].as_array().and_then(|all| all.last()).map(|it| it["flow"].clone()).unwrap_or_default();
    assert_eq!(
        flow["subscription_update_confirm"]["items"][0]["quantity"], 1,
        "four times Pro is not meant: {opened}"
    );
}

#[portico_test]
async fn paused_collection_renews_on_no_day(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    let sub = it.billing_state("acme").await["subscription"].as_str().unwrap().to_owned();

    it.write_at_stripe(&format!("/v1/subscriptions/{sub}"), &[("pause_collection[behavior]", "void")]).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["next_payment"], Value::Null);
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("Payments are paused")
        .assert_does_not_say("Renews on")
        .assert_does_not_say("Next payment");
}

#[portico_test]
async fn somebody_with_several_organisations_chooses_which_one_buys(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs").field("name", "Second").await.assert_status(303);

    let page = acme.owner.get("/pricing").await;
    let chosen = acme.owner.get("/pricing?org=second").await;

    page.assert_says("Which organisation is it for?")
        .assert_says("/pricing?org=acme")
        .assert_does_not_say("/billing/portal");
    chosen.assert_says("For Second.").assert_says(r#"action="/orgs/second/billing/portal""#);
    chosen.assert_does_not_say(r#"action="/orgs/acme/billing/portal""#);
    acme.owner.get("/pricing?org=not-mine").await.assert_says("Which organisation is it for?");
}

#[portico_test]
async fn a_member_who_may_not_buy_is_told_whom_to_ask(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await;
    let own = "delete from members where role = 'owner' and org_id not in (select id from orgs where slug = 'acme')";
    app.run(own).await;

    let page = mira.get("/pricing").await;

    page.assert_says("You cannot change the plan of acme yourself. Please ask Olivia Owner")
        .assert_does_not_say("/billing/portal");
}
