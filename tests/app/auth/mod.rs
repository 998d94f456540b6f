//! Sign up, in and out, and everything that pretends to be signed in.
mod addresses;
mod breaches;
mod devices;
mod forgotten;
mod guessing;
mod passwords;
mod reauthentication;

use crate::test_app::{Headers, PUBLIC_URL, TestApp, above_the_dev_line, sign_in_form, sign_up_form};
use product::auth::sessions::Store;
use tower_sessions::{SessionStore, session::Record};

const OLIVIA: &str = "owner@acme.test";

#[portico_test]
async fn signing_up_makes_person_organisation_and_ownership(app: TestApp) {
    let acme = app.org("Acme Anvils").await;

    let account = acme.owner.get("/account").await;

    assert!(
        account.text().contains("Olivia Owner") && account.text().contains("Acme Anvils"),
        "{}",
        account.text()
    );
    acme.owner.get("/orgs/acme-anvils").await.assert_status(200);
    assert_eq!(app.texts("select role from members").await, ["owner"]);
    assert_eq!(app.audit("").await, ["auth.signed_up"]);
    assert_eq!(app.audit("acme-anvils").await, ["org.created"]);
}

#[portico_test]
async fn signing_up_twice_at_once_with_one_address_makes_one_account(app: TestApp) {
    let tries = (0..4).map(|n| {
        let visitor = app.visitor();
        tokio::spawn(async move {
            visitor
                .post("/sign-up")
                .fields(&sign_up_form("Olivia", OLIVIA, &format!("Try {n}")))
                .await
                .status
                .as_u16()
        })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }

    statuses.sort();
    assert_eq!(statuses, [303, 422, 422, 422]);
    let counts = "select (select count(*) from users) * 100 + (select count(*) from orgs) * 10 + (select count(*) from members)";
    assert_eq!(app.count(counts).await, 111, "one person, one organisation, one membership");
}

#[portico_test]
async fn a_mistake_in_sign_up_is_said_at_the_field_and_nothing_typed_is_lost(app: TestApp) {
    let visitor = app.visitor();
    let form = [
        ("name", "Olivia \"O\" <Owner>"),
        ("email", "not-an-address"),
        ("password", "short"),
        ("organisation", "Acme & Sons"),
    ];

    let page = visitor.post("/sign-up").fields(&form).await;

    page.assert_status(422);
    for said in [
        "Enter an e-mail address like",
        "at least 15 characters",
        "not-an-address",
        "Acme &#38; Sons",
        "&#60;Owner&#62;",
    ] {
        assert!(page.text().contains(said), "{said} is missing: {}", page.text());
    }
    assert!(!page.text().contains("short"), "a password is never sent back");
    assert_eq!(app.count("select count(*) from users").await, 0);
}

#[portico_test]
async fn signing_in_leads_where_the_person_was_going(app: TestApp) {
    app.org("acme").await;
    let olivia = app.visitor();
    let asked = olivia.get("/orgs/acme/billing?from=mail").await;
    asked.assert_redirects_to("/sign-in?next=%2Forgs%2Facme%2Fbilling%3Ffrom%3Dmail");
    let form = olivia.get(asked.location()).await;
    assert!(form.text().contains(r#"value="/orgs/acme/billing?from=mail""#), "{}", form.text());

    let mut fields = sign_in_form(OLIVIA).to_vec();
    fields.push(("next", "/orgs/acme/billing?from=mail"));
    let signed_in = olivia.post("/sign-in").fields(&fields).await;

    signed_in.assert_redirects_to("/orgs/acme/billing?from=mail");
    olivia.get("/orgs/acme/billing").await.assert_status(200);
    assert_eq!(app.audit("").await, ["auth.signed_up", "auth.signed_in"]);
}

#[portico_test]
async fn a_foreign_next_is_not_followed(app: TestApp) {
    app.org("acme").await;
    for next in ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"] {
        let mut fields = sign_in_form(OLIVIA).to_vec();
        fields.push(("next", next));

        let signed_in = app.visitor().post("/sign-in").fields(&fields).await;

        assert_eq!(signed_in.location(), "/account", "{next}");
    }
}

#[portico_test]
async fn a_wrong_password_and_an_unknown_address_look_the_same(app: TestApp) {
    app.org("acme").await;
    let wrong = app
        .visitor()
        .post("/sign-in")
        .fields(&[("email", OLIVIA), ("password", "not this one at all")])
        .await;

    let unknown = app
        .visitor()
        .post("/sign-in")
        .fields(&[("email", "owner@acme.tesu"), ("password", "not this one at all")])
        .await;

    assert_eq!((wrong.status.as_u16(), unknown.status.as_u16()), (422, 422));
    let (wrong, unknown) = (above_the_dev_line(&wrong), above_the_dev_line(&unknown));
    assert_eq!(wrong.replace(OLIVIA, ""), unknown.replace("owner@acme.tesu", ""));
    assert_eq!(app.audit("").await[1..], ["auth.sign_in_failed", "auth.sign_in_failed"]);
}

#[portico_test]
async fn signing_out_ends_every_copy_of_the_cookie(app: TestApp) {
    let acme = app.org("acme").await;
    let thief = acme.owner.clone();

    acme.owner.post("/sign-out").await.assert_redirects_to("/sign-in");

    acme.owner.get("/account").await.assert_redirects_to("/sign-in");
    thief.get("/account").await.assert_redirects_to("/sign-in");
    assert_eq!(app.audit("").await, ["auth.signed_up", "auth.signed_out"]);
}

/// A request in flight saves its session after another one deleted it.
#[portico_test]
async fn a_session_saved_across_sign_out_stays_dead(app: TestApp) {
    let store = Store::new(&app.app.db);
    let mut record =
        Record { id: Default::default(), data: Default::default(), expiry_date: in_an_hour(&app) };
    store.create(&mut record).await.unwrap();
    let in_flight = store.load(&record.id).await.unwrap().expect("it is there");

    store.delete(&record.id).await.unwrap();
    store.save(&in_flight).await.unwrap();

    assert!(store.load(&record.id).await.unwrap().is_none());
    assert_eq!(app.count("select count(*) from sessions").await, 0);
}

/// Even a row that somebody restores, from a backup say, opens nothing.
#[portico_test]
async fn a_session_row_that_comes_back_is_not_a_login(app: TestApp) {
    let acme = app.org("acme").await;
    let thief = acme.owner.clone();
    app.run("create table kept as select * from sessions").await;
    acme.owner.post("/sign-out").await;
    assert_eq!(app.run("insert into sessions select * from kept").await, 1);

    thief.get("/account").await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn forged_cookies_are_nobody(app: TestApp) {
    let acme = app.org("acme").await;
    let real = acme.owner.cookie("__Host-session").expect("signed in");
    let mut other = real.clone().into_bytes();
    other[3] = if other[3] == b'A' { b'B' } else { b'A' };
    let long = "A".repeat(5000);

    for forged in [
        String::from_utf8(other).unwrap(),
        "AAAAAAAAAAAAAAAAAAAAAA".into(),
        "null".into(),
        "%00".into(),
        long,
        real + "x",
    ] {
        let mallory = app.visitor();
        mallory.set_cookie("__Host-session", &forged);

        mallory.get("/account").await.assert_redirects_to("/sign-in");
    }
}

#[portico_test]
async fn an_idle_login_ends(app: TestApp) {
    let acme = app.org("acme").await;
    app.app.clock.advance(time::Duration::hours(11));
    acme.owner.get("/account").await.assert_status(200);
    app.app.clock.advance(time::Duration::hours(11));
    acme.owner.get("/account").await.assert_status(200);

    app.app.clock.advance(time::Duration::hours(13));

    acme.owner.get("/account").await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn whoever_keeps_clicking_stays_signed_in_however_short_the_idle_time(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("SESSION_IDLE_MINUTES", "1").await;
    let olivia = app.lets_in(&acme.owner);
    for seconds in [50, 5, 50, 50, 20, 45, 50] {
        app.app.clock.advance(time::Duration::seconds(seconds));
        olivia.get("/account").await.assert_status(200);
    }

    app.app.clock.advance(time::Duration::seconds(61));

    olivia.get("/account").await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn an_old_login_ends_however_busy(app: TestApp) {
    let acme = app.org("acme").await;
    for _ in 0..33 {
        app.app.clock.advance(time::Duration::hours(10));
        acme.owner.get("/account").await.assert_status(200);
    }

    app.app.clock.advance(time::Duration::hours(7));

    acme.owner.get("/account").await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn signing_in_changes_the_session_id(app: TestApp) {
    let acme = app.org("acme").await;
    let before = acme.owner.cookie("__Host-session");

    acme.owner.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");

    assert_ne!(acme.owner.cookie("__Host-session"), before);
}

#[portico_test]
async fn ids_are_not_kept_in_clear(app: TestApp) {
    let acme = app.org("acme").await;
    let cookie = acme.owner.cookie("__Host-session").unwrap();

    let kept = app.texts("select id from sessions").await;

    assert_eq!(kept.len(), 1);
    assert_ne!(kept[0], cookie);
    let thief = app.visitor();
    thief.set_cookie("__Host-session", &kept[0]);
    thief.get("/account").await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn cross_site_posts_are_refused(app: TestApp) {
    let acme = app.org("acme").await;
    for headers in [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")][..],
        &[("sec-fetch-site", "same-site"), ("origin", "http://other.portico.localhost")],
        &[("sec-fetch-site", ""), ("origin", "https://evil.test")],
        &[("sec-fetch-site", ""), ("origin", "null")],
        &[("sec-fetch-site", ""), ("origin", "http://portico.localhost.evil.test")],
        &[("sec-fetch-site", ""), ("origin", "")],
    ] {
        for path in ["/sign-out", "/orgs/acme/billing/portal", "/account/profile", "/orgs"] {
            let refused = acme.owner.post(path).fields(&[("name", "Mallory")]).sending(headers).await;
            refused.assert_status(403);
        }
    }
    acme.owner.get("/account").await.assert_status(200);
    assert_eq!(app.customers_at_stripe().await.len(), 0);
    assert_eq!(app.count("select count(*) from orgs").await, 1);

    let by_origin = acme
        .owner
        .post("/account/profile")
        .fields(&[("name", "Olive")])
        .sending(&[("sec-fetch-site", ""), ("origin", PUBLIC_URL)])
        .await;
    by_origin.assert_status(303);
}

#[portico_test]
async fn the_account_is_slowed_down_whoever_tries(app: TestApp) {
    app.org("acme").await;
    // Limits by address stand aside here: each restart forgets them, the account's are in the database.
    let mut refused = 0;
    for _ in 0..3 {
        let app = app.restarted_with("RATE_LIMITS", "on").await;
        for _ in 0..10 {
            let answer = app
                .visitor()
                .post("/sign-in")
                .fields(&[("email", OLIVIA), ("password", "a guess of fifteen")])
                .await;
            refused += u32::from(answer.status.as_u16() == 429);
        }
    }

    assert_eq!(refused, 10, "20 tries, then they wait");
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    app.app.clock.advance(time::Duration::hours(1));
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
}

#[portico_test]
async fn the_address_is_slowed_down(app: TestApp) {
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    for n in 0..10 {
        let email = format!("guess{n}@acme.test");
        app.visitor().post("/sign-in").fields(&sign_in_form(&email)).await.assert_status(422);
    }

    let refused = app.visitor().post("/sign-in").fields(&sign_in_form("another@acme.test")).await;

    refused.assert_status(429);
    assert!(refused.header_text("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 7));
}

#[portico_test]
async fn sign_ups_from_one_address_are_slowed_down(app: TestApp) {
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    for n in 0..10 {
        app.signs_up(&format!("person{n}@acme.test")).await;
    }

    let refused =
        app.visitor().post("/sign-up").fields(&sign_up_form("Eleventh", "person11@acme.test", "Acme")).await;

    refused.assert_status(429);
    assert_eq!(app.count("select count(*) from users").await, 10);
}

#[portico_test]
async fn an_outdated_hash_is_renewed_on_sign_in(app: TestApp) {
    app.org("acme").await;
    let before = app.texts("select password_hash from users").await;
    let app = app.restarted_with("ARGON2_TIME", "6").await;

    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");

    let after = app.texts("select password_hash from users").await;
    assert!(before[0].contains("t=5") && after[0].contains("t=6"), "{before:?} {after:?}");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
}

#[portico_test]
async fn no_session_exists_before_sign_in(app: TestApp) {
    let visitor = app.visitor();
    for path in ["/", "/sign-in", "/sign-up", "/account", "/pricing"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.header_text("set-cookie"), "", "{path}");
    }

    assert_eq!(app.count("select count(*) from sessions").await, 0);
}

#[portico_test]
async fn the_oldest_of_many_logins_end(app: TestApp) {
    let acme = app.org("acme").await;
    for _ in 0..20 {
        app.app.clock.advance(time::Duration::seconds(1));
        app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
    }

    acme.owner.get("/account").await.assert_redirects_to("/sign-in");
}

fn in_an_hour(app: &TestApp) -> time::OffsetDateTime {
    (app.app.clock.now() + time::Duration::HOUR).utc()
}

/// 200 tries each, alternating, by the clock: the medians may not differ by more than a tenth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a quiet machine: cargo test --test app -- --ignored timed"]
async fn a_known_and_an_unknown_address_cannot_be_timed_apart() {
    let app = TestApp::sqlite("timing").await;
    app.org("acme").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        for (email, times) in [(OLIVIA, &mut known), ("owner@acme.tesu", &mut unknown)] {
            let started = std::time::Instant::now();
            app.visitor()
                .post("/sign-in")
                .fields(&[("email", email), ("password", "not this one at all")])
                .await;
            times.push(started.elapsed());
        }
    }
    known.sort();
    unknown.sort();

    let (known, unknown) = (known[100].as_secs_f64(), unknown[100].as_secs_f64());
    assert!((known / unknown - 1.0).abs() < 0.1, "known {known:.4} s, unknown {unknown:.4} s");
}

#[portico_test]
async fn what_is_past_its_time_is_deleted(app: TestApp) {
    app.org("acme").await;
    app.does_its_jobs().await;
    let held = "select (select count(*) from mail_tokens) * 100 + (select count(*) from mails) * 10 + (select count(*) from logins)";
    assert_eq!(app.count(held).await, 111, "a link, a mail, a sign-in");

    app.app.clock.advance(time::Duration::days(31));
    product::auth::tidy(&app.app).await.unwrap();

    assert_eq!(app.count(held).await, 0);
}
