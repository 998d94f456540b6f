//! The billing state follows the subscription, whatever becomes of it and whoever changed it.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    support::{
        http::Person,
        stub::{Reply, Stub},
    },
    test_app::TestApp,
    webhook_deliveries::{delivered, event, state_of, with_secret},
};
use product::{
    billing::{self, plans::Plan},
    orgs::Role,
};
use serde_json::{Value, json};

#[portico_test]
async fn a_year_of_a_subscription_is_lived_without_drift(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["status"], "trialing");

    it.advance(15 * DAY).await;
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["status"], "active");

    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["interval"], "year");

    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.settled().await;
    assert!(it.billing_state("acme").await["cancel_at"].is_i64());
    it.act(&customer, "renew", json!({})).await;
    it.settled().await;
    it.assert_no_drift("acme").await;

    // Checkout has pinned its card to the subscription; a card that never pays takes its place.
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.billing_state("acme").await["status"], "past_due");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("A payment did not go through"), "{}", page.text());
    assert!(page.text().contains("ending in 0341"), "the card in charge is the pinned one: {}", page.text());
}

/// The second one was made by hand, in Stripe's Dashboard.
#[portico_test]
async fn two_subscriptions_are_one_entitlement_and_an_alarm(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    let prices = it.app.at_stripe("/v1/prices?lookup_keys[]=pro_month").await;
    let price = prices[0]["id"].as_str().unwrap();
    it.deliver(json!({ "drop": 1 })).await;
    let second = [("customer", &*customer), ("items[0][price]", price), ("trial_period_days", "7")];
    it.write_at_stripe("/v1/subscriptions", &second).await;

    it.reconcile().await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["plan"], "business");
    it.assert_no_drift("acme").await;
    let billing::Figures { duplicates, .. } = billing::figures(&it.app.app).await.unwrap();
    assert_eq!(duplicates, 1, "what the operators' alarm counts");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("There are two subscriptions"), "{}", page.text());
}

#[portico_test]
async fn a_customer_deleted_at_stripe_takes_the_plan_along_and_the_next_checkout_makes_another(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let gone = it.subscribe(&acme, "pro", "month", GOOD).await;

    it.delete_at_stripe(&format!("/v1/customers/{gone}")).await;
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

#[portico_test]
async fn a_plan_cancelled_in_the_portal_works_until_its_end_and_can_be_kept(app: TestApp) {
    let it = BillingApp::of(app).await;
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
    page.assert_says("1 member, 1 seat paid for");
    it.act(&customer, "renew", json!({})).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["cancel_at"], json!(null));
    assert!(!acme.owner.get("/orgs/acme/billing").await.text().contains("Ends on"));
}

/// What the billing page says of usage while that plan's limits apply.
fn one_member_of(plan: Plan) -> String {
    format!("1 of {} members", plan.offer().limit("member").expect("a plan with a limit"))
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
    let preview =
        json!({ "amount_due": 2_900, "total": 2_900, "currency": "usd", "period_end": 4_000_000_000_u32 });
    let replies = [json!({ "id": "cus_1", "object": "customer" }), list(held), list(json!([])), preview];
    stub.now_answer(replies.iter().map(|body| Reply::json("200 OK", body)));
    owner.post("/orgs/acme/billing/sync").await.assert_redirects_to("/orgs/acme/billing");
}

#[portico_test]
async fn a_status_nobody_knows_takes_nothing_away_for_a_day(app: TestApp) {
    let (app, olivia, stub) = before_a_stub(&app).await;
    synced(&olivia, &stub, "active", "pro_month").await;

    synced(&olivia, &stub, "hibernating", "pro_month").await;

    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Pro));
    olivia.get("/orgs/acme/billing").await.assert_status(200).assert_says("hibernating");
    app.app.clock.advance(time::Duration::hours(23));
    synced(&olivia, &stub, "hibernating", "pro_month").await;
    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Pro));
    app.app.clock.advance(time::Duration::hours(2));
    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Free));
    synced(&olivia, &stub, "hibernating", "pro_month").await;
    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Free));
}

#[portico_test]
async fn a_status_nobody_knows_grants_nothing_new(app: TestApp) {
    let (_app, olivia, stub) = before_a_stub(&app).await;

    synced(&olivia, &stub, "hibernating", "business_month").await;

    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Free));
    synced(&olivia, &stub, "active", "pro_month").await;
    synced(&olivia, &stub, "hibernating", "business_month").await;
    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Pro));
}

/// Access follows the subscription alone; the event is there for whoever looks.
#[portico_test]
async fn a_dispute_changes_nothing_that_people_may_do(app: TestApp) {
    let (app, olivia, stub) = before_a_stub(&with_secret(&app).await).await;
    synced(&olivia, &stub, "active", "pro_month").await;
    let customer = app.texts("select customer_id from billing_customers").await.remove(0);

    let statuses = [
        delivered(&app, &event("evt_1", "charge.dispute.created", &customer)).await,
        delivered(&app, &event("evt_2", "charge.succeeded", &customer)).await,
    ];

    assert_eq!(statuses, [200, 200]);
    assert_eq!(
        (state_of(&app, "evt_1").await, state_of(&app, "evt_2").await),
        ("ignored".into(), "ignored".into())
    );
    assert_eq!(app.figure("disputes").await, 1, "somebody has to look");
    olivia.get("/orgs/acme/billing").await.assert_says(&one_member_of(Plan::Pro));
}

#[portico_test]
async fn a_subscription_of_several_items_made_by_hand_is_shown_and_not_touched(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let customer = it.customer_of("acme").await;
    it.act(&customer, "add_card", json!({ "card": GOOD })).await;
    let prices = it.app.at_stripe("/v1/prices?limit=100").await;
    let id = |key: &str| {
        prices.iter().find(|p| p["lookup_key"] == key).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (business, pro) = (id("business_month"), id("pro_month"));
    let by_hand =
        [("customer", customer.as_str()), ("items[0][price]", &business), ("items[1][price]", &pro)];

    it.write_at_stripe("/v1/subscriptions", &by_hand).await;
    it.settled().await;
    it.app.joins(&acme, Role::Member).await;
    it.follow_seats(&acme).await;

    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_status(200).assert_says("please contact support").assert_does_not_say("Change plan");
    let change = [("flow", "change_plan"), ("plan", "pro"), ("interval", "year")];
    acme.owner.post("/orgs/acme/billing/portal").fields(&change).await.assert_status(303);
    let held = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}")).await;
    assert_eq!(held[0]["items"]["data"].as_array().unwrap().len(), 2);
    assert!(
        held[0]["items"]["data"].as_array().unwrap().iter().all(|item| item["quantity"] == 1),
        "{}",
        held[0]
    );
}
