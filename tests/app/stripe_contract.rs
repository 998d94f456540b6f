//! Every request our gateway can build, at the official stripe-mock, which checks parameters
//! against Stripe's own description of its API.
use crate::{
    support::{
        http::{Person, Target},
        stripe_mock,
    },
    world::TestApp,
};
use portico::stripe::{CustomerId, Deadline, Flow, NewCustomer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stripe_mock_accepts_every_request_we_can_build() {
    let (Some(mock), Some(app)) = (stripe_mock::start_or_skip("every request").await, TestApp::sqlite("contract").await) else { return };
    let app = app.restarted_with("STRIPE_API_BASE", mock.url()).await;
    let (stripe, until) = (&app.app.stripe, Deadline::of_click);
    let new = NewCustomer { org_id: "org".into(), slug: "acme", name: "Acme", email: "olivia@acme.test" };

    let customer = stripe.create_customer(new, "customer:contract:1", until()).await.expect("a customer");
    for flow in Flow::ALL {
        let portal = stripe.open_portal(&customer, *flow, Some("sub_1"), "https://portico.test/back", until()).await;
        let portal = portal.unwrap_or_else(|error| panic!("{flow:?}: {error}"));
        assert!(portal.url.reveal().starts_with("https://"), "{flow:?}");
    }
    stripe.subscriptions(&CustomerId("cus_1".into()), until()).await.expect("subscriptions");
    stripe.start_trial(&customer, "pro_month", 14, until()).await.expect("a trial");
    assert_eq!(mock.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_up_through_manage_billing_works_as_far_as_stripe_mock_can_carry_it() {
    let (Some(mock), Some(app)) = (stripe_mock::start_or_skip("the main job").await, TestApp::sqlite("contract").await) else { return };
    let app = app.restarted_with("STRIPE_API_BASE", mock.url()).await;
    let acme = app.org("acme").await;

    let sent = acme.owner.post("/orgs/acme/billing/portal", &[]).await;

    assert_eq!(sent.status(), 303, "{}", sent.text());
    let said = Person::at(Target::Http(mock.url().into()), mock.url())
        .post_with("/v1/billing_portal/sessions", &[("customer", "cus_1")], &[("authorization", "Bearer sk_test_123")])
        .await;
    let said: serde_json::Value = serde_json::from_str(said.text()).unwrap();
    assert_eq!(Some(sent.location()), said["url"].as_str(), "the 303 goes where stripe-mock says");
    assert!(sent.header("content-security-policy").contains("dev.stripe.me"), "and Chromium lets it");
}
