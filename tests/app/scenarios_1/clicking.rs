//! People who click at once, twice, too late or where they should not: scenarios 7 to 14.
use crate::{
    loop_world::{GOOD, Loop, NEVER_PAYS},
    support::stub::{Reply, Stub},
    world::TestApp,
};
use hyper::Method;
use product::{billing, orgs::Role};
use serde_json::{Value, json};
use std::time::Duration;

crate::support::on_both_engines! {
    two_admins_who_upgrade_at_once_are_sent_to_one_session,
    people_who_choose_different_plans_at_once_leave_one_session_that_can_be_paid,
    a_session_that_comes_after_another_plan_was_chosen_is_closed_again,
    the_first_tab_cannot_be_paid_any_more_once_there_is_a_second,
    a_tab_that_could_not_be_closed_is_closed_at_the_next_click,
    two_subscriptions_are_one_entitlement_and_an_alarm,
    a_customer_from_the_form_is_refused_wherever_it_is_sent,
    a_session_of_another_organisation_is_not_found,
    what_cannot_be_a_session_never_reaches_stripe,
    a_person_demoted_meanwhile_can_neither_buy_nor_sync_nor_come_back,
    a_customer_deleted_at_stripe_takes_the_plan_along_and_the_next_checkout_makes_another,
    a_plan_cancelled_in_the_portal_works_until_its_end_and_can_be_kept,
    a_new_card_alone_pays_nothing_and_the_open_invoice_does,
}

const PRO: [(&str, &str); 2] = [("plan", "pro"), ("interval", "month")];
const BUSINESS: [(&str, &str); 2] = [("plan", "business"), ("interval", "month")];

/// Scenario 7.
async fn two_admins_who_upgrade_at_once_are_sent_to_one_session(app: TestApp) {
    let it = Loop::of(app).await;
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

/// Scenarios 7 and 8.
async fn people_who_choose_different_plans_at_once_leave_one_session_that_can_be_paid(app: TestApp) {
    let it = Loop::of(app).await;
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

/// Scenarios 7 and 8: the narrow moment of it.
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

fn says(body: &str) -> Reply {
    Reply::http("200 OK", &["content-type: application/json"], body)
}

/// Scenario 8.
async fn the_first_tab_cannot_be_paid_any_more_once_there_is_a_second(app: TestApp) {
    let it = Loop::of(app).await;
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

/// Scenario 8, on a bad day of Stripe's.
async fn a_tab_that_could_not_be_closed_is_closed_at_the_next_click(app: TestApp) {
    let it = Loop::of(app).await;
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

/// Scenario 8, where it happened all the same.
async fn two_subscriptions_are_one_entitlement_and_an_alarm(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    let prices = it.app.at_stripe("/v1/prices?lookup_keys[]=pro_month").await;
    let price = prices[0]["id"].as_str().unwrap();
    it.deliver(json!({ "drop": 1 })).await;
    let second = [("customer", &*customer), ("items[0][price]", price), ("trial_period_days", "7")];
    it.in_dashboard(Method::POST, "/v1/subscriptions", &second).await;

    it.reconcile().await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["plan"], "business");
    it.assert_no_drift("acme").await;
    let billing::Figures { duplicates, .. } = billing::figures(&it.app.app).await.unwrap();
    assert_eq!(duplicates, 1, "what the operators' alarm counts");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("There are two subscriptions"), "{}", page.text());
}

/// Scenario 9.
async fn a_customer_from_the_form_is_refused_wherever_it_is_sent(app: TestApp) {
    let it = Loop::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    globex.owner.post("/orgs/globex/billing/portal").await.assert_status(303);
    let theirs = it.customer_of("globex").await;
    let sneaked = [("customer", theirs.as_str()), ("org", "globex"), ("return_url", "https://evil.test")];

    for field in sneaked {
        let (portal, checkout) = ([("flow", ""), field], [PRO[0], PRO[1], field]);
        acme.owner.post("/orgs/acme/billing/portal").fields(&portal).await.assert_status(422);
        acme.owner.post("/orgs/acme/billing/checkout").fields(&checkout).await.assert_status(422);
        acme.owner.post("/orgs/acme/billing/sync").fields(&[field]).await;
        acme.owner.get(&format!("/orgs/acme/billing/return?{}={}", field.0, field.1)).await;
    }
    for path in ["portal", "checkout", "sync"] {
        acme.owner.post(&format!("/orgs/globex/billing/{path}")).fields(&PRO).await.assert_status(404);
    }
    acme.owner.get("/orgs/globex/billing/return").await.assert_status(404);

    assert_eq!(it.billing_state("acme").await["customer"], json!(null));
    assert_eq!(it.open_sessions(&theirs).await.len(), 0);
    assert_eq!(
        it.app.audit("globex").await,
        ["org.created", "billing.customer_created", "billing.portal_opened"]
    );
}

/// Scenario 10.
async fn a_session_of_another_organisation_is_not_found(app: TestApp) {
    let it = Loop::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    let theirs = it.subscribe(&globex, "pro", "month", GOOD).await;
    let session = it.newest_session(&theirs).await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);

    let refused = acme.owner.get(&format!("/orgs/acme/billing/return?session_id={session}")).await;

    refused.assert_status(404);
    assert_eq!(it.billing_state("acme").await["status"], json!(null));
    globex.owner.get(&format!("/orgs/globex/billing/return?session_id={session}")).await.assert_status(303);
}

/// Scenario 10: malformed ids.
async fn what_cannot_be_a_session_never_reaches_stripe(app: TestApp) {
    let acme = app.org("acme").await;
    let stripe = Stub::answering([Reply::html_502()]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;
    let olivia = app.lets_in(&acme.owner);

    for id in [
        "cs_x/../../customers",
        "cs_test_..%2F..%2Fv1%2Fcustomers",
        "cs_test_a1B2c3D4e5F6%3Fexpand",
        "cs_test_a1B2c3D4e5F6",
        "cus_1",
    ] {
        olivia.get(&format!("/orgs/acme/billing/return?session_id={id}")).await.assert_status(404);
    }

    assert_eq!(stripe.arrived().len(), 0);
}

/// Scenario 11, for what `billing.rs` does not click on.
async fn a_person_demoted_meanwhile_can_neither_buy_nor_sync_nor_come_back(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let bianca = it.app.joins(&acme, Role::Billing).await;
    bianca.get("/orgs/acme/billing").await.assert_status(200);
    it.app.run("update members set role = 'member' where role = 'billing'").await;

    let buying = bianca.post("/orgs/acme/billing/checkout").fields(&PRO).await;
    let syncing = bianca.post("/orgs/acme/billing/sync").await;
    let returning = bianca.get("/orgs/acme/billing/return").await;

    buying.assert_status(403);
    syncing.assert_status(403);
    returning.assert_status(403);
    assert_eq!(it.app.customers_at_stripe().await.len(), 0);
}

/// Scenario 12.
async fn a_customer_deleted_at_stripe_takes_the_plan_along_and_the_next_checkout_makes_another(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let gone = it.subscribe(&acme, "pro", "month", GOOD).await;

    it.in_dashboard(Method::DELETE, &format!("/v1/customers/{gone}"), &[]).await;
    it.settled().await;

    let ours = it.billing_state("acme").await;
    assert_eq!((&ours["status"], &ours["subscription"]), (&json!("canceled"), &json!(null)));
    assert_eq!(it.audited("acme", "billing.customer_detached").await, 1);
    assert_eq!(it.mails().await, ["Welcome to Pro", "Your Pro plan has ended"]);
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(
        page.text().contains("Subscription ended") && page.text().contains("Choose a plan"),
        "{}",
        page.text()
    );
    let fresh = it.subscribe(&acme, "business", "month", GOOD).await;
    assert_ne!(fresh, gone);
    assert_eq!(it.billing_state("acme").await["plan"], "business");
    it.assert_no_drift("acme").await;
    assert_eq!(it.app.count("select count(*) from stripe_events where state in ('parked', 'dead')").await, 0);
}

/// Scenario 13.
async fn a_plan_cancelled_in_the_portal_works_until_its_end_and_can_be_kept(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;

    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.settled().await;

    let at_stripe = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}")).await;
    assert_eq!(at_stripe[0]["cancel_at_period_end"], false, "the flag says nothing under flexible billing");
    let ours = it.billing_state("acme").await;
    assert_eq!((&ours["status"], &ours["plan"]), (&json!("active"), &json!("business")));
    assert_eq!(ours["cancel_at"], at_stripe[0]["cancel_at"]);
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("Ends on") && page.text().contains("Keep the plan"), "{}", page.text());
    for n in 0..5 {
        // More than the Free plan has.
        let made = acme.owner.post("/orgs/acme/projects").field("name", &format!("Project {n}")).await;
        made.assert_status(303);
    }
    it.act(&customer, "renew", json!({})).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["cancel_at"], json!(null));
    assert!(!acme.owner.get("/orgs/acme/billing").await.text().contains("Ends on"));
}

/// Scenario 14.
async fn a_new_card_alone_pays_nothing_and_the_open_invoice_does(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    pin(&it, &customer, NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "past_due");

    pin(&it, &customer, GOOD).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "past_due", "a card is no payment");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("ending in 4242") && page.text().contains("Pay now"), "{}", page.text());
    let open = it.app.at_stripe(&format!("/v1/invoices?customer={customer}&status=open")).await;
    assert!(page.text().contains(open[0]["hosted_invoice_url"].as_str().unwrap()), "{}", page.text());
    it.act(&customer, "pay_invoice", json!({})).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["status"], "active");
    it.assert_no_drift("acme").await;
    assert!(!acme.owner.get("/orgs/acme/billing").await.text().contains("Pay now"));
}

/// The card becomes the customer's default and the subscription's own.
async fn pin(it: &Loop, customer: &str, card: &str) {
    let added = it.act(customer, "add_card", json!({ "card": card })).await;
    let sub: Value = it.billing_state("acme").await["subscription"].clone();
    let path = format!("/v1/subscriptions/{}", sub.as_str().unwrap());
    it.in_dashboard(Method::POST, &path, &[("default_payment_method", &added[0])]).await;
}
