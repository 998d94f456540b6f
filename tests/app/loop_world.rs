//! The whole loop in one process: the product listening, its worker, and a sandbox that delivers its
//! webhooks there. What a customer does is done through the sandbox's control API.
use crate::{
    support::http::{Answer, Person, Site},
    world::{Org, TestApp},
};
use hmac::{Hmac, Mac};
use hyper::Method;
use product::{billing, web::accept, worker};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{Duration, Instant};

/// A card that pays.
pub const GOOD: &str = "4242424242424242";
/// One that can be added, and then no payment goes through.
pub const NEVER_PAYS: &str = "4000000000000341";
/// In seconds.
pub const DAY: i64 = 86_400;

/// Everything that has been sent is settled, or it takes longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Loop {
    pub app: TestApp,
    beside: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.beside.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Loop {
    /// The product of this test, now listening, with a worker and an endpoint at its sandbox.
    pub async fn of(app: TestApp) -> Self {
        let mut it = Self::without_worker(app).await;
        it.begin_work();
        it
    }

    /// The same where nobody works on the queue until `begin_work`.
    pub async fn without_worker(app: TestApp) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let home = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = [("url", &*format!("{home}/webhooks/stripe")), ("enabled_events[]", "*")];
        let clerk = clerk(&app);
        let made = clerk.post("/v1/webhook_endpoints").fields(&endpoint);
        let made: Value = made.header("authorization", "Bearer sk_test_123").await.assert_status(200).json();
        let app = app.restarted_with("STRIPE_WEBHOOK_SECRETS", made["secret"].as_str().unwrap()).await;
        let serving = tokio::spawn(accept::serve(listener, app.router.clone(), std::future::pending()));
        Self { app, beside: vec![serving] }
    }

    /// One more worker.
    pub fn begin_work(&mut self) {
        self.beside.push(tokio::spawn(worker::run(self.app.app.clone())));
    }

    /// An organisation whose owner is signed in at this product.
    pub async fn org(&self, name: &str) -> Org {
        self.app.org(name).await
    }

    /// `POST /_sandbox/api/…`
    pub async fn control(&self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, path, body).await.assert_status(200).json()
    }

    pub async fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        let clerk = clerk(&self.app);
        clerk.ask(method, &format!("/_sandbox/api{path}")).body("application/json", body.to_string()).await
    }

    /// A customer's action; what it touched. A refusal fails the test.
    pub async fn act(&self, customer: &str, action: &str, more: Value) -> Vec<String> {
        let answer = self.try_act(customer, action, more).await;
        assert_eq!(answer["ok"], true, "{action}: {answer}");
        serde_json::from_value(answer["objects"].clone()).unwrap()
    }

    pub async fn try_act(&self, customer: &str, action: &str, more: Value) -> Value {
        let mut body = json!({ "customer": customer, "action": action });
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.control("/act", body).await
    }

    /// Moves the sandbox's clock by seconds, or to an instant or a word of the control API.
    pub async fn advance(&self, seconds: i64) {
        self.control("/clock/advance", json!({ "seconds": seconds })).await;
    }

    pub async fn advance_to(&self, to: Value) {
        self.control("/clock/advance", json!({ "to": to })).await;
    }

    /// How events are delivered from now on.
    pub async fn deliver(&self, how: Value) {
        self.ask(Method::PUT, "/delivery", how).await.assert_status(200);
    }

    /// An owner goes to Checkout for a plan and pays with this card; the organisation's customer.
    pub async fn subscribe(&self, org: &Org, plan: &str, interval: &str, card: &str) -> String {
        let form = [("plan", plan), ("interval", interval)];
        let sent = org.owner.post(&format!("/orgs/{}/billing/checkout", org.slug)).fields(&form).await;
        sent.assert_redirects_to(&format!("{}/c/pay/", self.app.stripe));
        let customer = self.customer_of(&org.slug).await;
        let session = self.newest_session(&customer).await;
        self.act(&customer, "complete_checkout", json!({ "session": session, "card": card })).await;
        self.settled().await;
        customer
    }

    pub async fn customer_of(&self, slug: &str) -> String {
        let query = format!(
            "select c.customer_id from billing_customers c join orgs o on o.id = c.org_id where o.slug = '{slug}'"
        );
        self.app.texts(&query).await.pop().expect("it has a customer")
    }

    pub async fn newest_session(&self, customer: &str) -> String {
        let sessions =
            self.app.at_stripe(&format!("/v1/checkout/sessions?customer={customer}&limit=1")).await;
        sessions[0]["id"].as_str().unwrap().to_owned()
    }

    /// Until the sandbox has delivered and every event and job here is settled.
    pub async fn settled(&self) {
        self.control("/delivery/flush", json!({})).await;
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let waiting = self.app.count("select count(*) from stripe_events where state = 'pending'").await;
            let jobs = "select count(*) from jobs where dead = false and key not in ('reconcile', 'full-pass', 'tidy')";
            if waiting == 0 && self.app.count(jobs).await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "not settled: {:?}",
            self.app.texts("select key || ' ' || coalesce(error, '') from jobs").await
        );
    }

    /// What we believe of an organisation, as `portico stripe status --json` says it.
    pub async fn billing_state(&self, slug: &str) -> Value {
        let all = billing::state_of_every_org(&self.app.app).await.unwrap();
        let (slug, customer, state) = all.iter().find(|(it, ..)| it == slug).expect("it is there");
        product::cli::status_line(slug, customer.as_deref(), state)
    }

    /// The same from what Stripe holds, worked out anew: the two have to be equal.
    pub async fn true_of(&self, slug: &str, customer: &str) -> Value {
        let held =
            self.app.at_stripe(&format!("/v1/subscriptions?customer={customer}&status=all&limit=100")).await;
        let rank = |sub: &Value| match sub["status"].as_str().unwrap() {
            "active" => 8,
            "trialing" => 7,
            "past_due" => 6,
            "unpaid" => 5,
            "paused" => 4,
            "incomplete" => 2,
            "canceled" => 1,
            _ => 0,
        };
        let chosen = held.iter().max_by_key(|sub| (rank(sub), sub["created"].as_i64()));
        let none = || {
            json!({ "org": slug, "customer": customer, "subscription": null, "status": null, "plan": null,
            "interval": null, "quantity": null, "cancel_at": null, "current_period_end": null })
        };
        let Some(sub) = chosen else { return none() };
        if rank(sub) < 2 {
            let mut ended = none();
            ended["status"] = "canceled".into();
            return ended;
        }
        let item = &sub["items"]["data"][0];
        let (plan, interval) = item["price"]["lookup_key"].as_str().unwrap().rsplit_once('_').unwrap();
        let at_end = sub["cancel_at_period_end"] == true;
        let cancel_at = if sub["cancel_at"].is_null() && at_end {
            &item["current_period_end"]
        } else {
            &sub["cancel_at"]
        };
        json!({ "org": slug, "customer": customer, "subscription": sub["id"], "status": sub["status"], "plan": plan,
            "interval": interval, "quantity": item["quantity"], "cancel_at": cancel_at,
            "current_period_end": item["current_period_end"] })
    }

    /// Our copy of an organisation is what Stripe holds.
    pub async fn assert_no_drift(&self, slug: &str) {
        let customer = self.customer_of(slug).await;
        assert_eq!(self.billing_state(slug).await, self.true_of(slug, &customer).await);
    }

    /// Subjects of the mails so far, oldest first.
    pub async fn mails(&self) -> Vec<String> {
        self.app.texts("select subject from mails order by created_at, key").await
    }

    /// How often an action stands in an organisation's audit log.
    pub async fn audited(&self, slug: &str, action: &str) -> usize {
        self.app.audit(slug).await.iter().filter(|it| *it == action).count()
    }

    /// Runs the schedules' work now.
    pub async fn reconcile(&self) {
        billing::reconcile(&self.app.app).await.unwrap();
    }

    /// Pulls the plug of every worker: what they were at stays leased.
    pub fn kill_workers(&mut self) {
        self.beside.drain(1..).for_each(|worker| worker.abort());
    }

    /// As if the leases of the dead had run out, and what failed had waited long enough.
    pub async fn hurry(&self) {
        let now = match &self.app.app.db {
            product::db::Db::Sqlite { .. } => "0",
            product::db::Db::Postgres { .. } => "'epoch'",
        };
        let rest = "where key not in ('reconcile', 'full-pass', 'tidy')";
        self.app.run(&format!("update jobs set leased_until = null, run_at = {now} {rest}")).await;
    }

    /// A new card of the organisation's, in charge of its subscription from now on.
    pub async fn charge_with(&self, slug: &str, card: &str) {
        let added = self.act(&self.customer_of(slug).await, "add_card", json!({ "card": card })).await;
        let ours = self.billing_state(slug).await;
        let path = format!("/v1/subscriptions/{}", ours["subscription"].as_str().unwrap());
        self.write_at_stripe(&path, &[("default_payment_method", &added[0])]).await;
    }

    /// `POST /v1/…`, as somebody in the Dashboard would.
    pub async fn write_at_stripe(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let clerk = clerk(&self.app);
        let wrote = clerk.post(path).fields(fields).header("authorization", "Bearer sk_test_123").await;
        wrote.assert_status(200).json()
    }
}

fn clerk(app: &TestApp) -> Person {
    Person::visiting(&Site::at(&app.stripe))
}

impl Loop {
    /// Every worker stops, as when its process ends; the product listens on.
    pub fn end_work(&mut self) {
        self.beside.drain(1..).for_each(|worker| worker.abort());
    }

    /// Straight to the API of the sandbox, as somebody in its dashboard would.
    pub async fn in_dashboard(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Value {
        let clerk = clerk(&self.app);
        let ask = clerk.ask(method, path).fields(fields).header("authorization", "Bearer sk_test_123");
        ask.await.assert_status(200).json()
    }

    /// The newest event of a type that the sandbox holds, delivered or not.
    pub async fn newest_event(&self, kind: &str) -> Value {
        self.app.at_stripe(&format!("/v1/events?type={kind}&limit=1")).await.remove(0)
    }

    /// Sessions of a customer in which somebody could pay now.
    pub async fn open_sessions(&self, customer: &str) -> Vec<String> {
        let path = format!("/v1/checkout/sessions?customer={customer}&status=open&limit=100");
        let open = self.app.at_stripe(&path).await;
        open.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
    }

    /// API requests fail like this from now on.
    pub async fn fail(&self, rule: Value) {
        self.control("/faults", rule).await;
    }
}

/// Delivers an event by hand, signed now.
pub async fn hand_over(app: &TestApp, event: &Value) -> Answer {
    let body = event.to_string();
    let secret = app.app.config.stripe.webhook_secrets[0].expose_secret();
    let header = signature(secret, app.app.clock.now().unix(), &body);
    let stripe = app.visitor();
    let ask = stripe.post("/webhooks/stripe").body("application/json", body);
    ask.header("stripe-signature", &header).await
}

/// `Stripe-Signature` for a body.
pub fn signature(secret: &str, t: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{t}.{body}")).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={t},v1={hex}")
}
