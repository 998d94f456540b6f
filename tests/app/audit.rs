//! The log says who did what, and holds people's data where it can be erased.
use crate::test_app::{TestApp, sign_in_form};

#[portico_test]
async fn an_entry_names_who_did_it_and_in_which_request(app: TestApp) {
    let acme = app.org("acme").await;

    let sent = acme.owner.post("/orgs/acme/billing/portal").await;

    let opened =
        "from audit_events e join users u on u.id = e.actor_id where e.action = 'billing.portal_opened'";
    assert_eq!(app.texts(&format!("select u.email {opened}")).await, ["owner@acme.test"]);
    let detail = &app.texts(&format!("select cast(e.detail as text) {opened}")).await[0];
    assert!(detail.contains(sent.header_text("x-request-id")) && detail.contains("bps_"), "{detail}");
}

#[portico_test]
async fn what_identifies_a_person_stands_apart(app: TestApp) {
    app.org("acme").await;
    app.visitor()
        .post("/sign-in")
        .fields(&[("email", "somebody@private.test"), ("password", "some guess or other")])
        .await;
    app.visitor().post("/sign-in").fields(&sign_in_form("owner@acme.test")).await;

    let details = app.texts("select cast(detail as text) from audit_events").await;
    let personal = app
        .texts("select cast(personal as text) from audit_events where action = 'auth.sign_in_failed'")
        .await;

    assert!(
        details.iter().all(|detail| !detail.contains('@') && !detail.contains("127.0.0.1")),
        "{details:?}"
    );
    assert!(personal[0].contains("somebody@private.test"), "{personal:?}");
    assert_eq!(app.run("update audit_events set personal = null").await, 4, "and can be erased");
}

#[portico_test]
async fn nothing_is_logged_for_what_was_undone(app: TestApp) {
    app.org("acme").await;

    let again = app
        .visitor()
        .post("/sign-up")
        .fields(&crate::test_app::sign_up_form("Olivia", "owner@acme.test", "Second"))
        .await;

    again.assert_status(422);
    assert_eq!(app.count("select count(*) from audit_events").await, 2);
}
