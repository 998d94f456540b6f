//! The line that development has at the foot of every page, and where it leads.
use crate::test_app::TestApp;
use std::time::Duration;

#[portico_test]
async fn a_developer_gets_from_any_page_to_sandbox_and_mailbox(app: TestApp) {
    let acme = app.org("acme").await;
    let (visitor, olivia) = (app.visitor(), acme.owner);

    for path in ["/", "/pricing", "/sign-in", "/nothing-here"] {
        visitor.get(path).await.assert_says(r#"href="/dev/sandbox""#).assert_says("Mailbox (");
    }
    for path in ["/account", "/orgs/acme", "/orgs/acme/billing"] {
        olivia.get(path).await.assert_says("/dev/sandbox").assert_says("Mailbox (");
    }
    olivia.get("/orgs/acme").await.assert_says(r#"href="/dev/sandbox?org=acme""#);
    olivia
        .get("/orgs/acme/billing")
        .await
        .assert_says(r#"<a href="/dev/sandbox?org=acme">Open the sandbox</a>"#);
    let clock = visitor.get("/dev/sandbox?at=clock").await;
    clock.assert_redirects_to(&app.stripe);
    assert!(clock.location().ends_with("/_sandbox#clock"), "{}", clock.location());
}

#[portico_test]
async fn the_line_counts_the_mails_there_are(app: TestApp) {
    app.visitor().get("/").await.assert_says("Mailbox (0)");
    app.org("acme").await;
    app.run(
        "insert into mails (key, recipient, subject, text_body, html_body, created_at, sent_at)
         select 'a', 'mira@acme.test', 'Welcome', '', '', created_at, null from users limit 1",
    )
    .await;
    // Counted at most once a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;

    app.visitor().get("/").await.assert_says("Mailbox (2)"); // with the one that confirms her address
}

#[portico_test]
async fn a_customer_of_the_sandbox_is_one_click_away(app: TestApp) {
    let acme = app.org("acme").await;
    acme.owner.post("/orgs/acme/billing/portal").await.assert_redirects_to(&app.stripe);
    let customer = app.texts("select customer_id from billing_customers").await.remove(0);

    let sent = app.visitor().get("/dev/sandbox?org=acme").await;

    assert!(sent.location().ends_with(&format!("/_sandbox/customers/{customer}")), "{}", sent.location());
}
