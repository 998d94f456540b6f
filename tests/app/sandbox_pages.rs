//! The sandbox's hosted pages over HTTP, and in a browser: what people do at Checkout, in the portal
//! and on an invoice, and what Stripe's API says of it afterwards.
#[path = "sandbox_pages/browser.rs"]
mod browser;
#[path = "sandbox_pages/checkout.rs"]
mod checkout;
#[path = "sandbox_pages/flows.rs"]
mod flows;
#[path = "sandbox_pages/portal.rs"]
mod portal;

use crate::{
    support::http::{Answer, Person, Site},
    test_app::start_sandbox,
};
use serde_json::Value;

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000000002";
const ASKS: &str = "4000002760003184";
const APP: &str = "http://localhost:4999";

/// A sandbox with its catalogue, and a clerk who may use its API.
struct Town {
    base: String,
    /// The app that sends people here and gets them back; nobody needs to be at home there.
    app: String,
    clerk: Person,
}

impl Town {
    async fn new() -> Self {
        Self::at(start_sandbox().await)
    }

    fn at(base: String) -> Self {
        let clerk = Person::visiting(&Site::at(&base));
        Self { base, app: APP.to_owned(), clerk }
    }

    fn visitor(&self) -> Person {
        Person::visiting(&Site::at(&self.base))
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.clerk.get(path).header("authorization", "Bearer sk_test_1").await;
        answer.assert_status(200).json()
    }

    async fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.clerk.post(path).header("authorization", "Bearer sk_test_1").fields(fields).await
    }

    async fn make(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.ask(path, fields).await.assert_status(200).json()
    }

    async fn price(&self, key: &str) -> String {
        let list = self.get(&format!("/v1/prices?lookup_keys[0]={key}")).await;
        id(&list["data"][0])
    }

    async fn customer(&self, name: &str) -> String {
        id(&self.make("/v1/customers", &[("name", name), ("email", "olivia@acme.test")]).await)
    }

    /// A customer with this card and plan, as after Checkout: the card is pinned to the subscription.
    async fn subscriber(&self, key: &str, quantity: &str, card: &str) -> (String, String) {
        let customer = self.customer("Olivia Owner").await;
        let page = self.checkout(&customer, key, &[("line_items[0][quantity]", quantity)]).await;
        let olivia = self.visitor();
        let mut paid = olivia.post(&page).fields(&[("name", "Olivia Owner"), ("card", card)]).await;
        if paid.location().ends_with("/bank") {
            paid = olivia.post(&format!("{page}/bank")).field("answer", "approve").await;
        }
        paid.assert_redirects_to(&self.app);
        let subs = self.get(&format!("/v1/subscriptions?customer={customer}")).await;
        (customer, id(&subs["data"][0]))
    }

    /// The path of a Checkout page.
    async fn checkout(&self, customer: &str, key: &str, more: &[(&str, &str)]) -> String {
        let (price, success) =
            (self.price(key).await, format!("{}/return?session_id={{CHECKOUT_SESSION_ID}}", self.app));
        let cancel = format!("{}/billing", self.app);
        let mut fields = vec![
            ("mode", "subscription"),
            ("line_items[0][price]", price.as_str()),
            ("success_url", success.as_str()),
            ("cancel_url", cancel.as_str()),
        ];
        if !customer.is_empty() {
            fields.push(("customer", customer));
        }
        fields.extend(more);
        self.path(&self.make("/v1/checkout/sessions", &fields).await)
    }

    fn path(&self, session: &Value) -> String {
        session["url"].as_str().unwrap().strip_prefix(&self.base).unwrap().to_owned()
    }

    /// The path that opens the portal for a customer.
    async fn portal(&self, customer: &str, more: &[(&str, &str)]) -> String {
        let back = format!("{}/orgs/acme/billing", self.app);
        let mut fields = vec![("customer", customer), ("return_url", back.as_str())];
        fields.extend(more);
        self.path(&self.make("/v1/billing_portal/sessions", &fields).await)
    }

    /// The customer, in the portal.
    async fn visit(&self, customer: &str, more: &[(&str, &str)]) -> Person {
        let olivia = self.visitor();
        olivia.get(&self.portal(customer, more).await).await.assert_status(303);
        olivia
    }

    async fn session(&self) -> Value {
        self.get("/v1/checkout/sessions?limit=1").await["data"][0].clone()
    }

    async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}")).await
    }

    /// Moves the sandbox's clock on.
    async fn later(&self, seconds: i64) {
        let clock = self.make("/v1/test_helpers/test_clocks", &[("frozen_time", "1")]).await;
        let to = clock["frozen_time"].as_i64().unwrap() + seconds;
        let advance = format!("/v1/test_helpers/test_clocks/{}/advance", id(&clock));
        self.make(&advance, &[("frozen_time", &to.to_string())]).await;
    }

    /// Names of the newest events, newest first.
    async fn events(&self, count: usize) -> Vec<String> {
        let list = self.get(&format!("/v1/events?limit={count}")).await;
        list["data"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap().to_owned()).collect()
    }

    /// An invoice that nobody could pay: its path and its id.
    async fn open_invoice(&self, customer: &str) -> (String, String) {
        let price = self.price("pro_month").await;
        let fields = [
            ("customer", customer),
            ("items[0][price]", price.as_str()),
            ("collection_method", "send_invoice"),
            ("days_until_due", "14"),
        ];
        let sub = self.make("/v1/subscriptions", &fields).await;
        let invoice = self.get(&format!("/v1/invoices/{}", sub["latest_invoice"].as_str().unwrap())).await;
        let url = invoice["hosted_invoice_url"].as_str().unwrap();
        (url.strip_prefix(&self.base).unwrap().split('?').next().unwrap().to_owned(), id(&invoice))
    }

    /// The default configuration with something else in it.
    async fn reconfigured(&self, fields: &[(&str, &str)]) {
        let list = self.get("/v1/billing_portal/configurations?is_default=true").await;
        self.make(&format!("/v1/billing_portal/configurations/{}", id(&list["data"][0])), fields).await;
    }
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}
