//! Stripe's bad days, one rule each, as a client meets them over HTTP.
use crate::support::sandbox_client::SandboxClient;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// All the bytes that come back, however the connection ends.
struct Came {
    status: u16,
    head: String,
    body: String,
}

async fn raw(sandbox: &SandboxClient, method: &str, path: &str, key: &str, extra: &str) -> Came {
    let address = sandbox.url.trim_start_matches("http://").to_owned();
    let body = if method == "POST" { "name=Acme" } else { "" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n{extra}\
         content-type: application/x-www-form-urlencoded\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Came { status, head: head.to_ascii_lowercase(), body: body.into() }
    })
    .await
    .unwrap()
}

async fn customers(sandbox: &SandboxClient) -> usize {
    sandbox.control_list("/objects?type=customer").await.len()
}

async fn post(sandbox: &SandboxClient, extra: &str) -> Came {
    raw(sandbox, "POST", "/v1/customers", "sk_test_1", extra).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_fault_is_what_it_says() {
    for (kind, status, says, done) in [
        ("429", 429, "rate_limit", 0),
        ("429_lock", 429, "lock_timeout", 0),
        ("409", 409, "idempotency_key_in_use", 0),
        ("500", 500, "api_error", 0),
        ("502_html", 502, "<h1>502", 0),
        ("hang", 0, "", 0),
        ("close_before", 0, "", 0),
        ("close_after", 0, "", 1),
        ("401", 401, "Invalid API Key", 0),
        ("403", 403, "permissions", 0),
        ("truncated", 200, "{", 1),
    ] {
        let sandbox = SandboxClient::in_mid_january().await;
        sandbox.control_post("/faults", json!({ "path": "/v1/customers", "kind": kind })).await;

        let came = post(&sandbox, "").await;

        assert_eq!(came.status, status, "{kind}: {} {}", came.head, came.body);
        assert!(came.body.contains(says), "{kind}: {}", came.body);
        assert_eq!(customers(&sandbox).await, done, "{kind}: how many customers it made");
        let whole = serde_json::from_str::<Value>(&came.body).is_ok();
        assert_eq!(whole, !matches!(status, 0 | 502) && kind != "truncated", "{kind}: {}", came.body);
        let retry = came.head.contains("stripe-should-retry: true");
        assert_eq!(retry, matches!(status, 409 | 429 | 500 | 502), "{kind}: {}", came.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_500_is_recorded_under_its_key_and_said_again() {
    let sandbox = SandboxClient::in_mid_january().await;
    sandbox.control_post("/faults", json!({ "kind": "500", "times": 1 })).await;

    let first = post(&sandbox, "idempotency-key: k1\r\n").await;
    let again = post(&sandbox, "idempotency-key: k1\r\n").await;
    let other = post(&sandbox, "idempotency-key: k2\r\n").await;

    assert_eq!((first.status, again.status, other.status), (500, 500, 200));
    assert!(again.head.contains("idempotent-replayed: true") && again.body == first.body);
    assert_eq!(customers(&sandbox).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_the_line_went_dead_is_found_again_under_its_key() {
    let sandbox = SandboxClient::in_mid_january().await;
    sandbox.control_post("/faults", json!({ "kind": "close_after", "times": 1 })).await;

    let nothing = post(&sandbox, "idempotency-key: k1\r\n").await;
    let again = post(&sandbox, "idempotency-key: k1\r\n").await;

    assert_eq!((nothing.status, again.status, customers(&sandbox).await), (0, 200, 1));
    assert!(again.head.contains("idempotent-replayed: true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_hangs_holds_its_key_until_its_client_gives_up() {
    let sandbox = SandboxClient::in_mid_january().await;
    sandbox.control_post("/faults", json!({ "kind": "hang", "times": 1 })).await;

    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        post(&sandbox, "idempotency-key: k1\r\n").await
    };
    let (_, meanwhile) = tokio::join!(post(&sandbox, "idempotency-key: k1\r\n"), meanwhile);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let again = post(&sandbox, "idempotency-key: k1\r\n").await;

    assert_eq!((meanwhile.status, again.status), (409, 200), "{} {}", meanwhile.body, again.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_strikes_only_what_it_names_and_as_often_as_it_says() {
    let sandbox = SandboxClient::in_mid_january().await;
    sandbox
        .control_post(
            "/faults",
            json!({ "method": "post", "path": "/v1/cust*", "key": "rk_*", "kind": "429", "nth": 2 }),
        )
        .await;
    let restricted = |method: &'static str| raw(&sandbox, method, "/v1/customers", "rk_test_1", "");

    let mut statuses = vec![post(&sandbox, "").await.status];
    for method in ["GET", "POST", "POST", "POST"] {
        statuses.push(restricted(method).await.status);
    }

    assert_eq!(statuses, [200, 200, 200, 429, 200]);
    let rule = sandbox.control_list("/faults").await.remove(0);
    assert_eq!((&rule["seen"], &rule["struck"], &rule["method"]), (&json!(3), &json!(1), &json!("POST")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chance_with_a_seed_strikes_the_same_requests_each_time() {
    let mut logs = Vec::new();
    for _ in 0..2 {
        let sandbox = SandboxClient::in_mid_january().await;
        sandbox
            .control_post(
                "/faults",
                json!({ "method": "*", "kind": "429", "probability": 0.5, "seed": 3, "times": 4 }),
            )
            .await;
        let mut log = Vec::new();
        for _ in 0..16 {
            log.push(post(&sandbox, "").await.status);
        }
        logs.push(log);
    }

    assert_eq!(logs[0], logs[1]);
    assert_eq!(logs[0].iter().filter(|status| **status == 429).count(), 4, "{:?}", logs[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_listed_and_taken_back() {
    let sandbox = SandboxClient::in_mid_january().await;
    let first = sandbox.control_post("/faults", json!({ "kind": "401" })).await;
    sandbox.control_post("/faults", json!({ "kind": "403", "path": "/v1/prices" })).await;

    let path = format!("/faults/{}", first["id"].as_str().unwrap());
    let one = sandbox.control(hyper::Method::DELETE, &path, json!({})).await.assert_status(200).json();
    let gone = sandbox.control(hyper::Method::DELETE, &path, json!({})).await;
    let left = sandbox.control_list("/faults").await;
    let rest = sandbox.control(hyper::Method::DELETE, "/faults", json!({})).await.json();

    assert_eq!((&one["removed"], &rest["removed"], left.len()), (&json!(1), &json!(1), 1));
    gone.assert_status(404);
    assert_eq!(post(&sandbox, "").await.status, 200);
}
