//! Projects: who may do what, and what a plan allows, where people meet it.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    permissions::Rows,
    templates::Pages,
    test_app::{Org, TestApp},
};
use product::{db::Db, orgs::Role};
use serde_json::json;

inventory::submit! {
    Rows(&[
        ("GET", "/orgs/{org}/projects", [303, 404, 200, 200, 200, 200]),
        ("POST", "/orgs/{org}/projects", [401, 404, 422, 422, 422, 422]), // an empty name
        ("POST", "/orgs/{org}/projects/{id}", [401, 404, 422, 422, 422, 422]), // an empty name
        ("POST", "/orgs/{org}/projects/{id}/delete", [401, 404, 404, 404, 404, 404]), // one that is not there
    ])
}

inventory::submit! {
    Pages(&[("projects/projects.html", "/orgs/acme/projects", true)])
}

async fn has_projects(org: &Org, names: &[&str]) {
    for name in names {
        let made = org.owner.post(&format!("/orgs/{}/projects", org.slug)).field("name", name).await;
        made.assert_redirects_to(&format!("/orgs/{}/projects", org.slug));
    }
}

#[portico_test]
async fn fifty_clicks_at_the_last_place_make_one_project(app: TestApp) {
    let acme = app.org("acme").await;
    has_projects(&acme, &["Alpha", "Beta"]).await;
    // Postgres lets everybody count for a while and nobody insert; SQLite has one writer anyway.
    let held = match &app.app.db {
        Db::Postgres { pool, .. } => {
            let mut tx = pool.begin().await.unwrap();
            sqlx::query("lock table projects in exclusive mode").execute(&mut *tx).await.unwrap();
            Some(tx)
        }
        Db::Sqlite { .. } => None,
    };

    let clicks = (0..50).map(|n| {
        let owner = acme.owner.clone();
        tokio::spawn(async move {
            let name = format!("Third {n}");
            owner.post("/orgs/acme/projects").field("name", &name).await.status.as_u16()
        })
    });
    let (clicks, mut statuses) = (clicks.collect::<Vec<_>>(), Vec::new());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    drop(held);
    for click in clicks {
        statuses.push(click.await.unwrap());
    }

    statuses.sort();
    assert_eq!(statuses, [vec![303], vec![422; 49]].concat());
    assert_eq!(app.count("select count(*) from projects").await, 3);
    assert_eq!(app.audit("acme").await.iter().filter(|action| *action == "project.created").count(), 3);
}

#[portico_test]
async fn without_a_limit_in_the_plan_there_is_still_one_and_the_list_has_pages(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    let (id, of, time) = match it.app.app.db.engine() {
        "SQLite" => (
            "randomblob(16)",
            "(with recursive t(n) as (select 1 union all select n + 1 from t where n < 9999) select n from t)",
            "1798761600000000",
        ),
        _ => (
            "gen_random_uuid()",
            "(select n from generate_series(1, 9999) n)",
            "timestamptz '2027-01-01 00:00:00Z'",
        ),
    };
    let many = format!(
        "insert into projects (org_id, id, name, created_at)
         select o.id, {id}, 'Project ' || n, {time} from orgs o, {of} s where o.slug = 'acme'"
    );
    it.app.run(&many).await;
    has_projects(&acme, &["The last one"]).await;

    let refused = acme.owner.post("/orgs/acme/projects").field("name", "One more").await;

    refused.assert_status(422).assert_says("no room for another project").assert_says("value=\"One more\"");
    let page = acme.owner.get("/orgs/acme/projects?page=200").await;
    page.assert_status(200).assert_says("Page 200 of 200").assert_does_not_say("page=201");
    assert_eq!(page.text().matches("<li class=\"entry\">").count(), 50);
}

#[portico_test]
async fn a_larger_plan_makes_room_at_once(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    has_projects(&acme, &["Alpha", "Beta", "Gamma"]).await;
    let full = acme.owner.post("/orgs/acme/projects").field("name", "Delta").await;
    full.assert_status(422).assert_says("no room for another project").assert_says("value=\"Delta\"");

    it.subscribe(&acme, "pro", "month", GOOD).await;

    has_projects(&acme, &["Delta"]).await;
    acme.owner.get("/orgs/acme/projects").await.assert_says("4 of 50 projects on the Pro plan");
}

#[portico_test]
async fn an_unpaid_invoice_leaves_a_week_and_then_only_reading(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    has_projects(&acme, &["Alpha"]).await;
    let page = acme.owner.get("/orgs/acme/projects").await.text();
    let id =
        page.split("action=\"/orgs/acme/projects/").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let path = format!("/orgs/acme/projects/{id}");
    it.ask(hyper::Method::PUT, "/settings", json!({ "dunning": "leave_past_due" })).await.assert_status(200);
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(3_700).await;
    it.settled().await;
    has_projects(&acme, &["Within the week"]).await;

    it.advance(8 * DAY).await;
    it.settled().await;

    let page = acme.owner.get("/orgs/acme/projects").await;
    page.assert_status(200).assert_says("Alpha").assert_says("A payment is overdue");
    acme.owner.post("/orgs/acme/projects").field("name", "Too late").await.assert_status(422);
    acme.owner.post(&path).field("name", "Renamed").await.assert_status(422);
    assert_eq!(it.app.count("select count(*) from projects where name in ('Too late', 'Renamed')").await, 0);
    acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
    it.charge_with("acme", GOOD).await;
    it.act(&it.customer_of("acme").await, "pay_invoice", json!({})).await;
    it.settled().await;
    acme.owner.post(&path).field("name", "Renamed").await.assert_status(303);
    has_projects(&acme, &["Paid"]).await;
    it.assert_no_drift("acme").await;
}

#[portico_test]
async fn after_a_downgrade_everything_is_there_and_nothing_can_be_added(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let customer = it.subscribe(&acme, "business", "month", GOOD).await;
    has_projects(&acme, &["Alpha", "Beta", "Gamma", "Delta", "Epsilon"]).await;

    it.act(&customer, "cancel", json!({ "when": "now" })).await;
    it.settled().await;

    let page = acme.owner.get("/orgs/acme/projects").await;
    page.assert_says("5 of 3 projects on the Free plan")
        .assert_says("Nothing is deleted")
        .assert_says("Epsilon");
    acme.owner.post("/orgs/acme/projects").field("name", "Zeta").await.assert_status(422);
    assert_eq!(it.app.count("select count(*) from projects").await, 5);
    acme.owner.get("/orgs/acme/billing").await.assert_says("5 projects, 2 more than the plan includes");
}

#[portico_test]
async fn a_members_limit_is_their_organisations_and_not_their_own(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let mira = it.app.joins(&acme, Role::Member).await;
    let elsewhere = mira.get("/account").await.text();
    let own = elsewhere
        .split("/orgs/")
        .filter_map(|rest| rest.split(['"', '/']).next())
        .find(|s| s.starts_with("elsewhere"));
    let own = own.expect("an organisation of her own").to_owned();
    it.subscribe(&acme, "business", "month", GOOD).await;

    for n in 0..4 {
        mira.post("/orgs/acme/projects").field("name", &format!("Ours {n}")).await.assert_status(303);
    }
    let mut own_statuses = Vec::new();
    for n in 0..4 {
        let path = format!("/orgs/{own}/projects");
        own_statuses.push(mira.post(&path).field("name", &format!("Mine {n}")).await.status.as_u16());
    }

    assert_eq!(own_statuses, [303, 303, 303, 422]);
}

#[portico_test]
async fn each_step_of_a_project_is_in_the_log(app: TestApp) {
    let acme = app.org("acme").await;
    has_projects(&acme, &["Alpha"]).await;
    let page = acme.owner.get("/orgs/acme/projects").await.text();
    let path = page.split("action=\"").find(|rest| rest.starts_with("/orgs/acme/projects/")).unwrap();
    let path = path.split('"').next().unwrap().to_owned();

    acme.owner.post(&path).field("name", "Beta").await.assert_status(303);
    acme.owner.post(&format!("{path}/delete")).await.assert_status(303);

    let steps = ["project.created", "project.renamed", "project.deleted"];
    assert_eq!(app.audit("acme").await[app.audit("acme").await.len() - 3..], steps);
    let details =
        app.texts("select cast(detail as text) from audit_events where action like 'project.%'").await;
    assert!(details.iter().any(|detail| detail.contains("Alpha") && detail.contains("Beta")), "{details:?}");
    assert!(details.iter().all(|detail| detail.contains("request")), "{details:?}");
}

#[portico_test]
async fn projects_go_with_their_organisation_and_whoever_was_in_it_is_told(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.get("/orgs/acme/settings").await.assert_says("It has no projects.");
    has_projects(&acme, &["Alpha"]).await;
    acme.owner.get("/orgs/acme/settings").await.assert_says("Its one project is deleted.");
    has_projects(&acme, &["Beta"]).await;
    acme.owner.get("/orgs/acme/settings").await.assert_says("Its 2 projects are deleted.");

    acme.owner.post("/orgs/acme/delete").field("confirm", "acme").await.assert_redirects_to("/account");

    assert_eq!(app.count("select count(*) from projects").await, 0);
    let mail = app.texts("select text_body from mails where key like 'deleted:%'").await.remove(0);
    assert!(mail.contains("Olivia Owner deleted it, with 2 projects."), "{mail}");
}
