//! Links into one step of the portal, and where they lead afterwards.
use super::*;

const TYPE: (&str, &str) = ("flow_data[after_completion][type]", "redirect");
const URL: (&str, &str) =
    ("flow_data[after_completion][redirect][return_url]", "http://localhost:4999/after");

#[tokio::test]
async fn a_card_flow_takes_a_card_and_leads_back() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let olivia = sandbox.visitor();
    let flow = [("flow_data[type]", "payment_method_update"), TYPE, URL];
    let link = sandbox.portal_link(&customer, &flow).await;

    olivia.get(&link).await.assert_redirects_to("/p/cards/new");
    let page = olivia.get("/p/cards/new").await;
    page.assert_says("Update your card")
        .assert_says("Return to localhost:4999")
        .assert_does_not_say("Overview");
    olivia.get("/p/home").await.assert_redirects_to("/p/cards/new");
    olivia.post("/p/details").field("name", "x").await.assert_status(403);
    olivia.post("/p/cards").field("card", ASKS).await.assert_redirects_to("/p/bank");
    let done = olivia.post("/p/bank").field("answer", "approve").await;

    assert_eq!(done.location(), "http://localhost:4999/after");
    assert_eq!(olivia.get("/p/home").await.location(), "http://localhost:4999/after", "the flow is through");
    let held = sandbox.get(&format!("/v1/customers/{customer}")).await;
    assert!(held["invoice_settings"]["default_payment_method"].is_string());
}

#[tokio::test]
async fn a_cancel_flow_ends_with_a_message() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let flow = [
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", sub.as_str()),
        ("flow_data[after_completion][type]", "hosted_confirmation"),
        ("flow_data[after_completion][hosted_confirmation][custom_message]", "Sorry to see you <go>."),
    ];
    let olivia = sandbox.visit_portal(&customer, &flow).await;
    let cancel = format!("/p/subscriptions/{sub}/cancel");

    olivia.get("/p/home").await.assert_redirects_to(&cancel);
    olivia.post(&format!("/p/subscriptions/{sub}/plan")).await.assert_status(403);
    olivia.post(&cancel).await.assert_redirects_to("/p/done");

    olivia
        .get("/p/done")
        .await
        .assert_says("Sorry to see you &#60;go&#62;.")
        .assert_says("Return to localhost:4999");
    assert!(sandbox.subscription(&sub).await["cancel_at"].is_i64());
}

#[tokio::test]
async fn somebody_about_to_leave_is_offered_a_discount_and_stays() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let flow = [
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", sub.as_str()),
        ("flow_data[subscription_cancel][retention][type]", "coupon_offer"),
        ("flow_data[subscription_cancel][retention][coupon_offer][coupon]", "welcome25"),
    ];
    let olivia = sandbox.visit_portal(&customer, &flow).await;
    let cancel = format!("/p/subscriptions/{sub}/cancel");

    olivia.get(&cancel).await.assert_says("Before you go").assert_says("25% off for 3 months");
    olivia.get(&format!("{cancel}?offer=no")).await.assert_says("Why are you leaving?");
    olivia.post(&format!("/p/subscriptions/{sub}/offer")).await.assert_redirects_to("/p/home");

    let kept = sandbox.subscription(&sub).await;
    assert!(kept["cancel_at"].is_null());
    assert_eq!(kept["discounts"].as_array().unwrap().len(), 1);
    olivia.get("/p/home").await.assert_says("Overview").assert_says("25% off for 3 months");
    olivia.post(&format!("/p/subscriptions/{sub}/offer")).await.assert_status(404);
}

#[tokio::test]
async fn a_confirm_flow_shows_its_own_change_and_no_other() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let (item, year) =
        (id(&sandbox.subscription(&sub).await["items"]["data"][0]), sandbox.price("pro_year").await);
    let flow = [
        ("flow_data[type]", "subscription_update_confirm"),
        ("flow_data[subscription_update_confirm][subscription]", sub.as_str()),
        ("flow_data[subscription_update_confirm][items][0][id]", item.as_str()),
        ("flow_data[subscription_update_confirm][items][0][price]", year.as_str()),
        ("flow_data[subscription_update_confirm][discounts][0][coupon]", "welcome25"),
        TYPE,
        URL,
    ];
    let olivia = sandbox.visit_portal(&customer, &flow).await;
    let confirm = format!("/p/subscriptions/{sub}/plan/confirm");

    olivia.get("/p/home").await.assert_redirects_to(&confirm);
    let page = olivia.get(&confirm).await;
    page.assert_says("$290.00 a year")
        .assert_says("25% off for 3 months")
        .assert_does_not_say("Choose another");
    let business = sandbox.price("business_month").await;
    let done = olivia.post(&format!("/p/subscriptions/{sub}/plan")).field("price", &business).await;

    assert_eq!(done.location(), "http://localhost:4999/after");
    let changed = sandbox.subscription(&sub).await;
    assert_eq!(
        changed["items"]["data"][0]["price"]["lookup_key"], "pro_year",
        "the flow's price, not the form's"
    );
}

#[tokio::test]
async fn update_details_and_pause_flows_do_their_one_step() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    sandbox.reconfigure_portal(&[("features[subscription_pause][enabled]", "true")]).await;

    let olivia = sandbox.visit_portal(&customer, &[("flow_data[type]", "customer_update"), TYPE, URL]).await;
    olivia.get("/p/home").await.assert_redirects_to("/p/details");
    let done = olivia.post("/p/details").field("name", "Acme Ltd").await;
    assert_eq!(done.location(), "http://localhost:4999/after");

    let update =
        [("flow_data[type]", "subscription_update"), ("flow_data[subscription_update][subscription]", &*sub)];
    let olivia = sandbox.visit_portal(&customer, &update).await;
    olivia.get("/p/home").await.assert_redirects_to(&format!("/p/subscriptions/{sub}/plan"));
    let year = sandbox.price("pro_year").await;
    olivia
        .post(&format!("/p/subscriptions/{sub}/plan"))
        .field("price", &year)
        .await
        .assert_redirects_to("/p/home");
    olivia.get("/p/home").await.assert_status(200).assert_says("Overview");

    let pause =
        [("flow_data[type]", "subscription_pause"), ("flow_data[subscription_pause][subscription]", &*sub)];
    let olivia = sandbox.visit_portal(&customer, &pause).await;
    olivia.get("/p/home").await.assert_redirects_to(&format!("/p/subscriptions/{sub}/pause"));
    olivia.post(&format!("/p/subscriptions/{sub}/pause")).await.assert_redirects_to("/p/home");
    assert_eq!(sandbox.subscription(&sub).await["status"], "paused");
}

#[tokio::test]
async fn a_flow_never_leads_to_a_script() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let fields = [
        ("customer", customer.as_str()),
        ("flow_data[type]", "payment_method_update"),
        TYPE,
        ("flow_data[after_completion][redirect][return_url]", "javascript:alert(1)"),
    ];

    let refused = sandbox.ask("POST", "/v1/billing_portal/sessions", &fields).await;

    refused.assert_status(400).assert_says("url_invalid");
}

/// The flows of one subscription that are refused, by their types.
async fn refused_flows(sandbox: &SandboxClient, customer: &str, sub: &str) -> Vec<&'static str> {
    let item = id(&sandbox.subscription(sub).await["items"]["data"][0]);
    let year = sandbox.price("pro_year").await;
    let mut refused = Vec::new();
    for kind in [
        "subscription_update",
        "subscription_update_confirm",
        "subscription_cancel",
        "subscription_pause",
        "payment_method_update",
    ] {
        let of = |name: &str| format!("flow_data[{kind}]{name}");
        let mut fields =
            vec![("customer".to_owned(), customer.to_owned()), ("flow_data[type]".into(), kind.into())];
        if kind != "payment_method_update" {
            fields.push((of("[subscription]"), sub.to_owned()));
        }
        if kind == "subscription_update_confirm" {
            fields.push((of("[items][0][id]"), item.clone()));
            fields.push((of("[items][0][price]"), year.clone()));
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = sandbox.ask("POST", "/v1/billing_portal/sessions", &fields).await;
        match answer.status.as_u16() {
            200 => {}
            400 => refused.push(kind),
            other => panic!("{kind}: {other} {}", answer.text()),
        }
    }
    refused
}

#[tokio::test]
async fn a_session_is_refused_where_its_page_could_do_nothing() {
    let sandbox = SandboxClient::new().await;
    sandbox.reconfigure_portal(&[("features[subscription_pause][enabled]", "true")]).await;
    sandbox.control_put("/settings", serde_json::json!({ "dunning": "mark_unpaid" })).await;
    let addon = [
        ("product_data[name]", "Support"),
        ("currency", "usd"),
        ("unit_amount", "100"),
        ("recurring[interval]", "month"),
    ];
    let addon = id(&sandbox.post("/v1/prices", &addon).await);
    let update = ["subscription_update", "subscription_update_confirm"];
    let all = [&update[..], &["subscription_cancel", "subscription_pause"]].concat();
    let no_change = [&update[..], &["subscription_pause"]].concat();
    let (good, bad) = ("pm_card_visa", "pm_card_chargeCustomerFail");
    let ends = ("cancel_at_period_end", "true");
    let by_invoice = [("collection_method", "send_invoice"), ("days_until_due", "9")];
    for (state, card, more, then, refused) in [
        ("active", good, &[][..], "", vec![]),
        ("trialing", good, &[("trial_period_days", "9")], "", vec![]),
        ("past_due", bad, &[("trial_period_days", "1")], "2", vec![]),
        ("unpaid", bad, &[("trial_period_days", "1")], "20", no_change.clone()),
        ("incomplete", bad, &[], "", no_change.clone()),
        ("incomplete_expired", bad, &[], "1", all.clone()),
        ("paused", good, &[], "pause", no_change.clone()),
        ("canceled", good, &[], "cancel", all.clone()),
        ("active", good, &[ends], "", all.clone()),
        ("active", good, &[("items[1][price]", addon.as_str())], "", update.to_vec()),
        ("active", good, &by_invoice, "", update.to_vec()),
        ("active", good, &[], "schedule", update.to_vec()),
    ] {
        let olivia = sandbox.customer_with(card).await;
        let sub = id(&sandbox.subscribe(&olivia, "pro_month", more).await);
        let path = format!("/v1/subscriptions/{sub}");
        match then {
            "" => {}
            "pause" => drop(sandbox.post(&format!("{path}/pause"), &[]).await),
            "cancel" => drop(sandbox.delete(&path).await),
            "schedule" => {
                let schedule =
                    id(&sandbox.post("/v1/subscription_schedules", &[("from_subscription", &sub)]).await);
                let (pro, year) = (sandbox.price("pro_month").await, sandbox.price("pro_year").await);
                let phases =
                    [("phases[0][items][0][price]", pro.as_str()), ("phases[1][items][0][price]", &year)];
                sandbox.post(&format!("/v1/subscription_schedules/{schedule}"), &phases).await;
            }
            days => drop(sandbox.advance(days.parse::<i64>().unwrap() * 86_400).await),
        }
        assert_eq!(sandbox.subscription_status(&sub).await, state);

        assert_eq!(refused_flows(&sandbox, &olivia, &sub).await, refused, "{state} {more:?} {then}");

        let home = sandbox.visit_portal(&olivia, &[]).await.get("/p/home").await;
        let offered = home.text().contains("Change plan");
        assert_eq!(
            offered,
            !refused.contains(&"subscription_update"),
            "the page offers the same: {state} {more:?} {then}"
        );
    }
}

#[tokio::test]
async fn a_change_that_waits_is_taken_back_in_the_portal() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_year", "1", GOOD).await;
    sandbox
        .act(serde_json::json!({ "customer": customer, "action": "switch_plan", "price": "pro_month" }))
        .await;
    let olivia = sandbox.visit_portal(&customer, &[]).await;
    olivia.get("/p/home").await.assert_says("Changes to Pro").assert_says("Keep the current plan");

    olivia.post(&format!("/p/subscriptions/{sub}/keep")).await.assert_redirects_to("/p/home?done=kept");

    olivia.get("/p/home?done=kept").await.assert_says("Your plan stays as it is.").assert_says("Renews on");
    assert!(sandbox.subscription(&sub).await["schedule"].is_null());
}
