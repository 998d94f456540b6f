//! Mails: what is told, to whom, once; and the development mailbox.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    test_app::{PUBLIC_URL, TestApp},
};
use product::{App, config::Config, orgs::Role, routes};
use serde_json::{Value, json};

#[portico_test]
async fn a_payment_that_fails_is_told_step_by_step_and_each_step_once(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    it.ask(hyper::Method::PUT, "/settings", json!({ "dunning": "leave_past_due" })).await.assert_status(200);
    it.deliver(json!({ "duplicate": 1.0 })).await;
    it.charge_with("acme", NEVER_PAYS).await;

    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.settled().await;
    assert_eq!(it.mails().await[1..], ["A payment of $15.00 did not go through"]);
    for _ in 0..4 {
        it.advance(2 * DAY).await; // retries after 3 and 5 days and the end of the week of grace
        it.settled().await;
        product::billing::full_pass(&it.app.app).await.unwrap();
    }
    it.settled().await;
    assert_eq!(it.mails().await[2..], ["Your organisation is now read-only"]);
    it.charge_with("acme", GOOD).await;
    it.act(&it.customer_of("acme").await, "pay_invoice", json!({})).await;
    it.settled().await;
    assert_eq!(it.mails().await[3..], ["Your payment went through"]);
    it.act(&it.customer_of("acme").await, "cancel", json!({ "when": "now" })).await;
    it.settled().await;

    assert_eq!(it.mails().await[4..], ["Your Business plan has ended"]);
    assert_eq!(it.app.count("select count(*) from mails where sent_at is null").await, 0);
    let failed = "select text_body from mails where subject like 'A payment of%'";
    let letter = it.app.texts(failed).await.remove(0);
    let invoice = it.app.texts("select id from billing_invoices order by created_at desc").await.remove(0);
    let link = format!("\n{PUBLIC_URL}/orgs/acme/billing/invoices/{invoice}\n");
    assert_eq!(letter.matches("http").count(), 1, "it leads to the invoice, once: {letter}");
    assert!(letter.contains(&link), "{letter}");
}

#[portico_test]
async fn a_trial_that_ends_soon_is_told_once(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "pro", "month", GOOD).await;
    it.deliver(json!({ "duplicate": 1.0 })).await;

    it.advance(10 * DAY).await;
    it.settled().await;
    let early = it.mails().await;
    for _ in 0..3 {
        it.advance(DAY + 60).await;
        it.settled().await;
        product::billing::full_pass(&it.app.app).await.unwrap();
    }
    it.settled().await;

    assert_eq!(early, ["Welcome to Pro"]);
    let mails = it.mails().await;
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails[1].starts_with("Your Pro trial ends on"), "{mails:?}");
}

#[portico_test]
async fn whoever_cancels_and_stays_and_cancels_again_is_told_each_time(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;
    it.deliver(json!({ "duplicate": 1.0 })).await;

    for action in ["cancel", "renew", "cancel", "renew"] {
        it.act(&customer, action, json!({})).await;
        it.settled().await;
        it.advance(3_600).await;
    }

    let mails = it.mails().await;
    let of = |word: &str| mails.iter().filter(|subject| subject.contains(word)).count();
    assert_eq!((of("plan ends on"), of("plan continues"), mails.len()), (2, 2, 5), "{mails:?}");
}

#[portico_test]
async fn those_who_manage_billing_are_told_and_nobody_else(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    for role in [Role::Billing, Role::Admin, Role::Member] {
        it.app.joins(&acme, role).await;
    }
    it.org("globex").await;

    it.subscribe(&acme, "business", "year", GOOD).await;

    let to = it.app.texts("select recipient from mails where user_id is null order by recipient").await;
    assert_eq!(to.len(), 3, "{to:?}");
    assert!(to[0].starts_with("admin-") && to[1].starts_with("billing-"), "{to:?}");
    assert_eq!(to[2], "owner@acme.test");
}

#[portico_test]
async fn the_mailbox_is_newest_first_and_names_what_a_script_needs(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;
    it.advance(60).await;
    it.act(&customer, "cancel", json!({ "when": "period_end" })).await;
    it.settled().await;

    let box_ = it.app.visitor().get("/dev/mailbox.json").await.assert_status(200).json();
    let page = it.app.visitor().get("/dev/mailbox").await;

    let mut mails = box_.as_array().unwrap().clone();
    let confirmation = mails.pop().unwrap();
    assert_eq!((mails.len(), &confirmation["kind"]), (2, &json!("confirm_address")), "{box_}");
    assert!(mails[0]["subject"].as_str().unwrap().starts_with("Your Business plan ends on"), "{box_}");
    assert_eq!(mails[1]["subject"], "Welcome to Business");
    assert_eq!((&mails[0]["kind"], &mails[1]["kind"]), (&json!("plan_will_end"), &json!("plan_started")));
    for mail in &mails {
        let mut fields: Vec<&String> = mail.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["html", "kind", "sent_at", "subject", "text", "to"]);
        assert_eq!(mail["to"], "owner@acme.test");
        let link = format!("{PUBLIC_URL}/orgs/acme/billing");
        assert!(
            mail["text"].as_str().unwrap().contains(&link) && mail["html"].as_str().unwrap().contains(&link)
        );
        assert!(mail["sent_at"].as_i64().unwrap() >= it.app.app.clock.now().unix() - 60, "{mail}");
    }
    page.assert_status(200).assert_says("Welcome to Business").assert_says("owner@acme.test");
}

#[portico_test]
async fn a_mail_is_shown_as_it_would_look(app: TestApp) {
    app.org("acme").await;
    let page = app.visitor().get("/dev/mailbox").await.text();
    let href = page.split("href=\"/dev/mailbox/html?").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let shown = app.visitor().get(&format!("/dev/mailbox/html?{href}")).await;

    shown.assert_status(200).assert_says("<h1").assert_says("Confirm address").assert_says("/verify-email/");
    let policy = shown.header_text("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
}

#[portico_test]
async fn production_has_no_mailbox(app: TestApp) {
    let mut config: Config = app.app.config.clone();
    config.production = true;
    let production = App::new(config.clone(), app.app.db.clone(), &config.app_secrets, product::rooms::ROOMS);
    let site = crate::support::http::Site::of(routes::router(production), PUBLIC_URL);
    let visitor = crate::support::http::Person::visiting(&site);

    for path in ["/dev/mailbox", "/dev/mailbox.json", "/dev/mailbox/html?key=confirm_address"] {
        visitor.get(path).await.assert_status(404);
    }
    let here: Value = app.visitor().get("/dev/mailbox.json").await.assert_status(200).json();
    assert_eq!(here, json!([]));
}
