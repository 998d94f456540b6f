//! The product listening, with its worker and a sandbox that delivers its webhooks there. It drives a
//! person through billing: what they do at Stripe is done through the sandbox's control API.
use crate::{
    expected_billing_state::{chosen, expected},
    support::http::{Answer, Person, Site},
    test_app::{Org, TestApp},
};
use hyper::Method;
use product::{billing, web::accept, worker};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A card that pays.
pub const GOOD: &str = "4242424242424242";
/// One that can be added, and then no payment goes through.
pub const NEVER_PAYS: &str = "4000000000000341";
/// What is sent to buy a plan by the month.
pub const PRO: [(&str, &str); 2] = [("plan", "pro"), ("interval", "month")];
pub const BUSINESS: [(&str, &str); 2] = [("plan", "business"), ("interval", "month")];
/// In seconds.
pub const DAY: i64 = 86_400;

/// Past this, what has been sent counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct BillingApp {
    pub app: TestApp,
    beside: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for BillingApp {
    fn drop(&mut self) {
        self.beside.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl BillingApp {
    /// The product of this test, now listening, with a worker and an endpoint at its sandbox.
    pub async fn of(app: TestApp) -> Self {
        let mut it = Self::without_worker(app).await;
        it.start_worker();
        it
    }

    /// The same where nobody works on the queue until `start_worker`.
    pub async fn without_worker(app: TestApp) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let home = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = [("url", &*format!("{home}/webhooks/stripe")), ("enabled_events[]", "*")];
        let dashboard = at_stripe(&app);
        let made = dashboard.post("/v1/webhook_endpoints").fields(&endpoint);
        let made: Value = made.header("authorization", "Bearer sk_test_123").await.assert_status(200).json();
        let app = app.restarted_with("STRIPE_WEBHOOK_SECRETS", made["secret"].as_str().unwrap()).await;
        let serving = tokio::spawn(accept::serve(listener, app.router.clone(), std::future::pending()));
        Self { app, beside: vec![serving] }
    }

    /// One more worker.
    pub fn start_worker(&mut self) {
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
        let sandbox = at_stripe(&self.app);
        sandbox.ask(method, &format!("/_sandbox/api{path}")).body("application/json", body.to_string()).await
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

    /// Until the sandbox has delivered, every event here is processed and every job done.
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

    /// The billing state of an organisation, as `portico stripe status --json` says it.
    pub async fn billing_state(&self, slug: &str) -> Value {
        let all = billing::state_of_every_org(&self.app.app).await.unwrap();
        let (slug, customer, state) = all.iter().find(|(it, ..)| it == slug).expect("it is there");
        product::cli::status_line(slug, customer.as_deref(), state)
    }

    /// The same without the payment method, which the expected state does not name.
    pub async fn billing_state_expected(&self, slug: &str) -> Value {
        let mut state = self.billing_state(slug).await;
        state.as_object_mut().unwrap().remove("payment_method");
        state
    }

    /// What it has to be, from what Stripe holds and says of the next invoice.
    pub async fn expected_state(&self, slug: &str, customer: &str) -> Value {
        let held = format!("/v1/subscriptions?customer={customer}&status=all&limit=100");
        let held = self.app.at_stripe(&held).await;
        let mut state = expected(slug, customer, &held);
        if let Some(sub) = chosen(&held) {
            state["next_payment"] = self.next_invoice(sub).await;
            state["scheduled"] = self.scheduled(sub).await;
            state["processing"] = self.is_processing(sub).await.into();
        }
        state
    }

    /// Amount and time of the next invoice by Stripe's preview, where there is one.
    async fn next_invoice(&self, sub: &Value) -> Value {
        let goes_on = matches!(sub["status"].as_str(), Some("active" | "trialing" | "past_due"));
        if !goes_on || !sub["pause_collection"].is_null() {
            return Value::Null;
        }
        let dashboard = at_stripe(&self.app);
        let ask = dashboard.post("/v1/invoices/create_preview");
        let ask = ask.fields(&[("subscription", sub["id"].as_str().unwrap())]);
        let preview = ask.header("authorization", "Bearer sk_test_123").await;
        if preview.status.as_u16() == 404 {
            return Value::Null;
        }
        let preview: Value = preview.assert_status(200).json();
        let when = ["next_payment_attempt", "due_date", "period_end"];
        let at = when.iter().map(|field| &preview[field]).find(|at| !at.is_null());
        json!({ "amount": preview["amount_due"], "currency": preview["currency"], "at": at })
    }

    /// Whether a payment of one of its open invoices is under way.
    async fn is_processing(&self, sub: &Value) -> bool {
        let id = sub["id"].as_str().unwrap();
        let open = self.app.at_stripe(&format!("/v1/invoices?subscription={id}&status=open&limit=100")).await;
        for invoice in open {
            let id = invoice["id"].as_str().unwrap();
            let path = format!("/v1/invoice_payments?invoice={id}&expand[]=data.payment.payment_intent");
            let payments = self.app.at_stripe(&path).await;
            if payments.iter().any(|it| it["payment"]["payment_intent"]["status"] == "processing") {
                return true;
            }
        }
        false
    }

    /// What the subscription's schedule changes, and when.
    async fn scheduled(&self, sub: &Value) -> Value {
        let Some(id) = sub["schedule"].as_str() else { return Value::Null };
        let dashboard = at_stripe(&self.app);
        let read = dashboard.get(&format!("/v1/subscription_schedules/{id}?expand[]=phases.items.price"));
        let schedule: Value =
            read.header("authorization", "Bearer sk_test_123").await.assert_status(200).json();
        let next = &schedule["phases"][1];
        let price = &next["items"][0]["price"];
        let (plan, interval) = price["lookup_key"].as_str().unwrap().rsplit_once('_').unwrap();
        json!({ "plan": plan, "interval": interval, "at": next["start_date"] })
    }

    /// The billing state of an organisation is what Stripe holds.
    pub async fn assert_no_drift(&self, slug: &str) {
        let customer = self.customer_of(slug).await;
        assert_eq!(self.billing_state_expected(slug).await, self.expected_state(slug, &customer).await);
    }

    /// Subjects of the mails to organisations' people so far, oldest first.
    pub async fn mails(&self) -> Vec<String> {
        self.app.texts("select subject from mails where user_id is null order by created_at, key").await
    }

    /// How often an action stands in an organisation's audit log.
    pub async fn audited(&self, slug: &str, action: &str) -> usize {
        self.app.audit(slug).await.iter().filter(|it| *it == action).count()
    }

    /// Runs the schedules' work now.
    pub async fn reconcile(&self) {
        billing::reconcile(&self.app.app).await.unwrap();
    }

    /// Every worker stops at once, as when its process is killed: what they were at stays leased.
    pub fn stop_workers(&mut self) {
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

    /// What a member's coming or going asks for, and its end.
    pub async fn follow_seats(&self, org: &Org) {
        let scope = billing::scope_of_slug(&self.app.app, &org.slug, "a test").await.unwrap().unwrap();
        billing::follow_seats(&self.app.app, &scope).await.unwrap();
        self.settled().await;
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
        let dashboard = at_stripe(&self.app);
        let wrote = dashboard.post(path).fields(fields).header("authorization", "Bearer sk_test_123").await;
        wrote.assert_status(200).json()
    }

    /// `DELETE /v1/…`, as somebody in the Dashboard would.
    pub async fn delete_at_stripe(&self, path: &str) {
        let dashboard = at_stripe(&self.app);
        dashboard
            .ask(Method::DELETE, path)
            .header("authorization", "Bearer sk_test_123")
            .await
            .assert_status(200);
    }

    /// The id of the price with this lookup key.
    pub async fn price(&self, lookup_key: &str) -> String {
        let found = self.app.at_stripe(&format!("/v1/prices?lookup_keys[]={lookup_key}")).await;
        found[0]["id"].as_str().unwrap().to_owned()
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

/// Somebody in front of the test's own Stripe.
fn at_stripe(app: &TestApp) -> Person {
    Person::visiting(&Site::at(&app.stripe))
}
