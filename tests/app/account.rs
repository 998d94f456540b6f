//! The account page: my name, my organisations, and where I may manage billing.
use crate::world::TestApp;
use product::orgs::Role;

crate::support::on_both_engines! {
    the_page_lists_my_organisations_with_plan_and_role,
    a_new_name_is_kept_and_seen,
    a_mistake_keeps_what_was_typed,
    a_role_given_elsewhere_opens_nothing_here,
}

async fn the_page_lists_my_organisations_with_plan_and_role(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await;

    let page = mira.get("/account").await;

    assert!(page.text().contains("acme") && page.text().contains("Elsewhere"), "{}", page.text());
    assert!(page.text().contains("Free") && page.text().contains("No subscription"));
    assert!(page.text().contains("Member") && page.text().contains("Owner"));
}

async fn a_new_name_is_kept_and_seen(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner
        .post("/account/profile")
        .fields(&[("name", "  Olive O’Owner  ")])
        .await
        .assert_redirects_to("/account");

    let page = acme.owner.get("/account").await;
    assert!(
        page.text().contains("Olive O’Owner") && page.text().contains("Your profile is saved."),
        "{}",
        page.text()
    );
    assert_eq!(app.audit("").await, ["auth.signed_up", "account.profile_changed"]);
}

async fn a_mistake_keeps_what_was_typed(app: TestApp) {
    let acme = app.org("acme").await;

    let page = acme.owner.post("/account/profile").fields(&[("name", &"n".repeat(101))]).await;

    page.assert_status(422);
    assert!(page.text().contains("at most 100 characters") && page.text().contains(&"n".repeat(101)));
    assert!(acme.owner.get("/account").await.text().contains("Olivia Owner"), "and nothing was changed");
}

async fn a_role_given_elsewhere_opens_nothing_here(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await; // and owner of Elsewhere

    let page = mira.get("/account").await;

    assert!(page.text().contains(r#"action="/orgs/elsewhere/billing/portal""#));
    assert!(!page.text().contains(r#"action="/orgs/acme/billing/portal""#));
}
