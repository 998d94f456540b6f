//! Checkout and the portal in a real browser: policy, redirects to another origin, no JavaScript.
use super::*;
use crate::support::{
    browser::{Browser, Look},
    stub::{Reply, Stub},
};
use fantoccini::Locator;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn olivia_pays_at_checkout_and_comes_back() {
    for look in [Look::default(), Look::phone().dark().without_javascript()] {
        let Some(browser) = Browser::open_or_skip(look).await else { return };
        let (sandbox, _app) = sandbox_with_an_app().await;
        let olivia = Olivia { browser, sandbox };
        let page = olivia.sandbox.checkout_page("", "pro_month", &[("allow_promotion_codes", "true")]).await;

        olivia.goes_to(&page).await;
        olivia.types("#code", "welcome").await;
        olivia.presses("form.code button").await;
        olivia.reads("25% off for 3 months").await;
        olivia.types("#email", "olivia@acme.test").await;
        olivia.types("#name", "Olivia Owner").await;
        olivia.picks(DECLINED).await;
        olivia.presses("#submit").await;
        olivia.reads("Your card was declined.").await;
        olivia.picks(ASKS).await;
        olivia.presses("#submit").await;
        olivia.reads("Your bank wants to know").await;
        olivia.presses("[value=fail]").await;
        olivia.reads("unable to authenticate").await;
        olivia.presses("#submit").await;
        olivia.reads("Your bank wants to know").await;
        olivia.presses("[value=approve]").await;
        olivia.is_back_at("/return?session_id=cs_test_").await;

        assert_eq!(olivia.sandbox.newest_checkout_session().await["payment_status"], "paid");
        olivia.browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn olivia_manages_her_plan_in_the_portal_and_comes_back() {
    for look in [Look::default().dark(), Look::phone().without_javascript()] {
        let Some(browser) = Browser::open_or_skip(look).await else { return };
        let (sandbox, _app) = sandbox_with_an_app().await;
        let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
        let link = sandbox.portal_link(&customer, &[]).await;
        let olivia = Olivia { browser, sandbox };

        olivia.goes_to(&link).await;
        olivia.presses("a[href$='/plan']").await;
        olivia.presses(".switch li:last-child a").await;
        olivia.presses(".offers li:last-child button").await;
        olivia.reads("Due today").await;
        olivia.presses("#submit").await;
        olivia.reads("Your plan was changed.").await;

        olivia.presses("a[href='/p/cards/new']").await;
        olivia.picks("4000008400001629").await;
        olivia.presses("#submit").await;
        olivia.presses("[value=approve]").await;
        olivia.reads("The card was added").await;
        olivia.presses("form[action$='/card'] button").await;
        olivia.reads("The card for this plan was changed.").await;

        olivia.presses("a[href='/p/home']").await;
        olivia.presses("a[href$='/cancel']").await;
        olivia.presses("[name=reason][value=unused]").await;
        olivia.types("#comment", "See you").await;
        olivia.presses("#submit").await;
        olivia.reads("Your plan was cancelled.").await;
        olivia.presses("a[href$='/renew']").await;
        olivia.presses("#submit").await;
        olivia.reads("Your plan goes on.").await;
        olivia.presses(".invoices li:last-child a").await;
        olivia.reads("Receipt").await;
        olivia.presses(".back").await;
        olivia.presses(".back").await;
        olivia.is_back_at("/orgs/acme/billing").await;

        let held = olivia.sandbox.subscription(&sub).await;
        assert_eq!(held["items"]["data"][0]["price"]["lookup_key"], "business_year");
        olivia.browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_leads_from_the_form_to_the_app() {
    let Some(browser) = Browser::open_or_skip(Look::default()).await else { return };
    let (sandbox, _app) = sandbox_with_an_app().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("pro_month", "1", GOOD).await;
    let after = format!("{}/after", sandbox.app);
    let flow = [
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", sub.as_str()),
        ("flow_data[after_completion][type]", "redirect"),
        ("flow_data[after_completion][redirect][return_url]", after.as_str()),
    ];
    let link = sandbox.portal_link(&customer, &flow).await;
    let olivia = Olivia { browser, sandbox };

    olivia.goes_to(&link).await;
    olivia.presses("#submit").await;

    olivia.is_back_at("/after").await;
    olivia.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_of_the_sandbox_is_wider_than_a_phone() {
    let Some(browser) = Browser::open_or_skip(Look { width: 320, ..Look::phone() }).await else { return };
    let (sandbox, _app) = sandbox_with_an_app().await;
    let (customer, sub) = sandbox.subscriber_at_checkout("business_year", "12", GOOD).await;
    let (invoice, _) = sandbox.open_invoice(&customer).await;
    let (pay, link) =
        (sandbox.checkout_page(&customer, "pro_month", &[]).await, sandbox.portal_link(&customer, &[]).await);
    let olivia = Olivia { browser, sandbox };
    olivia.goes_to(&link).await;

    let of = |what: &str| format!("/p/subscriptions/{sub}/{what}");
    for path in [
        pay.as_str(),
        &invoice,
        "/p/home",
        "/p/cards",
        "/p/cards/new",
        "/p/details",
        "/p/invoices",
        &of("plan"),
        &of("plan/confirm"),
        &of("cancel"),
        "/nothing",
    ] {
        olivia.goes_to(path).await;
        let width = olivia.browser.execute("return document.documentElement.scrollWidth", Vec::new()).await;
        assert!(width.unwrap().as_u64().unwrap() <= 320, "{path} is wider");
        olivia.browser.assert_no_complaints().await;
    }
    olivia.browser.close().await;
}

/// A sandbox, and an app on another origin for people to come back to.
pub async fn sandbox_with_an_app() -> (SandboxClient, Stub) {
    let page = "<!doctype html><title>App</title><h1>Back</h1>";
    let app = Stub::answering([Reply::http("200 OK", &["content-type: text/html"], page)]);
    let mut sandbox = SandboxClient::on_the_wall_clock().await;
    sandbox.app = app.url().replace("127.0.0.1", "localhost");
    (sandbox, app)
}

pub struct Olivia {
    pub browser: Browser,
    pub sandbox: SandboxClient,
}

impl Olivia {
    pub async fn goes_to(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.sandbox.url)).await.unwrap();
    }

    pub async fn types(&self, field: &str, text: &str) {
        self.browser.find(Locator::Css(field)).await.unwrap().send_keys(text).await.unwrap();
    }

    pub async fn picks(&self, card: &str) {
        self.presses(&format!("[name=card][value='{card}']")).await;
    }

    pub async fn presses(&self, what: &str) {
        self.browser.wait().for_element(Locator::Css(what)).await.unwrap().click().await.unwrap();
    }

    pub async fn reads(&self, text: &str) {
        for _ in 0..100 {
            if self.browser.source().await.unwrap().contains(text) {
                return self.browser.assert_no_complaints().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{text:?} is not there: {}", self.browser.source().await.unwrap());
    }

    async fn is_back_at(&self, path: &str) {
        let there = format!("{}{path}", self.sandbox.app);
        for _ in 0..100 {
            if self.browser.current_url().await.unwrap().as_str().starts_with(&there) {
                return self.browser.assert_no_complaints().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("at {} instead of {there}", self.browser.current_url().await.unwrap());
    }
}
