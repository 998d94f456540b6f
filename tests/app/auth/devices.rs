//! Where somebody is signed in: listed, ended, and told of.
use crate::{
    support::http::Person,
    test_app::{TestApp, sign_in_form},
};
use time::Duration;

const OLIVIA: &str = "owner@acme.test";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

async fn signs_in_with_firefox(app: &TestApp) -> Person {
    let person = app.visitor().calling_from("198.51.100.7");
    let signed_in = person.post("/sign-in").header("user-agent", FIREFOX).fields(&sign_in_form(OLIVIA)).await;
    signed_in.assert_redirects_to("/account");
    person
}

/// The ids of the listed sessions.
async fn listed(person: &Person) -> Vec<String> {
    let page = person.get("/account/security").await.assert_status(200).text();
    let rows = page.split("data-session=\"").skip(1);
    rows.map(|row| row.split('"').next().unwrap().to_owned()).collect()
}

#[portico_test]
async fn my_sessions_are_listed_in_words_and_nobody_elses(app: TestApp) {
    let acme = app.org("acme").await;
    app.signs_up("mira@acme.test").await;
    signs_in_with_firefox(&app).await;

    let page = acme.owner.get("/account/security").await;

    page.assert_says("Firefox on Linux").assert_says("198.51.100.7").assert_says("An unknown browser");
    assert_eq!(listed(&acme.owner).await.len(), 2);
    assert_eq!(page.text().matches("This one").count(), 1);
    page.assert_does_not_say("Gecko");
}

#[portico_test]
async fn one_session_is_ended_and_the_others_stay(app: TestApp) {
    let acme = app.org("acme").await;
    let lost = signs_in_with_firefox(&app).await;
    let page = acme.owner.get("/account/security").await.text();
    let form = page.split("action=\"/account/sessions/").nth(2).expect("one beside `revoke-others`");
    let id = form.split('/').next().unwrap().to_owned();

    acme.owner.post(&format!("/account/sessions/{id}/revoke")).await.assert_redirects_to("/account/security");

    lost.get("/account").await.assert_redirects_to("/sign-in");
    acme.owner.get("/account/security").await.assert_says("That session has ended.");
    assert!(app.audit("").await.contains(&"account.sessions_ended".to_owned()));
}

#[portico_test]
async fn nobody_ends_somebody_elses_session(app: TestApp) {
    let acme = app.org("acme").await;
    let mallory = app.signs_up("mallory@elsewhere.test").await;
    let id = listed(&acme.owner).await.remove(0);

    mallory.post(&format!("/account/sessions/{id}/revoke")).await.assert_status(404);

    acme.owner.get("/account").await.assert_status(200);
}

#[portico_test]
async fn all_others_are_ended_at_once(app: TestApp) {
    let acme = app.org("acme").await;
    let (one, other) = (signs_in_with_firefox(&app).await, signs_in_with_firefox(&app).await);

    acme.owner.post("/account/sessions/revoke-others").await.assert_redirects_to("/account/security");

    acme.owner
        .get("/account/security")
        .await
        .assert_says("2 sessions ended.")
        .assert_does_not_say("End all others");
    for ended in [one, other] {
        ended.get("/account").await.assert_redirects_to("/sign-in");
    }
}

#[portico_test]
async fn an_old_sign_in_is_asked_for_the_password_before_it_ends_others(app: TestApp) {
    let acme = app.org("acme").await;
    let other = signs_in_with_firefox(&app).await;
    app.app.clock.advance(Duration::minutes(16));

    let sent = acme.owner.post("/account/sessions/revoke-others").await;

    assert_eq!(sent.location(), "/reauthenticate?next=%2Faccount%2Fsecurity");
    other.get("/account").await.assert_status(200);
}

#[portico_test]
async fn a_session_that_is_over_is_not_listed(app: TestApp) {
    let acme = app.org("acme").await;
    signs_in_with_firefox(&app).await;
    for _ in 0..2 {
        app.app.clock.advance(Duration::hours(7));
        acme.owner.get("/account").await.assert_status(200);
    }

    assert_eq!(listed(&acme.owner).await.len(), 1, "the other was idle too long");
}

#[portico_test]
async fn the_first_sign_in_from_a_device_is_told_by_mail(app: TestApp) {
    app.org("acme").await;

    let olivia = signs_in_with_firefox(&app).await;
    olivia.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(303);

    assert_eq!(app.kinds_to(OLIVIA).await, ["confirm_address", "new_device"], "once for this device");
    let mail = app.mails_to(OLIVIA).await.remove(0);
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("Firefox on Linux") && text.contains("198.51.100.7"), "{text}");
    assert_eq!(app.link_to(OLIVIA, "new_device").await, "/account/security");
}

#[portico_test]
async fn the_device_somebody_signed_up_on_is_no_news(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/sign-out").await;

    acme.owner.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(303);

    assert_eq!(app.kinds_to(OLIVIA).await, ["confirm_address"]);
}

#[portico_test]
async fn ten_mails_about_new_devices_and_then_one_every_six_minutes(app: TestApp) {
    app.org("acme").await;
    for n in 0..3 {
        let app = app.restarted_with("RATE_LIMITS", "on").await;
        for host in 0..4 {
            let person = app.visitor().calling_from(&format!("203.{n}.{host}.7"));
            person.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
        }
    }

    let news = app.kinds_to(OLIVIA).await.iter().filter(|kind| *kind == "new_device").count();

    assert_eq!(news, 10, "of twelve sign-ins, which all worked");
}
