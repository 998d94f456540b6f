//! No button leads to a page that says no: each state of a subscription, each button it shows, followed to Stripe.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    test_app::{Org, TestApp},
};
use hyper::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A state, and the buttons that its billing page shows beside *Manage billing*.
const STATES: &[(&str, &[&str])] = &[
    ("none", &[]),
    ("trialing", &["cancel", "change_plan", "payment_method"]),
    ("active", &["cancel", "change_plan", "payment_method"]),
    ("ending", &["payment_method", "resume"]),
    ("paused", &["cancel", "payment_method", "resume"]),
    ("incomplete", &["payment_method"]),
    ("several items", &["cancel", "payment_method"]),
    ("invoiced", &["cancel"]),
    ("scheduled", &["cancel", "payment_method"]),
    ("fewer seats", &["cancel", "change_plan", "payment_method"]),
    // Time passes for these.
    ("past_due", &["cancel", "payment_method"]),
    ("unpaid", &["cancel", "payment_method"]),
];

/// An organisation in a state.
async fn brought_to(it: &BillingApp, name: &str, state: &str) -> Org {
    let acme = it.org(name).await;
    let customer = match state {
        "none" => return acme,
        "trialing" => it.subscribe(&acme, "pro", "month", GOOD).await,
        "scheduled" => it.subscribe(&acme, "business", "year", GOOD).await,
        "incomplete" | "several items" | "invoiced" => {
            acme.owner.post(&format!("/orgs/{name}/billing/portal")).await.assert_status(303);
            it.customer_of(name).await
        }
        _ => it.subscribe(&acme, "business", "month", GOOD).await,
    };
    match state {
        "ending" => drop(it.act(&customer, "cancel", json!({ "when": "period_end" })).await),
        "paused" => drop(it.act(&customer, "pause", json!({})).await),
        "scheduled" => {
            let month = json!({ "price": "business_month", "quantity": 1 });
            it.act(&customer, "switch_plan", month).await;
        }
        "past_due" | "unpaid" => {
            if state == "unpaid" {
                let how = json!({ "dunning": "mark_unpaid" });
                it.ask(Method::PUT, "/settings", how).await.assert_status(200);
            }
            it.charge_with(name, NEVER_PAYS).await;
            let renews = it.billing_state(name).await["current_period_end"].as_i64().unwrap();
            it.advance_to(json!(renews + if state == "unpaid" { 20 * DAY } else { 3_700 })).await;
        }
        "incomplete" => {
            it.act(&customer, "add_card", json!({ "card": NEVER_PAYS })).await;
            by_hand(it, &customer, &[("payment_behavior", "allow_incomplete")]).await;
        }
        "several items" => {
            it.act(&customer, "add_card", json!({ "card": GOOD })).await;
            let other = it.write_at_stripe("/v1/products", &[("name", "Support")]).await;
            let price = [
                ("currency", "usd"),
                ("unit_amount", "900"),
                ("recurring[interval]", "month"),
                ("product", other["id"].as_str().unwrap()),
            ];
            let price = it.write_at_stripe("/v1/prices", &price).await;
            by_hand(it, &customer, &[("items[1][price]", price["id"].as_str().unwrap())]).await;
        }
        "invoiced" => {
            by_hand(it, &customer, &[("collection_method", "send_invoice"), ("days_until_due", "7")]).await;
        }
        "fewer seats" => {
            it.app.joins(&acme, product::orgs::Role::Member).await;
        }
        _ => {}
    }
    it.settled().await;
    acme
}

async fn by_hand(it: &BillingApp, customer: &str, more: &[(&str, &str)]) {
    let price = it.price("business_month").await;
    let mut form = vec![("customer", customer), ("items[0][price]", price.as_str())];
    form.extend(more);
    it.write_at_stripe("/v1/subscriptions", &form).await;
}

/// The portal's flows that a page has a button for.
fn flows(page: &str) -> BTreeSet<String> {
    let fields = page.split(r#"name="flow" value=""#).skip(1);
    let flows = fields.map(|rest| rest.split('"').next().unwrap_or_default().to_owned());
    flows.filter(|flow| !flow.is_empty()).collect()
}

/// The page that the newest portal session opens on; null for the home page.
async fn opened_page(it: &BillingApp) -> Value {
    let held = it.ask(Method::GET, "/objects?type=billing_portal.session", json!({})).await;
    let held: Value = held.assert_status(200).json();
    held["data"]
        .as_array()
        .and_then(|all| all.last())
        .map(|it| it["flow"]["type"].clone())
        .unwrap_or_default()
}

#[portico_test]
async fn each_button_of_each_state_leads_where_it_says(app: TestApp) {
    let it = BillingApp::of(app).await;
    for (n, (state, expected)) in STATES.iter().enumerate() {
        let name = format!("in-state-{n}");
        let acme = brought_to(&it, &name, state).await;
        let page = acme.owner.get(&format!("/orgs/{name}/billing")).await.assert_status(200).text();

        let dashboard = acme.owner.get(&format!("/orgs/{name}")).await;
        let label = match *state {
            "none" => "Choose a plan",
            "past_due" | "unpaid" | "incomplete" => "Pay invoice",
            "ending" | "paused" => "Keep your plan",
            _ => "Go to billing",
        };
        dashboard.assert_status(200).assert_says(&format!(">{label}</a>"));
        let shown = flows(&page);

        let expected: BTreeSet<String> = expected.iter().map(|flow| (*flow).to_owned()).collect();
        assert_eq!(shown, expected, "{state}");
        for flow in shown {
            let sent = acme.owner.post(&format!("/orgs/{name}/billing/portal")).field("flow", &flow).await;
            sent.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
            let page_there = match flow.as_str() {
                "change_plan" => json!("subscription_update"),
                "payment_method" => json!("payment_method_update"),
                "cancel" => json!("subscription_cancel"),
                _ => Value::Null, // resuming has no page of its own
            };
            assert_eq!(opened_page(&it).await, page_there, "{state}: {flow}");
        }
    }
}

/// Somebody asks for every flow in every state, as old tabs and bookmarked pages do: the portal opens, on its home
/// page where that flow cannot be had.
#[portico_test]
async fn a_deep_link_is_never_refused(app: TestApp) {
    let it = BillingApp::of(app).await;
    for (n, (state, _)) in STATES.iter().enumerate() {
        let name = format!("in-state-{n}");
        let acme = brought_to(&it, &name, state).await;
        for flow in ["", "change_plan", "payment_method", "cancel", "resume"] {
            let sent = acme.owner.post(&format!("/orgs/{name}/billing/portal")).field("flow", flow).await;
            sent.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
        }
    }
}

/// On the pricing page too: what cannot be had leads to the billing page, and the plan they have to nothing.
#[portico_test]
async fn each_choice_of_the_pricing_page_leads_to_that_plan(app: TestApp) {
    let it = BillingApp::of(app).await;
    for (n, (state, _)) in STATES.iter().enumerate() {
        let name = format!("in-state-{n}");
        let acme = brought_to(&it, &name, state).await;
        let page = acme.owner.get("/pricing").await.assert_status(200).text();
        let forms = page.split(r#"<input type="hidden" name="plan" value=""#).skip(1);
        let offered: Vec<(&str, &str)> = forms
            .filter_map(|rest| {
                let interval = rest.split(r#"name="interval" value=""#).nth(1)?.split('"').next()?;
                Some((rest.split('"').next()?, interval))
            })
            .collect();
        let buys = matches!(*state, "none" | "trialing" | "active" | "fewer seats");
        assert_eq!(!offered.is_empty(), buys, "{state}: {offered:?}");
        for (plan, interval) in offered {
            let form = [("flow", "change_plan"), ("plan", plan), ("interval", interval)];
            let sent = acme.owner.post(&format!("/orgs/{name}/billing/portal")).fields(&form).await;
            if *state == "none" {
                sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
            } else {
                sent.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
                assert_eq!(
                    opened_page(&it).await,
                    "subscription_update_confirm",
                    "{state}: {plan} {interval}"
                );
            }
        }
    }
}
