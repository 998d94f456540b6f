//! A forgotten password: asked for by anybody, answered the same for every address.
use super::addresses::twenty_at_once;
use crate::{
    support::{html::faults, http::Person},
    test_app::{PASSWORD, TestApp, above_the_dev_line, sign_in_form},
};
use time::Duration;

const OLIVIA: &str = "owner@acme.test";
const OTHER: &str = "some other unrelated words";

/// Asks for a link and gets it.
async fn asked(app: &TestApp) -> String {
    app.visitor()
        .post("/forgot-password")
        .field("email", OLIVIA)
        .await
        .assert_redirects_to("/forgot-password?sent");
    app.does_its_jobs().await;
    app.link_to(OLIVIA, "reset_password").await
}

async fn signs_in_with(app: &TestApp, password: &str) -> Person {
    let person = app.visitor();
    let form = [("email", OLIVIA), ("password", password)];
    person.post("/sign-in").fields(&form).await.assert_redirects_to("/account");
    person
}

#[portico_test]
async fn a_link_from_the_mailbox_sets_a_new_password(app: TestApp) {
    let acme = app.org("acme").await;
    let link = asked(&app).await;
    let olivia = app.visitor();
    let opened = olivia.get(&link).await;
    let page = olivia.follow(&opened).await;
    page.assert_status(200).assert_says(OLIVIA);
    assert_eq!(faults(&page.text()), Vec::<String>::new());

    let set = olivia.post("/reset-password").field("password", OTHER).await;

    set.assert_redirects_to("/sign-in");
    olivia.follow(&set).await.assert_says("Your new password is set.");
    olivia.get("/account").await.assert_redirects_to("/sign-in");
    acme.owner.get("/account").await.assert_redirects_to("/sign-in");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(422);
    signs_in_with(&app, OTHER).await;
    assert_eq!(app.kinds_to(OLIVIA).await[1..3], ["reset_password", "password_changed"]);
    let audit = app.audit("").await;
    assert_eq!(audit[1..3], ["auth.password_reset_asked", "auth.password_reset"], "{audit:?}");
}

#[portico_test]
async fn an_unknown_address_gets_the_same_answer_and_no_mail(app: TestApp) {
    app.org("acme").await;
    let (known, unknown) = (app.visitor(), app.visitor());

    let of_known = known.post("/forgot-password").field("email", OLIVIA).await;
    let of_unknown = unknown.post("/forgot-password").field("email", "nobody@acme.test").await;
    app.does_its_jobs().await;

    assert_eq!((of_known.status, of_known.location()), (of_unknown.status, of_unknown.location()));
    let (of_known, of_unknown) = (known.follow(&of_known).await, unknown.follow(&of_unknown).await);
    assert_eq!(above_the_dev_line(&of_known), above_the_dev_line(&of_unknown));
    assert!(app.mails_to("nobody@acme.test").await.is_empty());
    assert_eq!(app.kinds_to(OLIVIA).await, ["confirm_address", "reset_password"]);
}

#[portico_test]
async fn what_is_no_address_is_said_at_the_field(app: TestApp) {
    let page = app.visitor().post("/forgot-password").field("email", "olivia at acme").await;

    page.assert_status(422).assert_says("Enter an e-mail address like").assert_says("olivia at acme");
}

#[portico_test]
async fn a_link_works_once_and_for_thirty_minutes(app: TestApp) {
    app.org("acme").await;
    let link = asked(&app).await;
    app.visitor().post(&link).field("password", OTHER).await.assert_redirects_to("/sign-in");
    app.visitor().post(&link).field("password", PASSWORD).await.assert_status(404);
    signs_in_with(&app, OTHER).await;

    let late = asked(&app).await;
    app.app.clock.advance(Duration::minutes(30) + Duration::seconds(1));

    app.visitor().post(&late).field("password", PASSWORD).await.assert_status(404);
    signs_in_with(&app, OTHER).await;
}

#[portico_test]
async fn a_newer_link_ends_the_older(app: TestApp) {
    app.org("acme").await;
    let older = asked(&app).await;
    let newer = asked(&app).await;

    app.visitor().post(&older).field("password", OTHER).await.assert_status(404);
    app.visitor().post(&newer).field("password", OTHER).await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn of_twenty_at_once_one_sets_the_password(app: TestApp) {
    app.org("acme").await;
    let link = asked(&app).await;

    let statuses = twenty_at_once(&app, &link, &[("password", OTHER)]).await;

    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(!statuses.contains(&500), "{statuses:?}");
}

#[portico_test]
async fn a_mistake_in_the_new_password_does_not_use_up_the_link(app: TestApp) {
    app.org("acme").await;
    let link = asked(&app).await;
    let olivia = app.visitor();
    olivia.get(&link).await;

    let refused = olivia.post("/reset-password").field("password", "too short").await;

    refused.assert_status(422).assert_says("at least 15 characters").assert_does_not_say("too short");
    olivia.post("/reset-password").field("password", OTHER).await.assert_redirects_to("/sign-in");
}

/// Mallory signed up with Olivia's address before she came.
#[portico_test]
async fn whoever_signed_up_with_anothers_address_loses_the_account_to_her(app: TestApp) {
    let mallory = app.org("acme").await.owner;
    mallory.post("/account/email").field("email", "mallory@elsewhere.test").await.assert_status(303);
    let way_out = app.link_to("mallory@elsewhere.test", "confirm_address").await;

    let link = asked(&app).await;
    app.visitor().post(&link).field("password", OTHER).await.assert_redirects_to("/sign-in");

    mallory.get("/account").await.assert_redirects_to("/sign-in");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(422);
    app.visitor().post(&way_out).await.assert_status(404);
    let olivia = signs_in_with(&app, OTHER).await;
    olivia.get("/account").await.assert_does_not_say("Not confirmed");
}

#[portico_test]
async fn a_link_to_an_address_that_was_given_up_resets_nothing(app: TestApp) {
    let acme = app.org("acme").await;
    let link = asked(&app).await;
    acme.owner.post("/account/email").field("email", "olivia@elsewhere.test").await.assert_status(303);
    let confirm = app.link_to("olivia@elsewhere.test", "confirm_address").await;
    app.visitor().post(&confirm).await.assert_status(303);

    app.visitor().post(&link).field("password", OTHER).await.assert_status(404);

    app.visitor().post("/sign-in").fields(&sign_in_form("olivia@elsewhere.test")).await.assert_status(303);
}

#[portico_test]
async fn an_address_gets_three_links_at_once_and_then_one_an_hour(app: TestApp) {
    app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    for n in 0..5 {
        let visitor = app.visitor().calling_from(&format!("203.0.{n}.7"));
        visitor.post("/forgot-password").field("email", OLIVIA).await.assert_status(303);
        app.does_its_jobs().await;
    }

    let links = |kinds: Vec<String>| kinds.iter().filter(|kind| *kind == "reset_password").count();
    assert_eq!(links(app.kinds_to(OLIVIA).await), 3);

    app.app.clock.advance(Duration::hours(1));
    app.visitor().post("/forgot-password").field("email", OLIVIA).await.assert_status(303);
    app.does_its_jobs().await;
    assert_eq!(links(app.kinds_to(OLIVIA).await), 4);
}

#[portico_test]
async fn five_links_from_one_network_and_then_they_wait(app: TestApp) {
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let mallory = app.visitor().calling_from("203.0.113.7");
    for n in 0..5 {
        mallory.post("/forgot-password").field("email", &format!("{n}@acme.test")).await.assert_status(303);
    }

    let refused = mallory.post("/forgot-password").field("email", "6@acme.test").await;

    refused.assert_status(429);
    assert!(refused.header_text("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 721));
    let olivia = app.visitor().calling_from("198.51.100.7");
    olivia.post("/forgot-password").field("email", OLIVIA).await.assert_status(303);
}

/// 200 tries each, alternating. In a debug build the machine's noise is larger than in release, so the medians are
/// held to a ratio here; `timed` measures milliseconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_and_an_unknown_address_take_as_long_to_answer() {
    let app = TestApp::sqlite("timing").await;
    app.org("acme").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        for (email, times) in [(OLIVIA, &mut known), ("owner@acme.tesu", &mut unknown)] {
            let started = std::time::Instant::now();
            app.visitor().post("/forgot-password").field("email", email).await.assert_status(303);
            times.push(started.elapsed());
        }
    }
    known.sort();
    unknown.sort();

    let (known, unknown) = (known[100].as_secs_f64(), unknown[100].as_secs_f64());
    println!("known {:.2} ms, unknown {:.2} ms", known * 1e3, unknown * 1e3);
    assert!((known - unknown).abs() < 0.005, "known {known:.4} s, unknown {unknown:.4} s");
}
