//! Webhooks that are forged, late, early, repeated, recorded, too large, of another mode, version or vocabulary.
use crate::{
    billing_app::{BillingApp, DAY, GOOD},
    test_app::TestApp,
    webhook_deliveries::{
        SECRET, delivered, event, hand_over, post_webhook, signature, state_of, with_secret,
    },
};
use axum::body::{Body, Bytes};
use hyper::Request;
use product::config::Config;
use serde_json::json;
use tower::ServiceExt;

#[portico_test]
async fn an_event_that_arrives_twenty_times_at_once_is_settled_once(app: TestApp) {
    let it = BillingApp::of(app).await;
    it.deliver(json!({ "drop": 1 })).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "month", GOOD).await;
    let event = it.newest_event("customer.subscription.created").await;

    let deliveries = (0..20).map(|_| {
        let (app, event) = (it.app.clone(), event.clone());
        tokio::spawn(async move { hand_over(&app, &event).await })
    });
    for delivery in deliveries.collect::<Vec<_>>() {
        delivery.await.unwrap().assert_status(200);
    }
    it.settled().await;
    hand_over(&it.app, &event).await.assert_status(200); // and once more when all is done
    it.settled().await;

    assert_eq!(it.app.count("select count(*) from stripe_events").await, 1);
    assert_eq!(it.app.count("select applied from stripe_events").await, 1);
    assert_eq!(it.mails().await, ["Welcome to Pro"]);
    it.assert_no_drift("acme").await;
}

#[portico_test]
async fn an_update_that_arrives_after_the_end_brings_nothing_back(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.deliver(json!({ "drop": 1 })).await;
    it.act(&customer, "switch_plan", json!({ "price": "business_year" })).await;
    let alive = it.newest_event("customer.subscription.updated").await;
    assert_eq!(alive["data"]["object"]["status"], "active");
    it.act(&customer, "cancel", json!({ "when": "now" })).await;
    hand_over(&it.app, &it.newest_event("customer.subscription.deleted").await).await.assert_status(200);
    it.settled().await;
    let before = (it.mails().await, it.app.audit("acme").await);

    hand_over(&it.app, &alive).await.assert_status(200);
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "canceled");
    it.assert_no_drift("acme").await;
    assert_eq!((it.mails().await, it.app.audit("acme").await), before);
    assert!(acme.owner.get("/orgs/acme/billing").await.text().contains("Subscription ended"));
}

/// The event waits, and is processed once we have our own record.
#[portico_test]
async fn an_event_that_is_quicker_than_our_own_record_waits_for_it(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    // Stripe makes the customer, and the answer is lost on the way.
    it.fail(json!({ "method": "POST", "path": "/v1/customers", "kind": "close_after", "times": 3 })).await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(503);
    let customer = it.app.customers_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    it.act(&customer, "update_details", json!({ "name": "Acme Ltd" })).await;
    it.settled().await;
    assert_eq!(
        it.app.texts("select state from stripe_events where type = 'customer.updated'").await,
        ["parked"]
    );
    assert_eq!(it.app.count("select count(*) from billing_customers").await, 0);

    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    it.settled().await;

    assert_eq!(it.customer_of("acme").await, customer, "the one that was made, not a second");
    assert_eq!(
        it.app.texts("select state from stripe_events where type = 'customer.updated'").await,
        ["done"]
    );
    assert_eq!(it.app.customers_at_stripe().await.len(), 1);
}

#[portico_test]
async fn metadata_that_names_an_organisation_binds_nothing(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let ours = &it.app.customers_at_stripe().await[0];
    let org = ours["metadata"]["org_id"].as_str().unwrap().to_owned();
    let named = [("name", "Mallory"), ("metadata[org_id]", org.as_str()), ("metadata[org]", "acme")];
    let foreign = it.write_at_stripe("/v1/customers", &named).await;
    let foreign = foreign["id"].as_str().unwrap();

    let subscribed = [
        ("customer", foreign),
        ("items[0][price]", &it.price("pro_month").await),
        ("trial_period_days", "7"),
    ];
    it.write_at_stripe("/v1/subscriptions", &subscribed).await;
    it.settled().await;

    let states = format!(
        "select distinct state from stripe_events where customer_id = '{foreign}' and state <> 'ignored'"
    );
    assert_eq!(it.app.texts(&states).await, ["parked"]);
    assert_eq!(it.billing_state("acme").await["status"], json!(null));
    assert_ne!(it.customer_of("acme").await, foreign);
}

const BAD_SIGNATURE: &str = r#"webhook_rejected_total{reason="signature"}"#;

const BAD_TIMESTAMP: &str = r#"webhook_rejected_total{reason="timestamp"}"#;

#[portico_test]
async fn an_event_signed_with_either_secret_is_taken_until_the_old_one_is_gone(app: TestApp) {
    let rolling =
        app.restarted_with("STRIPE_WEBHOOK_SECRETS", "whsec_new_0123456789,whsec_old_0123456789").await;
    let send = async |app: &TestApp, secret: &str, id: &str| {
        let body = event(id, "product.created", "cus_1");
        let header = signature(secret, app.app.clock.now().unix(), &body);
        post_webhook(app, &header, &body).await.status.as_u16()
    };

    let both = (
        send(&rolling, "whsec_new_0123456789", "evt_1").await,
        send(&rolling, "whsec_old_0123456789", "evt_2").await,
    );
    let rolled = app.restarted_with("STRIPE_WEBHOOK_SECRETS", "whsec_new_0123456789").await;
    let after = (
        send(&rolled, "whsec_new_0123456789", "evt_3").await,
        send(&rolled, "whsec_old_0123456789", "evt_4").await,
    );

    assert_eq!((both, after), ((200, 200), (200, 400)));
    let signed =
        async |app: &TestApp, by| app.figure(&format!("webhook_signed_total{{secret=\"{by}\"}}")).await;
    assert_eq!((signed(&rolling, "newest").await, signed(&rolling, "older").await), (1, 1));
    assert_eq!(app.texts("select id from stripe_events order by id").await, ["evt_1", "evt_2", "evt_3"]);
    assert_eq!(rolled.figure(BAD_SIGNATURE).await, 1);
}

/// The same with a Stripe that signs with both.
#[portico_test]
async fn stripe_rolls_the_secret_and_no_event_is_lost(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let endpoints = it.app.at_stripe("/v1/webhook_endpoints").await;
    let endpoint = endpoints[0]["id"].as_str().unwrap();

    it.control(&format!("/endpoints/{endpoint}/roll_secret"), json!({ "overlap": DAY })).await;
    it.subscribe(&acme, "pro", "month", GOOD).await;

    it.assert_no_drift("acme").await;
    assert_eq!(it.app.figure(BAD_SIGNATURE).await, 0);
}

#[test]
fn a_blank_secret_is_no_start() {
    let refused = |secrets: Option<&str>| {
        let secrets = secrets.map(str::to_owned);
        let read = Config::read(|name| match name {
            "STRIPE_SECRET_KEY" => Some("sk_test_123".into()),
            "STRIPE_WEBHOOK_SECRETS" => secrets.clone(),
            _ => None,
        });
        read.map_or_else(|refused| refused.to_string(), |_| String::new())
    };

    for secrets in [None, Some(""), Some(" "), Some(","), Some("whsec_"), Some("whsec_0123456789abcdef,")] {
        assert!(refused(secrets).contains("STRIPE_WEBHOOK_SECRETS"), "{secrets:?}: {}", refused(secrets));
    }
    assert_eq!(refused(Some(SECRET)), "");
}

#[portico_test]
async fn an_event_of_the_other_mode_waits_for_a_person_and_changes_nothing(app: TestApp) {
    let app = with_secret(&app).await;
    let live = event("evt_live", "customer.subscription.deleted", "cus_1")
        .replace("\"livemode\":false", "\"livemode\":true");

    let status = delivered(&app, &live).await;

    assert_eq!((status, state_of(&app, "evt_live").await), (200, "parked".into()));
    assert_eq!(app.count("select count(*) from jobs").await, 0, "nobody works on it");
    assert_eq!(app.figure(r#"inbox_events{state="parked"}"#).await, 1);
}

#[portico_test]
async fn a_clock_six_minutes_off_is_told_apart_from_a_forgery(app: TestApp) {
    let app = with_secret(&app).await;
    let body = event("evt_1", "customer.subscription.updated", "cus_1");
    let stripes_time = app.app.clock.now().unix();
    let forged = post_webhook(&app, &signature("whsec_of_somebody", stripes_time, &body), &body).await;

    for skew in [time::Duration::minutes(6), time::Duration::minutes(-12)] {
        app.app.clock.advance(skew);
        post_webhook(&app, &signature(SECRET, stripes_time, &body), &body).await.assert_status(400);
    }

    forged.assert_status(400);
    assert_eq!((app.figure(BAD_SIGNATURE).await, app.figure(BAD_TIMESTAMP).await), (1, 2));
    assert_eq!(app.count("select count(*) from stripe_events").await, 0);
}

#[portico_test]
async fn a_recording_counts_once_and_after_ten_minutes_is_refused(app: TestApp) {
    let app = with_secret(&app).await;
    let body = event("evt_1", "product.created", "cus_1");
    let recorded = signature(SECRET, app.app.clock.now().unix(), &body);
    post_webhook(&app, &recorded, &body).await.assert_status(200);

    app.app.clock.advance(time::Duration::minutes(4));
    let soon = post_webhook(&app, &recorded, &body).await;
    app.app.clock.advance(time::Duration::minutes(6));
    let late = post_webhook(&app, &recorded, &body).await;

    assert_eq!((soon.status.as_u16(), late.status.as_u16()), (200, 400));
    assert_eq!(app.count("select count(*) from stripe_events").await, 1);
}

#[portico_test]
async fn a_body_too_large_is_refused_however_well_it_is_signed(app: TestApp) {
    let app = with_secret(&app).await;
    let padded = |length: usize| {
        let body = event("evt_1", "product.created", "cus_1");
        format!("{body}{}", " ".repeat(length - body.len()))
    };

    let over = delivered(&app, &padded(1024 * 1024 + 1)).await;
    let far_over = delivered(&app, &padded(10 * 1024 * 1024)).await;

    assert_eq!((over, far_over, app.count("select count(*) from stripe_events").await), (413, 413, 0));
    assert_eq!(delivered(&app, &padded(1024 * 1024)).await, 200, "a megabyte is not too much");
}

/// Not even a database that is gone is noticed by a forger.
#[portico_test]
async fn forged_posts_never_reach_the_database(app: TestApp) {
    let app = with_secret(&app).await;
    app.run("alter table stripe_events rename to gone").await;
    let body = event("evt_1", "customer.subscription.updated", "cus_1");

    for n in 0..10_000 {
        let forged = signature(&format!("whsec_guess_{n}"), app.app.clock.now().unix(), &body);
        post_webhook(&app, &forged, &body).await.assert_status(400);
    }

    assert_eq!(delivered(&app, &body).await, 503, "what is signed is tried, and Stripe told to come back");
    app.run("alter table gone rename to stripe_events").await;
    assert_eq!(app.figure(BAD_SIGNATURE).await, 10_000);
    assert_eq!(app.count("select count(*) from stripe_events").await, 0);
    assert_eq!(delivered(&app, &body).await, 200);
}

/// It sends its headers and then nothing. Real time, since the waiting is the product's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_never_ends_its_body_is_let_go() {
    struct Endless;
    impl axum::body::HttpBody for Endless {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }
    let app = with_secret(&TestApp::sqlite("").await).await;
    let signature = signature(SECRET, app.app.clock.now().unix(), "");
    let request =
        Request::post("http://portico.localhost/webhooks/stripe").header("host", "portico.localhost");
    let request = request.header("stripe-signature", signature);
    let started = std::time::Instant::now();

    let answer = app.router.clone().oneshot(request.body(Body::new(Endless)).unwrap()).await.unwrap();

    assert_eq!(answer.status().as_u16(), 408);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

#[portico_test]
async fn a_type_nobody_knows_is_kept_and_asks_stripe_nothing(app: TestApp) {
    let app = with_secret(&app).await;

    let status = delivered(&app, &event("evt_1", "subscription.teleported", "cus_1")).await;

    assert_eq!((status, state_of(&app, "evt_1").await), (200, "ignored".into()));
    assert_eq!(app.count("select count(*) from jobs").await, 0);
}

#[portico_test]
async fn thin_events_and_those_of_other_versions_mean_the_same(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    for (how, price) in [
        (json!({ "thin": true }), "pro_year"),
        (json!({ "api_version": "2024-06-20" }), "business_month"),
        (json!({ "api_version": "2031-01-01.zinnia" }), "business_year"),
    ] {
        it.deliver(how.clone()).await;

        it.act(&customer, "switch_plan", json!({ "price": price })).await;
        it.settled().await;

        it.assert_no_drift("acme").await;
        let interval = it.billing_state("acme").await["interval"].as_str().unwrap().to_owned();
        assert!(price.ends_with(&interval), "{how}: {interval}");
    }
    assert_eq!(it.app.count("select count(*) from stripe_events where state in ('dead', 'parked')").await, 0);
}

/// After an outage there may be thousands, and nobody asks twice for the same customer.
#[portico_test]
async fn more_events_of_one_customer_than_a_page_are_all_settled(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_redirects_to(&app.stripe);
    let customer = app.customers_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    let stored = (0..2_100).map(|n| {
        let event = json!({ "id": format!("evt_{n}"), "type": "customer.updated", "created": n,
            "data": { "object": { "id": customer, "object": "customer" } } });
        let envelope = product::stripe::Envelope::parse(event.to_string().as_bytes()).unwrap();
        let delivery = product::billing::Delivery { envelope, payload: Vec::new(), live: false };
        let inbox = app.app.inbox.clone();
        tokio::spawn(async move { inbox.store(delivery).await })
    });
    for stored in stored.collect::<Vec<_>>() {
        assert!(stored.await.unwrap());
    }

    product::billing::process(&app.app, &customer).await.unwrap();

    let done = "select count(*) from stripe_events where state = 'done' and applied = 1";
    assert_eq!(app.count(done).await, 2_100);
}
