//! The main job: from the account page to the portal of the right customer, and back.
use super::outages::{CUSTOMER, NO_CONFIGURATION, says};
use crate::{
    billing_app::{BillingApp, GOOD},
    support::{
        http::{Person, Site},
        stub::Stub,
    },
    test_app::{Headers, PUBLIC_URL, TestApp},
};
use product::orgs::Role;
use serde_json::json;

#[portico_test]
async fn an_owner_is_sent_to_the_portal_of_their_organisations_customer(app: TestApp) {
    let acme = app.org("acme").await;
    let page = acme.owner.get("/account").await;
    assert!(page.text().contains(r#"action="/orgs/acme/billing/portal""#), "{}", page.text());

    let sent = acme.owner.post("/orgs/acme/billing/portal").fields(&[("flow", "")]).await;

    sent.assert_status(303);
    assert!(sent.location().starts_with(&format!("{}/", app.stripe)), "{}", sent.location());
    assert_eq!(sent.header_text("cache-control"), "no-store");
    let at_stripe = Person::visiting(&Site::at(&app.stripe));
    let opened = at_stripe.get(sent.location().strip_prefix(&app.stripe).unwrap()).await;
    let portal = at_stripe.follow(&opened).await;
    portal.assert_status(200);
    assert!(portal.text().contains("acme"), "the portal names the customer: {}", portal.text());
    assert!(
        portal.text().contains(&format!("{PUBLIC_URL}/orgs/acme/billing/return")),
        "and has a way back: {}",
        portal.text()
    );
    assert_eq!(app.audit("acme").await, ["org.created", "billing.customer_created", "billing.portal_opened"]);
    let customer = &app.customers_at_stripe().await[0];
    assert_eq!(
        (customer["name"].as_str(), customer["metadata"]["org"].as_str()),
        (Some("acme"), Some("acme"))
    );
}

#[portico_test]
async fn what_happened_in_the_portal_is_shown_on_return(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await;
    let customer = app.customers_at_stripe().await[0]["id"].as_str().unwrap().to_owned();
    let customer = product::stripe::CustomerId(customer);
    app.app
        .stripe
        .start_trial(&customer, "pro_month", 14, product::stripe::Deadline::of_click())
        .await
        .unwrap();

    let back = acme.owner.get("/orgs/acme/billing/return").await;

    back.assert_redirects_to("/orgs/acme/billing");
    let page = acme.owner.get("/orgs/acme/billing").await;
    assert!(page.text().contains("Pro") && page.text().contains("Trial until"), "{}", page.text());
    assert!(acme.owner.get("/account").await.text().contains("Trial until"));
}

#[portico_test]
async fn a_billing_manager_and_an_admin_are_sent_there_too(app: TestApp) {
    let acme = app.org("acme").await;
    for role in [Role::Billing, Role::Admin] {
        let person = app.joins(&acme, role).await;

        let sent = person.post("/orgs/acme/billing/portal").await;

        sent.assert_status(303);
    }
    assert_eq!(app.customers_at_stripe().await.len(), 1);
}

#[portico_test]
async fn a_plain_member_is_refused_and_no_customer_is_made(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await;
    let page = mira.get("/account").await;
    assert!(!page.text().contains(r#"action="/orgs/acme/billing/portal""#), "no button either");

    let refused = mira.post("/orgs/acme/billing/portal").await;

    refused.assert_status(403);
    assert_eq!(app.customers_at_stripe().await.len(), 0);
    assert_eq!(app.audit("acme").await, ["org.created"]);
}

#[portico_test]
async fn a_stranger_finds_nothing(app: TestApp) {
    let _acme = app.org("acme").await;
    let globex = app.org("globex").await;
    let missing = globex.owner.post("/orgs/there-is-none/billing/portal").await;

    let refused = globex.owner.post("/orgs/acme/billing/portal").await;

    assert_eq!((refused.status.as_u16(), missing.status.as_u16()), (404, 404));
    let without_id = |text: &str| text.lines().filter(|line| !line.contains("equest")).collect::<String>();
    assert_eq!(without_id(&refused.text()), without_id(&missing.text()), "the two cannot be told apart");
    assert_eq!(app.customers_at_stripe().await.len(), 0);
}

#[portico_test]
async fn a_signed_out_click_gets_the_sign_in_page(app: TestApp) {
    let _acme = app.org("acme").await;

    let refused = app.visitor().post("/orgs/acme/billing/portal").await;

    refused.assert_status(401);
    assert!(refused.text().contains(r#"action="/sign-in""#), "{}", refused.text());
    assert_eq!(app.customers_at_stripe().await.len(), 0);
}

#[portico_test]
async fn a_person_demoted_between_page_and_click_is_refused(app: TestApp) {
    let acme = app.org("acme").await;
    let bianca = app.joins(&acme, Role::Billing).await;
    bianca.get("/orgs/acme/billing").await.assert_status(200);
    app.run("update members set role = 'member' where role = 'billing'").await;

    let refused = bianca.post("/orgs/acme/billing/portal").await;

    refused.assert_status(403);
    assert_eq!(app.customers_at_stripe().await.len(), 0);
}

#[portico_test]
async fn twenty_clicks_at_once_make_one_customer(app: TestApp) {
    let acme = app.org("acme").await;
    let clicks = (0..20).map(|_| {
        let owner = acme.owner.clone();
        tokio::spawn(async move { owner.post("/orgs/acme/billing/portal").await })
    });

    for click in clicks.collect::<Vec<_>>() {
        let sent = click.await.unwrap();
        sent.assert_status(303);
    }

    assert_eq!(app.customers_at_stripe().await.len(), 1);
    assert_eq!(app.count("select count(*) from billing_customers").await, 1);
    let audit = app.audit("acme").await;
    assert_eq!(audit.iter().filter(|action| *action == "billing.customer_created").count(), 1);
    assert_eq!(audit.iter().filter(|action| *action == "billing.portal_opened").count(), 20);
}

#[portico_test]
async fn each_organisation_has_its_own_customer(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs").fields(&[("name", "Globex")]).await.assert_redirects_to("/orgs/globex");

    acme.owner.post("/orgs/acme/billing/portal").await;
    acme.owner.post("/orgs/globex/billing/portal").await;

    let mut orgs: Vec<_> =
        app.customers_at_stripe().await.iter().map(|c| c["metadata"]["org"].to_string()).collect();
    orgs.sort();
    assert_eq!(orgs, [r#""acme""#, r#""globex""#]);
}

#[portico_test]
async fn the_portals_address_is_kept_nowhere(app: TestApp) {
    let acme = app.org("acme").await;
    let sent = acme.owner.post("/orgs/acme/billing/portal").await;
    let secret = sent.location().rsplit('/').next().unwrap().to_owned();
    assert!(secret.len() > 8, "{secret}");

    let events = app.texts("select cast(detail as text) from audit_events").await;
    let kept = events.iter().any(|event| event.contains(&secret));

    assert!(!kept, "the audit log holds the session's id, not its address");
}

#[portico_test]
async fn an_unknown_flow_is_refused(app: TestApp) {
    let acme = app.org("acme").await;

    for form in [
        [("flow", "delete_everything")],
        [("customer", "cus_of_somebody")],
        [("return_url", "https://evil.test")],
    ] {
        acme.owner.post("/orgs/acme/billing/portal").fields(&form).await.assert_status(422);
    }
    assert_eq!(app.customers_at_stripe().await.len(), 0);
}

#[portico_test]
async fn a_flow_without_a_subscription_opens_the_home_page(app: TestApp) {
    let acme = app.org("acme").await;

    for flow in ["payment_method", "change_plan", "cancel", "resume"] {
        let sent = acme.owner.post("/orgs/acme/billing/portal").fields(&[("flow", flow)]).await;
        sent.assert_status(303);
        assert!(sent.location().starts_with(&app.stripe), "{flow}");
    }
}

#[portico_test]
async fn htmx_is_told_where_to_go_by_header(app: TestApp) {
    let acme = app.org("acme").await;

    let sent = acme.owner.post("/orgs/acme/billing/portal").sending(&[("hx-request", "true")]).await;

    sent.assert_status(200);
    assert!(sent.header_text("hx-redirect").starts_with(&app.stripe));
}

#[portico_test]
async fn the_billing_page_asks_stripe_nothing(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await;
    let alone = app.restarted_with("STRIPE_API_BASE", "http://127.0.0.1:9").await;

    let page = alone.lets_in(&acme.owner).get("/orgs/acme/billing").await;

    page.assert_status(200);
    assert!(page.text().contains("cus_"), "the customer's id is there for a talk with support");
}

#[portico_test]
async fn too_many_clicks_have_to_wait(app: TestApp) {
    let acme = app.org("acme").await;
    let limited = app.restarted_with("RATE_LIMITS", "on").await;
    let owner = limited.lets_in(&acme.owner);
    for _ in 0..20 {
        owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    }

    let refused = owner.post("/orgs/acme/billing/portal").await;

    refused.assert_status(429);
    assert!(!refused.header_text("retry-after").is_empty());
}

/// There is no portal configuration, neither ours nor the account's.
#[portico_test]
async fn where_no_portal_is_set_up_a_person_gets_a_plain_word_and_no_jargon(app: TestApp) {
    let acme = app.org("acme").await;
    let none = r#"{"error":{"type":"invalid_request_error","message":"No configuration provided and your test mode default configuration has not been created."}}"#;
    let stripe = Stub::answering([says(200, CUSTOMER), says(200, NO_CONFIGURATION), says(400, none)]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;

    let page = app.lets_in(&acme.owner).post("/orgs/acme/billing/portal").await;

    page.assert_status(503);
    assert!(page.text().contains("Billing is not available"), "{}", page.text());
    assert!(page.text().contains(page.header_text("x-request-id")), "what to tell support");
    assert!(!page.text().contains("No configuration"), "{}", page.text());
}

/// The flow is switched off in the portal's configuration.
/// Its id is kept while the process runs, so that a click needs no look-up.
#[portico_test]
async fn a_configuration_that_was_replaced_is_noticed_at_the_next_click(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let held = app.at_stripe("/v1/billing_portal/configurations?active=true").await;
    let ours = held.iter().find(|it| it["metadata"]["app"] == product::brand::SLUG).expect("set up");
    let dashboard = Person::visiting(&Site::at(&app.stripe));
    let at_stripe = |path: String| dashboard.post(&path).header("authorization", "Bearer sk_test_123");
    let path = format!("/v1/billing_portal/configurations/{}", ours["id"].as_str().unwrap());
    let other = [("features[invoice_history][enabled]", "true"), ("metadata[app]", product::brand::SLUG)];
    let made = at_stripe("/v1/billing_portal/configurations".into()).fields(&other).await;
    let made: serde_json::Value = made.assert_status(200).json();
    at_stripe(path).field("active", "false").await.assert_status(200);

    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);

    let sessions = dashboard.get("/_sandbox/api/objects?type=billing_portal.session").await.text();
    assert_eq!(sessions.matches(made["id"].as_str().unwrap()).count(), 1, "{sessions}");
}

#[portico_test]
async fn a_page_that_is_switched_off_gives_way_to_the_portals_home(app: TestApp) {
    let acme = app.org("acme").await;
    let off = r#"{"error":{"type":"invalid_request_error","message":"The feature is disabled in the portal configuration."}}"#;
    let opened = r#"{"id":"bps_1","url":"https://billing.stripe.com/p/session/x"}"#;
    let stripe = Stub::answering([
        says(200, CUSTOMER),
        says(200, NO_CONFIGURATION),
        says(400, off),
        says(200, opened),
    ]);
    let app = app.restarted_with("STRIPE_API_BASE", &stripe.url()).await;

    let sent =
        app.lets_in(&acme.owner).post("/orgs/acme/billing/portal").field("flow", "payment_method").await;

    sent.assert_redirects_to("https://billing.stripe.com/");
    let asked = stripe.arrived();
    let (with, without) = (&asked[asked.len() - 2], &asked[asked.len() - 1]);
    assert!(with.body.contains("flow_data") && !without.body.contains("flow_data"), "{asked:?}");
}

#[portico_test]
async fn a_change_that_waits_is_left_to_the_portal(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "year", GOOD).await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    for configuration in it.app.at_stripe("/v1/billing_portal/configurations").await {
        let path = format!("/v1/billing_portal/configurations/{}", configuration["id"].as_str().unwrap());
        let waits = "features[subscription_update][schedule_at_period_end][conditions][0][type]";
        it.write_at_stripe(&path, &[(waits, "shortening_interval")]).await;
    }
    it.act(&customer, "switch_plan", json!({ "price": "business_month" })).await;
    it.settled().await;
    it.app.joins(&acme, Role::Member).await;

    it.follow_seats(&acme).await;
    let sent = acme
        .owner
        .post("/orgs/acme/billing/portal")
        .fields(&[("flow", "change_plan"), ("plan", "pro"), ("interval", "year")])
        .await;

    sent.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
    let ours = it.billing_state("acme").await;
    assert_eq!((&ours["interval"], &ours["quantity"]), (&json!("year"), &json!(1)), "nothing was changed");
    let held = it.app.at_stripe(&format!("/v1/subscriptions?customer={customer}")).await;
    assert!(
        held[0]["schedule"].is_string() || held[0]["schedule"].is_object(),
        "it waits still: {}",
        held[0]
    );
    it.assert_no_drift("acme").await;
}
