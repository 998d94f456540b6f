//! What holds at the sandbox whatever is asked of it, in whatever order.
use crate::support::{
    child_process,
    sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::Value;
use std::collections::HashSet;

/// Something somebody asks for; the numbers choose among what is there.
#[derive(Clone, Debug)]
enum Ask {
    Customer { card: usize },
    Subscribe { who: usize, price: usize, how: usize },
    Update { sub: usize, price: usize, how: usize },
    Seats { sub: usize, quantity: i64, how: usize },
    End { sub: usize, how: usize },
    Invoice { invoice: usize, how: usize },
    Checkout { who: usize, price: usize },
    Portal { who: usize, sub: usize, how: usize },
    Delete { who: usize },
    Wait { hours: i64 },
}

const CARDS: [&str; 5] = [
    "",
    "pm_card_visa",
    "pm_card_chargeCustomerFail",
    "pm_card_authenticationRequired",
    "pm_card_chargeDeclined",
];
const PRICES: [&str; 5] = ["pro_month", "pro_year", "business_month", "business_year", "price_no"];
const PRORATIONS: [&str; 3] = ["none", "create_prorations", "always_invoice"];

fn ask() -> impl Strategy<Value = Ask> {
    let n = || 0..12usize;
    prop_oneof![
        2 => (0..5usize).prop_map(|card| Ask::Customer { card }),
        4 => (n(), 0..5usize, n()).prop_map(|(who, price, how)| Ask::Subscribe { who, price, how }),
        3 => (n(), 0..5usize, n()).prop_map(|(sub, price, how)| Ask::Update { sub, price, how }),
        2 => (n(), -1..9i64, n()).prop_map(|(sub, quantity, how)| Ask::Seats { sub, quantity, how }),
        3 => (n(), n()).prop_map(|(sub, how)| Ask::End { sub, how }),
        2 => (n(), n()).prop_map(|(invoice, how)| Ask::Invoice { invoice, how }),
        1 => (n(), 0..5usize).prop_map(|(who, price)| Ask::Checkout { who, price }),
        1 => (n(), n(), n()).prop_map(|(who, sub, how)| Ask::Portal { who, sub, how }),
        1 => n().prop_map(|who| Ask::Delete { who }),
        4 => (1..900i64).prop_map(|hours| Ask::Wait { hours }),
    ]
}

#[test]
fn whatever_is_asked_the_books_are_right() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // More by hand, after a change of the engine: `PORTICO_CASES=500`.
    let cases = child_process::setting("PORTICO_CASES").and_then(|n| n.parse().ok()).unwrap_or(8);
    let config =
        ProptestConfig { cases, max_shrink_iters: 60, failure_persistence: None, ..Default::default() };
    let outcome = TestRunner::new(config)
        .run(&vec(ask(), 4..28), |asks| runtime.block_on(live(&asks)).map_err(TestCaseError::fail));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Asks one after the other; the first rule that is broken, in words.
async fn live(asks: &[Ask]) -> Result<(), String> {
    let sandbox = SandboxClient::new().await;
    let mut prices = Vec::new();
    for key in &PRICES[..4] {
        prices.push(sandbox.price(key).await);
    }
    prices.push("price_no".into());
    let (mut now, mut known) = (NEW_YEAR, HashSet::new());
    let mut before = sandbox.everything().await;
    for ask in asks {
        if let Ask::Wait { hours } = ask {
            now += hours * 3600;
            sandbox.wait_until(now).await;
            before = sandbox.everything().await;
            check(&before, &mut known)?;
            continue;
        }
        let (method, path, fields) = put(ask, &before, &prices);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = sandbox.ask(method, &path, &fields).await;
        let after = sandbox.everything().await;
        match answer.status.as_u16() {
            // A declined payment of an invoice that is there is a fact, and stands.
            200 => {}
            402 if path.ends_with("/pay") => {}
            400 | 402 | 404 if after == before => {}
            _ => {
                return Err(format!(
                    "{ask:?}: {path} {fields:?}: {}\n{}",
                    answer.text(),
                    difference(&before, &after)
                ));
            }
        }
        check(&after, &mut known).map_err(|broken| format!("{ask:?}: {path} {fields:?}: {broken}"))?;
        before = after;
    }
    Ok(())
}

fn pick(world: &Value, kind: &str, n: usize) -> String {
    let all = world[kind].as_array().unwrap();
    if all.is_empty() { "none".into() } else { id(&all[n % all.len()]) }
}

fn put(ask: &Ask, world: &Value, prices: &[String]) -> (&'static str, String, Vec<(&'static str, String)>) {
    let sub = |n: &usize| pick(world, "subscriptions?status=all", *n);
    let proration = |n: &usize| ("proration_behavior", PRORATIONS[n % 3].to_owned());
    let item = |n: &usize| {
        let all = world["subscriptions?status=all"].as_array().unwrap();
        all.get(n % all.len().max(1)).map_or("si_no".into(), |sub| id(&sub["items"]["data"][0]))
    };
    match ask {
        Ask::Customer { card } => {
            let card = CARDS[*card].to_owned();
            (
                "POST",
                "/v1/customers".into(),
                vec![("payment_method", card.clone()), ("invoice_settings[default_payment_method]", card)],
            )
        }
        Ask::Subscribe { who, price, how } => {
            let mut fields = vec![
                ("customer", pick(world, "customers", *who)),
                ("items[0][price]", prices[*price].clone()),
            ];
            fields.extend(match how {
                0 => vec![("trial_period_days", "7".to_owned())],
                1 => vec![("payment_behavior", "error_if_incomplete".into())],
                2 => vec![("payment_behavior", "default_incomplete".into())],
                3 => vec![("collection_method", "send_invoice".into()), ("days_until_due", "7".into())],
                4 => vec![("discounts[0][coupon]", "welcome25".into())],
                5 => vec![("discounts[0][coupon]", "no".into())],
                6 => vec![("items[0][quantity]", "4".into())],
                7 => vec![("cancel_at_period_end", "true".into())],
                _ => vec![],
            });
            ("POST", "/v1/subscriptions".into(), fields)
        }
        Ask::Update { sub: n, price, how } => (
            "POST",
            format!("/v1/subscriptions/{}", sub(n)),
            vec![
                ("items[0][id]", item(n)),
                ("items[0][price]", prices[*price].clone()),
                proration(how),
                (
                    "payment_behavior",
                    if *how > 8 { "error_if_incomplete" } else { "allow_incomplete" }.to_owned(),
                ),
            ],
        ),
        Ask::Seats { sub: n, quantity, how } => (
            "POST",
            format!("/v1/subscriptions/{}", sub(n)),
            vec![("items[0][id]", item(n)), ("items[0][quantity]", quantity.to_string()), proration(how)],
        ),
        Ask::End { sub: n, how } => {
            let path = format!("/v1/subscriptions/{}", sub(n));
            match how % 8 {
                0 => ("DELETE", path, vec![]),
                1 => ("POST", format!("{path}/pause"), vec![]),
                2 => ("POST", format!("{path}/resume"), vec![]),
                3 => ("POST", path, vec![("cancel_at_period_end", "true".into())]),
                4 => ("POST", path, vec![("cancel_at_period_end", "false".into())]),
                5 => ("POST", path, vec![("trial_end", "now".into())]),
                6 => ("POST", path, vec![("pause_collection[behavior]", "void".into())]),
                _ => ("POST", path, vec![("pause_collection", String::new())]),
            }
        }
        Ask::Invoice { invoice, how } => {
            let path = format!("/v1/invoices/{}", pick(world, "invoices", *invoice));
            ("POST", format!("{path}/{}", ["pay", "pay", "void", "finalize"][how % 4]), vec![])
        }
        Ask::Checkout { who, price } => (
            "POST",
            "/v1/checkout/sessions".into(),
            vec![
                ("mode", "subscription".into()),
                ("customer", pick(world, "customers", *who)),
                ("line_items[0][price]", prices[*price].clone()),
                ("success_url", "https://portico.test/".into()),
            ],
        ),
        Ask::Portal { who, sub: n, how } => {
            let mut fields = vec![("customer", pick(world, "customers", *who))];
            if how % 2 == 0 {
                fields.extend([
                    ("flow_data[type]", "subscription_cancel".to_owned()),
                    ("flow_data[subscription_cancel][subscription]", sub(n)),
                ]);
            }
            ("POST", "/v1/billing_portal/sessions".into(), fields)
        }
        Ask::Delete { who } => {
            ("DELETE", format!("/v1/customers/{}", pick(world, "customers", *who)), vec![])
        }
        Ask::Wait { .. } => unreachable!("waiting is no request"),
    }
}

fn check(world: &Value, known: &mut HashSet<String>) -> Result<(), String> {
    for (_, rows) in world.as_object().unwrap() {
        known.extend(rows.as_array().unwrap().iter().map(id));
    }
    for invoice in world["invoices"].as_array().unwrap() {
        let amount = |name: &str| invoice[name].as_i64().unwrap();
        let due = (amount("total") + amount("starting_balance")).max(0);
        let paid = invoice["status"] == "paid";
        let lines = invoice["lines"]["data"].as_array().unwrap();
        let sold: i64 = lines.iter().map(|line| line["amount"].as_i64().unwrap()).sum();
        if amount("amount_due") != due
            || (paid && (amount("amount_remaining") != 0 || amount("amount_paid") != due))
        {
            return Err(format!("the invoice does not add up: {invoice:#}"));
        }
        if sold != amount("subtotal") || lines.is_empty() || amount("total") > amount("subtotal") {
            return Err(format!("the invoice's lines do not add up: {invoice:#}"));
        }
    }
    for sub in world["subscriptions?status=all"].as_array().unwrap() {
        let items = sub["items"]["data"].as_array().unwrap();
        let forward =
            |item: &Value| item["current_period_end"].as_i64() > item["current_period_start"].as_i64();
        if items.is_empty() || !items.iter().all(forward) {
            return Err(format!("the subscription's periods: {sub:#}"));
        }
        if (sub["status"] == "canceled") == sub["ended_at"].is_null() && sub["status"] != "incomplete_expired"
        {
            return Err(format!("the subscription's end: {sub:#}"));
        }
    }
    let events = world["events"].as_array().unwrap();
    for event in events {
        let object = &event["data"]["object"];
        let listed = matches!(object["object"].as_str(), Some("customer" | "subscription" | "invoice"));
        if let (true, Some(id)) = (listed, object["id"].as_str())
            && !known.contains(id)
            && events.len() < 100
            && event["type"] != "customer.deleted"
        {
            return Err(format!("{} is of {id}, which never was", text(&event["type"])));
        }
    }
    let times: Vec<i64> = events.iter().map(|event| event["created"].as_i64().unwrap()).collect();
    let last = events.first().map_or(0, |event| event["created"].as_i64().unwrap());
    match times.is_sorted_by(|newer, older| newer >= older) && last < NEW_YEAR + 10_000 * DAY {
        true => Ok(()),
        false => Err(format!("an event happened before the one before it: {times:?}")),
    }
}

fn difference(before: &Value, after: &Value) -> String {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return String::new() };
    let changed = new.iter().filter(|(kind, rows)| old.get(*kind) != Some(rows));
    changed.map(|(kind, _)| format!("changed: {kind}\n")).collect()
}
