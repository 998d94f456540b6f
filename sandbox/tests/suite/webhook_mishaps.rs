//! The sandbox's webhooks gone wrong on request: twice, never, late, mixed up, misshapen, wrongly signed.
use crate::{
    support::{
        sandbox_client::{SandboxClient, bodies, text},
        stub::{Reply, Stub},
    },
    webhooks::{ids, v1},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn ok() -> Reply {
    Reply::http("200 OK", &[], "")
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicated_events_come_twice_and_dropped_ones_never() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;

    sandbox.control_put("/delivery", json!({ "duplicate": 1 })).await;
    sandbox.customer("Twice").await;
    sandbox.control_put("/delivery", json!({ "drop": 1.0 })).await;
    sandbox.customer("Never").await;
    let said = sandbox.flush().await;

    let names: Vec<Value> = bodies(&hook).iter().map(|it| it["data"]["object"]["name"].clone()).collect();
    assert_eq!(names, ["Twice", "Twice"]);
    let arrived = ids(&bodies(&hook));
    assert_eq!(arrived[0], arrived[1]);
    assert_eq!((&said["delivered"], &said["dropped"]), (&json!(2), &json!(1)));
    let missing = sandbox.get("/v1/events?delivery_success=false").await;
    assert_eq!(missing["data"][0]["data"]["object"]["name"], "Never");
    assert_eq!(missing["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_seed_brings_the_same_mishaps_twice() {
    let mut logs = Vec::new();
    for seed in [5, 5, 6] {
        let sandbox = SandboxClient::in_mid_january().await;
        let (_hook, _) = sandbox.listener().await;
        sandbox.control_put("/delivery", json!({ "duplicate": 0.3, "drop": 0.3, "seed": seed })).await;
        for n in 0..20 {
            sandbox.customer(&format!("Customer {n}")).await;
        }
        sandbox.flush().await;
        let rows = sandbox.control_list("/deliveries").await;
        logs.push(rows.iter().map(|it| format!("{} {}", it["event"], it["status"])).collect::<Vec<_>>());
    }

    assert_eq!(logs[0], logs[1]);
    assert_ne!(logs[0], logs[2]);
    for status in ["delivered", "dropped"] {
        assert!(logs[0].iter().any(|line| line.contains(status)), "{:?}", logs[0]);
    }
    assert!(logs[0].len() > 20, "nothing came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_waited_for() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;
    sandbox.control_put("/delivery", json!({ "delay_ms": [600, 800] })).await;
    let begun = Instant::now();

    sandbox.customer("Acme").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let early = hook.arrived().len();
    sandbox.flush().await;

    assert_eq!((early, hook.arrived().len()), (0, 1));
    assert!(begun.elapsed() >= Duration::from_millis(600), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_delivered_once_it_is_let_go_shuffled_if_so_wished() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;
    sandbox.control_put("/delivery", json!({ "paused": true })).await;
    for n in 0..20 {
        sandbox.customer(&format!("Customer {n}")).await;
    }
    let waiting = sandbox.flush().await;
    let early = hook.arrived().len();

    sandbox.control_put("/delivery", json!({ "shuffle": true, "seed": 1 })).await;
    let said = sandbox.flush().await;

    assert_eq!((early, &waiting["waiting"], &said["delivered"]), (0, &json!(20), &json!(20)));
    let (mut arrived, happened) = (ids(&bodies(&hook)), ids(&sandbox.control_list("/events").await));
    assert_ne!(arrived, happened, "they came in order");
    arrived.sort();
    let mut sorted = happened.clone();
    sorted.sort();
    assert_eq!(arrived, sorted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_event_says_what_happened_and_to_what() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener().await;
    sandbox.control_put("/delivery", json!({ "thin": true })).await;

    let customer = sandbox.customer("Acme").await;
    sandbox.flush().await;

    let (arrived, body) = (&hook.arrived()[0], &bodies(&hook)[0]);
    assert_eq!(
        (body["object"].as_str(), body["type"].as_str()),
        (Some("v2.core.event"), Some("v1.customer.created"))
    );
    assert_eq!((body["related_object"]["id"].as_str(), body.get("data")), (Some(customer.as_str()), None));
    assert_eq!(body["snapshot_event"], sandbox.control_list("/events").await[0]["id"]);
    let signature = arrived.header("stripe-signature").unwrap();
    let at = signature[2..].split(',').next().unwrap();
    assert!(signature.ends_with(&v1(&endpoint["secret"], at, &arrived.body)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_endpoint_and_an_old_wish_get_old_shapes() {
    let sandbox = SandboxClient::in_mid_january().await;
    let fields = [("enabled_events[]", "customer.subscription.created"), ("api_version", "2024-06-20")];
    let (old, _) = sandbox.listener_that([ok()], &fields).await;
    let fields = [("enabled_events[]", "customer.subscription.created")];
    let (new, _) = sandbox.listener_that([ok()], &fields).await;

    sandbox.subscriber("pro_month", &[]).await;
    sandbox.control_put("/delivery", json!({ "api_version": "2025-02-24.acacia" })).await;
    sandbox.subscriber("pro_month", &[]).await;
    sandbox.flush().await;

    let versions = |hook: &Stub| bodies(hook).iter().map(|it| it["api_version"].clone()).collect::<Vec<_>>();
    assert_eq!(versions(&old), ["2024-06-20", "2025-02-24.acacia"]);
    assert_eq!(versions(&new), ["2026-09-30.endive", "2025-02-24.acacia"]);
    let period = |body: &Value| body["data"]["object"]["current_period_end"].is_i64();
    assert!(period(&bodies(&old)[0]) && !period(&bodies(&new)[0]) && period(&bodies(&new)[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_well_formed_and_wrong() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener().await;
    sandbox.control_put("/delivery", json!({ "bad_signature": 1 })).await;

    sandbox.customer("Acme").await;
    sandbox.flush().await;

    let arrived = &hook.arrived()[0];
    let signature = arrived.header("stripe-signature").unwrap();
    let (at, given) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    assert_eq!(given.len(), 64);
    assert_ne!(given, v1(&endpoint["secret"], at, &arrived.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversize_payload_is_over_a_megabyte_and_rightly_signed() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener().await;
    sandbox.control_put("/delivery", json!({ "oversize": 1 })).await;

    sandbox.customer("Acme").await;
    sandbox.flush().await;

    let arrived = &hook.arrived()[0];
    assert!(arrived.body.len() > 1024 * 1024);
    let signature = arrived.header("stripe-signature").unwrap();
    let at = signature[2..].split(',').next().unwrap();
    assert!(signature.ends_with(&v1(&endpoint["secret"], at, &arrived.body)));
}

#[tokio::test]
async fn one_seed_shuffles_the_same_events_in_the_same_order() {
    let mut orders = Vec::new();
    for seed in [7, 7, 8] {
        let sandbox = SandboxClient::new().await;
        let (stub, _) = sandbox.listener().await;
        sandbox.control_put("/delivery", json!({ "shuffle": true, "seed": seed })).await;
        let olivia = sandbox.customer_with("pm_card_visa").await;
        sandbox.subscribe(&olivia, "pro_month", &[]).await;
        sandbox.post(&format!("/v1/customers/{olivia}"), &[("name", "Olivia")]).await;
        sandbox.flush().await;
        let order: Vec<String> = bodies(&stub).iter().map(|event| text(&event["type"])).collect();
        assert_eq!(order.len(), sandbox.event_count().await);
        orders.push(order);
    }

    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
}
