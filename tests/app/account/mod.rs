//! The account page: my name, my organisations, and where I may manage billing.
mod leaving;

use crate::{support::statements::Statements, templates, test_app::TestApp};
use product::orgs::Role;

#[portico_test]
async fn the_page_lists_my_organisations_with_plan_and_role(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await;

    let page = mira.get("/account").await;

    assert!(page.text().contains("acme") && page.text().contains("Elsewhere"), "{}", page.text());
    assert!(page.text().contains("Free") && page.text().contains("No subscription"));
    assert!(page.text().contains("Member") && page.text().contains("Owner"));
}

#[portico_test]
async fn a_new_name_is_kept_and_seen(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner
        .post("/account/profile")
        .fields(&[("name", "  Olive O’Owner  ")])
        .await
        .assert_redirects_to("/account");

    let page = acme.owner.get("/account").await;
    assert!(
        page.text().contains("Olive O’Owner") && page.text().contains("Profile saved."),
        "{}",
        page.text()
    );
    assert_eq!(app.audit("").await, ["auth.signed_up", "account.profile_changed"]);
}

#[portico_test]
async fn a_mistake_keeps_what_was_typed(app: TestApp) {
    let acme = app.org("acme").await;

    let page = acme.owner.post("/account/profile").fields(&[("name", &"n".repeat(101))]).await;

    page.assert_status(422);
    assert!(page.text().contains("at most 100 characters") && page.text().contains(&"n".repeat(101)));
    assert!(acme.owner.get("/account").await.text().contains("Olivia Owner"), "and nothing was changed");
}

#[portico_test]
async fn a_role_given_elsewhere_opens_nothing_here(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await; // and owner of Elsewhere

    let page = mira.get("/account").await;

    assert!(page.text().contains(r#"action="/orgs/elsewhere/billing/portal""#));
    assert!(!page.text().contains(r#"action="/orgs/acme/billing/portal""#));
}

/// The session's row, then login, person and organisations in one statement. Where the page has work of
/// its own, nothing of that is read again.
#[portico_test]
async fn a_signed_in_page_looks_twice_before_its_own_work(app: TestApp) {
    // With a mail server there is no development mailbox, whose mails a page's foot would count.
    let app = app.restarted_with("SMTP_URL", "smtp://127.0.0.1:2525").await;
    let acme = app.org("acme").await;
    app.joins(&acme, Role::Admin).await;
    let statements = Statements::listen();
    let pages = [
        ("/account", false),
        ("/orgs/new", false),
        ("/reauthenticate", false),
        ("/pricing", true),
        ("/orgs/acme", true),
        ("/orgs/acme/settings", true),
        ("/orgs/acme/billing", true),
    ];
    let of_rooms = templates::of_rooms().map(|(_, path, _)| (*path, true));
    for (path, has_work_of_its_own) in pages.into_iter().chain(of_rooms) {
        let page = acme.owner.get(path).await;

        page.assert_status(200);
        let id = page.header("x-request-id").expect("every answer has one");
        let mut all = statements.of(id, if has_work_of_its_own { 3 } else { 2 }).await;
        // The line at the foot, in development alone, counts mails once a second.
        all.retain(|text| !text.contains("from mails"));
        assert_eq!(all.len() > 2, has_work_of_its_own, "{path}: {all:#?}");
        assert!(all[0].contains("sessions") && all[1].contains("logins"), "{path}: {all:#?}");
        let again = |text: &&String| ["sessions", "logins", "users"].iter().any(|table| text.contains(table));
        assert_eq!(all[2..].iter().find(again), None, "{path} looks again");
    }
}

#[portico_test]
async fn every_page_says_the_same_of_a_plan(app: TestApp) {
    let acme = app.org("acme").await;
    let state =
        "insert into billing_state (org_id, subscription_id, status, plan, cancel_at, synced_at, version)
         select id, 'sub_1', 'active', 'pro', TIME, TIME, 1 from orgs where slug = 'acme'";
    let time = match app.app.db.engine() {
        "SQLite" => "1798761600000000",
        _ => "timestamptz '2027-01-01 00:00:00Z'",
    };
    app.run(&state.replace("TIME", time)).await;

    for path in ["/account", "/orgs/acme", "/orgs/acme/billing"] {
        let page = acme.owner.get(path).await;

        page.assert_status(200).assert_says("Pro").assert_says("Ends on 1 January 2027");
    }
}
