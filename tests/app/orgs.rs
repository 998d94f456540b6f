//! Organisations: several per person, found by their word in the URL, seen by members alone.
use crate::test_app::TestApp;
use product::orgs::Role;

#[portico_test]
async fn a_person_has_several_organisations_and_switches_between_them(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner.post("/orgs").fields(&[("name", "Globex")]).await.assert_redirects_to("/orgs/globex");

    let dashboard = acme.owner.get("/orgs/globex").await;
    assert!(
        dashboard.text().contains(r#"href="/orgs/acme""#),
        "the switcher leads to the other: {}",
        dashboard.text()
    );
    assert!(dashboard.text().contains("Globex is ready."), "and the flash is shown");
    assert!(!acme.owner.get("/orgs/globex").await.text().contains("Globex is ready."), "once");
}

#[portico_test]
async fn two_of_one_name_get_words_of_their_own(app: TestApp) {
    let first = app.org("acme").await;

    first.owner.post("/orgs").fields(&[("name", "ACME!")]).await.assert_redirects_to("/orgs/acme-2");

    assert_eq!(app.texts("select slug from orgs order by slug").await, ["acme", "acme-2"]);
}

/// As many organisations as one person may be in.
async fn is_in_as_many_as_one_can(app: &TestApp, slug: &str) {
    let time = match app.app.db.engine() {
        "SQLite" => "1798761600000000",
        _ => "timestamptz '2027-01-01 00:00:00Z'",
    };
    let (id, of) = match app.app.db.engine() {
        "SQLite" => (
            "randomblob(16)",
            "(with recursive t(n) as (select 1 union all select n + 1 from t where n < 99) select n from t)",
        ),
        _ => ("gen_random_uuid()", "(select n from generate_series(1, 99) n)"),
    };
    app.run(&format!(
        "insert into orgs (id, slug, name, created_at)
         select {id}, 'many-' || n, 'Many ' || substr('00' || n, length('00' || n) - 1), {time} from {of} s"
    ))
    .await;
    app.run(&format!(
        "insert into members (org_id, user_id, role, created_at)
         select o.id, m.user_id, 'owner', {time} from orgs o, members m
         where o.slug like 'many-%' and m.org_id in (select id from orgs where slug = '{slug}')"
    ))
    .await;
}

#[portico_test]
async fn nobody_can_make_organisations_without_end(app: TestApp) {
    let acme = app.org("acme").await;
    is_in_as_many_as_one_can(&app, "acme").await;

    let refused = acme.owner.post("/orgs").field("name", "One more").await;

    refused.assert_status(422).assert_says("You are in 100 organisations").assert_says("value=\"One more\"");
    assert_eq!(app.count("select count(*) from orgs").await, 100);
    app.signs_up("mira@elsewhere.test").await.post("/orgs").field("name", "Mine").await.assert_status(303);
}

#[portico_test]
async fn five_clicks_at_the_last_place_make_one_organisation(app: TestApp) {
    let acme = app.org("acme").await;
    is_in_as_many_as_one_can(&app, "acme").await;
    app.run("delete from members where org_id in (select id from orgs where slug = 'many-1')").await;

    let clicks = (0..5).map(|n| {
        let owner = acme.owner.clone();
        tokio::spawn(
            async move { owner.post("/orgs").field("name", &format!("Click {n}")).await.status.as_u16() },
        )
    });
    let mut statuses = Vec::new();
    for click in clicks.collect::<Vec<_>>() {
        statuses.push(click.await.unwrap());
    }

    statuses.sort();
    assert_eq!(statuses, [303, 422, 422, 422, 422]);
    assert_eq!(app.count("select count(*) from orgs where slug like 'click-%'").await, 1);
}

#[portico_test]
async fn whoever_is_in_many_organisations_sees_them_a_page_at_a_time(app: TestApp) {
    let acme = app.org("acme").await;
    is_in_as_many_as_one_can(&app, "acme").await;

    let first = acme.owner.get("/account").await;

    first.assert_status(200).assert_says("Page 1 of 4").assert_says("href=\"/account?page=2\"");
    let listed = |page: &crate::support::http::Answer| page.text().matches("<h3 id=\"org-").count();
    assert_eq!(listed(&first), 25);
    assert_eq!(listed(&acme.owner.get("/account?page=4").await), 25);
    assert_eq!(listed(&acme.owner.get("/account?page=nonsense").await), 25);
    let dashboard = acme.owner.get("/orgs/acme").await;
    dashboard.assert_says("All organisations");
    assert!(dashboard.text().matches("href=\"/orgs/many-").count() <= 10, "the switcher is on every page");
}

#[portico_test]
async fn somebody_who_changes_things_without_pause_is_slowed_down_and_can_leave(app: TestApp) {
    let acme = app.org("acme").await;
    let app = app.restarted_with("RATE_LIMITS", "on").await;
    let olivia = app.lets_in(&acme.owner);
    let mut statuses = Vec::new();
    for n in 0..130 {
        let name = format!("Olivia {n}");
        statuses.push(olivia.post("/account/profile").field("name", &name).await.status.as_u16());
    }

    assert!(statuses[..120].iter().all(|status| *status == 303), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    olivia.get("/account").await.assert_status(200);
    olivia.post("/sign-out").await.assert_redirects_to("/sign-in");
}

#[portico_test]
async fn a_name_that_cannot_be_is_said_at_the_field(app: TestApp) {
    let acme = app.org("acme").await;
    for (name, said) in
        [("", "Enter the organisation"), (&*"x".repeat(61), "at most 60"), ("a\u{202e}b", "plain text")]
    {
        let page = acme.owner.post("/orgs").fields(&[("name", name)]).await;

        page.assert_status(422);
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    assert_eq!(app.count("select count(*) from orgs").await, 1);
}

#[portico_test]
async fn a_strangers_organisation_is_not_found_on_any_page(app: TestApp) {
    let _acme = app.org("acme").await;
    let globex = app.org("globex").await;

    for path in [
        "/orgs/acme",
        "/orgs/acme/billing",
        "/orgs/acme/billing/return",
        "/orgs/ACME",
        "/orgs/acme%00",
        "/orgs/%2e%2e",
    ] {
        globex.owner.get(path).await.assert_status(404);
    }
}

#[portico_test]
async fn a_member_sees_the_dashboard_but_no_way_to_billing(app: TestApp) {
    let acme = app.org("acme").await;
    let mira = app.joins(&acme, Role::Member).await;

    let page = mira.get("/orgs/acme").await;

    page.assert_status(200);
    assert!(!page.text().contains("/orgs/acme/billing"), "{}", page.text());
    mira.get("/orgs/acme/billing").await.assert_status(403);
}

#[portico_test]
async fn a_hostile_name_is_shown_as_text(app: TestApp) {
    let acme = app.org("acme").await;
    let name = r#"<img src=x onerror=alert(1)>"'&"#;

    acme.owner.post("/orgs").fields(&[("name", name)]).await;

    for path in ["/account", "/orgs/img-src-x-onerror-alert-1", "/orgs/acme"] {
        let page = acme.owner.get(path).await;
        page.assert_status(200);
        assert!(!page.text().contains("<img"), "{path}");
    }
}

#[portico_test]
async fn an_admin_gives_the_organisation_another_name(app: TestApp) {
    let acme = app.org("acme").await;
    let adam = app.joins(&acme, Role::Admin).await;

    adam.post("/orgs/acme/settings")
        .field("name", " Acme & Sons ")
        .await
        .assert_redirects_to("/orgs/acme/settings");

    let page = adam.get("/orgs/acme/settings").await.assert_status(200).text();
    assert!(page.contains(r#"value="Acme &#38; Sons""#) && page.contains("Name saved."), "{page}");
    assert_eq!(app.audit("acme").await.last().unwrap(), "org.renamed");
    acme.owner.get("/account").await.assert_says("Acme &#38; Sons");
}

#[portico_test]
async fn a_name_that_cannot_be_stays_in_the_settings_form(app: TestApp) {
    let acme = app.org("acme").await;
    let name = "x".repeat(61);

    let page = acme.owner.post("/orgs/acme/settings").field("name", &name).await;

    page.assert_status(422).assert_says(&name).assert_says("at most 60");
    assert_eq!(app.texts("select name from orgs").await, ["acme"]);
}

#[portico_test]
async fn an_admin_sees_no_way_to_delete_it(app: TestApp) {
    let acme = app.org("acme").await;
    let adam = app.joins(&acme, Role::Admin).await;

    adam.get("/orgs/acme/settings").await.assert_status(200).assert_does_not_say("/orgs/acme/delete");

    adam.post("/orgs/acme/delete").field("confirm", "acme").await.assert_status(403);
    acme.owner.get("/orgs/acme").await.assert_status(200);
}

#[portico_test]
async fn whoever_mistypes_the_name_deletes_nothing(app: TestApp) {
    let acme = app.org("acme").await;

    for typed in ["", "ACME", "acme corp", "acme/"] {
        let page = acme.owner.post("/orgs/acme/delete").field("confirm", typed).await;

        page.assert_status(422).assert_says("That is not acme. Nothing was deleted.");
        assert!(
            typed.is_empty() || page.text().contains(&format!("value=\"{typed}\"")),
            "what was typed stays"
        );
    }
    acme.owner.get("/orgs/acme").await.assert_status(200);
}

#[portico_test]
async fn an_old_sign_in_is_asked_for_the_password_before_an_end(app: TestApp) {
    let acme = app.org("acme").await;
    app.app.clock.advance(time::Duration::minutes(16));

    let sent = acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await;

    sent.assert_redirects_to("/reauthenticate?next=%2Forgs%2Facme%2Fsettings");
    acme.owner.get("/orgs/acme").await.assert_status(200);
    let form = [("password", crate::test_app::PASSWORD), ("next", "/orgs/acme/settings")];
    acme.owner.post("/reauthenticate").fields(&form).await.assert_redirects_to("/orgs/acme/settings");
    acme.owner.post("/orgs/acme/delete").field("confirm", " acme ").await.assert_redirects_to("/account");
}

#[portico_test]
async fn the_last_of_a_persons_organisations_can_go(app: TestApp) {
    let acme = app.org("acme").await;

    acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await.assert_redirects_to("/account");

    acme.owner
        .get("/account")
        .await
        .assert_says("acme is deleted.")
        .assert_says("You are not in an organisation yet");
    acme.owner.post("/orgs").field("name", "acme").await.assert_redirects_to("/orgs/acme");
}
