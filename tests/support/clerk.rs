//! Somebody with an API key, in front of a sandbox of their own. Its clock stands still until the
//! clerk moves it, so that amounts and dates can be worked out by hand.
use super::http::{Answer, Person, Site};
use hyper::Method;
use portico::sandbox::{Options, Sandbox};
use serde_json::Value;

/// 1 January 2027, 00:00 UTC.
pub const NEW_YEAR: i64 = 1_798_761_600;
pub const DAY: i64 = 86_400;
/// What the sandbox's own catalogue sells, in US cents.
pub const PRO_MONTH: i64 = 2_900;
pub const PRO_YEAR: i64 = 29_000;
pub const SEAT_MONTH: i64 = 1_500;

pub struct Clerk {
    pub base: String,
    pub person: Person,
}

impl Clerk {
    /// With a fresh sandbox that holds the catalogue and nothing else.
    pub async fn new() -> Self {
        Self::of(Options { catalogue: true, seed: Some(7), frozen_at: Some(NEW_YEAR), ..Options::default() })
            .await
    }

    pub async fn of(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = Sandbox::open(options).await.unwrap();
        tokio::spawn(async move { sandbox.serve(listener, std::future::pending()).await });
        let person = Person::visiting(&Site::at(&base));
        Self { base, person }
    }

    /// Whatever comes of it.
    pub async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let method: Method = method.parse().unwrap();
        let ask = self.person.ask(method, path).header("authorization", "Bearer sk_test_123");
        ask.fields(fields).await
    }

    /// With a header more.
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

    /// The `error` of a request that is refused with this status.
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

    /// A customer with a card in charge; its id.
    pub async fn customer_with(&self, card: &str) -> String {
        let fields = [
            ("name", "Acme"),
            ("email", "olivia@acme.test"),
            ("payment_method", card),
            ("invoice_settings[default_payment_method]", card),
        ];
        id(&self.post("/v1/customers", &fields).await)
    }

    /// The id of a price by its lookup key.
    pub async fn price(&self, key: &str) -> String {
        let found = self.list(&format!("/v1/prices?lookup_keys[]={key}")).await;
        id(found.first().unwrap_or_else(|| panic!("no price has the lookup key {key}")))
    }

    /// A subscription to one price, and whatever else is asked for.
    pub async fn subscribe(&self, customer: &str, key: &str, more: &[(&str, &str)]) -> Value {
        let price = self.price(key).await;
        let fields = [&[("customer", customer), ("items[0][price]", &price)], more].concat();
        self.post("/v1/subscriptions", &fields).await
    }

    pub async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("/v1/subscriptions/{id}?expand[]=latest_invoice")).await
    }

    /// Kinds of the events so far, oldest first.
    pub async fn events(&self) -> Vec<String> {
        let all = self.list("/v1/events?limit=100").await;
        all.iter().rev().map(|event| text(&event["type"])).collect()
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

    /// A customer's action through the control API; none where this build does not have it.
    pub async fn act(&self, body: Value) -> Option<Value> {
        let answer = self.person.post("/_sandbox/api/act").body("application/json", body.to_string()).await;
        (answer.status == 200).then(|| answer.json())
    }
}

#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[track_caller]
pub fn id(object: &Value) -> String {
    text(&object["id"])
}
