//! A sandbox of the test's own and a client of it: Stripe's API with a key, the control API, and what
//! customers do on the hosted pages.
use super::{
    http::{Answer, Person, Site},
    stub::{Reply, Stub},
};
use hyper::Method;
use portico_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// 1 January 2027, 00:00 UTC, in unix seconds.
pub const NEW_YEAR: i64 = 1_798_761_600;
/// 15 January 2027, 12:00 UTC, in unix seconds.
pub const MIDDLE_OF_JANUARY: i64 = 1_800_014_400;
/// In seconds.
pub const DAY: i64 = 86_400;

/// What the tests' own catalogue sells (`catalogue.rs`), in US cents.
pub const PRO_MONTH: i64 = 2_900;
pub const PRO_YEAR: i64 = 29_000;
pub const SEAT_MONTH: i64 = 1_500;

/// A card that pays.
pub const GOOD: &str = "4242424242424242";
/// A card that is declined at once.
pub const DECLINED: &str = "4000000000000002";
/// A card that can be added, and then no payment goes through.
pub const NEVER_PAYS: &str = "4000000000000341";
/// A card that asks for 3-D Secure each time.
pub const ASKS: &str = "4000002760003184";

/// Where people come back to; nothing needs to listen there.
pub const APP: &str = "http://localhost:4999";

/// Dropping it stops its sandbox, at once, as a killed process stops.
pub struct SandboxClient {
    /// The sandbox's origin.
    pub url: String,
    /// The app that sends people to the hosted pages and gets them back: [`APP`] unless set otherwise.
    pub app: String,
    /// For requests without the key, or with another.
    pub person: Person,
    /// The last event of the catalogue's making. Tests look at what happens after it.
    pub(super) catalogue_made: Option<String>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for SandboxClient {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// How it starts and ends.
impl SandboxClient {
    /// A sandbox that holds the catalogue and nothing else, its clock standing at the new year, so that
    /// amounts and dates can be worked out by hand. The same calls give the same ids.
    pub async fn new() -> Self {
        Self::frozen_at(NEW_YEAR).await
    }

    /// The same, its clock standing at [`MIDDLE_OF_JANUARY`].
    pub async fn in_mid_january() -> Self {
        Self::frozen_at(MIDDLE_OF_JANUARY).await
    }

    async fn frozen_at(now: i64) -> Self {
        let options = Options { seed: Some(7), frozen_at: Some(now), ..Options::default() };
        Self::with_catalogue(options).await
    }

    /// The same, its clock following the wall's.
    pub async fn on_the_wall_clock() -> Self {
        Self::with_catalogue(Options::default()).await
    }

    /// One that holds nothing, unless its file does.
    pub async fn with(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = Sandbox::open(options).await.unwrap();
        let serving =
            tokio::spawn(async move { sandbox.serve(listener, std::future::pending()).await.unwrap() });
        let person = Person::visiting(&Site::at(&url));
        Self { url, app: APP.to_owned(), person, catalogue_made: None, serving }
    }

    /// Stops at once, as a killed process does, and waits until it has.
    pub async fn stop(mut self) {
        self.serving.abort();
        (&mut self.serving).await.ok();
    }

    /// Somebody with a browser of their own.
    pub fn visitor(&self) -> Person {
        Person::visiting(&Site::at(&self.url))
    }
}

/// Stripe's API.
impl SandboxClient {
    /// The answer, whatever it is.
    pub async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let method: Method = method.parse().unwrap();
        let ask = self.person.ask(method, path).header("authorization", "Bearer sk_test_123");
        ask.fields(fields).await
    }

    /// A POST with a header more.
    pub async fn ask_with(&self, header: (&str, &str), path: &str, fields: &[(&str, &str)]) -> Answer {
        let ask = self.person.post(path).header("authorization", "Bearer sk_test_123");
        ask.header(header.0, header.1).fields(fields).await
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> impl Future<Output = Value> {
        self.granted("GET", path, &[])
    }

    #[track_caller]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> impl Future<Output = Value> {
        self.granted("POST", path, fields)
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> impl Future<Output = Value> {
        self.granted("DELETE", path, &[])
    }

    #[track_caller]
    fn granted(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> impl Future<Output = Value> {
        let (asked, from) = (self.ask(method, path, fields), std::panic::Location::caller());
        async move {
            let answer = asked.await;
            assert_eq!(answer.status, 200, "{from}: {}: {}", answer.asked, answer.text());
            answer.json()
        }
    }

    /// The `error` of a POST that is refused with this status.
    #[track_caller]
    pub fn refused(&self, status: u16, path: &str, fields: &[(&str, &str)]) -> impl Future<Output = Value> {
        let (asked, from) = (self.ask("POST", path, fields), std::panic::Location::caller());
        async move {
            let answer = asked.await;
            assert_eq!(answer.status, status, "{from}: {}: {}", answer.asked, answer.text());
            answer.json()["error"].clone()
        }
    }

    /// The `data` of a list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await["data"].as_array().cloned().expect("a list has data")
    }

    /// Everything that is due until then happens.
    pub async fn wait_until(&self, to: i64) {
        self.post("/v1/test_helpers/test_clocks", &[("frozen_time", &to.to_string())]).await;
    }

    /// The sandbox's time.
    pub async fn now(&self) -> i64 {
        self.control_get("/clock").await["now"].as_i64().unwrap()
    }

    /// The id of a price by its lookup key.
    pub async fn price(&self, key: &str) -> String {
        let found = self.list(&format!("/v1/prices?lookup_keys[]={key}")).await;
        id(found.first().unwrap_or_else(|| panic!("no price has the lookup key {key}")))
    }

    /// A customer without a card; its id.
    pub async fn customer(&self, name: &str) -> String {
        id(&self.post("/v1/customers", &[("name", name), ("email", "olivia@acme.test")]).await)
    }

    /// A customer whose default is this payment method; its id.
    pub async fn customer_with(&self, card: &str) -> String {
        let fields = [
            ("name", "Acme"),
            ("email", "olivia@acme.test"),
            ("payment_method", card),
            ("invoice_settings[default_payment_method]", card),
        ];
        id(&self.post("/v1/customers", &fields).await)
    }

    /// A subscription to one price, and whatever else is asked for.
    pub async fn subscribe(&self, customer: &str, key: &str, more: &[(&str, &str)]) -> Value {
        let price = self.price(key).await;
        let fields = [&[("customer", customer), ("items[0][price]", &price)], more].concat();
        self.post("/v1/subscriptions", &fields).await
    }

    pub async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}")).await
    }

    pub async fn subscription_with_invoice(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice")).await
    }

    pub async fn subscription_status(&self, id: &str) -> String {
        text(&self.subscription(id).await["status"])
    }

    /// Types of the events so far, oldest first; of the last hundred, where there are more.
    pub async fn event_types(&self) -> Vec<String> {
        let mut types = self.newest_event_types(100).await;
        types.reverse();
        types
    }

    /// Types of the newest events, newest first.
    pub async fn newest_event_types(&self, count: usize) -> Vec<String> {
        let newest = self.list(&format!("/v1/events?limit={count}")).await;
        newest.iter().map(|event| text(&event["type"])).collect()
    }

    /// All that the API shows, to compare with what it shows later.
    pub async fn everything(&self) -> Value {
        let mut all = serde_json::Map::new();
        for kind in [
            "customers",
            "products",
            "prices",
            "coupons",
            "promotion_codes",
            "subscriptions?status=all",
            "invoices",
            "invoiceitems",
            "checkout/sessions",
            "billing_portal/configurations",
            "subscription_schedules",
            "events",
            "webhook_endpoints",
        ] {
            let and = if kind.contains('?') { '&' } else { '?' };
            all.insert(kind.into(), self.list(&format!("/v1/{kind}{and}limit=100")).await.into());
        }
        for customer in all["customers"].as_array().cloned().unwrap_or_default() {
            let path = format!("/v1/payment_methods?limit=100&customer={}", id(&customer));
            all.insert(path.clone(), self.list(&path).await.into());
        }
        all.into()
    }

    /// The portal's configuration with something else in it.
    pub async fn reconfigure_portal(&self, fields: &[(&str, &str)]) {
        let configuration = id(&self.list("/v1/billing_portal/configurations").await[0]);
        self.post(&format!("/v1/billing_portal/configurations/{configuration}"), fields).await;
    }
}

/// The control API.
impl SandboxClient {
    pub async fn control(&self, method: Method, path: &str, body: Value) -> Answer {
        let ask = self.person.ask(method.clone(), &format!("/_sandbox/api{path}"));
        match method {
            Method::GET => ask.await,
            _ => ask.body("application/json", body.to_string()).await,
        }
    }

    pub async fn control_get(&self, path: &str) -> Value {
        self.control(Method::GET, path, Value::Null).await.assert_status(200).json()
    }

    pub async fn control_post(&self, path: &str, body: Value) -> Value {
        self.control(Method::POST, path, body).await.assert_status(200).json()
    }

    pub async fn control_put(&self, path: &str, body: Value) -> Value {
        self.control(Method::PUT, path, body).await.assert_status(200).json()
    }

    /// The rows of `/events`, `/deliveries`, `/faults` or `/objects`; the events of the catalogue left out.
    pub async fn control_list(&self, path: &str) -> Vec<Value> {
        let mut rows = self.control_get(path).await["data"].as_array().expect("a list").clone();
        let made = |row: &Value| path == "/events" && row["id"].as_str() == self.catalogue_made.as_deref();
        rows.drain(..rows.iter().position(made).map_or(0, |last| last + 1));
        rows
    }

    /// Waits until nothing is due for delivery; the counts of what became of all of it.
    pub async fn flush(&self) -> Value {
        self.control_post("/delivery/flush", json!({})).await
    }

    pub async fn advance(&self, seconds: i64) -> Value {
        self.control_post("/clock/advance", json!({ "seconds": seconds })).await
    }

    /// What a customer does, and that it worked; ids of what it touched.
    pub async fn act(&self, body: Value) -> Vec<String> {
        let answer = self.control_post("/act", body.clone()).await;
        assert_eq!(answer["ok"], true, "{body}: {answer}");
        answer["objects"].as_array().unwrap().iter().map(text).collect()
    }

    /// A receiver that takes everything, and the endpoint with its secret.
    pub async fn listener(&self) -> (Stub, Value) {
        self.listener_that([Reply::http("200 OK", &[], "")], &[("enabled_events[]", "*")]).await
    }

    pub async fn listener_that(
        &self,
        answers: impl IntoIterator<Item = Reply>,
        fields: &[(&str, &str)],
    ) -> (Stub, Value) {
        let stub = Stub::answering(answers);
        let url = format!("{}/hook", stub.url());
        let fields = [&[("url", url.as_str())], fields].concat();
        let endpoint = self.post("/v1/webhook_endpoints", &fields).await;
        (stub, endpoint)
    }

    /// A customer who paid at Checkout, or began a trial there: customer and subscription.
    pub async fn subscriber(&self, price: &str, extra: &[(&str, &str)]) -> (String, String) {
        let customer = self.customer("Acme").await;
        let session = self.checkout_session(&customer, price, extra).await;
        let touched =
            self.act(json!({ "action": "complete_checkout", "session": session, "card": GOOD })).await;
        let sub = touched.into_iter().find(|id| id.starts_with("sub_")).expect("a subscription");
        (customer, sub)
    }

    /// How many events there are, to look only at those after.
    pub async fn event_count(&self) -> usize {
        self.control_list("/events").await.len()
    }

    /// Types of the events after the first so many, oldest first.
    pub async fn event_types_after(&self, count: usize) -> Vec<String> {
        self.control_list("/events").await[count..].iter().map(|event| text(&event["type"])).collect()
    }
}

/// The hosted pages.
impl SandboxClient {
    /// The id of a Checkout session for one of this price.
    pub async fn checkout_session(&self, customer: &str, key: &str, more: &[(&str, &str)]) -> String {
        let one = [&[("line_items[0][quantity]", "1")], more].concat();
        id(&self.open_checkout(customer, key, &one).await)
    }

    /// The path of a Checkout page.
    pub async fn checkout_page(&self, customer: &str, key: &str, more: &[(&str, &str)]) -> String {
        self.path_of(&self.open_checkout(customer, key, more).await)
    }

    async fn open_checkout(&self, customer: &str, key: &str, more: &[(&str, &str)]) -> Value {
        let price = self.price(key).await;
        let success = format!("{}/return?session_id={{CHECKOUT_SESSION_ID}}", self.app);
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
        self.post("/v1/checkout/sessions", &fields).await
    }

    /// The path of a session's page on the sandbox.
    pub fn path_of(&self, session: &Value) -> String {
        self.path_at(&session["url"])
    }

    /// The path of an address on the sandbox.
    pub fn path_at(&self, url: &Value) -> String {
        url.as_str().unwrap().strip_prefix(&self.url).unwrap().to_owned()
    }

    pub async fn newest_checkout_session(&self) -> Value {
        self.get("/v1/checkout/sessions?limit=1").await["data"][0].clone()
    }

    /// A customer who paid on the Checkout page with this card: customer and subscription. The card is
    /// pinned to the subscription.
    pub async fn subscriber_at_checkout(&self, key: &str, quantity: &str, card: &str) -> (String, String) {
        let customer = self.customer("Olivia Owner").await;
        let page = self.checkout_page(&customer, key, &[("line_items[0][quantity]", quantity)]).await;
        let olivia = self.visitor();
        let mut paid = olivia.post(&page).fields(&[("name", "Olivia Owner"), ("card", card)]).await;
        if paid.location().ends_with("/bank") {
            paid = olivia.post(&format!("{page}/bank")).field("answer", "approve").await;
        }
        paid.assert_redirects_to(&self.app);
        let subs = self.get(&format!("/v1/subscriptions?customer={customer}")).await;
        (customer, id(&subs["data"][0]))
    }

    /// The path that opens the portal for a customer.
    pub async fn portal_link(&self, customer: &str, more: &[(&str, &str)]) -> String {
        let back = format!("{}/orgs/acme/billing", self.app);
        let mut fields = vec![("customer", customer), ("return_url", back.as_str())];
        fields.extend(more);
        self.path_of(&self.post("/v1/billing_portal/sessions", &fields).await)
    }

    /// The customer, in the portal.
    pub async fn visit_portal(&self, customer: &str, more: &[(&str, &str)]) -> Person {
        let olivia = self.visitor();
        olivia.get(&self.portal_link(customer, more).await).await.assert_status(303);
        olivia
    }

    /// An invoice that nobody could pay: its path and its id.
    pub async fn open_invoice(&self, customer: &str) -> (String, String) {
        let by_invoice = [("collection_method", "send_invoice"), ("days_until_due", "14")];
        let sub = self.subscribe(customer, "pro_month", &by_invoice).await;
        let invoice = self.get(&format!("/v1/invoices/{}", text(&sub["latest_invoice"]))).await;
        let url = invoice["hosted_invoice_url"].as_str().unwrap();
        (url.strip_prefix(&self.url).unwrap().split('?').next().unwrap().to_owned(), id(&invoice))
    }
}

/// What arrived at a receiver, as JSON.
pub fn bodies(stub: &Stub) -> Vec<Value> {
    stub.arrived().iter().map(|it| serde_json::from_str(&it.body).unwrap()).collect()
}

#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[track_caller]
pub fn id(object: &Value) -> String {
    text(&object["id"])
}
