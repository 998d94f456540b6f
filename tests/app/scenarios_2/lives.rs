//! Subscriptions that were changed elsewhere, twice, by hand or by nobody.
use crate::{
    loop_world::{GOOD, Loop},
    world::{Org, Said, TestApp},
};
use product::{billing, orgs::Role};
use serde_json::json;

crate::support::on_both_engines! {
    a_change_that_waits_is_left_to_the_portal,
    whoever_had_a_trial_pays_at_once_the_second_time,
    seats_set_in_the_portal_stand_until_a_member_comes,
    seats_follow_each_member_who_comes_or_goes,
    fewer_seats_than_members_delete_nobody,
    a_subscription_of_several_items_made_by_hand_is_shown_and_not_touched,
    a_price_that_is_not_ours_grants_nothing_and_breaks_nothing,
    a_browser_that_opens_every_link_opens_nothing_at_stripe,
}

async fn follow_seats(it: &Loop, org: &Org) {
    let scope = billing::scope_of_slug(&it.app.app, &org.slug, "a test").await.unwrap().unwrap();
    billing::follow_seats(&it.app.app, &scope).await.unwrap();
    it.settled().await;
}

/// 31.
async fn a_change_that_waits_is_left_to_the_portal(app: TestApp) {
    let it = Loop::of(app).await;
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

    follow_seats(&it, &acme).await;
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

/// 32.
async fn whoever_had_a_trial_pays_at_once_the_second_time(app: TestApp) {
    let it = Loop::of(app).await;
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

/// 33.
async fn seats_set_in_the_portal_stand_until_a_member_comes(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    it.app.joins(&acme, Role::Member).await;
    it.act(&customer, "switch_plan", json!({ "price": "business_month", "quantity": 7 })).await;
    it.settled().await;

    billing::full_pass(&it.app.app).await.unwrap();
    it.reconcile().await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["quantity"], 7, "nobody came or went");
    it.app.joins(&acme, Role::Member).await;
    follow_seats(&it, &acme).await;
    assert_eq!(it.billing_state("acme").await["quantity"], 3);
    it.assert_no_drift("acme").await;
}

/// 33.
async fn seats_follow_each_member_who_comes_or_goes(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;

    let mut seats = Vec::new();
    for (comes, leaves) in [(true, false), (true, false), (false, true), (true, false), (false, true)] {
        if comes {
            it.app.joins(&acme, Role::Member).await;
        }
        if leaves {
            let of = "select user_id from members where role = 'member' limit 1";
            it.app.run(&format!("delete from members where user_id = ({of})")).await;
        }
        follow_seats(&it, &acme).await;
        seats.push(it.billing_state("acme").await["quantity"].as_i64().unwrap());
    }

    assert_eq!(seats, [2, 3, 2, 3, 2], "also back to a number that was there before");
    it.assert_no_drift("acme").await;
}

/// 33.
async fn fewer_seats_than_members_delete_nobody(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    let mira = it.app.joins(&acme, Role::Member).await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;

    it.act(&customer, "switch_plan", json!({ "price": "business_month", "quantity": 1 })).await;
    it.settled().await;

    assert_eq!(
        it.app
            .count("select count(*) from members m join orgs o on o.id = m.org_id where o.slug = 'acme'")
            .await,
        2
    );
    mira.get("/orgs/acme/projects").await.assert_status(200);
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("There are 2 members and 1 seat paid for. Nobody is removed").assert_says("Add seats");
    let more = acme.owner.post("/orgs/acme/billing/portal").field("flow", "change_plan").await;
    more.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
    it.act(&customer, "switch_plan", json!({ "price": "business_month", "quantity": 2 })).await;
    it.settled().await;
    acme.owner.get("/orgs/acme/billing").await.assert_does_not_say("Nobody is removed");
    it.assert_no_drift("acme").await;
}

/// 37.
async fn a_subscription_of_several_items_made_by_hand_is_shown_and_not_touched(app: TestApp) {
    let it = Loop::of(app).await;
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
    follow_seats(&it, &acme).await;

    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_status(200).assert_says("put together by hand").assert_does_not_say("Change plan");
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

/// 37.
async fn a_price_that_is_not_ours_grants_nothing_and_breaks_nothing(app: TestApp) {
    let it = Loop::of(app).await;
    let acme = it.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    let customer = it.customer_of("acme").await;
    it.act(&customer, "add_card", json!({ "card": GOOD })).await;
    let product = it.app.at_stripe("/v1/products?limit=1").await[0]["id"].as_str().unwrap().to_owned();
    let price = [
        ("currency", "eur"),
        ("unit_amount", "4200"),
        ("recurring[interval]", "month"),
        ("product", &product),
    ];
    let price = it.write_at_stripe("/v1/prices", &price).await["id"].as_str().unwrap().to_owned();

    it.write_at_stripe("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["status"], "active");
    acme.owner.get("/orgs/acme/billing").await.assert_status(200).assert_says("€42");
    acme.owner.get("/orgs/acme/projects").await.assert_says("of 3 projects on the Free plan");
    acme.owner.get("/account").await.assert_status(200);
    assert_eq!(it.app.count("select count(*) from stripe_events where state = 'dead'").await, 0);
}

/// 38.
async fn a_browser_that_opens_every_link_opens_nothing_at_stripe(app: TestApp) {
    let acme = app.org("acme").await;
    let links = [
        "",
        "/portal",
        "/checkout",
        "/sync",
        "/return",
        "/checkout?plan=pro&interval=month",
        "/portal?flow=cancel",
    ];

    for link in links {
        for how in [("purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("x-moz", "prefetch")] {
            let answer = acme.owner.get(&format!("/orgs/acme/billing{link}")).header(how.0, how.1).await;
            assert!(
                !answer.said("location").starts_with(&app.stripe),
                "{link} led to {}",
                answer.said("location")
            );
        }
    }

    assert_eq!(app.customers_at_stripe().await.len(), 0, "not even a customer");
    assert_eq!(app.audit("acme").await, ["org.created"]);
    let page = acme.owner.get("/orgs/acme/billing").await;
    for link in page.text().split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(!link.contains("/billing/") && !link.starts_with(&app.stripe), "{link} is a link");
    }
}
