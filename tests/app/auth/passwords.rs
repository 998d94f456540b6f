//! Changing one's own password.
use crate::test_app::{PASSWORD, TestApp, sign_in_form};
use time::Duration;

const OLIVIA: &str = "owner@acme.test";
const OTHER: &str = "some other unrelated words";
const CHANGE: [(&str, &str); 2] = [("current_password", PASSWORD), ("new_password", OTHER)];

#[portico_test]
async fn a_new_password_replaces_the_old_and_ends_the_other_sessions(app: TestApp) {
    let acme = app.org("acme").await;
    let elsewhere = app.visitor();
    elsewhere.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(303);
    let before = acme.owner.cookie("__Host-session");

    acme.owner.post("/account/password").fields(&CHANGE).await.assert_redirects_to("/account/security");

    acme.owner.get("/account/security").await.assert_says("Your password is changed.");
    assert_ne!(acme.owner.cookie("__Host-session"), before, "a new session id");
    elsewhere.get("/account").await.assert_redirects_to("/sign-in");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(422);
    let form = [("email", OLIVIA), ("password", OTHER)];
    app.visitor().post("/sign-in").fields(&form).await.assert_redirects_to("/account");
    assert!(app.kinds_to(OLIVIA).await.contains(&"password_changed".to_owned()));
    assert!(app.audit("").await.contains(&"account.password_changed".to_owned()));
}

#[portico_test]
async fn other_sessions_stay_if_the_person_says_so(app: TestApp) {
    let acme = app.org("acme").await;
    let elsewhere = app.visitor();
    elsewhere.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(303);

    let change = acme.owner.post("/account/password").fields(&CHANGE).field("keep_others", "on").await;

    change.assert_redirects_to("/account/security");
    elsewhere.get("/account").await.assert_status(200);
}

#[portico_test]
async fn without_the_current_password_nothing_is_changed(app: TestApp) {
    let acme = app.org("acme").await;
    for (current, new, said) in [
        ("not the right words", OTHER, "That password is not correct."),
        ("", OTHER, "That password is not correct."),
        (PASSWORD, "too short", "at least 15 characters"),
        (PASSWORD, "owner acme olivia", "too easy to guess"),
    ] {
        let form = [("current_password", current), ("new_password", new)];
        let page = acme.owner.post("/account/password").fields(&form).await;

        page.assert_status(422).assert_says(said).assert_does_not_say(OTHER);
    }
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
}

#[portico_test]
async fn guesses_at_the_current_password_are_counted(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let thief = app.lets_in(&acme.owner).calling_from("203.0.113.7");
    for _ in 0..20 {
        let form = [("current_password", "a guess of fifteen"), ("new_password", OTHER)];
        thief.post("/account/password").fields(&form).await.assert_status(422);
    }

    thief.post("/account/password").fields(&CHANGE).await.assert_status(429);
}

#[portico_test]
async fn an_old_sign_in_is_asked_for_the_password_first(app: TestApp) {
    let acme = app.org("acme").await;
    app.app.clock.advance(Duration::minutes(16));

    let sent = acme.owner.post("/account/password").fields(&CHANGE).await;

    assert_eq!(sent.location(), "/reauthenticate?next=%2Faccount%2Fsecurity");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
}

/// Whoever sat at her browser asked for another address and for a reset before she noticed.
#[portico_test]
async fn a_new_password_ends_the_links_that_somebody_else_asked_for(app: TestApp) {
    let acme = app.org("acme").await;
    let change = [("email", "thief@elsewhere.test"), ("keep_others", "on")];
    acme.owner.post("/account/email").fields(&change).await.assert_status(303);
    let address = app.link_to("thief@elsewhere.test", "confirm_address").await;
    app.visitor().post("/forgot-password").field("email", OLIVIA).await.assert_status(303);
    app.does_its_jobs().await;
    let reset = app.link_to(OLIVIA, "reset_password").await;

    acme.owner.post("/account/password").fields(&CHANGE).await.assert_status(303);

    app.visitor().post(&address).await.assert_status(404);
    app.visitor().post(&reset).field("password", "yet another few words").await.assert_status(404);
}
