//! A sandbox of one's own, asked as a client asks Stripe and driven as its control API allows.
use super::{
    http::{Answer, Person, Site},
    stub::{Reply, Stub},
};
use hyper::Method;
use portico::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// 15 January 2027, 12:00 UTC: what tests count from.
pub const BEGIN: i64 = 1_800_014_400;
pub const DAY: i64 = 86_400;
pub const GOOD: &str = "4242424242424242";
pub const NEVER_PAYS: &str = "4000000000000341";

pub struct Driven {
    pub url: String,
    clerk: Person,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Driven {
    /// Its clock stands still, and the same calls give the same ids.
    pub async fn start() -> Self {
        Self::with(Options { catalogue: true, seed: Some(7), frozen_at: Some(BEGIN), ..Options::default() })
            .await
    }

    pub async fn with(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = Sandbox::open(options).await.unwrap();
        let serving =
            tokio::spawn(async move { sandbox.serve(listener, std::future::pending()).await.unwrap() });
        Self { clerk: Person::visiting(&Site::at(&url)), url, serving }
    }

    /// Stops at once, as a killed process does.
    pub async fn stop(mut self) {
        self.serving.abort();
        (&mut self.serving).await.ok();
    }

    pub fn visitor(&self) -> Person {
        Person::visiting(&Site::at(&self.url))
    }

    /// `POST /v1/…` with a form.
    pub async fn create(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let made = self.clerk.post(path).fields(fields).header("authorization", "Bearer sk_test_1").await;
        made.assert_status(200).json()
    }

    /// `GET /v1/…`.
    pub async fn read(&self, path: &str) -> Value {
        let read = self.clerk.get(path).header("authorization", "Bearer sk_test_1").await;
        read.assert_status(200).json()
    }

    pub async fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        let ask = self.clerk.ask(method.clone(), &format!("/_sandbox/api{path}"));
        match method {
            Method::GET => ask.await,
            _ => ask.body("application/json", body.to_string()).await,
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null).await.assert_status(200).json()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, path, body).await.assert_status(200).json()
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.ask(Method::PUT, path, body).await.assert_status(200).json()
    }

    /// The rows of `/events`, `/deliveries`, `/faults` or `/objects`.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await["data"].as_array().expect("a list").clone()
    }

    pub async fn flush(&self) -> Value {
        self.post("/delivery/flush", json!({})).await
    }

    pub async fn advance(&self, seconds: i64) -> Value {
        self.post("/clock/advance", json!({ "seconds": seconds })).await
    }

    /// What a customer does, and that it worked. What it touched.
    pub async fn act(&self, body: Value) -> Vec<String> {
        let said = self.post("/act", body.clone()).await;
        assert_eq!(said["ok"], true, "{body}: {said}");
        said["objects"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
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
        let endpoint = self.create("/v1/webhook_endpoints", &fields).await;
        (stub, endpoint)
    }

    pub async fn customer(&self, name: &str) -> String {
        let made = self.create("/v1/customers", &[("name", name), ("email", "olivia@acme.test")]).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// A customer who paid at Checkout, or began a trial there.
    pub async fn subscriber(&self, price: &str, extra: &[(&str, &str)]) -> (String, String) {
        let customer = self.customer("Acme").await;
        let session = self.checkout(&customer, price, extra).await;
        let touched =
            self.act(json!({ "action": "complete_checkout", "session": session, "card": GOOD })).await;
        let sub = touched.into_iter().find(|id| id.starts_with("sub_")).expect("a subscription");
        (customer, sub)
    }

    pub async fn checkout(&self, customer: &str, price: &str, extra: &[(&str, &str)]) -> String {
        let prices = self.read(&format!("/v1/prices?lookup_keys[]={price}")).await;
        let price = prices["data"][0]["id"].as_str().expect("the price").to_owned();
        let fields = [
            ("customer", customer),
            ("mode", "subscription"),
            ("line_items[0][price]", &price),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://localhost:3000/back"),
        ];
        let session = self.create("/v1/checkout/sessions", &[&fields[..], extra].concat()).await;
        session["id"].as_str().unwrap().to_owned()
    }

    pub async fn status(&self, subscription: &str) -> String {
        let sub = self.read(&format!("/v1/subscriptions/{subscription}")).await;
        sub["status"].as_str().unwrap().to_owned()
    }

    /// How many events there are, to look only at those after.
    pub async fn so_far(&self) -> usize {
        self.list("/events").await.len()
    }

    /// The types of the events after the first so many.
    pub async fn types_after(&self, so_far: usize) -> Vec<String> {
        let events = self.list("/events").await;
        events[so_far..].iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// What arrived, as JSON.
pub fn bodies(stub: &Stub) -> Vec<Value> {
    stub.arrived().iter().map(|it| serde_json::from_str(&it.body).unwrap()).collect()
}
