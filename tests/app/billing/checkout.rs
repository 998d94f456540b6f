//! Buying a plan: one session that can be paid, whoever clicks, however often, whatever is lost on the way.
use crate::{
    billing_app::{BUSINESS, BillingApp, GOOD, PRO},
    support::stub::{Reply, Stub},
    test_app::TestApp,
};
use product::{billing::plans, orgs::Role};
use serde_json::json;
use std::time::{Duration, Instant};

#[portico_test]
async fn an_owner_keeps_the_plan_chosen_on_the_pricing_page(app: TestApp) {
    let acme = app.org("acme").await;
    let page = acme.owner.get("/pricing").await;
    page.assert_says(r#"action="/orgs/acme/billing/portal""#).assert_says("Choose Pro by the year");
    let chosen = [("flow", "change_plan"), ("plan", "pro"), ("interval", "year")];

    let sent = acme.owner.post("/orgs/acme/billing/portal").fields(&chosen).await;

    sent.assert_redirects_to(&app.stripe);
    let open = app.at_stripe("/v1/checkout/sessions").await;
    assert_eq!(open[0]["amount_subtotal"], 0, "a trial of the yearly plan: {}", open[0]);
}

#[portico_test]
async fn a_visitor_sees_the_prices_and_is_sent_to_sign_up(app: TestApp) {
    let page = app.visitor().get("/pricing").await;

    page.assert_status(200).assert_says(r#"href="/sign-up""#);
    for (_, amount) in plans::OFFERS.iter().flat_map(plans::Offer::prices) {
        page.assert_says(&format!("{}<", plans::price(amount)));
    }
    page.assert_does_not_say("/billing/portal");
}

#[portico_test]
async fn two_admins_who_upgrade_at_once_are_sent_to_one_session(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let ada = it.app.joins(&acme, Role::Admin).await;
    let click = |who: &crate::support::http::Person| {
        let who = who.clone();
        async move { who.post("/orgs/acme/billing/checkout").fields(&PRO).await.location().to_owned() }
    };

    let (first, second) = tokio::join!(click(&acme.owner), click(&ada));

    assert_eq!(first, second);
    let customer = it.customer_of("acme").await;
    let open = it.open_sessions(&customer).await;
    assert_eq!(open.len(), 1);
    it.act(&customer, "complete_checkout", json!({ "session": open[0], "card": GOOD })).await;
    let third = click(&ada).await;
    assert!(
        third.starts_with(&format!("{}/p/session/", it.app.stripe)),
        "to the portal, webhook or not: {third}"
    );
    assert_eq!(it.open_sessions(&customer).await.len(), 0);
}

#[portico_test]
async fn people_who_choose_different_plans_at_once_leave_one_session_that_can_be_paid(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    for _ in 0..3 {
        let clicks = (0..6).map(|n| {
            let (who, plan) = (acme.owner.clone(), if n % 2 == 0 { PRO } else { BUSINESS });
            tokio::spawn(async move { who.post("/orgs/acme/billing/checkout").fields(&plan).await })
        });

        for click in clicks.collect::<Vec<_>>() {
            let status = click.await.unwrap().status.as_u16();
            assert!(status == 303 || status == 503, "{status}");
        }

        let customer = it.customer_of("acme").await;
        let open = it.open_sessions(&customer).await;
        assert!(open.len() <= 1, "each of these can be paid: {open:?}");
    }
}

/// Somebody chooses another plan while Stripe still makes the session.
#[portico_test]
async fn a_session_that_comes_after_another_plan_was_chosen_is_closed_again(app: TestApp) {
    let acme = app.org("acme").await;
    let none = || says(r#"{"object":"list","data":[],"has_more":false}"#);
    let session = r#"{"id":"cs_test_1","status":"open","url":"https://checkout.stripe.com/c/pay/x"}"#;
    let stripe = Stub::answering([
        says(r#"{"id":"cus_1","object":"customer"}"#),
        none(), // sessions
        none(), // subscriptions
        says(r#"{"object":"list","data":[{"id":"price_1"}],"has_more":false}"#),
        says(session).after(Duration::from_millis(700)),
        says(r#"{"id":"cs_test_1","status":"expired"}"#),
    ]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let olivia = app.lets_in(&acme.owner);
    let click = tokio::spawn(async move { olivia.post("/orgs/acme/billing/checkout").fields(&PRO).await });
    while stripe.arrived().len() < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.run("update checkout_attempts set state = 'expired'").await; // as somebody's other choice does

    let refused = click.await.unwrap();

    refused.assert_status(503);
    assert_eq!(stripe.arrived().pop().unwrap().path, "/v1/checkout/sessions/cs_test_1/expire");
    assert_eq!(app.audit("acme").await, ["org.created", "billing.customer_created"]);
}

/// Whoever closes the tab in the middle does not keep the next click waiting.
#[portico_test]
async fn a_click_that_is_given_up_is_finished_and_the_next_click_finds_its_session(app: TestApp) {
    let acme = app.org("acme").await;
    let none = || says(r#"{"object":"list","data":[],"has_more":false}"#);
    let session = r#"{"id":"cs_test_1","status":"open","url":"https://checkout.stripe.com/c/pay/x"}"#;
    let stripe = Stub::answering([
        says(r#"{"id":"cus_1","object":"customer"}"#),
        none(), // sessions
        none(), // subscriptions
        says(r#"{"object":"list","data":[{"id":"price_1"}],"has_more":false}"#),
        says(session).after(Duration::from_millis(700)),
        says(session), // asked for by the next click
    ]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let olivia = app.lets_in(&acme.owner);
    let gone = olivia.clone();
    let click = tokio::spawn(async move { gone.post("/orgs/acme/billing/checkout").fields(&PRO).await });
    while stripe.arrived().len() < 5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    click.abort();
    let next = olivia.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    next.assert_redirects_to("https://checkout.stripe.com/c/pay/x");
    assert!(click.await.is_err_and(|error| error.is_cancelled()), "nobody waited for the first");
    let made =
        stripe.arrived().iter().filter(|it| it.method == "POST" && it.path.ends_with("/sessions")).count();
    assert_eq!(made, 1, "one session, made for the first click");
    assert_eq!(app.count("select count(*) from checkout_attempts where session_id = 'cs_test_1'").await, 1);
}

fn says(body: &str) -> Reply {
    Reply::http("200 OK", &["content-type: application/json"], body)
}

#[portico_test]
async fn the_first_tab_cannot_be_paid_any_more_once_there_is_a_second(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await.assert_status(303);
    let customer = it.customer_of("acme").await;
    let first = it.newest_session(&customer).await;

    acme.owner.post("/orgs/acme/billing/checkout").fields(&BUSINESS).await.assert_status(303);

    let second = it.open_sessions(&customer).await;
    assert!(second.len() == 1 && second[0] != first, "{second:?}");
    let refused = it.try_act(&customer, "complete_checkout", json!({ "session": first, "card": GOOD })).await;
    assert_eq!(refused["ok"], false, "{refused}");
    it.act(&customer, "complete_checkout", json!({ "session": second[0], "card": GOOD })).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["plan"], "business");
}

#[portico_test]
async fn a_tab_that_could_not_be_closed_is_closed_at_the_next_click(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await.assert_status(303);
    let customer = it.customer_of("acme").await;
    let first = it.newest_session(&customer).await;
    it.fail(
        json!({ "method": "POST", "path": "/v1/checkout/sessions/*/expire", "kind": "502_html", "times": 3 }),
    )
    .await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&BUSINESS).await.assert_status(503);

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&BUSINESS).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    let open = it.open_sessions(&customer).await;
    assert!(open.len() == 1 && open[0] != first, "{open:?}");
}

#[portico_test]
async fn what_stripe_did_before_the_line_went_dead_is_done_once(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    for path in ["/v1/customers", "/v1/checkout/sessions"] {
        it.fail(json!({ "method": "POST", "path": path, "kind": "close_after", "times": 1 })).await;
    }

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    assert_eq!(it.app.customers_at_stripe().await.len(), 1);
    let sessions = it.app.at_stripe("/v1/checkout/sessions?limit=100").await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sent.location(), sessions[0]["url"].as_str().unwrap());
}

/// The answer to every try of a click was lost.
#[portico_test]
async fn a_session_whose_answer_was_lost_does_not_keep_a_person_waiting(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.fail(json!({ "method": "POST", "path": "/v1/checkout/sessions", "kind": "close_after", "times": 3 }))
        .await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await.assert_status(503);
    let started = Instant::now();

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let open = it.app.at_stripe("/v1/checkout/sessions?status=open&limit=100").await;
    assert_eq!(open.iter().map(|it| it["url"].as_str().unwrap()).collect::<Vec<_>>(), [sent.location()]);
}

#[portico_test]
async fn a_recorded_failure_of_checkout_is_over_with_the_next_click(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.fail(json!({ "method": "POST", "path": "/v1/checkout/sessions", "kind": "500", "times": 1 })).await;
    acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await.assert_status(503);
    let started = Instant::now();

    let sent = acme.owner.post("/orgs/acme/billing/checkout").fields(&PRO).await;

    sent.assert_redirects_to(&format!("{}/c/pay/", it.app.stripe));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[portico_test]
async fn whoever_had_a_trial_pays_at_once_the_second_time(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    assert_eq!(it.billing_state("acme").await["status"], "trialing");
    it.act(&customer, "cancel", json!({ "when": "now" })).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "canceled");
    acme.owner.get("/orgs/acme/billing").await.assert_does_not_say("14-day trial");

    it.subscribe(&acme, "pro", "month", GOOD).await;

    assert_eq!(it.billing_state("acme").await["status"], "active");
    it.assert_no_drift("acme").await;
}
