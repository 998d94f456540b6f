//! Proxies, rotated keys, outages, restored backups: what was missed is found, and nobody is told twice.
use super::{figure, operator, state_of};
use crate::{
    loop_world::{DAY, GOOD, Loop, NEVER_PAYS},
    world::TestApp,
};
use product::billing;
use serde_json::json;

crate::support::on_both_engines! {
    a_proxys_page_and_half_an_answer_delay_an_event_and_lose_none,
    a_key_that_is_rejected_for_a_while_loses_no_event,
    a_key_that_is_rejected_for_good_is_not_tried_for_ever,
    what_happened_while_nothing_was_delivered_is_found,
    after_five_days_without_deliveries_nobody_is_told_stale_news,
    yesterdays_news_is_told_after_an_outage,
    a_restored_backup_is_brought_up_to_date_and_mails_nobody_again,
}

/// 20.
async fn a_proxys_page_and_half_an_answer_delay_an_event_and_lose_none(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;

    for (kind, price) in [("502_html", "pro_year"), ("truncated", "business_year")] {
        it.control("/faults", json!({ "method": "GET", "path": "/v1/*", "kind": kind, "times": 2 })).await;
        it.act(&customer, "switch_plan", json!({ "price": price })).await;
        it.settled().await;
    }

    it.assert_no_drift("acme").await;
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
    assert_eq!(it.app.count("select count(*) from jobs where dead = true").await, 0);
}

/// 21: with one key only there is nothing to turn to; what waits is done once the key is good again.
async fn a_key_that_is_rejected_for_a_while_loses_no_event(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;

    it.control("/faults", json!({ "method": "GET", "path": "/v1/customers/*", "kind": "401", "times": 1 }))
        .await;
    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.settled().await;

    it.assert_no_drift("acme").await;
    let tries = it.app.count("select max(tries) from stripe_events").await;
    assert!(tries >= 2, "the first try was rejected: {tries}");
    let faults = it.ask(hyper::Method::GET, "/faults", json!(null)).await.text();
    assert!(!faults.contains("\"struck\":0"), "{faults}");
}

/// 21: whoever watches sees what was given up, and replays it under a good key.
async fn a_key_that_is_rejected_for_good_is_not_tried_for_ever(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "pro", "month", GOOD).await;
    it.control("/faults", json!({ "path": "/v1/*", "kind": "401" })).await;
    it.act(&customer, "switch_plan", json!({ "price": "pro_year" })).await;
    it.deliver(json!({ "thin": true })).await; // says whose it is only to whoever asks
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.control("/delivery/flush", json!({})).await;

    for _ in 0..200 {
        if it.app.count("select count(*) from jobs where dead = false").await == 0 {
            break;
        }
        it.app.app.clock.advance(time::Duration::minutes(11));
        it.app.app.work_arrived.notify_waiters();
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }

    assert_eq!(it.app.count("select count(*) from jobs where dead = false").await, 0);
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'pending'").await, 0);
    assert!(figure(&it.app, "jobs_dead").await > 0);
    let given_up = it.app.texts("select id from stripe_events where state = 'dead'").await;
    assert!(figure(&it.app, r#"inbox_events{state="dead"}"#).await as usize == given_up.len());
    assert_eq!(it.billing_state("acme").await["interval"], "month", "and nothing was taken away");
    it.ask(hyper::Method::DELETE, "/faults", json!({})).await.assert_status(200);
    for id in &given_up {
        operator(&it.app).post("/inbox/replay").field("id", id).await.assert_status(303);
    }
    it.settled().await;
    it.assert_no_drift("acme").await;
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
    assert_eq!(it.app.count("select count(*) from jobs").await, 0);
}

/// 30.
async fn what_happened_while_nothing_was_delivered_is_found(app: TestApp) {
    let it = Loop::of(app).await;
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

/// 30. A plan cancelled, an unpaid renewal, a plan that ended: all of it a while ago.
async fn after_five_days_without_deliveries_nobody_is_told_stale_news(app: TestApp) {
    let it = Loop::of(app).await;
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

/// 30: the age rule keeps nothing from people that is news to them.
async fn yesterdays_news_is_told_after_an_outage(app: TestApp) {
    let it = Loop::of(app).await;
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

/// 36.
async fn a_restored_backup_is_brought_up_to_date_and_mails_nobody_again(app: TestApp) {
    let it = Loop::of(app).await;
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
