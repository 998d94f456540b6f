//! Somebody guesses a password. They are slowed down, and the account's owner gets in all the same.
use crate::{
    support::http::{Answer, Person},
    test_app::{PASSWORD, TestApp, sign_in_form},
};
use time::Duration;

const OLIVIA: &str = "owner@acme.test";
const GUESS: [(&str, &str); 2] = [("email", OLIVIA), ("password", "a guess of fifteen")];

/// A visitor from there, with nothing but what the device that `person` signed in on kept.
fn on_the_device_of(app: &TestApp, person: &Person, address: &str) -> Person {
    let visitor = app.visitor().calling_from(address);
    visitor.set_cookie("__Host-device", &person.cookie("__Host-device").expect("it has signed in"));
    visitor
}

async fn signs_in(person: &Person) -> Answer {
    person.post("/sign-in").fields(&sign_in_form(OLIVIA)).await
}

/// Twenty guesses from two addresses of 203.0.113.0/24, as many as it has.
async fn mallory_guesses(app: &TestApp) {
    for n in 0..20 {
        let mallory = app.visitor().calling_from(&format!("203.0.113.{}", n % 2));
        mallory.post("/sign-in").fields(&GUESS).await.assert_status(422);
    }
}

#[portico_test]
async fn guesses_use_up_the_tries_of_a_network_and_of_nobody_else(app: TestApp) {
    app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;

    mallory_guesses(&app).await;

    let refused = app.visitor().calling_from("203.0.113.7").post("/sign-in").fields(&GUESS).await;
    refused.assert_status(429);
    assert!(refused.header_text("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 60));
    signs_in(&app.visitor().calling_from("198.51.100.7")).await.assert_redirects_to("/account");
}

#[portico_test]
async fn an_owner_gets_in_on_their_own_device_however_many_guess_beside_them(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    mallory_guesses(&app).await;
    for n in 0..10 {
        let other = format!("guess{n}@acme.test");
        app.visitor().calling_from("203.0.113.7").post("/sign-in").fields(&sign_in_form(&other)).await;
    }

    signs_in(&app.visitor().calling_from("203.0.113.7")).await.assert_status(429);
    let olivia = on_the_device_of(&app, &acme.owner, "203.0.113.7");
    signs_in(&olivia).await.assert_redirects_to("/account");

    olivia.get("/orgs/acme").await.assert_status(200);
}

#[portico_test]
async fn a_device_is_known_to_whoever_signed_in_on_it_and_to_nobody_else(app: TestApp) {
    app.org("acme").await;
    let mallory = app.signs_up("mallory@elsewhere.test").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    mallory_guesses(&app).await;
    let forged = mallory.cookie("__Host-device").unwrap().replace('.', "x.");

    let on_her_own = on_the_device_of(&app, &mallory, "203.0.113.7");
    on_her_own.post("/sign-in").fields(&GUESS).await.assert_status(429);
    on_her_own.set_cookie("__Host-device", &forged);
    on_her_own.post("/sign-in").fields(&GUESS).await.assert_status(429);
}

#[portico_test]
async fn guesses_on_a_known_device_are_slowed_down_too(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let thief = on_the_device_of(&app, &acme.owner, "203.0.113.7");
    for _ in 0..20 {
        thief.post("/sign-in").fields(&GUESS).await.assert_status(422);
    }

    thief.post("/sign-in").fields(&GUESS).await.assert_status(429);

    app.app.clock.advance(Duration::seconds(7));
    signs_in(&thief).await.assert_redirects_to("/account");
}

/// A stolen session guesses at the password for billing; it is not on the owner's device.
#[portico_test]
async fn a_thief_who_guesses_at_a_recent_sign_in_does_not_lock_the_owner_out(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    for n in 0..20 {
        let thief = app.visitor().calling_from(&format!("203.0.113.{}", n % 2));
        thief.set_cookie("__Host-session", &acme.owner.cookie("__Host-session").unwrap());
        thief.post("/reauthenticate").field("password", GUESS[1].1).await.assert_status(422);
    }
    let thief = app.visitor().calling_from("203.0.113.9");
    thief.set_cookie("__Host-session", &acme.owner.cookie("__Host-session").unwrap());
    thief.post("/reauthenticate").field("password", PASSWORD).await.assert_status(429);

    let olivia = on_the_device_of(&app, &acme.owner, "203.0.113.9");
    olivia.set_cookie("__Host-session", &acme.owner.cookie("__Host-session").unwrap());
    olivia.post("/reauthenticate").field("password", PASSWORD).await.assert_redirects_to("/account");
}

#[portico_test]
async fn once_many_networks_have_guessed_a_stranger_waits_and_still_gets_in(app: TestApp) {
    app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    mallory_guesses(&app).await;
    // As after another 79 from networks of their own, at 36 s each.
    app.run("update throttles set arrival = arrival + 2844000000").await;

    let started = std::time::Instant::now();
    signs_in(&app.visitor().calling_from("198.51.100.7")).await.assert_redirects_to("/account");
    signs_in(&app.visitor().calling_from("198.51.100.8")).await.assert_redirects_to("/account");

    assert!(started.elapsed() >= std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}

#[portico_test]
async fn a_clock_set_back_locks_nobody_out(app: TestApp) {
    app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    mallory_guesses(&app).await;

    app.app.clock.advance(Duration::days(-1));

    signs_in(&app.visitor().calling_from("203.0.113.7")).await.assert_redirects_to("/account");
}

#[portico_test]
async fn a_sign_in_from_before_the_clock_was_set_back_is_not_recent(app: TestApp) {
    let acme = app.org("acme").await;

    app.app.clock.advance(Duration::days(-1));

    let sent = acme.owner.post("/orgs/acme/billing/portal").await;
    assert_eq!(sent.location(), "/reauthenticate?next=%2Forgs%2Facme%2Fbilling");
}
