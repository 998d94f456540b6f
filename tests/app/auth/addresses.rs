//! A person's address: confirmed by a link, changed, changed back.
use crate::{
    billing_app::{BillingApp, GOOD},
    support::{html::faults, http::Person},
    test_app::{PASSWORD, TestApp, above_the_dev_line, sign_in_form, sign_up_form},
};
use time::Duration;

const OLIVIA: &str = "owner@acme.test";
const NEW: &str = "olivia@elsewhere.test";

/// Opens a link as a browser does, looks at the page, and presses its button.
async fn follow_and_press(person: &Person, link: &str) -> crate::support::http::Answer {
    let opened = person.get(link).await;
    let page = person.follow(&opened).await;
    page.assert_status(200);
    assert_eq!(faults(&page.text()), Vec::<String>::new());
    let form = page.text().split(r#"<form method="post" action=""#).nth(1).unwrap().to_owned();
    person.post(form.split('"').next().unwrap()).await
}

async fn confirm(app: &TestApp, address: &str) {
    let link = app.link_to(address, "confirm_address").await;
    follow_and_press(&app.visitor(), &link).await.assert_redirects_to("/account");
}

#[portico_test]
async fn signing_up_mails_a_link_that_confirms_the_address(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.get("/orgs/acme").await.assert_says("Confirm your e-mail address").assert_says("Send again");
    assert_eq!(app.kinds_to(OLIVIA).await, ["confirm_address"]);

    let link = app.link_to(OLIVIA, "confirm_address").await;
    follow_and_press(&acme.owner, &link).await.assert_redirects_to("/account");

    let page = acme.owner.get("/account").await;
    page.assert_says("owner@acme.test is confirmed.").assert_does_not_say("Send again");
    assert_eq!(app.audit("").await, ["auth.signed_up", "account.address_confirmed"]);
}

#[portico_test]
async fn looking_at_the_link_confirms_nothing_and_signs_nobody_in(app: TestApp) {
    let acme = app.org("acme").await;
    let link = app.link_to(OLIVIA, "confirm_address").await;
    let scanner = app.visitor();

    for _ in 0..3 {
        let opened = scanner.get(&link).await;
        scanner.follow(&opened).await.assert_status(200).assert_says(OLIVIA);
    }

    acme.owner.get("/account").await.assert_says("Not confirmed");
    scanner.post(&link).await.assert_redirects_to("/account");
    scanner.get("/account").await.assert_redirects_to("/sign-in");
    acme.owner.get("/account").await.assert_does_not_say("Not confirmed");
}

#[portico_test]
async fn the_token_leaves_the_address_before_a_page_is_loaded(app: TestApp) {
    app.org("acme").await;
    let link = app.link_to(OLIVIA, "confirm_address").await;
    let token = link.rsplit('/').next().unwrap();
    let visitor = app.visitor();

    let opened = visitor.get(&link).await;
    let page = visitor.follow(&opened).await;

    assert_eq!((opened.status.as_u16(), opened.location()), (303, "/verify-email"));
    let cookie = opened.set_cookie("__Host-verify-email").expect("the token goes into a cookie");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=1800"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert_eq!(opened.header_text("referrer-policy"), "no-referrer");
    // Of a page that says so, browsers would send the form with `Origin: null`, which is refused.
    assert_eq!(page.header_text("referrer-policy"), "same-origin");
    for answer in [&opened, &page] {
        assert_eq!(answer.header_text("cache-control"), "no-store");
    }
    page.assert_does_not_say(token);
}

#[portico_test]
async fn a_cookie_of_one_page_or_one_that_we_did_not_sign_opens_no_other(app: TestApp) {
    app.org("acme").await;
    let link = app.link_to(OLIVIA, "confirm_address").await;
    let visitor = app.visitor();
    visitor.get(&link).await;
    let held = visitor.cookie("__Host-verify-email").unwrap();

    let mallory = app.visitor();
    mallory.set_cookie("__Host-reset-password", &held);
    mallory.set_cookie("__Host-undo", &held);
    mallory.set_cookie("__Host-verify-email", &held.replace('.', "x."));

    for path in ["/reset-password", "/undo", "/verify-email"] {
        mallory.get(path).await.assert_status(404).assert_says("This link no longer works");
        mallory.post(path).await.assert_status(404);
    }
}

#[portico_test]
async fn of_twenty_at_once_one_confirms(app: TestApp) {
    app.org("acme").await;
    let link = app.link_to(OLIVIA, "confirm_address").await;

    let statuses = twenty_at_once(&app, &link, &[]).await;

    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 404).count(), 19, "{statuses:?}");
}

pub async fn twenty_at_once(app: &TestApp, path: &str, fields: &[(&'static str, &'static str)]) -> Vec<u16> {
    let tries = (0..20).map(|_| {
        let (visitor, path, fields) = (app.visitor(), path.to_owned(), fields.to_vec());
        tokio::spawn(async move { visitor.post(&path).fields(&fields).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses
}

#[portico_test]
async fn sending_again_ends_the_link_before(app: TestApp) {
    let acme = app.org("acme").await;
    let first = app.link_to(OLIVIA, "confirm_address").await;

    acme.owner.post("/account/email/resend").await.assert_redirects_to("/account");

    let second = app.link_to(OLIVIA, "confirm_address").await;
    assert_ne!(first, second);
    app.visitor().post(&first).await.assert_status(404);
    app.visitor().post(&second).await.assert_status(303);
    acme.owner.post("/account/email/resend").await.assert_status(303);
    acme.owner.get("/account").await.assert_says("confirmed already");
    assert_eq!(app.kinds_to(OLIVIA).await.len(), 2, "and nothing is mailed");
}

#[portico_test]
async fn a_link_that_is_a_day_old_confirms_nothing(app: TestApp) {
    app.org("acme").await;
    let link = app.link_to(OLIVIA, "confirm_address").await;

    app.app.clock.advance(Duration::hours(24) + Duration::seconds(1));

    app.visitor().post(&link).await.assert_status(404);
    assert_eq!(app.count("select count(*) from users where email_verified_at is not null").await, 0);
}

#[portico_test]
async fn no_token_lies_in_the_database(app: TestApp) {
    app.org("acme").await;
    let link = app.link_to(OLIVIA, "confirm_address").await;
    let token = link.rsplit('/').next().unwrap();

    for column in ["text_body", "html_body", "key", "seed", "subject"] {
        let held = app.texts(&format!("select {column} from mails")).await.join("\n");
        assert!(!held.contains(token), "{column}");
    }
    let seed = app.texts("select seed from mails").await.remove(0);
    app.visitor().post(&format!("/verify-email/{seed}")).await.assert_status(404);
    let elsewhere = app.restarted_with("APP_SECRET", "Jq7x!vK2mZ9pLw4RtYb8nHc3FdSg6AeU").await;
    assert_ne!(
        elsewhere.link_to(OLIVIA, "confirm_address").await,
        link,
        "without the secret it opens nothing"
    );
}

#[portico_test]
async fn mails_that_anybody_can_ask_for_are_bounded(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let olivia = app.lets_in(&acme.owner);
    for _ in 0..3 {
        olivia.post("/account/email/resend").await.assert_status(303);
    }

    olivia.post("/account/email/resend").await.assert_status(429);

    assert_eq!(app.kinds_to(OLIVIA).await.len(), 4, "with the one of signing up, where there was no limit");
    app.app.clock.advance(Duration::hours(1));
    olivia.post("/account/email/resend").await.assert_status(303);
}

#[portico_test]
async fn one_account_does_not_mail_many_strangers(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let mallory = app.lets_in(&acme.owner);
    for n in 0..5 {
        let victim = format!("victim{n}@elsewhere.test");
        mallory.post("/account/email").field("email", &victim).await.assert_status(303);
    }

    mallory.post("/account/email").field("email", "victim5@elsewhere.test").await.assert_status(429);

    assert!(app.mails_to("victim5@elsewhere.test").await.is_empty());
    app.app.clock.advance(Duration::minutes(12));
    mallory.post("/account/email").field("email", "victim5@elsewhere.test").await.assert_status(303);
}

#[portico_test]
async fn a_new_address_counts_once_it_is_confirmed(app: TestApp) {
    let acme = app.org("acme").await;
    confirm(&app, OLIVIA).await;

    acme.owner
        .post("/account/email")
        .field("email", " Olivia@Elsewhere.test ")
        .await
        .assert_redirects_to("/account");

    acme.owner.get("/account").await.assert_says("Follow the link that we sent to olivia@elsewhere.test");
    app.visitor().post("/sign-in").fields(&sign_in_form(NEW)).await.assert_status(422);
    let link = app.link_to(NEW, "confirm_address").await;
    follow_and_press(&acme.owner, &link).await.assert_redirects_to("/account");
    app.visitor().post("/sign-in").fields(&sign_in_form(NEW)).await.assert_redirects_to("/account");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(422);
    acme.owner.get("/account").await.assert_says(NEW).assert_says("Confirmed");
    assert_eq!(app.kinds_to(OLIVIA).await, ["confirm_address", "address_changed"]);
}

#[portico_test]
async fn an_old_sign_in_is_asked_for_the_password_before_the_address_is_changed(app: TestApp) {
    let acme = app.org("acme").await;
    app.app.clock.advance(Duration::minutes(16));

    let sent = acme.owner.post("/account/email").field("email", NEW).await;

    assert_eq!(sent.location(), "/reauthenticate?next=%2Faccount");
    assert!(app.mails_to(NEW).await.is_empty());
    let form = [("password", PASSWORD), ("next", "/account")];
    acme.owner.post("/reauthenticate").fields(&form).await.assert_redirects_to("/account");
    acme.owner.post("/account/email").field("email", NEW).await.assert_redirects_to("/account");
    assert_eq!(app.kinds_to(NEW).await, ["confirm_address"]);
}

#[portico_test]
async fn a_mistake_in_the_new_address_is_said_at_the_field(app: TestApp) {
    let acme = app.org("acme").await;
    for (typed, said) in [
        ("", "Enter your e-mail address."),
        ("olivia at elsewhere", "Enter an e-mail address like"),
        (OLIVIA, "That is your address already."),
    ] {
        let page = acme.owner.post("/account/email").field("email", typed).await;

        page.assert_status(422).assert_says(said).assert_says(&format!("value=\"{typed}\""));
        page.assert_says("Olivia Owner");
    }
}

#[portico_test]
async fn an_address_that_is_taken_gets_the_same_answer_and_never_moves(app: TestApp) {
    let acme = app.org("acme").await;
    app.signs_up("mira@acme.test").await;

    let free = acme.owner.post("/account/email").field("email", "free@acme.test").await;
    let free =
        (free.status, above_the_dev_line(&acme.owner.get("/account").await).replace("free@acme.test", ""));
    let taken = acme.owner.post("/account/email").field("email", "mira@acme.test").await;
    let taken =
        (taken.status, above_the_dev_line(&acme.owner.get("/account").await).replace("mira@acme.test", ""));

    assert_eq!(free, taken);
    let link = app.link_to("mira@acme.test", "confirm_address").await;
    app.visitor().post(&link).await.assert_status(404).assert_says("This address is taken");
    app.visitor()
        .post("/sign-in")
        .fields(&sign_in_form("mira@acme.test"))
        .await
        .assert_redirects_to("/account");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
}

#[portico_test]
async fn other_sessions_end_with_a_change_of_address_unless_they_are_kept(app: TestApp) {
    let acme = app.org("acme").await;
    let elsewhere = app.visitor();
    elsewhere.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(303);

    acme.owner
        .post("/account/email")
        .fields(&[("email", NEW), ("keep_others", "on")])
        .await
        .assert_status(303);
    elsewhere.get("/account").await.assert_status(200);
    acme.owner.post("/account/email").field("email", NEW).await.assert_status(303);

    elsewhere.get("/account").await.assert_redirects_to("/sign-in");
    acme.owner.get("/account").await.assert_status(200);
}

/// Olivia's address was changed by somebody at her browser.
async fn changed(app: &TestApp) -> crate::test_app::Org {
    let acme = app.org("acme").await;
    confirm(app, OLIVIA).await;
    acme.owner.post("/account/email").field("email", NEW).await.assert_status(303);
    confirm(app, NEW).await;
    acme
}

#[portico_test]
async fn the_old_address_takes_the_account_back_and_chooses_a_new_password(app: TestApp) {
    let acme = changed(&app).await;
    let olivia = app.visitor();
    let link = app.link_to(OLIVIA, "address_changed").await;
    assert!(link.starts_with("/undo/"), "{link}");

    let undone = follow_and_press(&olivia, &link).await;

    undone.assert_redirects_to("/reset-password");
    olivia.follow(&undone).await.assert_says("Your account uses owner@acme.test again");
    acme.owner.get("/account").await.assert_redirects_to("/sign-in");
    app.visitor().post("/sign-in").fields(&sign_in_form(NEW)).await.assert_status(422);
    let chosen = olivia.post("/reset-password").field("password", "some other unrelated words").await;
    chosen.assert_redirects_to("/sign-in");
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(422);
    let form = [("email", OLIVIA), ("password", "some other unrelated words")];
    app.visitor().post("/sign-in").fields(&form).await.assert_redirects_to("/account");
    app.visitor().post(&link).await.assert_status(404);
    let kinds = app.kinds_to(OLIVIA).await;
    assert_eq!(kinds[..4], ["confirm_address", "address_changed", "reset_password", "password_changed"]);
}

#[portico_test]
async fn a_change_can_be_undone_for_seventy_two_hours(app: TestApp) {
    changed(&app).await;
    let link = app.link_to(OLIVIA, "address_changed").await;
    app.app.clock.advance(Duration::hours(71));
    let opened = app.visitor();
    let page = opened.get(&link).await;
    opened.follow(&page).await.assert_status(200).assert_says(NEW).assert_says(OLIVIA);

    app.app.clock.advance(Duration::hours(1) + Duration::seconds(1));

    app.visitor().post(&link).await.assert_status(404);
    app.visitor().post("/sign-in").fields(&sign_in_form(NEW)).await.assert_redirects_to("/account");
}

#[portico_test]
async fn receipts_at_stripe_follow_an_owners_new_address_and_its_undoing(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    confirm(&it.app, OLIVIA).await;

    acme.owner.post("/account/email").field("email", NEW).await.assert_status(303);
    confirm(&it.app, NEW).await;
    it.settled().await;

    assert_eq!(it.app.customers_at_stripe().await[0]["email"], NEW);
    let undo = it.app.link_to(OLIVIA, "address_changed").await;
    it.app.visitor().post(&undo).await.assert_status(303);
    it.settled().await;
    assert_eq!(it.app.customers_at_stripe().await[0]["email"], OLIVIA);
}

#[portico_test]
async fn billing_is_locked_while_the_change_can_be_undone(app: TestApp) {
    let acme = changed(&app).await;
    let plan = [("plan", "pro"), ("interval", "month")];
    let form = [("confirm", "acme")];

    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(403).assert_says("72 hours");
    acme.owner.post("/orgs/acme/billing/checkout").fields(&plan).await.assert_status(403);
    acme.owner.post("/orgs/acme/delete").fields(&form).await.assert_status(403);
    acme.owner.post("/account/delete").field("confirm", NEW).await.assert_status(403);
    acme.owner.get("/orgs/acme/billing").await.assert_status(200);

    app.app.clock.advance(Duration::hours(72));
    let again = app.visitor();
    again.post("/sign-in").fields(&sign_in_form(NEW)).await.assert_status(303);
    again.post("/orgs/acme/billing/portal").await.assert_redirects_to(&app.stripe);
}

#[portico_test]
async fn billing_stays_locked_after_a_change_was_undone(app: TestApp) {
    changed(&app).await;
    let link = app.link_to(OLIVIA, "address_changed").await;
    app.visitor().post(&link).await.assert_status(303);

    let olivia = app.visitor();
    olivia.post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_status(303);

    olivia.post("/orgs/acme/billing/portal").await.assert_status(403);
}

/// Whoever took the account changes the address a second time, to end the first undo.
#[portico_test]
async fn a_second_change_does_not_end_the_first_undo_and_goes_with_it(app: TestApp) {
    let acme = changed(&app).await;
    let undo = app.link_to(OLIVIA, "address_changed").await;
    app.app.clock.advance(Duration::minutes(1));
    acme.owner.post("/account/email").field("email", "third@elsewhere.test").await.assert_status(303);
    confirm(&app, "third@elsewhere.test").await;
    let of_the_thief = app.link_to(NEW, "address_changed").await;

    app.visitor().post(&undo).await.assert_status(303);

    app.visitor().post(&of_the_thief).await.assert_status(404);
    app.visitor().post("/sign-in").fields(&sign_in_form(OLIVIA)).await.assert_redirects_to("/account");
}

#[portico_test]
async fn nobody_else_gets_an_address_that_can_still_be_taken_back(app: TestApp) {
    changed(&app).await;
    let mallory = app.signs_up("mallory@elsewhere.test").await;

    let signed_up = app.visitor().post("/sign-up").fields(&sign_up_form("Mallory", OLIVIA, "Mine")).await;
    mallory.post("/account/email").field("email", OLIVIA).await.assert_status(303);
    let link = app.link_to(OLIVIA, "confirm_address").await;

    signed_up.assert_status(422);
    app.visitor().post(&link).await.assert_status(404);
    let undo = app.link_to(OLIVIA, "address_changed").await;
    app.visitor().post(&undo).await.assert_status(303);
}

/// Mistyped at sign-up: it belongs to somebody else, who must not get a way into the account.
#[portico_test]
async fn an_old_address_that_was_never_confirmed_gets_no_undo(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner.post("/account/email").field("email", NEW).await.assert_status(303);
    confirm(&app, NEW).await;

    assert_eq!(app.kinds_to(OLIVIA).await, ["confirm_address"]);
    acme.owner.post("/orgs/acme/billing/portal").await.assert_redirects_to(&app.stripe);
}

#[portico_test]
async fn of_twenty_at_once_one_undoes(app: TestApp) {
    changed(&app).await;
    let link = app.link_to(OLIVIA, "address_changed").await;

    let statuses = twenty_at_once(&app, &link, &[]).await;

    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
}

#[portico_test]
async fn links_are_slowed_down_by_the_address_that_opens_them(app: TestApp) {
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let mallory = app.visitor().calling_from("203.0.113.7");
    for _ in 0..20 {
        mallory.post(&format!("/verify-email/{}", "0".repeat(64))).await.assert_status(404);
    }

    for path in ["/verify-email", "/reset-password", "/undo"] {
        mallory.post(&format!("{path}/{}", "0".repeat(64))).await.assert_status(429);
    }

    app.visitor().calling_from("198.51.100.7").post("/undo").await.assert_status(404);
}
