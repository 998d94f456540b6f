//! Every request our gateway can build, at the official stripe-mock, which checks parameters
//! against Stripe's own description of its API.
use crate::{
    support::{
        http::{Person, Site},
        stripe_mock,
    },
    test_app::TestApp,
};
use product::stripe::{
    CustomerDetails, CustomerId, Deadline, Error, Flow, HostedInvoice, NewCheckoutSession, NewCustomer,
    NewPortalSession, PlanChange, WantedInvoices,
    account::{NewPrice, NewProduct, Portal, READS, SwitchTo},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_mock_accepts_every_request_we_can_build() {
    let Some(mock) = stripe_mock::stripe_mock_or_skip().await else { return };
    let app = TestApp::sqlite("contract").await;
    let app = app.restarted_with("STRIPE_API_BASE", &mock).await;
    let (stripe, until) = (&app.app.stripe, Deadline::of_click);
    let new = NewCustomer { org_id: "org".into(), slug: "acme", name: "Acme", email: "olivia@acme.test" };

    let customer = stripe.create_customer(new, "customer:contract:1", until()).await.expect("a customer");
    for (flow, chosen) in Flow::ALL.iter().map(|flow| (flow, false)).chain([(&Flow::ChangePlan, true)]) {
        let open = NewPortalSession {
            customer: &customer,
            flow: *flow,
            subscription: Some("sub_1"),
            switch_to: chosen.then(|| PlanChange { item: "si_1", price: "price_1".to_owned(), quantity: 1 }),
            return_url: "https://portico.test/back",
        };
        let portal = stripe.create_portal_session(open, until()).await;
        let portal = portal.unwrap_or_else(|error| panic!("{flow:?}: {error}"));
        assert!(portal.url.reveal().starts_with("https://"), "{flow:?}");
    }
    stripe.subscriptions(&CustomerId("cus_1".into()), until()).await.expect("subscriptions");
    stripe.customer(&customer, until()).await.expect("a customer again");
    let wanted = WantedInvoices { since: Some(1_700_000_000), ids: vec!["in_1".into()] };
    stripe.invoices(&customer, &wanted, until()).await.expect("invoices");
    stripe.hosted_invoice("in_1", HostedInvoice::Page, until()).await.expect("an invoice's page");
    for object in ["in_1", "cn_1", "ch_1"] {
        stripe.invoice_of(object, until()).await.expect(object);
    }
    let details = CustomerDetails {
        name: Some("Acme".into()),
        email: Some("bills@acme.test".into()),
        language: Some("de".into()),
        slug: Some("acme".into()),
    };
    stripe.change_customer(&customer, &details, until()).await.expect("details");
    stripe.products_of(vec!["prod_1".into()], until()).await.expect("products");
    stripe.preview(&customer, "sub_1", until()).await.expect("a preview");
    stripe.schedule("sub_sched_1", until()).await.expect("a schedule");
    stripe.release_schedule("sub_sched_1", "keep:contract:1", until()).await.expect("a release");
    stripe.is_processing("in_1", until()).await.expect("payments of an invoice");
    stripe.events_since(1_700_000_000, until()).await.expect("events");
    for object in ["sub_1", "in_1", "pm_1", "cs_test_1", "ch_1", "cn_1", "cus_1", "prod_1"] {
        stripe.owner_of(object, until()).await.expect(object);
    }
    stripe.set_seats("sub_1", "si_1", 5, "seats:contract:1", until()).await.expect("seats");
    stripe.set_payment_method("sub_1", "pm_1", "card:contract:1", until()).await.expect("a card");
    stripe.cancel("sub_1", until()).await.expect("an end");
    let checkout = NewCheckoutSession {
        customer: &customer,
        org_id: "org".into(),
        attempt_id: "attempt".into(),
        user_id: "user".into(),
        price: "price_1".into(),
        quantity: 1,
        trial_days: Some(14),
        expires_at: app.app.clock.now().unix() + 3000,
        success_url: "https://portico.test/return?session_id={CHECKOUT_SESSION_ID}".into(),
        cancel_url: "https://portico.test/billing".into(),
        automatic_tax: true,
        tax_ids: true,
    };
    let (session, _) = stripe.create_checkout_session(checkout, until()).await.expect("a session");
    stripe.checkout_session(&session, until()).await.expect("the session again");
    stripe.expire_checkout_session(&session, until()).await.expect("its end");
    stripe.start_trial(&customer, "pro_month", 14, until()).await.expect("a trial");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_mock_accepts_every_request_of_the_setup() {
    let Some(mock) = stripe_mock::stripe_mock_or_skip().await else { return };
    let app = TestApp::sqlite("contract").await;
    let app = app.restarted_with("STRIPE_API_BASE", &mock).await;
    let stripe = &app.app.stripe;
    let product = NewProduct {
        plan: "pro",
        name: "Pro",
        description: "For a team.",
        unit_label: Some("seat"),
        features: vec!["10 members".into()],
    };
    let price = NewPrice {
        plan: "pro",
        product: "prod_1",
        lookup_key: "pro_year",
        currency: "usd",
        amount: 29_000,
        interval: "year",
    };
    let switch = SwitchTo { product: "prod_1".into(), prices: vec!["price_1".into()], per_seat: true };
    let page = |path: &str| Some(format!("https://portico.test{path}"));
    let portal = Portal { switch_to: vec![switch], privacy: page("/privacy"), terms: page("/terms") };

    stripe.products().await.expect("products");
    stripe.make_product(&product).await.expect("a product");
    stripe.change_product("prod_1", &product).await.expect("its change");
    stripe.set_default_price("prod_1", "price_1").await.expect("its default price");
    stripe.prices(&["pro_month".into(), "pro_year".into()]).await.expect("prices");
    stripe.make_price(&price).await.expect("a price");
    stripe.retire_price("price_1", "pro").await.expect("its end");
    stripe.activate_price("price_1", "pro").await.expect("its return");
    stripe.portal_configurations().await.expect("configurations");
    stripe.make_portal_configuration(&portal).await.expect("a configuration");
    stripe.change_portal_configuration("bpc_1", &portal).await.expect("its change");
    stripe.activate_portal_configuration("bpc_1").await.expect("its return");
    stripe.endpoints().await.expect("endpoints");
    stripe.change_endpoint("we_1").await.expect("an endpoint's change");
    stripe.disable_endpoint("we_1").await.expect("its end");
    // The newest stripe-mock is older than our version of the API, and may object to that alone.
    match stripe.make_endpoint("https://portico.test/webhooks/stripe").await {
        Ok(_) | Err(Error::Absent(_)) => {}
        Err(Error::Refused(it)) if it.message.contains("'api_version' validation failed") => {}
        Err(error) => panic!("an endpoint: {error}"),
    }
    for (right, path, _) in READS {
        stripe.may_read(path).await.expect(right);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_up_through_manage_billing_works_as_far_as_stripe_mock_can_carry_it() {
    let Some(mock) = stripe_mock::stripe_mock_or_skip().await else { return };
    let app = TestApp::sqlite("contract").await;
    let app = app.restarted_with("STRIPE_API_BASE", &mock).await;
    let acme = app.org("acme").await;

    let sent = acme.owner.post("/orgs/acme/billing/portal").await;

    sent.assert_status(303);
    let said = Person::visiting(&Site::at(&mock))
        .post("/v1/billing_portal/sessions")
        .field("customer", "cus_1")
        .header("authorization", "Bearer sk_test_123")
        .await;
    let said: serde_json::Value = said.json();
    assert_eq!(Some(sent.location()), said["url"].as_str(), "the 303 goes where stripe-mock says");
    assert!(sent.header_text("content-security-policy").contains("dev.stripe.me"), "and Chromium lets it");
}
