//! Webhooks that are forged, late, recorded, too large, of another mode, version or vocabulary.
use super::{SECRET, delivered, event, figure, post_webhook, state_of, with_secret};
use crate::{
    loop_world::{GOOD, Loop, signature},
    support::{
        http::Person,
        stub::{Reply, Stub},
    },
    world::TestApp,
};
use axum::body::{Body, Bytes};
use hyper::Request;
use product::config::Config;
use serde_json::{Value, json};
use tower::ServiceExt;

crate::support::on_both_engines! {
    an_event_signed_with_either_secret_is_taken_until_the_old_one_is_gone,
    stripe_rolls_the_secret_and_no_event_is_lost,
    an_event_of_the_other_mode_waits_for_a_person_and_changes_nothing,
    a_clock_six_minutes_off_is_told_apart_from_a_forgery,
    a_recording_counts_once_and_after_ten_minutes_is_refused,
    a_body_too_large_is_refused_however_well_it_is_signed,
    forged_posts_never_reach_the_database,
    a_type_nobody_knows_is_kept_and_asks_stripe_nothing,
    a_status_nobody_knows_takes_nothing_away_for_a_day,
    a_status_nobody_knows_grants_nothing_new,
    thin_events_and_those_of_other_versions_mean_the_same,
    a_dispute_changes_nothing_that_people_may_do,
}

const BAD_SIGNATURE: &str = r#"webhook_rejected_total{reason="signature"}"#;
const BAD_TIMESTAMP: &str = r#"webhook_rejected_total{reason="timestamp"}"#;

/// 22.
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
    let signed = async |app, by| figure(app, &format!("webhook_signed_total{{secret=\"{by}\"}}")).await;
    assert_eq!((signed(&rolling, "newest").await, signed(&rolling, "older").await), (1, 1));
    assert_eq!(app.texts("select id from stripe_events order by id").await, ["evt_1", "evt_2", "evt_3"]);
    assert_eq!(figure(&rolled, BAD_SIGNATURE).await, 1);
}

/// 22, with the sender's half.
async fn stripe_rolls_the_secret_and_no_event_is_lost(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let endpoints = it.app.at_stripe("/v1/webhook_endpoints").await;
    let endpoint = endpoints[0]["id"].as_str().unwrap();

    it.control(&format!("/endpoints/{endpoint}/roll_secret"), json!({ "overlap": 86_400 })).await;
    it.subscribe(&acme, "pro", "month", GOOD).await;

    it.assert_no_drift("acme").await;
    assert_eq!(figure(&it.app, BAD_SIGNATURE).await, 0);
}

/// 23.
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

/// 24.
async fn an_event_of_the_other_mode_waits_for_a_person_and_changes_nothing(app: TestApp) {
    let app = with_secret(&app).await;
    let live = event("evt_live", "customer.subscription.deleted", "cus_1")
        .replace("\"livemode\":false", "\"livemode\":true");

    let status = delivered(&app, &live).await;

    assert_eq!((status, state_of(&app, "evt_live").await), (200, "parked".into()));
    assert_eq!(app.count("select count(*) from jobs").await, 0, "nobody works on it");
    assert_eq!(figure(&app, r#"inbox_events{state="parked"}"#).await, 1);
}

/// 25.
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
    assert_eq!((figure(&app, BAD_SIGNATURE).await, figure(&app, BAD_TIMESTAMP).await), (1, 2));
    assert_eq!(app.count("select count(*) from stripe_events").await, 0);
}

/// 26.
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

/// 27.
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

/// 27: not even a database that is gone is noticed by a forger.
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
    assert_eq!(figure(&app, BAD_SIGNATURE).await, 10_000);
    assert_eq!(app.count("select count(*) from stripe_events").await, 0);
    assert_eq!(delivered(&app, &body).await, 200);
}

/// 27: a byte and then nothing. Real time, since the waiting is the product's own.
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
    let request = Request::post("http://portico.test/webhooks/stripe").header("host", "portico.test");
    let started = std::time::Instant::now();

    let answer = app.router.clone().oneshot(request.body(Body::new(Endless)).unwrap()).await.unwrap();

    assert_eq!(answer.status().as_u16(), 408);
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

/// 28.
async fn a_type_nobody_knows_is_kept_and_asks_stripe_nothing(app: TestApp) {
    let app = with_secret(&app).await;

    let status = delivered(&app, &event("evt_1", "subscription.teleported", "cus_1")).await;

    assert_eq!((status, state_of(&app, "evt_1").await), (200, "ignored".into()));
    assert_eq!(app.count("select count(*) from jobs").await, 0);
}

/// An organisation whose Stripe is a stub from now on, and its owner there.
async fn before_a_stub(app: &TestApp) -> (TestApp, Person, Stub) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let stub = Stub::answering([Reply::html_502()]);
    let app = app.restarted_with("STRIPE_API_BASE", &stub.url()).await;
    let app = app.restarted_with("SESSION_IDLE_MINUTES", "9999").await; // days pass here
    let owner = app.lets_in(&acme.owner);
    (app, owner, stub)
}

/// Stripe holds one subscription in that status, and the owner asks for it.
async fn synced(owner: &Person, stub: &Stub, status: &str, plan: &str) {
    let list = |data: Value| json!({ "object": "list", "data": data, "has_more": false });
    let price = json!({ "id": "price_1", "lookup_key": plan, "unit_amount": 2_900, "currency": "usd" });
    let item =
        json!({ "id": "si_1", "quantity": 1, "current_period_end": 4_000_000_000_u32, "price": price });
    let held = json!([{ "id": "sub_1", "status": status, "created": 1, "items": list(json!([item])) }]);
    let replies = [json!({ "id": "cus_1", "object": "customer" }), list(held), list(json!([]))];
    stub.now_answer(replies.iter().map(|body| Reply::json("200 OK", body)));
    owner.post("/orgs/acme/billing/sync").await.assert_redirects_to("/orgs/acme/billing");
}

/// 28.
async fn a_status_nobody_knows_takes_nothing_away_for_a_day(app: TestApp) {
    let (app, olivia, stub) = before_a_stub(&app).await;
    synced(&olivia, &stub, "active", "pro_month").await;

    synced(&olivia, &stub, "hibernating", "pro_month").await;

    olivia.get("/orgs/acme/projects").await.assert_says("of 50 projects on the Pro plan");
    olivia.get("/orgs/acme/billing").await.assert_status(200).assert_says("hibernating");
    app.app.clock.advance(time::Duration::hours(23));
    synced(&olivia, &stub, "hibernating", "pro_month").await;
    olivia.get("/orgs/acme/projects").await.assert_says("of 50 projects on the Pro plan");
    app.app.clock.advance(time::Duration::hours(2));
    olivia.get("/orgs/acme/projects").await.assert_says("of 3 projects on the Free plan");
    synced(&olivia, &stub, "hibernating", "pro_month").await;
    olivia.get("/orgs/acme/projects").await.assert_says("of 3 projects on the Free plan");
}

/// 28.
async fn a_status_nobody_knows_grants_nothing_new(app: TestApp) {
    let (_app, olivia, stub) = before_a_stub(&app).await;

    synced(&olivia, &stub, "hibernating", "business_month").await;

    olivia.get("/orgs/acme/projects").await.assert_says("of 3 projects on the Free plan");
    synced(&olivia, &stub, "active", "pro_month").await;
    synced(&olivia, &stub, "hibernating", "business_month").await;
    olivia.get("/orgs/acme/projects").await.assert_says("of 50 projects on the Pro plan");
}

/// 29.
async fn thin_events_and_those_of_other_versions_mean_the_same(app: TestApp) {
    let it = Loop::of(app).await;
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

/// 35: access follows the subscription alone; the event is there for whoever looks.
async fn a_dispute_changes_nothing_that_people_may_do(app: TestApp) {
    let (app, olivia, stub) = before_a_stub(&with_secret(&app).await).await;
    synced(&olivia, &stub, "active", "pro_month").await;
    let customer = app.texts("select customer_id from billing_customers").await.remove(0);

    let statuses = [
        delivered(&app, &event("evt_1", "charge.dispute.created", &customer)).await,
        delivered(&app, &event("evt_2", "charge.refunded", &customer)).await,
    ];

    assert_eq!(statuses, [200, 200]);
    assert_eq!(
        (state_of(&app, "evt_1").await, state_of(&app, "evt_2").await),
        ("ignored".into(), "ignored".into())
    );
    assert_eq!(figure(&app, "disputes").await, 1, "somebody has to look");
    olivia.get("/orgs/acme/projects").await.assert_says("of 50 projects on the Pro plan");
}
