//! Who may touch an organisation's billing, and with which ids.
use crate::{
    billing_app::{BillingApp, PRO},
    test_app::TestApp,
};
use product::orgs::Role;
use serde_json::json;

#[portico_test]
async fn a_customer_from_the_form_is_refused_wherever_it_is_sent(app: TestApp) {
    let it = BillingApp::of(app).await;
    let (acme, globex) = (it.org("acme").await, it.org("globex").await);
    globex.owner.post("/orgs/globex/billing/portal").await.assert_status(303);
    let theirs = it.customer_of("globex").await;
    let sneaked = [("customer", theirs.as_str()), ("org", "globex"), ("return_url", "https://evil.test")];

    for field in sneaked {
        let (portal, checkout) = ([("flow", ""), field], [PRO[0], PRO[1], field]);
        acme.owner.post("/orgs/acme/billing/portal").fields(&portal).await.assert_status(422);
        acme.owner.post("/orgs/acme/billing/checkout").fields(&checkout).await.assert_status(422);
        acme.owner.post("/orgs/acme/billing/sync").fields(&[field]).await;
        acme.owner.get(&format!("/orgs/acme/billing/return?{}={}", field.0, field.1)).await;
    }
    for path in ["portal", "checkout", "sync"] {
        acme.owner.post(&format!("/orgs/globex/billing/{path}")).fields(&PRO).await.assert_status(404);
    }
    acme.owner.get("/orgs/globex/billing/return").await.assert_status(404);

    assert_eq!(it.billing_state("acme").await["customer"], json!(null));
    assert_eq!(it.open_sessions(&theirs).await.len(), 0);
    assert_eq!(
        it.app.audit("globex").await,
        ["org.created", "billing.customer_created", "billing.portal_opened"]
    );
}

#[portico_test]
async fn a_person_demoted_meanwhile_can_neither_buy_nor_sync_nor_come_back(app: TestApp) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    let bianca = it.app.joins(&acme, Role::Billing).await;
    bianca.get("/orgs/acme/billing").await.assert_status(200);
    it.app.run("update members set role = 'member' where role = 'billing'").await;

    let buying = bianca.post("/orgs/acme/billing/checkout").fields(&PRO).await;
    let syncing = bianca.post("/orgs/acme/billing/sync").await;
    let returning = bianca.get("/orgs/acme/billing/return").await;

    buying.assert_status(403);
    syncing.assert_status(403);
    returning.assert_status(403);
    assert_eq!(it.app.customers_at_stripe().await.len(), 0);
}

#[portico_test]
async fn a_browser_that_opens_every_link_opens_nothing_at_stripe(app: TestApp) {
    let acme = app.org("acme").await;
    let links = [
        "",
        "/portal",
        "/checkout",
        "/sync",
        "/return",
        "/checkout?plan=pro&interval=month",
        "/portal?flow=cancel",
    ];

    for link in links {
        for how in [("purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("x-moz", "prefetch")] {
            let answer = acme.owner.get(&format!("/orgs/acme/billing{link}")).header(how.0, how.1).await;
            assert!(
                !answer.header_text("location").starts_with(&app.stripe),
                "{link} led to {}",
                answer.header_text("location")
            );
        }
    }

    assert_eq!(app.customers_at_stripe().await.len(), 0, "not even a customer");
    assert_eq!(app.audit("acme").await, ["org.created"]);
    let page = acme.owner.get("/orgs/acme/billing").await;
    for link in page.text().split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(!link.contains("/billing/") && !link.starts_with(&app.stripe), "{link} is a link");
    }
}
