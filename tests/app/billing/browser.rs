//! The whole loop in a real browser: subscribe, switch, fail, fix, cancel, renew, and each time the
//! billing page right after, with and without JavaScript.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    support::browser::{Browser, Look},
    test_app::TestApp,
};
use fantoccini::Locator;
use product::web::accept;
use serde_json::json;
use std::time::Duration;

#[portico_test]
async fn olivia_lives_through_a_subscription_in_her_browser(app: TestApp) {
    let (it, home) = served(&app).await;
    for (name, look) in [("Acme", Look::default()), ("Birch", Look::phone().without_javascript())] {
        let Some(browser) = Browser::open_or_skip(look).await else { return };
        let olivia = Olivia { browser, it: &it, home: &home, slug: name.to_lowercase() };
        olivia.signs_up(name).await;

        olivia.subscribes().await;
        olivia.switches_to_a_year().await;
        olivia.fails_to_pay_the_renewal().await;
        olivia.pays_with_another_card().await;
        olivia.cancels_and_renews().await;

        it.settled().await;
        it.assert_no_drift(&olivia.slug).await;
        olivia.browser.close().await;
    }
}

/// The whole loop, its product listening as `http://localhost:…`: browsers keep its cookies there.
async fn served(app: &TestApp) -> (BillingApp, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let it = BillingApp::of(app.restarted_with("PUBLIC_URL", &home).await).await;
    tokio::spawn(accept::serve(listener, it.app.router.clone(), std::future::pending()));
    (it, home)
}

struct Olivia<'a> {
    browser: Browser,
    it: &'a BillingApp,
    home: &'a str,
    slug: String,
}

impl Olivia<'_> {
    async fn signs_up(&self, organisation: &str) {
        self.goes_to("/sign-up").await;
        self.types("#name", "Olivia Owner").await;
        self.types("#email", &format!("olivia@{}.test", self.slug)).await;
        self.types("#organisation", organisation).await;
        self.types("#password", "violet kettle orbits seven lamps").await;
        self.presses("main form button").await;
        self.is_at(&format!("{}/orgs/{}", self.home, self.slug)).await;
    }

    async fn subscribes(&self) {
        self.goes_to(&self.billing()).await;
        self.presses("form.choice:has([value=business]) button").await;
        self.is_at(&format!("{}/c/pay/", self.it.app.stripe)).await;
        self.pays_with(GOOD).await;
        self.is_home_again_reading(&["Business", "1 seat at $15.00 a month", "Active"]).await;
    }

    async fn switches_to_a_year(&self) {
        self.enters_the_portal().await;
        self.presses("a[href$='/plan']").await;
        self.presses(".switch li:last-child a").await;
        self.presses(".offers li:last-child button").await;
        self.presses("#submit").await;
        self.reads("Your plan was changed.").await;
        self.presses("a[href*='/billing/return']").await;
        self.is_home_again_reading(&["1 seat at $150.00 a year", "Active"]).await;
    }

    /// The card that is about to refuse takes over by the button of our own page.
    async fn fails_to_pay_the_renewal(&self) {
        let customer = self.it.customer_of(&self.slug).await;
        self.it.act(&customer, "add_card", json!({ "card": NEVER_PAYS })).await;
        self.it.settled().await;
        self.goes_to(&self.billing()).await;
        self.presses("form[action$='/billing/card'] button").await;
        self.is_home_again_reading(&["ending in 0341"]).await;
        self.it.advance(367 * DAY).await;
        self.it.settled().await;
        self.goes_to(&self.billing()).await;
        self.is_home_again_reading(&["Payment failed", "A payment did not go through"]).await;
    }

    async fn pays_with_another_card(&self) {
        self.presses(".notice a.button").await;
        self.is_at(&format!("{}/i/", self.it.app.stripe)).await;
        self.presses("[name=with][value=new]").await;
        self.pays_with(GOOD).await;
        self.reads("Paid with").await;
        self.it.settled().await;
        self.goes_to(&self.billing()).await;
        self.is_home_again_reading(&["Active", "ending in 4242"]).await;
    }

    async fn cancels_and_renews(&self) {
        self.enters_the_portal().await;
        self.presses("a[href$='/cancel']").await;
        self.presses("#submit").await;
        self.reads("Your plan was cancelled.").await;
        self.presses("a[href*='/billing/return']").await;
        self.is_home_again_reading(&["Ends on", "Your plan ends on"]).await;
        self.enters_the_portal().await;
        self.presses("a[href$='/renew']").await;
        self.presses("#submit").await;
        self.reads("Your plan goes on.").await;
        self.presses("a[href*='/billing/return']").await;
        self.is_home_again_reading(&["Active", "Renews on"]).await;
    }

    async fn enters_the_portal(&self) {
        self.goes_to(&self.billing()).await;
        self.presses("form[action$='/billing/portal'] button").await;
        self.is_at(&format!("{}/p/home", self.it.app.stripe)).await;
    }

    async fn pays_with(&self, card: &str) {
        self.presses(&format!("[name=card][value='{card}']")).await;
        self.presses("#submit").await;
    }

    fn billing(&self) -> String {
        format!("/orgs/{}/billing", self.slug)
    }

    async fn goes_to(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.home)).await.unwrap();
    }

    async fn types(&self, field: &str, text: &str) {
        self.browser.find(Locator::Css(field)).await.unwrap().send_keys(text).await.unwrap();
    }

    async fn presses(&self, what: &str) {
        let found =
            self.browser.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(what)).await;
        let Ok(found) = found else { panic!("no {what}: {}", self.browser.source().await.unwrap()) };
        found.click().await.unwrap();
    }

    async fn is_at(&self, beginning: &str) {
        let there = async || self.browser.current_url().await.unwrap().as_str().starts_with(beginning);
        self.waits_for(beginning, there).await;
    }

    async fn reads(&self, text: &str) {
        let there = async || self.browser.source().await.unwrap().contains(text);
        self.waits_for(text, there).await;
        self.browser.assert_no_complaints().await;
    }

    async fn is_home_again_reading(&self, texts: &[&str]) {
        self.is_at(&format!("{}{}", self.home, self.billing())).await;
        for text in texts {
            self.reads(text).await;
        }
    }

    async fn waits_for(&self, what: &str, there: impl AsyncFn() -> bool) {
        for _ in 0..200 {
            if there().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (at, page) = (self.browser.current_url().await, self.browser.source().await);
        panic!("no {what} at {at:?}: {}", page.unwrap());
    }
}
