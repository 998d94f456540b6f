//! Stripe's manners over HTTP: lists, expansion, errors, idempotency, keys.
use crate::support::sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text};
use serde_json::Value;

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn a_list_is_paged_newest_first_in_both_directions() {
    let sandbox = SandboxClient::new().await;
    let mut made = Vec::new();
    for name in ["one", "two", "three", "four", "five"] {
        made.push(id(&sandbox.post("/v1/customers", &[("name", name)]).await));
    }
    made.reverse();

    let first = sandbox.get("/v1/customers?limit=2").await;
    let second = sandbox.get(&format!("/v1/customers?limit=2&starting_after={}", made[1])).await;
    let last = sandbox.get(&format!("/v1/customers?limit=2&starting_after={}", made[3])).await;
    let back = sandbox.get(&format!("/v1/customers?limit=2&ending_before={}", made[3])).await;
    let start = sandbox.get(&format!("/v1/customers?limit=2&ending_before={}", made[1])).await;

    assert_eq!((ids(&first), &first["has_more"]), (made[..2].to_vec(), &Value::from(true)));
    assert_eq!((ids(&second), &second["has_more"]), (made[2..4].to_vec(), &Value::from(true)));
    assert_eq!((ids(&last), &last["has_more"]), (made[4..].to_vec(), &Value::from(false)));
    assert_eq!((ids(&back), &back["has_more"]), (made[1..3].to_vec(), &Value::from(true)));
    assert_eq!((ids(&start), &start["has_more"]), (made[..1].to_vec(), &Value::from(false)));
    assert_eq!(first["url"], "/v1/customers");
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("starting_after=cus_no", "starting_after"),
    ] {
        let refused = sandbox.ask("GET", &format!("/v1/customers?{query}"), &[]).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["param"]),
            (400, &Value::from(param)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_id_gives_way_to_its_object_where_that_is_asked_for() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = id(&sandbox.subscribe(&customer, "pro_month", &[("metadata[owner]", &customer)]).await);
    let path = format!("/v1/subscriptions/{sub}");

    let plain = sandbox.get(&path).await;
    let deep = sandbox.get(&format!("{path}?expand[]=latest_invoice.payments&expand[]=customer")).await;
    let list = sandbox
        .get("/v1/subscriptions?expand[]=data.default_payment_method&expand[]=data.latest_invoice")
        .await;

    assert!(plain["customer"].is_string() && plain["latest_invoice"].is_string());
    assert_eq!(deep["customer"]["object"], "customer");
    assert_eq!(deep["latest_invoice"]["payments"]["data"][0]["amount_paid"], 2900);
    assert_eq!(list["data"][0]["latest_invoice"]["total"], 2900);
    let sold = sandbox.get(&format!("{path}?expand[]=items.data.price.product")).await;
    assert_eq!(sold["items"]["data"][0]["price"]["product"]["name"], "Pro");
    for bad in [
        "nothing",
        "status",
        "customer.email",
        "metadata.owner",
        "metadata",
        "a.b.c.d.e",
        "cancel_at_period_end",
        "",
    ] {
        let refused = sandbox.ask("GET", &format!("{path}?expand[]={bad}"), &[]).await;
        assert_eq!((refused.status.as_u16(), bad), (400, bad), "{}", refused.text());
    }
    let wrong = sandbox.ask("GET", "/v1/subscriptions?expand[]=customer", &[]).await;
    assert!(text(&wrong.json()["error"]["message"]).contains("cannot be expanded (customer)"));
}

#[tokio::test]
async fn metadata_is_merged_and_unknown_parameters_are_named() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.post("/v1/customers", &[("metadata[a]", "1"), ("metadata[b]", "2")]).await;
    let path = format!("/v1/customers/{}", id(&olivia));

    let merged = sandbox.post(&path, &[("metadata[a]", ""), ("metadata[c]", "3")]).await;
    assert_eq!(merged["metadata"], serde_json::json!({ "b": "2", "c": "3" }));
    assert_eq!(sandbox.post(&path, &[("metadata", "")]).await["metadata"], serde_json::json!({}));

    let error = sandbox.refused(400, &path, &[("name", "Kept?"), ("address[planet]", "Mars")]).await;
    assert_eq!(error["code"], "parameter_unknown");
    assert_eq!(error["param"], "address[planet]");
    assert_eq!(error["message"], "Received unknown parameter: address[planet]");
    assert_eq!(sandbox.get(&path).await["name"], Value::Null, "a refused request changes nothing");
}

#[tokio::test]
async fn a_request_under_an_idempotency_key_happens_once() {
    let sandbox = SandboxClient::new().await;
    let key = ("idempotency-key", "customer:org1:1");

    let first = sandbox.ask_with(key, "/v1/customers", &[("name", "Acme"), ("email", "o@acme.test")]).await;
    let again = sandbox.ask_with(key, "/v1/customers", &[("email", "o@acme.test"), ("name", "Acme")]).await;
    let other = sandbox.ask_with(key, "/v1/customers", &[("name", "Other")]).await;
    let elsewhere =
        sandbox.ask_with(key, "/v1/products", &[("name", "Acme"), ("email", "o@acme.test")]).await;

    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (200, None));
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
    assert_eq!(first.header("idempotency-key"), Some("customer:org1:1"));
    for refused in [other, elsewhere] {
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["type"]),
            (400, &Value::from("idempotency_error"))
        );
    }
    assert_eq!(sandbox.list("/v1/customers").await.len(), 1);
}

#[tokio::test]
async fn a_mistake_may_be_mended_under_its_key_and_a_declined_card_may_not() {
    let sandbox = SandboxClient::new().await;
    let mistake = ("idempotency-key", "k1");
    assert_eq!(sandbox.ask_with(mistake, "/v1/customers", &[("colour", "red")]).await.status, 400);
    assert_eq!(sandbox.ask_with(mistake, "/v1/customers", &[("name", "Acme")]).await.status, 200);

    let broke = sandbox.customer_with("pm_card_chargeCustomerFail").await;
    let price = sandbox.price("pro_month").await;
    let fields = [
        ("customer", broke.as_str()),
        ("items[0][price]", &price),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let declined = sandbox.ask_with(("idempotency-key", "k2"), "/v1/subscriptions", &fields).await;
    let again = sandbox.ask_with(("idempotency-key", "k2"), "/v1/subscriptions", &fields).await;

    assert_eq!((declined.status.as_u16(), again.status.as_u16()), (402, 402));
    assert_eq!((again.json(), again.header("idempotent-replayed")), (declined.json(), Some("true")));
    let long = "x".repeat(256);
    assert_eq!(sandbox.ask_with(("idempotency-key", &long), "/v1/customers", &[]).await.status, 400);
}

#[tokio::test]
async fn two_at_once_under_one_key_make_one_customer() {
    let sandbox = SandboxClient::new().await;
    let key = ("idempotency-key", "race");

    let fields = [("name", "Acme")];
    let asked = (0..8).map(|_| sandbox.ask_with(key, "/v1/customers", &fields));
    let answers = futures_together(asked).await;

    for answer in &answers {
        assert!([200, 409].contains(&answer.status.as_u16()), "{}", answer.text());
        if answer.status == 409 {
            assert_eq!(answer.json()["error"]["code"], "idempotency_key_in_use");
            assert_eq!(answer.header("stripe-should-retry"), Some("true"));
        }
    }
    assert_eq!(sandbox.list("/v1/customers").await.len(), 1);
}

async fn futures_together<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in all.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if all.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    all.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn every_answer_says_which_request_and_version_it_is_of() {
    let sandbox = SandboxClient::new().await;

    let good = sandbox.ask("GET", "/v1/customers", &[]).await;
    let bad = sandbox.ask("GET", "/v1/customers/cus_no", &[]).await;
    let none = sandbox.person.get("/v1/customers").await;
    let old = sandbox.ask_with(("stripe-version", "2024-06-20"), "/v1/customers", &[]).await;

    for answer in [&good, &bad, &none, &old] {
        assert!(answer.header("request-id").unwrap().starts_with("req_"), "{}", answer.asked);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_ne!(good.header("request-id"), bad.header("request-id"));
    assert_eq!(good.header("stripe-version"), Some("2026-09-30.endive"));
    assert_eq!(old.header("stripe-version"), Some("2024-06-20"));
    let logged = text(&bad.json()["error"]["request_log_url"]);
    assert!(logged.ends_with(bad.header("request-id").unwrap()), "{logged}");
}

#[tokio::test]
async fn test_keys_are_let_in_both_ways_and_nothing_else_is() {
    let sandbox = SandboxClient::new().await;
    let with = |value: &str| sandbox.person.get("/v1/customers").header("authorization", value);
    // `sk_test_123:` and `rk_test_9:`
    for good in ["Bearer sk_test_123", "Bearer rk_test_9", "Basic c2tfdGVzdF8xMjM6", "Basic cmtfdGVzdF85Og=="]
    {
        assert_eq!(with(good).await.status, 200, "{good}");
    }
    // The last is `sk_live_1:`.
    for bad in [
        "Bearer sk_live_123",
        "Bearer rk_live_1",
        "Bearer nonsense",
        "Bearer sk_test_",
        "Bearer ",
        "Basic %%%",
        "Digest x",
        "Basic c2tfbGl2ZV8xOg==",
    ] {
        let refused = with(bad).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["type"]),
            (401, &Value::from("invalid_request_error")),
            "{bad}"
        );
        assert!(!refused.text().contains("live_1"), "a key is never repeated: {}", refused.text());
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_in_the_path_and_400_in_a_parameter() {
    let sandbox = SandboxClient::new().await;

    for path in [
        "/v1/customers/cus_no",
        "/v1/subscriptions/sub_no",
        "/v1/prices/price_no",
        "/v1/invoices/in_no",
        "/v1/events/evt_no",
        "/v1/checkout/sessions/cs_test_no",
        "/v1/coupons/no",
        "/v1/charges/cus_no",
    ] {
        let missing = sandbox.ask("GET", path, &[]).await;
        assert_eq!(
            (missing.status.as_u16(), &missing.json()["error"]["code"]),
            (404, &Value::from("resource_missing")),
            "{path}"
        );
        assert_eq!(missing.json()["error"]["param"], "id");
    }
    let error = sandbox.refused(400, "/v1/billing_portal/sessions", &[("customer", "cus_no")]).await;
    assert_eq!((text(&error["code"]), text(&error["param"])), ("resource_missing".into(), "customer".into()));
    assert_eq!(error["message"], "No such customer: 'cus_no'");
    for list in ["subscriptions", "invoices", "payment_methods"] {
        let refused = sandbox.ask("GET", &format!("/v1/{list}?customer=cus_no"), &[]).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["param"]),
            (400, &Value::from("customer")),
            "{list}"
        );
    }
    for nowhere in ["/v1/nothing", "/v1/customers/", "/v1/customers//", "/v2/customers", "/v1/"] {
        let unknown = sandbox.ask("GET", nowhere, &[]).await;
        assert!(unknown.status == 404 && unknown.text().contains("Unrecognized request URL"), "{nowhere}");
    }
}

#[tokio::test]
async fn a_deleted_customer_is_gone_and_its_subscriptions_with_it() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = id(&sandbox.subscribe(&olivia, "pro_month", &[]).await);
    let path = format!("/v1/customers/{olivia}");

    sandbox.delete(&path).await;

    assert_eq!(
        sandbox.get(&path).await,
        serde_json::json!({ "id": olivia, "object": "customer", "deleted": true })
    );
    assert_eq!(sandbox.subscription_with_invoice(&sub).await["status"], "canceled");
    assert_eq!(sandbox.list(&format!("/v1/subscriptions?customer={olivia}&status=all")).await.len(), 1);
    assert!(sandbox.list("/v1/customers").await.is_empty());
    assert_eq!(sandbox.refused(404, &path, &[("name", "Back")]).await["code"], "resource_missing");
    let error = sandbox.refused(400, "/v1/billing_portal/sessions", &[("customer", &olivia)]).await;
    assert_eq!(error["code"], "resource_missing");
    assert_eq!(sandbox.ask("DELETE", &path, &[]).await.status, 404);
    let said = sandbox.event_types().await;
    assert_eq!(said[said.len() - 2..], ["customer.subscription.deleted", "customer.deleted"]);
}

#[tokio::test]
async fn a_lookup_key_belongs_to_one_price_until_it_is_handed_over() {
    let sandbox = SandboxClient::new().await;
    let old = sandbox.price("pro_month").await;
    let product = text(&sandbox.get(&format!("/v1/prices/{old}")).await["product"]);
    let fields = [
        ("product", product.as_str()),
        ("currency", "usd"),
        ("unit_amount", "3900"),
        ("recurring[interval]", "month"),
        ("lookup_key", "pro_month"),
    ];

    let error = sandbox.refused(400, "/v1/prices", &fields).await;
    assert!(text(&error["message"]).contains("already uses that lookup key"), "{error}");
    let new =
        id(&sandbox.post("/v1/prices", &[&fields[..], &[("transfer_lookup_key", "true")]].concat()).await);

    assert_eq!(sandbox.price("pro_month").await, new);
    assert_eq!(sandbox.get(&format!("/v1/prices/{old}")).await["lookup_key"], Value::Null);
    assert_eq!(sandbox.list("/v1/prices?lookup_keys[0]=pro_month&lookup_keys[1]=pro_year").await.len(), 2);
}

#[tokio::test]
async fn the_portal_says_no_in_stripes_words() {
    let bare =
        SandboxClient::with(portico_sandbox::Options { frozen_at: Some(NEW_YEAR), ..Default::default() })
            .await;
    let olivia = id(&bare.post("/v1/customers", &[]).await);
    let none = bare.refused(400, "/v1/billing_portal/sessions", &[("customer", &olivia)]).await;
    assert!(text(&none["message"]).starts_with(
        "No configuration provided and your test mode default configuration has not been created."
    ));

    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let (item, price) = (id(&sub["items"]["data"][0]), sandbox.price("pro_month").await);
    let (sub, year) = (id(&sub), sandbox.price("pro_year").await);
    let confirm = |price: &str, more: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("customer", olivia.clone()),
            ("flow_data[type]", "subscription_update_confirm".to_owned()),
            ("flow_data[subscription_update_confirm][subscription]", sub.clone()),
            ("flow_data[subscription_update_confirm][items][0][id]", item.clone()),
            ("flow_data[subscription_update_confirm][items][0][price]", price.to_owned()),
        ];
        fields.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        fields
    };
    let refused = async |fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        text(&sandbox.refused(400, "/v1/billing_portal/sessions", &fields).await["message"])
    };

    assert!(refused(confirm(&price, &[])).await.contains("there are no changes to confirm"));
    let twice = "flow_data[subscription_update_confirm][items][1][id]";
    assert!(refused(confirm(&year, &[(twice, "si_2")])).await.contains("exactly one item"));
    sandbox.post(&format!("/v1/subscriptions/{sub}"), &[("cancel_at_period_end", "true")]).await;
    let cancel = vec![
        ("customer", olivia.clone()),
        ("flow_data[type]", "subscription_cancel".into()),
        ("flow_data[subscription_cancel][subscription]", sub.clone()),
    ];
    assert!(refused(cancel).await.ends_with(&format!("{sub} is already set to be canceled at period end.")));

    let configuration = format!(
        "/v1/billing_portal/configurations/{}",
        id(&sandbox.list("/v1/billing_portal/configurations").await[0])
    );
    let code = "flow_data[subscription_update_confirm][discounts][0][promotion_code]";
    sandbox
        .post(&configuration, &[("features[subscription_update][default_allowed_updates][0]", "price")])
        .await;
    assert!(
        refused(confirm(&year, &[(code, "promo_1")])).await.contains("does not include `promotion_code`")
    );
    sandbox.post(&configuration, &[("features[subscription_update][enabled]", "false")]).await;
    assert_eq!(
        refused(confirm(&year, &[])).await,
        "This subscription cannot be updated because the subscription update feature in the portal configuration is disabled."
    );
}

#[tokio::test]
async fn events_are_listed_by_kind_and_time_for_thirty_days() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer_with("pm_card_visa").await;
    sandbox.subscribe(&olivia, "pro_month", &[]).await;

    assert_eq!(sandbox.list("/v1/events?type=customer.created").await.len(), 1);
    assert_eq!(sandbox.list("/v1/events?types[]=invoice.paid&types[]=customer.created").await.len(), 2);
    assert!(sandbox.list("/v1/events?type=invoice.*").await.len() > 3);
    assert!(sandbox.list(&format!("/v1/events?created[gt]={NEW_YEAR}")).await.is_empty());
    assert_eq!(sandbox.list(&format!("/v1/events?created={NEW_YEAR}&limit=3")).await.len(), 3);
    let newest = sandbox.list("/v1/events").await[0].clone();
    assert_eq!(sandbox.get(&format!("/v1/events/{}", id(&newest))).await, newest);
    assert!(newest["request"]["id"].as_str().unwrap().starts_with("req_"));
    sandbox.wait_until(NEW_YEAR + 31 * DAY).await;
    assert!(sandbox.list("/v1/events?type=customer.created").await.is_empty());
}
