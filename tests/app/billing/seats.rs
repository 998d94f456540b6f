//! Seats follow the members of an organisation, and remove nobody.
use crate::{
    billing_app::{BillingApp, GOOD},
    test_app::TestApp,
};
use product::{billing, orgs::Role};
use serde_json::json;

#[portico_test]
async fn seats_set_in_the_portal_stand_until_a_member_comes(app: TestApp) {
    let it = BillingApp::of(app).await;
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
    it.follow_seats(&acme).await;
    assert_eq!(it.billing_state("acme").await["quantity"], 3);
    it.assert_no_drift("acme").await;
}

#[portico_test]
async fn seats_follow_each_member_who_comes_or_goes(app: TestApp) {
    let it = BillingApp::of(app).await;
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
        it.follow_seats(&acme).await;
        seats.push(it.billing_state("acme").await["quantity"].as_i64().unwrap());
    }

    assert_eq!(seats, [2, 3, 2, 3, 2], "also back to a number that was there before");
    it.assert_no_drift("acme").await;
}

#[portico_test]
async fn fewer_seats_than_members_delete_nobody(app: TestApp) {
    let it = BillingApp::of(app).await;
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
    mira.get("/orgs/acme").await.assert_status(200);
    let page = acme.owner.get("/orgs/acme/billing").await;
    page.assert_says("You have 2 members but pay for 1 seat. Nobody loses access").assert_says("Add seats");
    let more = acme.owner.post("/orgs/acme/billing/portal").field("flow", "change_plan").await;
    more.assert_redirects_to(&format!("{}/p/session/", it.app.stripe));
    it.act(&customer, "switch_plan", json!({ "price": "business_month", "quantity": 2 })).await;
    it.settled().await;
    acme.owner.get("/orgs/acme/billing").await.assert_does_not_say("Nobody loses access");
    it.assert_no_drift("acme").await;
}
