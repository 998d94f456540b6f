//! `portico stripe …`: the real program beside a running product, on its database.
use crate::{
    billing_app::{BillingApp, GOOD},
    test_app::TestApp,
    webhook_deliveries::{SECRET, state_of},
};
use serde_json::{Value, json};
use std::process::{Command, Output};

/// `portico stripe …`, with the settings of this test's product.
async fn portico(it: &BillingApp, arguments: &[&str]) -> Output {
    let mut program = Command::new(crate::support::process::PROGRAM);
    program.arg("stripe").args(arguments).env_clear();
    program.env("DATABASE_URL", &it.app.app.config.database_url);
    program.env("APP_SECRET", "a secret that only tests use and long enough");
    program.env("STRIPE_SECRET_KEY", "sk_test_123").env("STRIPE_WEBHOOK_SECRETS", SECRET);
    program.env("STRIPE_API_BASE", &it.app.stripe);
    tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Standard output as a script reads it: a JSON object a line, and nothing beside.
fn lines(output: &Output) -> Vec<Value> {
    text(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

#[portico_test]
async fn status_says_what_we_believe_a_line_an_organisation(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.org("globex").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;

    let said = lines(&portico(&it, &["status", "--json"]).await);
    let plain = text(&portico(&it, &["status"]).await);

    let named: Vec<_> = said.iter().map(|line| line["org"].as_str().unwrap()).collect();
    assert_eq!(named, ["acme", "globex"]);
    let text = "Visa ending in 4242, expires 12/2034";
    assert_eq!(said[0]["payment_method"], json!({ "type": "card", "text": text }));
    let mut acmes = said[0].clone();
    acmes.as_object_mut().unwrap().remove("payment_method");
    assert_eq!(acmes, it.expected_state("acme", &customer).await);
    let nothing = said[1].as_object().unwrap().iter().filter(|(field, _)| *field != "org");
    for (field, value) in nothing {
        let expected = match field.as_str() {
            "processing" => json!(false),
            "plan_known" => json!(true),
            _ => Value::Null,
        };
        assert_eq!(value, &expected, "{field}");
    }
    assert!(plain.contains("acme") && plain.contains("Business") && plain.contains("globex"), "{plain}");
}

#[portico_test]
async fn sync_repairs_one_organisation_or_all(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    let acmes = it.subscribe(&acme, "business", "month", GOOD).await;
    let globexs = it.subscribe(&globex, "business", "month", GOOD).await;
    it.deliver(json!({ "drop": 1.0 })).await;
    for customer in [&acmes, &globexs] {
        it.act(customer, "switch_plan", json!({ "price": "business_year" })).await;
    }

    let one = text(&portico(&it, &["sync", "--org", "acme"]).await);
    let (acme_after, globex_after) = (it.billing_state("acme").await, it.billing_state("globex").await);
    let all = text(&portico(&it, &["sync"]).await);
    let again = text(&portico(&it, &["sync"]).await);
    let unknown = portico(&it, &["sync", "--org", "nobody"]).await;

    assert!(one.contains("Checked 1, updated 1."), "{one}");
    assert_eq!((&acme_after["interval"], &globex_after["interval"]), (&json!("year"), &json!("month")));
    assert!(all.contains("Checked 2,"), "{all}");
    assert!(again.contains("Checked 2, updated 0."), "{again}");
    it.assert_no_drift("globex").await;
    assert!(!unknown.status.success());
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("there is no organisation nobody"),
        "{unknown:?}"
    );
}

#[portico_test]
async fn events_are_listed_oldest_first_and_by_state(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;

    let all = lines(&portico(&it, &["events", "--json"]).await);
    let ignored = lines(&portico(&it, &["events", "--json", "--state", "ignored"]).await);
    let nonsense = portico(&it, &["events", "--state", "nonsense"]).await;

    assert_eq!(all.len() as i64, it.app.count("select count(*) from stripe_events").await);
    let received: Vec<i64> = all.iter().map(|event| event["received_at"].as_i64().unwrap()).collect();
    assert!(received.is_sorted(), "{received:?}");
    let created = all.iter().find(|event| event["type"] == "customer.subscription.created").unwrap();
    assert_eq!(
        (&created["customer"], &created["state"], &created["applied"]),
        (&json!(customer), &json!("done"), &json!(1))
    );
    assert!(!ignored.is_empty() && ignored.iter().all(|event| event["state"] == "ignored"), "{ignored:?}");
    assert!(!nonsense.status.success());
}

#[portico_test]
async fn replay_puts_an_event_back_and_refuses_what_is_not_there(app: TestApp) {
    let mut it = BillingApp::without_worker(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let customer = it.customer_of("acme").await;
    it.act(&customer, "add_card", json!({ "card": GOOD })).await;
    it.control("/delivery/flush", json!({})).await;
    it.app.run("update stripe_events set state = 'dead'").await;
    it.app.run("delete from jobs").await;
    let id =
        it.app.texts("select id from stripe_events where type = 'payment_method.attached'").await.remove(0);

    let replayed = portico(&it, &["replay", &id]).await;
    let unknown = portico(&it, &["replay", "evt_none", "evt_neither"]).await;

    assert!(replayed.status.success(), "{replayed:?}");
    assert_eq!(state_of(&it.app, &id).await, "pending");
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("evt_none, evt_neither"), "{unknown:?}");
    it.start_worker();
    it.settled().await;
    assert_eq!(state_of(&it.app, &id).await, "done");
}
