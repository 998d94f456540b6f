//! Whatever is sent to the sandbox: an answer as Stripe would give it, never a crash, never silence.
use crate::support::sandbox_client::{SandboxClient, id, text};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn malformed_forms_are_refused() {
    let sandbox = SandboxClient::new().await;
    let post = async |kind: &str, body: Vec<u8>| {
        let ask = sandbox.person.post("/v1/customers").header("authorization", "Bearer sk_test_1");
        ask.body(kind, body).await
    };
    let deep = format!("metadata{}=x", "[a]".repeat(200));
    let many = "metadata[k]=v&".repeat(5000);
    let long_name = format!("{}=1", "n".repeat(100_000));
    let long_value = format!("name={}", "v".repeat(900_000));
    let forms: [&[u8]; 19] = [
        b"metadata[a=1",
        b"[a]=1",
        b"=1",
        b"metadata[a]b=1",
        b"metadata[][]=1",
        b"name[x]=1",
        b"metadata=text",
        b"name=a&name[b]=c",
        b"name=%ff%fe",
        b"name=\xff",
        b"name=a%00b",
        b"na\0me=x",
        b"preferred_locales=de",
        b"preferred_locales[x]=de",
        deep.as_bytes(),
        many.as_bytes(),
        long_name.as_bytes(),
        long_value.as_bytes(),
        b"metadata[0123456789012345678901234567890123456789x]=1",
    ];
    for form in forms {
        let refused = post(FORM, form.to_vec()).await;
        let shown = String::from_utf8_lossy(&form[..form.len().min(60)]).into_owned();
        assert_eq!(refused.status, 400, "{shown}: {}", refused.text());
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error", "{shown}");
        assert!(refused.body.len() < 4096, "{shown}: what was sent is not sent back whole");
    }
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", "x"] {
        let refused = post(kind, b"{\"name\": \"Acme\"}".to_vec()).await;
        assert!(
            refused.status == 400 && refused.text().contains("content type"),
            "{kind}: {}",
            refused.text()
        );
    }
    let large = post(FORM, vec![b'a'; 1024 * 1024 + 1]).await;
    assert_eq!(large.status, 413);
    assert!(large.header("request-id").is_some());
    assert!(sandbox.list("/v1/customers").await.is_empty());
}

#[tokio::test]
async fn odd_but_honest_forms_are_taken() {
    let sandbox = SandboxClient::new().await;
    let post = async |body: &[u8]| {
        let ask = sandbox.person.post("/v1/customers").header("authorization", "Bearer sk_test_1");
        ask.body("application/x-www-form-urlencoded; charset=utf-8", body.to_vec()).await
    };

    for (form, name) in [
        (&b"name=first&name=last"[..], "last"),
        (b"&&name=%C3%89lodie+%F0%9F%A6%80&&", "Élodie 🦀"),
        ("name=raw é \u{fffd}".as_bytes(), "raw é \u{fffd}"),
        (b"%6eame=100%25+%26+more", "100% & more"),
        (b"name=<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"name=a=b=c", "a=b=c"),
        (b"name=%zz", "%zz"),
    ] {
        let made = post(form).await;
        assert_eq!((made.status.as_u16(), text(&made.json()["name"])), (200, name.into()), "{}", made.text());
    }
    assert_eq!(post(b"metadata%5Ba%5D%5B=1").await.status, 400);
}

#[tokio::test]
async fn hostile_ids_find_nothing() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let long = "x".repeat(9000);
    let ids = [
        "%2e%2e%2fcustomers",
        "..%2F..%2Fv1%2Fcustomers",
        "%00",
        "%ff",
        "cus_%27%20or%201=1",
        "%F0%9F%A6%80",
        "*",
        ";",
        "null",
        "undefined",
        "%25s%25n",
        "-1",
        "cus_1%26x=y",
        &format!("{olivia}&a=b"),
        &format!("{olivia}%00"),
        &format!("{olivia}%20"),
        &olivia.to_uppercase(),
        &long,
    ];

    for id in ids {
        for kind in [
            "customers",
            "subscriptions",
            "invoices",
            "prices",
            "products",
            "coupons",
            "payment_methods",
            "events",
            "checkout/sessions",
            "billing_portal/configurations",
            "subscription_items",
            "subscription_schedules",
            "webhook_endpoints",
            "test_helpers/test_clocks",
            "payment_intents",
            "charges",
            "promotion_codes",
        ] {
            let missing = sandbox.ask("GET", &format!("/v1/{kind}/{id}"), &[]).await;
            assert_eq!(missing.status, 404, "{kind}/{id:.40}: {}", missing.text());
            assert!(missing.body.len() < 2048, "{kind}/{id:.40}");
        }
        for path in
            ["subscriptions?customer=", "invoices?subscription=", "prices?product=", "customers?email="]
        {
            let asked = sandbox.ask("GET", &format!("/v1/{path}{id}"), &[]).await;
            assert!([200, 400].contains(&asked.status.as_u16()), "{path}{id:.40}: {}", asked.text());
        }
        let error = sandbox.ask("POST", &format!("/v1/customers/{id}"), &[("name", "x")]).await;
        assert_eq!(error.status, 404, "{id:.40}");
    }
    assert_eq!(
        sandbox.get(&format!("/v1/customers/{}", olivia.replace("cus_", "cus%5F"))).await["id"],
        olivia.as_str()
    );
}

#[tokio::test]
async fn numbers_out_of_bounds_are_refused_where_they_are_given() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "business_month", &[]).await;
    let (price, item) = (sandbox.price("pro_month").await, id(&sub["items"]["data"][0]));
    let sub = format!("/v1/subscriptions/{}", id(&sub));
    let product = text(&sandbox.get(&format!("/v1/prices/{price}")).await["product"]);
    let before = sandbox.everything().await;

    let numbers = [
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808",
        "1e3",
        "1.5",
        "0x10",
        "NaN",
        "١",
        " 1",
        "99999999999999999999999999",
        "--1",
        "inf",
    ];
    for number in numbers {
        let asked: [(&str, Vec<(&str, &str)>); 15] = [
            (
                "/v1/subscriptions",
                vec![("customer", &olivia), ("items[0][price]", &price), ("items[0][quantity]", number)],
            ),
            (
                "/v1/subscriptions",
                vec![("customer", &olivia), ("items[0][price]", &price), ("trial_period_days", number)],
            ),
            (
                "/v1/subscriptions",
                vec![("customer", &olivia), ("items[0][price]", &price), ("trial_end", number)],
            ),
            (
                "/v1/subscriptions",
                vec![("customer", &olivia), ("items[0][price]", &price), ("cancel_at", number)],
            ),
            (
                "/v1/subscriptions",
                vec![("customer", &olivia), ("items[0][price]", &price), ("billing_cycle_anchor", number)],
            ),
            (&sub, vec![("items[0][id]", &item), ("items[0][quantity]", number)]),
            (&sub, vec![("trial_end", number)]),
            (&sub, vec![("cancel_at", number)]),
            (&sub, vec![("pause_collection[behavior]", "void"), ("pause_collection[resumes_at]", number)]),
            ("/v1/prices", vec![("product", &product), ("currency", "usd"), ("unit_amount", number)]),
            (
                "/v1/prices",
                vec![
                    ("product", &product),
                    ("currency", "usd"),
                    ("unit_amount", "1"),
                    ("recurring[interval]", "day"),
                    ("recurring[interval_count]", number),
                ],
            ),
            ("/v1/coupons", vec![("amount_off", number), ("currency", "usd")]),
            ("/v1/coupons", vec![("percent_off", "5"), ("redeem_by", number)]),
            ("/v1/test_helpers/test_clocks", vec![("frozen_time", number)]),
            (
                "/v1/checkout/sessions",
                vec![
                    ("mode", "subscription"),
                    ("line_items[0][price]", &price),
                    ("line_items[0][quantity]", number),
                    ("success_url", "https://a.test"),
                ],
            ),
        ];
        for (path, fields) in asked {
            let refused = sandbox.ask("POST", path, &fields).await;
            assert_eq!(refused.status, 400, "{path} {fields:?}: {}", refused.text());
        }
        for path in [
            "/v1/customers?limit=",
            "/v1/events?created[gt]=",
            "/v1/invoices?created[lte]=",
            "/v1/events?created=",
        ] {
            let asked = sandbox
                .ask("GET", &format!("{path}{}", number.replace(' ', "%20").replace('١', "%D9%A1")), &[])
                .await;
            assert!([200, 400].contains(&asked.status.as_u16()), "{path}{number}: {}", asked.text());
        }
    }
    assert_eq!(sandbox.everything().await, before);
}

#[tokio::test]
async fn the_largest_amounts_add_up() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let product = text(&sandbox.list("/v1/prices").await[0]["product"]);
    let most = [
        ("product", product.as_str()),
        ("currency", "usd"),
        ("unit_amount", "99999999"),
        ("recurring[interval]", "year"),
        ("recurring[interval_count]", "3"),
    ];
    let price = id(&sandbox.post("/v1/prices", &most).await);
    sandbox.post(&format!("/v1/customers/{olivia}"), &[("balance", "99999999999")]).await;
    let fields =
        [("customer", olivia.as_str()), ("items[0][price]", &price), ("items[0][quantity]", "1000000")];

    let sub =
        sandbox.post("/v1/subscriptions", &[&fields[..], &[("expand[]", "latest_invoice")]].concat()).await;

    assert_eq!(sub["latest_invoice"]["amount_paid"], 99_999_999_000_000_i64 + 99_999_999_999);
    let (path, item) = (format!("/v1/subscriptions/{}", id(&sub)), id(&sub["items"]["data"][0]));
    let less = [
        ("items[0][id]", item.as_str()),
        ("items[0][quantity]", "1"),
        ("proration_behavior", "always_invoice"),
        ("expand[]", "latest_invoice"),
    ];
    let credit = sandbox.post(&path, &less).await["latest_invoice"].clone();
    assert_eq!(
        (&credit["total"], &credit["amount_due"]),
        (&(-99_999_999_000_000_i64 + 99_999_999).into(), &0.into())
    );
}

#[tokio::test]
async fn other_methods_and_broken_requests_are_answered() {
    let sandbox = SandboxClient::new().await;
    for method in ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        assert_eq!(sandbox.ask(method, "/v1/customers", &[]).await.status, 404, "{method}");
    }
    assert_eq!(sandbox.ask("DELETE", "/v1/customers", &[]).await.status, 404);
    let expand = format!("/v1/customers?{}", "expand[]=data.x.y.z&".repeat(300));
    assert_eq!(sandbox.ask("GET", &expand, &[]).await.status, 200, "there is nobody to expand anything of");

    let address = sandbox.url.trim_start_matches("http://").to_owned();
    let head = "POST /v1/customers HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk_test_1\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    for (raw, status) in [
        ("garbage\r\n\r\n".to_owned(), "400"),
        (format!("{head}content-length: -5\r\n\r\n"), "400"),
        (format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nname=a"), "400"),
        (format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n"), "413"),
        (format!("GET /v1/customers HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n", "k".repeat(5000)), "401"),
        ("GET /v1/customers HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk_\u{e9}\r\nconnection: close\r\n\r\n".to_owned(), "401"),
        (format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "p".repeat(70_000)), "414"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(raw.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let mut first = [0; 512];
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut first)).await;
        said.extend_from_slice(&first[..read.expect("an answer, not silence").unwrap_or(0)]);
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{raw:.60} got {said:.100}");
    }
    assert_eq!(sandbox.ask("GET", "/v1/customers", &[]).await.status, 200, "and it is still there");
}

/// A client that gives up does not undo what it asked for, nor leave its key in use.
#[tokio::test]
async fn whoever_hangs_up_finds_the_answer_under_the_same_key() {
    let sandbox = SandboxClient::new().await;
    let address = sandbox.url.trim_start_matches("http://").to_owned();
    for n in 0..20 {
        let raw = format!(
            "POST /v1/customers HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk_test_1\r\nidempotency-key: gone-{n}\r\ncontent-type: {FORM}\r\ncontent-length: 6\r\n\r\nname=a"
        );
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(raw.as_bytes()).await.unwrap();
        drop(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;

    for n in 0..20 {
        let key = format!("gone-{n}");
        let answer = sandbox.ask_with(("idempotency-key", &key), "/v1/customers", &[("name", "a")]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(sandbox.list("/v1/customers?limit=100").await.len(), 20);
}
