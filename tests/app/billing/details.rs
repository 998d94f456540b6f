//! The customer's details at Stripe: they follow the organisation until somebody chooses others.
use crate::{
    billing_app::{BillingApp, GOOD},
    test_app::{Org, TestApp},
};
use product::orgs::Role;
use serde_json::{Value, json};

const DETAILS: [(&str, &str); 3] =
    [("name", "Acme Holding GmbH"), ("email", "bills@acme.test"), ("language", "de")];

async fn subscribed(app: TestApp) -> (BillingApp, Org) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    (it, acme)
}

/// The customer of the only organisation, as Stripe holds it.
async fn at_stripe(it: &BillingApp) -> Value {
    it.app.customers_at_stripe().await.remove(0)
}

#[portico_test]
async fn an_organisations_new_name_stands_at_stripe_soon(app: TestApp) {
    let (it, acme) = subscribed(app).await;

    acme.owner.post("/orgs/acme/settings").field("name", "Acme Anvils").await.assert_status(303);
    it.settled().await;

    let held = at_stripe(&it).await;
    assert_eq!((&held["name"], &held["email"]), (&json!("Acme Anvils"), &json!("owner@acme.test")));
    assert_eq!(held["metadata"]["org"], "acme");
    assert_eq!(it.audited("acme", "billing.details_changed").await, 1);
}

#[portico_test]
async fn a_name_chosen_in_the_portal_is_never_overwritten(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    let customer = it.customer_of("acme").await;
    it.act(&customer, "update_details", json!({ "name": "Acme Holding", "email": "cfo@acme.test" })).await;
    it.settled().await;
    acme.owner.get("/orgs/acme/billing").await.assert_says("Acme Holding").assert_says("cfo@acme.test");

    acme.owner.post("/orgs/acme/settings").field("name", "Acme Anvils").await.assert_status(303);
    it.settled().await;
    acme.owner.post("/orgs/acme/settings").field("name", "Acme Bells").await.assert_status(303);
    it.settled().await;

    let held = at_stripe(&it).await;
    assert_eq!((&held["name"], &held["email"]), (&json!("Acme Holding"), &json!("cfo@acme.test")));
}

#[portico_test]
async fn a_name_that_is_the_organisations_again_follows_it_again(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    let customer = it.customer_of("acme").await;
    for name in ["Acme Holding", "acme"] {
        it.act(&customer, "update_details", json!({ "name": name })).await;
        it.settled().await;
    }

    acme.owner.post("/orgs/acme/settings").field("name", "Acme Anvils").await.assert_status(303);
    it.settled().await;

    assert_eq!(at_stripe(&it).await["name"], "Acme Anvils");
}

#[portico_test]
async fn a_rename_while_stripe_is_away_is_written_when_it_is_back(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    it.fail(json!({ "path": "/v1/customers/*", "kind": "500", "times": 4 })).await;

    acme.owner.post("/orgs/acme/settings").field("name", "Acme Anvils").await.assert_status(303);
    it.settled().await;

    assert_eq!(at_stripe(&it).await["name"], "Acme Anvils");
    assert_eq!(it.app.count("select count(*) from jobs where dead = true").await, 0);
}

/// The longest-standing owner is billed. Nobody has to remember to queue a job for that: the next sync sees it.
#[portico_test]
async fn another_owner_is_billed_when_the_first_is_gone(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    let fiona = it.app.joins(&acme, Role::Owner).await;
    it.app
        .run("delete from members where user_id in (select id from users where email = 'owner@acme.test')")
        .await;

    fiona.post("/orgs/acme/billing/sync").await.assert_status(303);
    it.settled().await;

    let email = at_stripe(&it).await["email"].as_str().unwrap().to_owned();
    assert!(email.starts_with("owner-") && email.ends_with("@acme.test"), "{email}");
}

#[portico_test]
async fn what_somebody_types_stands_on_invoices_and_stays(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    let bea = it.app.joins(&acme, Role::Billing).await;

    bea.post("/orgs/acme/billing/details").fields(&DETAILS).await.assert_redirects_to("/orgs/acme/billing");

    let held = at_stripe(&it).await;
    assert_eq!((&held["name"], &held["email"]), (&json!("Acme Holding GmbH"), &json!("bills@acme.test")));
    assert_eq!(held["preferred_locales"], json!(["de"]));
    let page = bea.get("/orgs/acme/billing").await;
    page.assert_says("Billing details saved").assert_says("value=\"Acme Holding GmbH\"");
    page.assert_says("<option value=\"de\" selected>German</option>");
    assert_eq!(it.audited("acme", "billing.details_changed").await, 3, "name, address, language");
    // Hers, or without an actor where the webhook of her change was processed first.
    let of_bea = "select cast(e.detail as text) from audit_events e left join users u on u.id = e.actor_id
                  where e.action = 'billing.details_changed' and (u.id is null or u.email like 'billing-%')
                  order by e.at, e.id";
    let entries = it.app.texts(of_bea).await;
    assert_eq!(entries.len(), 3, "they are nobody else's");
    assert!(
        entries[0].contains("\"acme\"") && entries[0].contains("\"Acme Holding GmbH\""),
        "old and new: {entries:?}"
    );
    assert!(!entries.concat().contains("bills@"), "an address is personal: {entries:?}");
    acme.owner.post("/orgs/acme/settings").field("name", "Acme Anvils").await.assert_status(303);
    it.settled().await;
    assert_eq!(at_stripe(&it).await["name"], "Acme Holding GmbH");
}

#[portico_test]
async fn stripe_chooses_the_language_until_somebody_does(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    acme.owner.get("/orgs/acme/billing").await.assert_says("Chosen by Stripe");
    acme.owner.post("/orgs/acme/billing/details").fields(&DETAILS).await.assert_status(303);
    let without = [DETAILS[0], DETAILS[1], ("language", "")];

    acme.owner.post("/orgs/acme/billing/details").fields(&without).await.assert_status(303);

    assert_eq!(at_stripe(&it).await["preferred_locales"], json!(["de"]), "it cannot be taken back");
    acme.owner.get("/orgs/acme/billing").await.assert_does_not_say("Chosen by Stripe");
}

#[portico_test]
async fn details_can_be_given_before_anything_is_bought(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner.post("/orgs/acme/billing/details").fields(&DETAILS).await.assert_status(303);

    let held = app.customers_at_stripe().await;
    assert_eq!((held.len(), &held[0]["email"]), (1, &json!("bills@acme.test")));
}

#[portico_test]
async fn a_mistake_is_told_at_its_field_and_what_was_typed_is_kept(app: TestApp) {
    let (it, acme) = subscribed(app).await;
    for (field, typed, message) in [
        ("name", "  ", "Enter the name that stands on invoices."),
        ("name", &*"x".repeat(151), "Use at most 150 characters."),
        ("email", "bills", "Enter an e-mail address like name@example.com."),
        ("language", "tlh", "Choose a language of the list."),
    ] {
        let form: Vec<(&str, &str)> =
            DETAILS.iter().map(|&(name, value)| (name, if name == field { typed } else { value })).collect();

        let page = acme.owner.post("/orgs/acme/billing/details").fields(&form).await;

        page.assert_status(422).assert_says(message).assert_says(&format!("id=\"{field}-error\""));
        if field != "name" {
            page.assert_says("value=\"Acme Holding GmbH\"");
        }
    }
    assert_eq!(at_stripe(&it).await["name"], "acme", "nothing was changed");
}

#[portico_test]
async fn while_stripe_is_away_nothing_is_said_to_be_saved(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let down = app.restarted_with("STRIPE_API_BASE", "http://127.0.0.1:9").await;

    let page = down.lets_in(&acme.owner).post("/orgs/acme/billing/details").fields(&DETAILS).await;

    page.assert_status(503).assert_says("Nothing was changed");
}
