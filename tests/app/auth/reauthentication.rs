//! Billing asks for the password again once a sign-in is old (`BILLING_REAUTH_MINUTES`).
use crate::test_app::{Org, PASSWORD, TestApp};

const BACK: &str = "/reauthenticate?next=%2Forgs%2Facme%2Fbilling";

/// Olivia signed in an hour and a minute ago.
async fn an_hour_later(app: &TestApp) -> Org {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    app.app.clock.advance(time::Duration::minutes(61));
    acme
}

#[portico_test]
async fn an_old_sign_in_is_asked_for_the_password_before_billing(app: TestApp) {
    let acme = an_hour_later(&app).await;
    let audit = app.audit("acme").await;

    let portal = acme.owner.post("/orgs/acme/billing/portal").await;
    let plan = [("plan", "pro"), ("interval", "month")];
    let checkout = acme.owner.post("/orgs/acme/billing/checkout").fields(&plan).await;

    for sent in [&portal, &checkout] {
        sent.assert_status(303);
        assert_eq!(sent.location(), BACK);
    }
    assert_eq!(app.audit("acme").await, audit, "nothing was opened");
    assert_eq!(app.count("select count(*) from checkout_attempts").await, 0);
    acme.owner.follow(&portal).await.assert_status(200).assert_says("owner@acme.test");
}

#[portico_test]
async fn htmx_is_led_to_the_password_by_header(app: TestApp) {
    let acme = an_hour_later(&app).await;

    let sent = acme.owner.post("/orgs/acme/billing/portal").with_htmx().await;

    sent.assert_status(200);
    assert_eq!((sent.header_text("hx-redirect"), sent.header_text("location")), (BACK, ""));
}

#[portico_test]
async fn the_right_password_leads_back_and_the_next_click_works(app: TestApp) {
    let acme = an_hour_later(&app).await;
    let before = acme.owner.cookie("__Host-session");

    let form = [("password", PASSWORD), ("next", "/orgs/acme/billing")];
    let back = acme.owner.post("/reauthenticate").fields(&form).await;

    back.assert_status(303);
    assert_eq!(back.location(), "/orgs/acme/billing");
    assert_ne!(acme.owner.cookie("__Host-session"), before, "a new session id");
    let sent = acme.owner.post("/orgs/acme/billing/portal").await;
    sent.assert_redirects_to(&app.stripe);
    let audited = app.texts("select action from audit_events where action like 'auth.reauth%'").await;
    assert_eq!(audited, ["auth.reauthenticated"]);
}

#[portico_test]
async fn a_wrong_password_is_said_and_written_down(app: TestApp) {
    let acme = an_hour_later(&app).await;

    let form = [("password", "not the right words"), ("next", "/orgs/acme/billing")];
    let again = acme.owner.post("/reauthenticate").fields(&form).await;

    again.assert_status(422).assert_says("That password is not correct").assert_says("/orgs/acme/billing");
    again.assert_does_not_say("not the right words");
    let audited = app.texts("select action from audit_events where action like 'auth.reauth%'").await;
    assert_eq!(audited, ["auth.reauthentication_failed"]);
    assert_eq!(acme.owner.post("/orgs/acme/billing/portal").await.location(), BACK, "and nothing is open");
}

#[portico_test]
async fn a_page_of_somebody_elses_is_not_where_the_password_leads(app: TestApp) {
    let acme = an_hour_later(&app).await;

    for next in ["https://evil.example", "//evil.example", "/\\evil.example", ""] {
        let form = [("password", PASSWORD), ("next", next)];
        let back = acme.owner.post("/reauthenticate").fields(&form).await;

        assert_eq!((back.status.as_u16(), back.location()), (303, "/account"), "{next}");
    }
}

#[portico_test]
async fn looking_needs_no_password(app: TestApp) {
    let acme = an_hour_later(&app).await;

    for path in ["/orgs/acme/billing", "/orgs/acme/settings", "/account"] {
        acme.owner.get(path).await.assert_status(200);
    }
    acme.owner.post("/orgs/acme/settings").field("name", "Acme").await.assert_status(303);
}

#[portico_test]
async fn whoever_switches_it_off_is_never_asked(app: TestApp) {
    let app = app.restarted_with("BILLING_REAUTH_MINUTES", "0").await;
    let acme = an_hour_later(&app).await;

    acme.owner.post("/orgs/acme/billing/portal").await.assert_redirects_to(&app.stripe);
}

#[portico_test]
async fn a_signed_out_person_cannot_reauthenticate(app: TestApp) {
    let acme = an_hour_later(&app).await;
    let thief = acme.owner.clone();
    acme.owner.post("/sign-out").await.assert_status(303);

    let refused = thief.post("/reauthenticate").fields(&[("password", PASSWORD), ("next", "/account")]).await;

    refused.assert_status(401);
}
