//! What rooms declare reaches every place that has to know it.
use crate::test_app::TestApp;
use product::{
    billing::plans::{OFFERS, limited},
    rooms::ROOMS,
    words::plural,
};

#[test]
fn what_a_plan_limits_is_counted_by_a_room() {
    for one in limited() {
        let counted = ROOMS.iter().filter_map(|room| room.limit).any(|limit| limit.one == one);
        let entry = OFFERS.iter().find_map(|offer| offer.limit(one));
        let line = format!("(\"{one}\", {})", entry.unwrap_or_default());
        assert!(
            counted,
            "No room counts a {one}. Delete from each plan in src/billing/plans.rs:\n    {line},\n\
             or add to the room, and to its ROOM as `limit: Some(LIMIT)`:\n    \
             pub const LIMIT: Limit = Limit {{ one: \"{one}\", count: … }};"
        );
    }
}

#[test]
fn nothing_is_counted_twice() {
    let mut all: Vec<&str> = ROOMS.iter().filter_map(|room| room.limit).map(|limit| limit.one).collect();
    all.sort();
    let twice = all.windows(2).find(|two| two[0] == two[1]);
    assert_eq!(twice, None, "two rooms of src/rooms.rs count the same");
}

#[portico_test]
async fn the_billing_page_shows_everything_that_is_counted(app: TestApp) {
    let acme = app.org("acme").await;

    let page = acme.owner.get("/orgs/acme/billing").await.text();

    for limit in ROOMS.iter().filter_map(|room| room.limit) {
        let (one, many) = (limit.one, plural(limit.one));
        let usage = page.split("<dt>Usage</dt>").nth(1).and_then(|rest| rest.split("</dd>").next()).unwrap();
        assert!(
            usage.contains(&many) || usage.contains(one),
            "templates/billing/billing.html says nothing of {many}"
        );
    }
}

#[portico_test]
async fn the_pricing_page_says_what_each_plan_limits(app: TestApp) {
    let page = app.visitor().get("/pricing").await.text();

    for (one, most) in OFFERS.iter().flat_map(|offer| offer.limits) {
        assert!(page.contains(&product::words::several(*most, one)), "{most} {one}");
    }
}

#[portico_test]
async fn every_room_stands_in_the_navigation_and_answers(app: TestApp) {
    let acme = app.org("acme").await;

    let dashboard = acme.owner.get("/orgs/acme").await;

    for nav in ROOMS.iter().filter_map(|room| room.nav) {
        let path = format!("/orgs/acme/{}", nav.key);
        dashboard.assert_says(&format!("href=\"{path}\"")).assert_says(nav.title);
        let page = acme.owner.get(&path).await;
        page.assert_status(200).assert_says(&format!("href=\"{path}\" aria-current=\"page\""));
    }
}
