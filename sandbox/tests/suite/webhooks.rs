//! The sandbox's webhooks: signed as Stripe signs, in order, tried again, and badly on request.
use crate::support::{
    Person, Site, child_process,
    process::Process,
    sandbox_client::{MIDDLE_OF_JANUARY, SandboxClient, bodies},
    stub::{Reply, Stub},
    temp::TempDir,
};
use hmac::{Hmac, Mac};
use portico_sandbox::Options;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn ok() -> Reply {
    Reply::http("200 OK", &[], "")
}

fn refusing() -> Reply {
    Reply::http("503 Service Unavailable", &[], "later")
}

pub fn v1(secret: &Value, at: &str, body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_str().unwrap().as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn ids(bodies: &[Value]) -> Vec<String> {
    bodies.iter().map(|body| body["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_signed_now_even_where_the_event_is_of_another_year() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener().await;

    sandbox.customer("Acme").await;
    sandbox.flush().await;

    let [arrived] = &hook.arrived()[..] else { panic!("{:?}", hook.arrived()) };
    let signature = arrived.header("stripe-signature").unwrap();
    let at = signature.strip_prefix("t=").unwrap().split(',').next().unwrap();
    assert_eq!(signature, format!("t={at},v1={}", v1(&endpoint["secret"], at, &arrived.body)));
    #[expect(clippy::disallowed_methods, reason = "signatures carry the wall clock's time")]
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(at.parse::<u64>().unwrap().abs_diff(wall) < 10, "{at} is not now, {wall}");
    assert_eq!((arrived.method.as_str(), arrived.path.as_str()), ("POST", "/hook"));
    assert_eq!(arrived.header("content-type"), Some("application/json; charset=utf-8"));
    let body = &bodies(&hook)[0];
    assert_eq!(
        (body["type"].as_str(), body["created"].as_i64()),
        (Some("customer.created"), Some(MIDDLE_OF_JANUARY))
    );
    assert_eq!(body["pending_webhooks"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_in_the_order_in_which_they_happened_and_are_counted_down() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;

    sandbox.subscriber("pro_month", &[]).await;
    let said = sandbox.flush().await;

    let events = sandbox.control_list("/events").await;
    assert_eq!(ids(&bodies(&hook)), ids(&events));
    assert!(events.iter().all(|event| event["pending_webhooks"] == 0), "{events:?}");
    assert_eq!(said, json!({ "delivered": events.len(), "failed": 0, "dropped": 0, "waiting": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_hears_what_it_asked_for_and_nothing_else() {
    let sandbox = SandboxClient::in_mid_january().await;
    let fields = [("enabled_events[]", "invoice.paid"), ("enabled_events[]", "checkout.session.completed")];
    let (hook, _) = sandbox.listener_that([ok()], &fields).await;

    sandbox.subscriber("pro_month", &[]).await;
    sandbox.flush().await;

    let types: Vec<Value> = bodies(&hook).iter().map(|body| body["type"].clone()).collect();
    assert_eq!(types, ["invoice.paid", "checkout.session.completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_stumbles_is_tried_again_a_second_later() {
    let sandbox = SandboxClient::in_mid_january().await;
    let redirect = Reply::http("302 Found", &["location: /elsewhere"], "");
    let (hook, _) = sandbox.listener_that([redirect, ok()], &[("enabled_events[]", "*")]).await;

    sandbox.customer("Acme").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let stumbled = sandbox.control_list("/deliveries").await.remove(0);
    let undelivered = sandbox.get("/v1/events?delivery_success=false").await;
    tokio::time::sleep(Duration::from_millis(1200)).await;

    assert_eq!(
        (stumbled["status"].as_str(), stumbled["last_response"].as_str()),
        (Some("pending"), Some("302"))
    );
    assert_eq!(undelivered["data"].as_array().unwrap().len(), 1);
    let delivered = sandbox.control_list("/deliveries").await.remove(0);
    assert_eq!((delivered["status"].as_str(), delivered["attempts"].as_i64()), (Some("delivered"), Some(2)));
    assert_eq!(ids(&bodies(&hook)).len(), 2);
    assert_eq!(sandbox.control_list("/events").await[0]["pending_webhooks"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_tried_again_as_soon_as_somebody_asks() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener_that([refusing()], &[("enabled_events[]", "*")]).await;
    sandbox.customer("Acme").await;
    let down = sandbox.flush().await;

    hook.now_answer([ok()]);
    let up = sandbox.flush().await;

    assert_eq!((&down["delivered"], &down["failed"]), (&json!(0), &json!(1)));
    assert_eq!((&up["delivered"], &up["failed"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_receiver_that_hangs_holds_up_no_other() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (_slow, _) = sandbox.listener_that([Reply::Hang], &[("enabled_events[]", "*")]).await;
    let (quick, _) = sandbox.listener().await;
    let begun = Instant::now();

    sandbox.customer("Acme").await;
    sandbox.customer("Beta").await;
    while quick.arrived().len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(3), "the quick one waits for the slow one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(5200)).await;

    let deliveries = sandbox.control_list("/deliveries").await;
    assert_eq!(deliveries[0]["last_response"], "timeout", "{deliveries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_deleted_is_not_tried_any_more() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener_that([refusing()], &[("enabled_events[]", "*")]).await;
    sandbox.customer("Acme").await;
    sandbox.flush().await;
    let before = hook.arrived().len();

    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    let visitor = sandbox.visitor();
    let gone = visitor.ask(hyper::Method::DELETE, &path).header("authorization", "Bearer sk_test_1");
    gone.await.assert_status(200);
    let said = sandbox.flush().await;

    assert_eq!((hook.arrived().len(), &said["failed"]), (before, &json!(1)));
    assert_eq!(sandbox.control_list("/deliveries").await[0]["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_rolled_both_sign() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener().await;
    let path = format!("/endpoints/{}/roll_secret", endpoint["id"].as_str().unwrap());

    let fresh = sandbox.control_post(&path, json!({ "overlap": 60 })).await;
    sandbox.customer("Both").await;
    sandbox.flush().await;
    let last = sandbox.control_post(&path, json!({ "overlap": 0 })).await;
    sandbox.customer("One").await;
    sandbox.flush().await;

    let [both, one] = &hook.arrived()[..] else { panic!("{:?}", hook.arrived()) };
    let signature = both.header("stripe-signature").unwrap();
    let at = signature[2..].split(',').next().unwrap();
    let of = |secret: &Value| v1(secret, at, &both.body);
    assert_eq!(signature, format!("t={at},v1={},v1={}", of(&fresh["secret"]), of(&endpoint["secret"])));
    let signature = one.header("stripe-signature").unwrap();
    let at = signature[2..].split(',').next().unwrap();
    assert_eq!(signature, format!("t={at},v1={}", v1(&last["secret"], at, &one.body)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_can_be_sent_again_even_one_that_was_dropped() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;
    sandbox.control_put("/delivery", json!({ "drop": 1 })).await;
    sandbox.customer("Acme").await;
    let event = sandbox.control_list("/events").await[0]["id"].as_str().unwrap().to_owned();

    let said = sandbox.control_post(&format!("/events/{event}/resend"), json!({ "times": 3 })).await;
    sandbox.flush().await;

    assert_eq!(said["deliveries"].as_array().unwrap().len(), 3);
    assert_eq!(ids(&bodies(&hook)), [event.clone(), event.clone(), event]);
    assert_eq!(sandbox.control_list("/events").await[0]["pending_webhooks"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_before_a_restart_is_delivered_after_it() {
    let folder = TempDir::new();
    let data = folder.join("sandbox.db").to_string_lossy().into_owned();
    let options = || Options { data: data.clone(), ..Options::default() };
    let before = SandboxClient::with(options()).await;
    let (hook, _) = before.listener().await;
    before.control_put("/delivery", json!({ "paused": true })).await;
    let customer = before.customer("Acme").await;
    before.stop().await;

    let after = SandboxClient::with(options()).await;
    after.control_put("/delivery", json!({})).await;
    after.flush().await;

    assert_eq!(bodies(&hook)[0]["data"]["object"]["id"].as_str(), Some(customer.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_of_the_start_is_made_once_and_takes_its_secret_from_the_last_start() {
    let folder = TempDir::new();
    let hook = Stub::answering([ok()]);
    let webhook = |secret: &str| portico_sandbox::Webhook { url: hook.url(), secret: secret.into() };
    let data = folder.join("sandbox.db").to_string_lossy().into_owned();
    let options =
        |secret| Options { data: data.clone(), webhook: Some(webhook(secret)), ..Options::default() };
    SandboxClient::with(options("whsec_first")).await.stop().await;

    let sandbox = SandboxClient::with(options("whsec_second")).await;
    sandbox.customer("Acme").await;
    sandbox.flush().await;

    let [arrived] = &hook.arrived()[..] else { panic!("{:?}", hook.arrived()) };
    let signature = arrived.header("stripe-signature").unwrap();
    let at = signature[2..].split(',').next().unwrap();
    assert!(signature.ends_with(&v1(&json!("whsec_second"), at, &arrived.body)));
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_it_delivers_where_it_was_told_at_the_start() {
    let hook = Stub::answering([ok()]);
    let (bind, url) = (format!("127.0.0.1:{}", child_process::free_port()), format!("{}/hook", hook.url()));
    let settings = [
        ("SANDBOX_BIND", bind.as_str()),
        ("SANDBOX_DATA", ":memory:"),
        ("SANDBOX_WEBHOOK_URL", &url),
        ("SANDBOX_WEBHOOK_SECRET", "whsec_of_another_project"),
    ];
    let mut sandbox = Process::start(env!("CARGO_BIN_EXE_portico-sandbox"), &[], &settings);
    sandbox.line_with(&url).await;

    let visitor = Person::visiting(&Site::at(&format!("http://{bind}")));
    let made =
        visitor.post("/v1/customers").field("name", "Acme").header("authorization", "Bearer sk_test_1");
    made.await.assert_status(200);
    visitor.post("/_sandbox/api/delivery/flush").body("application/json", "{}").await.assert_status(200);

    let [arrived] = &hook.arrived()[..] else { panic!("{:?}", hook.arrived()) };
    let signature = arrived.header("stripe-signature").unwrap();
    let at = signature[2..].split(',').next().unwrap();
    assert!(signature.ends_with(&v1(&json!("whsec_of_another_project"), at, &arrived.body)));
    assert!(!sandbox.output().contains("whsec_of_another_project"), "a secret is never printed");
}
