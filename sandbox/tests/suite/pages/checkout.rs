//! Checkout and invoices.
use super::*;

#[tokio::test]
async fn olivia_subscribes_with_a_good_card() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page(&sandbox.customer("Olivia Owner").await, "pro_month", &[]).await;
    let olivia = sandbox.visitor();

    let shown = olivia.get(&page).await;
    let paid = olivia.post(&page).fields(&[("name", "Olivia Owner"), ("card", GOOD)]).await;

    shown.assert_says("Subscribe to Pro").assert_says("$29.00").assert_says("olivia@acme.test");
    shown
        .assert_says("Pay $29.00")
        .assert_says("No real money moves")
        .assert_says("Return to localhost:4999");
    assert!(!shown.text().contains("name=\"email\""), "her e-mail is locked");
    let session = sandbox.newest_checkout_session().await;
    assert_eq!(paid.location(), format!("{APP}/return?session_id={}", id(&session)));
    assert_eq!(session["payment_status"], "paid");
    let sub = sandbox.subscription(session["subscription"].as_str().unwrap()).await;
    assert_eq!((&sub["status"], sub["default_payment_method"].is_string()), (&"active".into(), true));
}

#[tokio::test]
async fn a_declined_card_is_said_at_the_field_and_the_session_stays_open() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page("", "pro_month", &[]).await;
    let olivia = sandbox.visitor();
    let form = [("email", "olivia@new.test"), ("name", "Olivia \"O\" <b>"), ("card", DECLINED)];

    let refused = olivia.post(&page).fields(&form).await;
    let again = olivia
        .post(&page)
        .fields(&[("email", "olivia@new.test"), ("name", "Olivia"), ("card", DECLINED), ("number", GOOD)])
        .await;

    refused.assert_status(402).assert_says("Your card was declined.").assert_says("number-wrong");
    refused.assert_says("value=\"olivia@new.test\"").assert_does_not_say("<b>");
    refused.assert_says(&format!("value=\"{DECLINED}\" data-spaced=\"4000 0000 0000 0002\" checked"));
    again.assert_redirects_to(APP);
    let customer = sandbox.get("/v1/customers?email=olivia@new.test").await;
    assert_eq!(customer["data"].as_array().unwrap().len(), 1, "one customer, not one for each attempt");
}

#[tokio::test]
async fn a_card_chosen_after_a_typed_one_was_refused_counts() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &[]).await;
    let olivia = sandbox.visitor();

    let real =
        olivia.post(&page).fields(&[("name", "O"), ("card", GOOD), ("number", "4111 1111 1111 1111")]).await;
    let chosen =
        [("name", "O"), ("card", GOOD), ("number", "4111 1111 1111 1111"), ("shown", "4111 1111 1111 1111")];
    let paid = olivia.post(&page).fields(&chosen).await;

    real.assert_status(402).assert_says("never type a real one").assert_says("value=\"4111 1111 1111 1111\"");
    paid.assert_redirects_to(APP);
}

#[tokio::test]
async fn a_bank_that_asks_is_answered_and_then_it_is_paid() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &[]).await;
    let olivia = sandbox.visitor();
    let form = [("name", "Olivia"), ("card", ASKS)];

    olivia.post(&page).fields(&form).await.assert_redirects_to(&format!("{page}/bank"));
    olivia.get(&format!("{page}/bank")).await.assert_says("Your bank wants to know");
    assert_eq!(sandbox.newest_checkout_session().await["status"], "open");
    let failed = olivia.post(&format!("{page}/bank")).field("answer", "fail").await;
    failed.assert_status(402).assert_says("unable to authenticate").assert_says("value=\"Olivia\"");
    olivia.post(&format!("{page}/bank")).field("answer", "approve").await.assert_redirects_to(&page);
    assert_eq!(
        sandbox.newest_checkout_session().await["status"],
        "open",
        "an answer nobody waits for does nothing"
    );

    olivia.post(&page).fields(&form).await.assert_redirects_to(&format!("{page}/bank"));
    olivia.post(&format!("{page}/bank")).field("answer", "approve").await.assert_redirects_to(APP);
    assert_eq!(sandbox.newest_checkout_session().await["payment_status"], "paid");
}

#[tokio::test]
async fn a_promotion_code_takes_something_off_and_can_be_taken_back() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let page = sandbox.checkout_page(&customer, "pro_month", &[("allow_promotion_codes", "true")]).await;
    let olivia = sandbox.visitor();
    let code = format!("{page}/code");

    olivia.post(&code).field("code", "NOPE").await.assert_status(422).assert_says("This code is invalid.");
    olivia.post(&code).field("code", " welcome ").await.assert_redirects_to(&page);
    olivia.get(&page).await.assert_says("25% off for 3 months").assert_says("Pay $21.75");
    olivia.post(&code).field("remove", "1").await.assert_redirects_to(&page);
    olivia.get(&page).await.assert_says("Pay $29.00");
    olivia.post(&code).field("code", "WELCOME").await.assert_redirects_to(&page);
    olivia.post(&page).fields(&[("name", "Olivia"), ("card", GOOD)]).await.assert_redirects_to(APP);

    let session = sandbox.newest_checkout_session().await;
    assert_eq!(
        (&session["amount_total"], &session["total_details"]["amount_discount"]),
        (&2175.into(), &725.into())
    );
    let sub = sandbox.subscription(session["subscription"].as_str().unwrap()).await;
    assert_eq!(sub["discounts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn codes_are_refused_where_the_session_takes_none() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &[]).await;
    let olivia = sandbox.visitor();

    olivia.get(&page).await.assert_does_not_say("Promotion code");
    olivia.post(&format!("{page}/code")).field("code", "WELCOME").await.assert_status(422);
}

#[tokio::test]
async fn a_trial_says_what_comes_after_it() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let trial = ("subscription_data[trial_period_days]", "14");
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &[trial]).await;
    let olivia = sandbox.visitor();

    let shown = olivia.get(&page).await;
    shown.assert_says("Try Pro").assert_says("Start trial").assert_says("then $29.00").assert_says("$0.00");
    olivia.post(&page).fields(&[("name", "Olivia"), ("card", GOOD)]).await.assert_redirects_to(APP);

    let session = sandbox.newest_checkout_session().await;
    assert_eq!(session["payment_status"], "no_payment_required");
    assert_eq!(sandbox.subscription(session["subscription"].as_str().unwrap()).await["status"], "trialing");
}

#[tokio::test]
async fn a_trial_without_a_card_asks_for_none() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let more = [("subscription_data[trial_period_days]", "14"), ("payment_method_collection", "if_required")];
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &more).await;
    let olivia = sandbox.visitor();

    olivia.get(&page).await.assert_says("No card is needed").assert_does_not_say("Card number");
    olivia.post(&page).field("name", "Olivia").await.assert_redirects_to(APP);

    let customer = sandbox.newest_checkout_session().await["customer"].as_str().unwrap().to_owned();
    let cards = sandbox.get(&format!("/v1/customers/{customer}/payment_methods")).await;
    assert_eq!(cards["data"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_card_can_be_saved_without_buying() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let fields = [
        ("mode", "setup"),
        ("currency", "usd"),
        ("customer", customer.as_str()),
        ("success_url", "http://localhost:4999/ok"),
    ];
    let page = sandbox.path_of(&sandbox.post("/v1/checkout/sessions", &fields).await);
    let olivia = sandbox.visitor();

    olivia.get(&page).await.assert_says("Save a card").assert_does_not_say("Due today");
    olivia
        .post(&page)
        .fields(&[("name", "Olivia"), ("card", GOOD)])
        .await
        .assert_redirects_to("http://localhost:4999/ok");

    assert!(
        sandbox.get(&format!("/v1/customers/{customer}")).await["invoice_settings"]["default_payment_method"]
            .is_string()
    );
}

#[tokio::test]
async fn a_session_that_is_over_says_so_and_takes_nothing() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia").await;
    let (old, olivia) = (sandbox.checkout_page(&customer, "pro_month", &[]).await, sandbox.visitor());
    sandbox
        .post(&format!("/v1/checkout/sessions/{}/expire", id(&sandbox.newest_checkout_session().await)), &[])
        .await;
    let paid = sandbox.checkout_page(&customer, "pro_month", &[]).await;
    let form = [("name", "Olivia"), ("card", GOOD)];
    olivia.post(&paid).fields(&form).await.assert_redirects_to(APP);

    olivia.get(&old).await.assert_status(410).assert_says("This page has expired").assert_says("/billing");
    olivia.post(&old).fields(&form).await.assert_status(410);
    olivia.get(&paid).await.assert_status(200).assert_says("completed before");
    olivia.post(&paid).fields(&form).await.assert_says("completed before");
    olivia.get("/c/pay/nothing").await.assert_status(404);

    let subs = sandbox.get(&format!("/v1/subscriptions?customer={customer}")).await;
    assert_eq!(subs["data"].as_array().unwrap().len(), 1, "paid once");
}

#[tokio::test]
async fn a_form_on_somebody_elses_page_does_nothing() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &[]).await;
    let olivia = sandbox.visitor();
    let form = [("name", "Olivia"), ("card", GOOD)];

    olivia.post(&page).fields(&form).sent_from_another_site().await.assert_status(403);
    let foreign =
        olivia.post(&page).fields(&form).without("sec-fetch-site").header("origin", "http://evil.example");
    foreign.await.assert_status(403);

    assert_eq!(sandbox.newest_checkout_session().await["status"], "open");
}

#[tokio::test]
async fn every_page_is_guarded() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let page = sandbox.checkout_page(&sandbox.customer("Olivia").await, "pro_month", &[]).await;

    for path in [page.as_str(), "/nothing", "/p/home"] {
        let shown = sandbox.visitor().get(path).await;
        let policy = shown.header("content-security-policy").unwrap_or_default().to_owned();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{path}: {part} is not in {policy}");
        }
        assert_eq!(shown.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(shown.header("referrer-policy"), Some("same-origin"), "{path}");
        shown.assert_does_not_say("<style").assert_does_not_say(" style=").assert_does_not_say("<script>");
    }
}

#[tokio::test]
async fn an_open_invoice_is_paid_with_another_card_which_stays_in_charge() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let customer = sandbox.customer("Olivia <i>Owner</i>").await;
    let (page, invoice) = sandbox.open_invoice(&customer).await;
    let olivia = sandbox.visitor();
    let pay = format!("{page}/pay");

    olivia.get(&page).await.assert_says("Pay $29.00").assert_says("Open").assert_does_not_say("<i>");
    olivia
        .post(&pay)
        .fields(&[("with", "new"), ("card", DECLINED)])
        .await
        .assert_status(402)
        .assert_says("declined");
    let asked = olivia.post(&pay).fields(&[("with", "new"), ("card", ASKS), ("keep", "1")]).await;
    asked.assert_redirects_to(&format!("{page}/bank"));
    olivia.get(&format!("{page}/bank")).await.assert_says("Your bank wants to know");
    olivia.post(&format!("{page}/bank")).field("answer", "fail").await.assert_status(402);
    assert_eq!(sandbox.get(&format!("/v1/invoices/{invoice}")).await["status"], "open");
    olivia.post(&pay).fields(&[("with", "new"), ("card", ASKS), ("keep", "1")]).await.assert_status(303);
    olivia.post(&format!("{page}/bank")).field("answer", "approve").await.assert_redirects_to(&page);

    olivia.get(&page).await.assert_says("Receipt").assert_says("Visa •••• 3184").assert_does_not_say("Pay $");
    assert_eq!(sandbox.get(&format!("/v1/invoices/{invoice}")).await["status"], "paid");
    assert!(
        sandbox.get(&format!("/v1/customers/{customer}")).await["invoice_settings"]["default_payment_method"]
            .is_string()
    );
    olivia
        .post(&pay)
        .fields(&[("with", "new"), ("card", GOOD)])
        .await
        .assert_status(422)
        .assert_says("already paid");
}

#[tokio::test]
async fn an_invoice_comes_as_pdf() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let (page, _) = sandbox.open_invoice(&sandbox.customer("Olivia (Zoë) Owner").await).await;

    let file = sandbox.visitor().get(&format!("{page}/pdf")).await;

    file.assert_status(200);
    assert_eq!(file.header("content-type"), Some("application/pdf"));
    let text = file.text();
    assert!(text.starts_with("%PDF-1.4") && text.ends_with("%%EOF\n"), "{text}");
    let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
    assert!(text[start..].starts_with("xref"), "readers find the table where the file says");
}
