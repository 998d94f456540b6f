//! Somebody takes their data away, and deletes their account.
use crate::{
    billing_app::{BillingApp, GOOD},
    test_app::{Org, TestApp, sign_in_form, sign_up_form},
};
use product::orgs::Role;
use std::io::Read;
use time::Duration;

const OLIVIA: &str = "owner@acme.test";

/// The files of an archive by name.
fn files(archive: &[u8]) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    (0..zip.len())
        .map(|n| {
            let mut file = zip.by_index(n).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

/// Mira, who is a member of acme, and of nothing else.
async fn mira_of(app: &TestApp, acme: &Org) -> (crate::support::http::Person, String) {
    let mira = app.joins(acme, Role::Member).await;
    let address = app.texts("select email from users where email like 'member-%'").await.remove(0);
    mira.post("/orgs/elsewhere/delete").field("confirm", "elsewhere").await.assert_redirects_to("/account");
    (mira, address)
}

#[portico_test]
async fn an_export_holds_what_is_known_of_the_person_and_of_nobody_else(app: TestApp) {
    let acme = app.org("acme").await;
    app.signs_up("mira@elsewhere.test").await;
    app.visitor().post("/forgot-password").field("email", OLIVIA).await.assert_status(303);
    app.does_its_jobs().await;
    let token = app.link_to(OLIVIA, "reset_password").await.rsplit('/').next().unwrap().to_owned();

    let answer = acme.owner.get("/account/export").await;

    answer.assert_status(200);
    assert_eq!(answer.header_text("content-type"), "application/zip");
    assert!(answer.header_text("content-disposition").starts_with("attachment; filename="));
    let files = files(&answer.body);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "README.txt",
        "account.json",
        "sessions.json",
        "organisations.json",
        "checkouts.json",
        "activity.json",
        "mails.json",
    ];
    assert_eq!(names, expected);
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    for held in
        [OLIVIA, "Olivia Owner", "\"owner\"", "auth.signed_up", "Confirm your e-mail address", "127.0.0.1"]
    {
        assert!(all.contains(held), "{held} is missing: {all}");
    }
    for secret in ["mira@elsewhere.test", "argon2", &token] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".json")) {
        serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    }
    assert!(app.audit("").await.contains(&"account.exported".to_owned()));
}

#[portico_test]
async fn an_old_sign_in_is_asked_for_the_password_before_it_takes_data_away(app: TestApp) {
    let acme = app.org("acme").await;
    app.app.clock.advance(Duration::minutes(16));

    let sent = acme.owner.get("/account/export").await;
    let deletion = acme.owner.post("/account/delete").field("confirm", OLIVIA).await;

    assert_eq!(sent.location(), "/reauthenticate?next=%2Faccount");
    assert_eq!(deletion.location(), "/reauthenticate?next=%2Faccount");
    assert_eq!(app.count("select count(*) from users").await, 1);
}

#[portico_test]
async fn exports_are_limited(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let olivia = app.lets_in(&acme.owner);
    for _ in 0..3 {
        olivia.get("/account/export").await.assert_status(200);
    }

    olivia.get("/account/export").await.assert_status(429);
}

#[portico_test]
async fn a_deleted_person_is_gone_at_once_everywhere(app: TestApp) {
    let acme = app.org("acme").await;
    let (mira, address) = mira_of(&app, &acme).await;
    let elsewhere = app.visitor();
    elsewhere.post("/sign-in").fields(&sign_in_form(&address)).await.assert_status(303);
    app.visitor().post("/sign-in").fields(&[("email", &*address), ("password", "a guess of fifteen")]).await;

    let gone = mira.post("/account/delete").field("confirm", &format!(" {} ", address.to_uppercase())).await;

    gone.assert_redirects_to("/sign-in");
    assert_eq!(gone.header_text("clear-site-data"), "\"cache\", \"storage\"");
    mira.follow(&gone).await.assert_says("Your account is deleted.");
    for cookie in [&mira, &elsewhere] {
        cookie.get("/account").await.assert_redirects_to("/sign-in");
    }
    assert_eq!(app.kinds_to(&address).await, ["account_deleted"], "what was mailed before is gone too");
    assert_eq!(app.count("select count(*) from members").await, 1);
    let personal = "select coalesce(cast(personal as text), '') from audit_events";
    let personal = app.texts(personal).await.join("\n");
    assert!(!personal.contains(&address), "{personal}");
    assert!(app.audit("acme").await.contains(&"member.left".to_owned()));
    assert!(app.audit("").await.contains(&"account.deleted".to_owned()));
    app.visitor().post("/sign-in").fields(&sign_in_form(&address)).await.assert_status(422);
    let again = app.visitor().post("/sign-up").fields(&sign_up_form("Mira", &address, "Mine")).await;
    again.assert_redirects_to("/orgs/mine");
}

#[portico_test]
async fn the_only_owner_of_an_organisation_cannot_leave_it_alone(app: TestApp) {
    let acme = app.org("acme").await;

    let refused = acme.owner.post("/account/delete").field("confirm", OLIVIA).await;

    refused.assert_status(422).assert_says("only owner of acme").assert_says("Delete it in its settings");
    acme.owner.get("/orgs/acme").await.assert_status(200);
    assert_eq!(app.count("select count(*) from users").await, 1);
    acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await.assert_redirects_to("/account");
    acme.owner.post("/account/delete").field("confirm", OLIVIA).await.assert_redirects_to("/sign-in");
    assert_eq!(app.count("select count(*) from users").await, 0);
}

#[portico_test]
async fn of_two_owners_who_leave_at_once_one_stays(app: TestApp) {
    let acme = app.org("acme").await;
    let other = app.joins(&acme, Role::Owner).await;
    other.post("/orgs/elsewhere/delete").field("confirm", "elsewhere").await.assert_redirects_to("/account");
    let address = app.texts("select email from users where email like 'owner-%'").await.remove(0);

    let (one, two) = tokio::join!(
        acme.owner.post("/account/delete").field("confirm", OLIVIA).into_future(),
        other.post("/account/delete").field("confirm", &address).into_future()
    );

    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort();
    assert_eq!(statuses, [303, 422]);
    assert_eq!(app.count("select count(*) from members where role = 'owner'").await, 1);
}

#[portico_test]
async fn another_address_than_their_own_confirms_nothing(app: TestApp) {
    let acme = app.org("acme").await;
    for typed in ["", "owner@acme.tesu", "acme"] {
        let refused = acme.owner.post("/account/delete").field("confirm", typed).await;

        refused
            .assert_status(422)
            .assert_says("Nothing was deleted.")
            .assert_says(&format!("value=\"{typed}\""));
    }
    assert_eq!(app.count("select count(*) from users").await, 1);
}

#[portico_test]
async fn seats_follow_somebody_who_deletes_their_account(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let (mira, address) = mira_of(&it.app, &acme).await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    assert_eq!(it.billing_state("acme").await["quantity"], 2);

    mira.post("/account/delete").field("confirm", &address).await.assert_redirects_to("/sign-in");
    it.settled().await;

    assert_eq!(it.billing_state("acme").await["quantity"], 1);
    it.assert_no_drift("acme").await;
}
