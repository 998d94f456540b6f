//! What was missed is found, by asking at a pace that Stripe allows, and nobody is told twice.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    test_app::TestApp,
    webhook_deliveries::state_of,
};
use product::billing;
use serde_json::json;

#[portico_test]
async fn a_burst_of_429_in_the_nightly_pass_is_waited_out(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.deliver(json!({ "drop": 1 })).await;
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.fail(json!({ "method": "GET", "path": "/v1/subscriptions", "kind": "429", "times": 2 })).await;
    it.fail(json!({ "method": "GET", "path": "/v1/invoices", "kind": "429_lock", "times": 1 })).await;

    let found = billing::full_pass(&it.app.app).await.unwrap();

    assert_eq!((found.looked_at, found.missing), (1, 1));
    it.assert_no_drift("acme").await;
    assert!(!it.app.app.stripe.circuit_is_open(), "being throttled is no outage");
}

/// Three calls a customer, a customer every 0.6 s; whoever clicks goes first.
#[portico_test]
async fn a_full_pass_asks_five_times_a_second_and_a_click_does_not_wait_for_it(app: TestApp) {
    let mut people = Vec::new();
    for name in ["acme", "globex", "initech", "umbrella"] {
        let org = app.org(name).await;
        org.owner.post(&format!("/orgs/{name}/billing/portal")).await.assert_status(303);
        people.push(org.owner);
    }
    let pass = async {
        let begun = std::time::Instant::now();
        let found = billing::full_pass(&app.app).await.unwrap();
        (found.looked_at, begun.elapsed().as_millis())
    };
    let click = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        let begun = std::time::Instant::now();
        people[3].post("/orgs/umbrella/billing/portal").await.assert_status(303);
        begun.elapsed().as_millis()
    };

    let ((looked_at, pass), click) = tokio::join!(pass, click);

    assert!(looked_at == 4 && pass >= 1800, "{looked_at} in {pass} ms");
    assert!(click < pass / 2, "a click took {click} ms while the pass took {pass} ms");
}

#[portico_test]
async fn a_customer_that_stripe_keeps_refusing_does_not_hold_up_the_others(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    let mut customers = Vec::new();
    for org in [&acme, &globex] {
        customers.push((it.subscribe(org, "pro", "month", GOOD).await, org.slug.clone()));
    }
    it.deliver(json!({ "drop": 1 })).await;
    for (customer, _) in &customers {
        it.act(customer, "cancel", json!({ "when": "period_end" })).await;
    }
    customers.sort(); // as the pass goes
    let locked = format!("/v1/customers/{}", customers[0].0);
    it.fail(json!({ "method": "GET", "path": locked, "kind": "429_lock", "times": 3 })).await;

    let outcome = billing::full_pass(&it.app.app).await;

    assert!(outcome.is_err(), "a pass that left somebody out did not complete");
    it.assert_no_drift(&customers[1].1).await;
    billing::full_pass(&it.app.app).await.unwrap();
    it.assert_no_drift(&customers[0].1).await;
}

#[portico_test]
async fn what_happened_while_nothing_was_delivered_is_found(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.reconcile().await;
    it.settled().await;
    it.deliver(json!({ "drop": 1.0 })).await;
    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.settled().await;
    assert_eq!(it.billing_state("acme").await["interval"], "month", "nothing came");
    let missed = it.app.count("select count(*) from stripe_events").await;

    it.reconcile().await;
    it.settled().await;

    it.assert_no_drift("acme").await;
    assert!(it.app.count("select count(*) from stripe_events").await > missed);
    let again = billing::reconcile(&it.app.app).await.unwrap();
    assert_eq!(again.missing, 0, "what is there is not found again");
    assert_eq!(it.app.count("select count(*) from stripe_events where applied > 1").await, 0);
}

/// Two plans were cancelled, one of them at once: all of it a while ago.
#[portico_test]
async fn after_five_days_without_deliveries_nobody_is_told_stale_news(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, globex, initech) = (it.org("acme").await, it.org("globex").await, it.org("initech").await);
    let acmes = it.subscribe(&acme, "business", "year", GOOD).await;
    let globexs = it.subscribe(&globex, "business", "year", GOOD).await;
    it.subscribe(&initech, "pro", "year", GOOD).await;
    it.reconcile().await;
    it.settled().await;
    let told = it.mails().await;
    it.deliver(json!({ "drop": 1.0 })).await;
    it.act(&acmes, "cancel", json!({ "when": "period_end" })).await;
    it.act(&globexs, "cancel", json!({ "when": "now" })).await;
    it.advance(5 * DAY).await;

    it.deliver(json!({})).await;
    it.reconcile().await;
    it.settled().await;

    for slug in ["acme", "globex", "initech"] {
        it.assert_no_drift(slug).await;
    }
    assert_eq!(it.mails().await, told);
    assert!(it.audited("acme", "billing.subscription_changed").await > 0, "the log has it all the same");
    assert_eq!(it.billing_state("globex").await["status"], "canceled");
}

/// The age rule keeps nothing from people that is news to them.
#[portico_test]
async fn yesterdays_news_is_told_after_an_outage(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;
    it.reconcile().await;
    it.deliver(json!({ "drop": 1.0 })).await;
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.advance(DAY).await;

    it.reconcile().await;
    it.settled().await;

    let mails = it.mails().await;
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails[1].starts_with("Your Business plan ends on"), "{mails:?}");
}

/// What a backup holds and a restore brings back.
const TABLES: [&str; 6] = ["billing_state", "billing_invoices", "stripe_events", "mails", "cursors", "jobs"];

#[portico_test]
async fn a_restored_backup_is_brought_up_to_date_and_mails_nobody_again(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    let acmes = it.subscribe(&acme, "business", "month", GOOD).await;
    let globexs = it.subscribe(&globex, "business", "year", GOOD).await;
    it.reconcile().await;
    it.settled().await;
    for table in TABLES {
        it.app.run(&format!("create table saved_{table} as select * from {table}")).await;
    }
    let before = it.mails().await;
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.act(&globexs, "cancel", json!({ "when": "period_end" })).await;
    it.settled().await;
    let since = it.mails().await.split_off(before.len());
    assert_eq!(since.len(), 2, "a failed payment and a cancellation: {since:?}");
    let last_event =
        it.app.texts("select id from stripe_events order by created_at desc, id desc limit 1").await;
    it.charge_with("acme", GOOD).await;
    it.act(&acmes, "pay_invoice", json!({})).await;
    it.settled().await;
    it.advance(4 * DAY).await;
    it.settled().await;

    for table in TABLES {
        it.app.run(&format!("delete from {table}")).await;
        it.app.run(&format!("insert into {table} select * from saved_{table}")).await;
    }
    billing::sync_by_hand(&it.app.app, None).await.unwrap();
    it.settled().await;

    it.assert_no_drift("acme").await;
    it.assert_no_drift("globex").await;
    assert_eq!(state_of(&it.app, &last_event[0]).await, "done", "the events are there again");
    assert_eq!(it.app.count("select count(*) from stripe_events where applied > 1").await, 0);
    assert_eq!(it.mails().await, before, "what was told in between is not told again");
    for table in TABLES {
        it.app.run(&format!("drop table saved_{table}")).await;
    }
}
