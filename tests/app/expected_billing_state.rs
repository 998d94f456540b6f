//! What the billing state has to be, from the subscriptions that Stripe holds. Worked out by the rules
//! below and not by the product's own ranking, so that a mistake there is found here.
use serde_json::{Value, json};

/// Whether a subscription is of the kind that a rule prefers.
type Prefers = fn(&str) -> bool;

/// Each rule, in this order, takes away those it does not prefer, unless it would take away all.
const RULES: [Prefers; 6] = [
    // What goes on counts before what has ended.
    |status| !matches!(status, "canceled" | "incomplete_expired"),
    // What has begun counts before what waits for its first payment.
    |status| status != "incomplete",
    // What runs counts before what is paused.
    |status| status != "paused",
    // What people may use counts before what was switched off because nobody paid.
    |status| status != "unpaid",
    // What owes nothing counts before what is late.
    |status| status != "past_due",
    // What is paid for counts before a trial.
    |status| status != "trialing",
];

/// The subscription that counts, if one is alive.
pub fn chosen(held: &[Value]) -> Option<&Value> {
    best(held).filter(|sub| RULES[0](status(sub)))
}

/// As `portico stripe status --json` has to say it, but for what comes next and the payment method.
pub fn expected(slug: &str, customer: &str, held: &[Value]) -> Value {
    match best(held) {
        None => nothing(slug, customer, Value::Null),
        Some(sub) if !RULES[0](status(sub)) => nothing(slug, customer, "canceled".into()),
        Some(sub) => facts(slug, customer, sub),
    }
}

fn best(held: &[Value]) -> Option<&Value> {
    let mut left: Vec<&Value> = held.iter().filter(|sub| is_ours(sub)).collect();
    for prefers in RULES {
        let preferred: Vec<&Value> = left.iter().copied().filter(|sub| prefers(status(sub))).collect();
        if !preferred.is_empty() {
            left = preferred;
        }
    }
    // Of those that are alike the newest counts.
    left.into_iter().max_by_key(|sub| sub["created"].as_i64())
}

/// Whether its price is one of ours: here those have lookup keys, and others have none.
pub fn is_ours(sub: &Value) -> bool {
    sub["items"]["data"].as_array().into_iter().flatten().any(|item| item["price"]["lookup_key"].is_string())
}

fn status(sub: &Value) -> &str {
    sub["status"].as_str().expect("a subscription has a status")
}

fn nothing(slug: &str, customer: &str, status: Value) -> Value {
    json!({ "org": slug, "customer": customer, "subscription": null, "status": status, "plan": null,
        "interval": null, "quantity": null, "cancel_at": null, "current_period_end": null, "ends_at": null,
        "next_payment": null, "scheduled": null, "processing": false, "plan_known": true })
}

/// What the subscription itself says. Under classic billing a cancellation at the period's end is a
/// flag and no date.
fn facts(slug: &str, customer: &str, sub: &Value) -> Value {
    let item = &sub["items"]["data"][0];
    let (plan, interval) = item["price"]["lookup_key"].as_str().unwrap().rsplit_once('_').unwrap();
    let flagged = sub["cancel_at"].is_null() && sub["cancel_at_period_end"] == true;
    let cancel_at = if flagged { &item["current_period_end"] } else { &sub["cancel_at"] };
    json!({ "org": slug, "customer": customer, "subscription": sub["id"], "status": sub["status"], "plan": plan,
        "interval": interval, "quantity": item["quantity"], "cancel_at": cancel_at,
        "current_period_end": item["current_period_end"], "ends_at": cancel_at, "next_payment": null,
        "scheduled": null, "processing": false, "plan_known": true })
}

#[test]
fn each_rule_decides_between_two_subscriptions() {
    let held = |id: &str, status: &str, created: i64| {
        let item = json!({ "quantity": 1, "current_period_end": 9, "price": { "lookup_key": "pro_month" } });
        json!({ "id": id, "status": status, "created": created, "items": { "data": [item] } })
    };
    for (chosen, passed_over) in [
        ("incomplete", "canceled"),
        ("paused", "incomplete"),
        ("unpaid", "paused"),
        ("past_due", "unpaid"),
        ("trialing", "past_due"),
        ("active", "trialing"),
    ] {
        let two = [held("sub_chosen", chosen, 1), held("sub_other", passed_over, 2)];
        assert_eq!(expected("acme", "cus_1", &two)["subscription"], "sub_chosen", "{chosen}, {passed_over}");
    }
    let alike = [held("sub_new", "active", 2), held("sub_old", "active", 1)];
    assert_eq!(expected("acme", "cus_1", &alike)["subscription"], "sub_new");
    let ended = expected("acme", "cus_1", &[held("sub_1", "incomplete_expired", 1)]);
    assert_eq!((&ended["status"], &ended["subscription"]), (&json!("canceled"), &json!(null)));
}
